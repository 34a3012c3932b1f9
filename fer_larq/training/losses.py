"""Losses on a network's scores."""

from __future__ import annotations

from fer_larq.training.recipes import Recipe
from fer_larq.utils.backend import tf


def make_loss(recipe: Recipe) -> tf.keras.losses.Loss:
    """The recipe's loss on scores and one-hot labels."""
    if recipe.loss == "squared-hinge":
        return SoftSquaredHinge(recipe.label_smoothing)
    return tf.keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )


class SoftSquaredHinge(tf.keras.losses.Loss):
    """Squared hinge (paper, section 2.4) for targets that are probabilities.

    The mean over the classes of y max(0, 1 - s)^2 + (1 - y) max(0, 1 + s)^2, for a score s: what
    the squared hinge is expected to be if the class is the right one with probability y. It is
    smallest at s = 2 y - 1. With label smoothing e, 2 y - 1 shrinks to (1 - e) (2 y - 1).
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        right = 0.5 + (1.0 - self.label_smoothing) * (y_true - 0.5)
        too_low = tf.square(tf.maximum(1.0 - y_pred, 0.0))
        too_high = tf.square(tf.maximum(1.0 + y_pred, 0.0))
        return tf.reduce_mean(right * too_low + (1.0 - right) * too_high, axis=-1)
