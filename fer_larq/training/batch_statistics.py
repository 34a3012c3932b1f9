"""Batch statistics of the weights that are validated and kept."""

from __future__ import annotations

from fer_larq.datasets.dataset import Faces
from fer_larq.datasets.labels import one_hot
from fer_larq.training.augmentation import batches
from fer_larq.training.recipes import Recipe, plan_of
from fer_larq.utils.backend import tf

STATISTICS_CROPS = 4096
"""Training crops from which the batch statistics are computed afresh before every validation."""


def refresh_batch_statistics(
    network: tf.keras.Model, faces: Faces, recipe: Recipe, seed: int
) -> None:
    """Set the moving statistics of batch normalisation to those of the final weights.

    While the weights still change, moving statistics lag behind them. Here they become the plain
    mean over the batches of up to ``STATISTICS_CROPS`` training crops, in the network's own
    arithmetic, so ``network`` should be a float32 one.
    """
    normalisations = [
        layer for layer in network.layers if isinstance(layer, tf.keras.layers.BatchNormalization)
    ]
    momenta = [layer.momentum for layer in normalisations]
    plan = plan_of(recipe, len(faces), 0, seed)
    count = max(1, STATISTICS_CROPS // recipe.batch_size)
    order = batches(faces.images, one_hot(faces.labels), plan, recipe.batch_size)
    for index, (crops, _) in enumerate(order.take(count)):
        for layer in normalisations:
            layer.momentum = index / (index + 1)  # makes the moving average a cumulative one
        network(crops, training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum
