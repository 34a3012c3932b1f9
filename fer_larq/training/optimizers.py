"""Optimizers and the schedules of their learning rates."""

from __future__ import annotations

from fer_larq.training.fused_adam import Adam
from fer_larq.training.recipes import Recipe
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError

FINAL_LEARNING_RATE = 0.005
"""Share of the learning rate that a decaying schedule ends with."""

SGD_MOMENTUM = 0.9


def scheduled(
    recipe: Recipe, value: float, steps: int
) -> float | tf.keras.optimizers.schedules.LearningRateSchedule:
    """``value`` under the recipe's schedule over ``steps`` steps, for an optimizer."""
    schedules = tf.keras.optimizers.schedules
    if recipe.schedule == "cosine" and recipe.warmup > 0:
        rising = min(round(steps * recipe.warmup / recipe.epochs), steps - 1)
        return schedules.CosineDecay(
            0.0, steps - rising, FINAL_LEARNING_RATE, warmup_target=value, warmup_steps=rising
        )
    if recipe.schedule == "cosine":
        return schedules.CosineDecay(value, steps, alpha=FINAL_LEARNING_RATE)
    if recipe.schedule == "linear":
        return schedules.PolynomialDecay(value, steps, value * FINAL_LEARNING_RATE)
    return value


def make_optimizer(recipe: Recipe, steps: int) -> tf.keras.optimizers.Optimizer:
    """The recipe's optimizer, its schedule spanning ``steps`` steps."""
    rate = scheduled(recipe, recipe.learning_rate, steps)
    if not 0 <= recipe.ema_decay < 1:
        raise UserError(f"--ema-decay {recipe.ema_decay:g}: it is a share, from 0 to below 1")
    if recipe.optimizer == "adam":
        return Adam(rate, use_ema=recipe.ema_decay > 0, ema_momentum=recipe.ema_decay)
    if recipe.optimizer == "sgd":
        optimizer = tf.keras.optimizers.SGD(
            rate,
            momentum=SGD_MOMENTUM,
            nesterov=True,
            weight_decay=recipe.weight_decay or None,
            use_ema=recipe.ema_decay > 0,
            ema_momentum=recipe.ema_decay,
        )
        # Shifts and scales of batch normalisation, and biases, are few and free.
        optimizer.exclude_from_weight_decay(var_names=["beta", "gamma", "bias"])
        return optimizer
    if recipe.ema_decay > 0:
        raise UserError(
            f"--ema-decay {recipe.ema_decay:g}: weights of -1 and +1 have no average; use 0, or "
            "--optimizer adam"
        )
    # Larq's CaseOptimizer accepts only the optimizers that Keras 2.11 called legacy.
    bop = lq.optimizers.Bop(
        threshold=recipe.bop_threshold, gamma=scheduled(recipe, recipe.bop_gamma, steps)
    )
    return lq.optimizers.CaseOptimizer(
        (lq.optimizers.Bop.is_binary_variable, bop),
        default_optimizer=tf.keras.optimizers.legacy.Adam(rate),
    )
