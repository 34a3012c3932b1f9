"""Adam in one operation: Keras's formula, variables and averages."""

from __future__ import annotations

import numpy as np
import pytest

from fer_larq.training.fused_adam import Adam
from fer_larq.utils.backend import tf


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_adam_in_one_operation_takes_the_steps_of_kerass(ema):
    random = np.random.default_rng(0)
    rate = tf.keras.optimizers.schedules.CosineDecay(1e-2, 20)
    options = dict(use_ema=ema > 0, ema_momentum=ema)
    optimizers = [kind(rate, **options) for kind in (tf.keras.optimizers.Adam, Adam)]
    start = random.standard_normal((7, 5), np.float32)
    weights = [tf.Variable(start, constraint=lambda x: tf.clip_by_value(x, -1, 1)) for _ in "ab"]
    for step in range(20):
        gradient = random.standard_normal((7, 5), np.float32) * np.float32(0.1 ** (step % 4))
        for optimizer, weight in zip(optimizers, weights, strict=True):
            optimizer.apply_gradients([(tf.constant(gradient), weight)])
    keras, ours = (optimizer.variables for optimizer in optimizers)
    assert [(v.name, v.shape) for v in ours] == [(v.name, v.shape) for v in keras]
    for one, other in zip([*ours, weights[1]], [*keras, weights[0]], strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-7)
    assert np.abs(weights[0].numpy() - start).max() > 0.05
