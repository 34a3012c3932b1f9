"""Networks for tests of conversion: narrow, untrained, with random batch statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("fer_larq.utils.backend")

from fer_larq.conversion.thresholds import IntegerNetwork
from fer_larq.models.bdnn import bdnn
from fer_larq.utils.backend import tf

NARROW = (32, 32, 64, 64)

RUN = {"seed": 1, "accuracy": {"split": "validation", "five crops": 0.5}}
"""What a model file says of its training."""


def random_network(
    blocks: int = 2,
    dense: bool = True,
    *,
    filters: tuple[int, ...] = NARROW,
    dense_units: tuple[int, ...] = (64, 32),
    seed: int = 0,
    hostile: bool = False,
    **options,
) -> tf.keras.Model:
    """A network whose signs are about balanced; with ``hostile``, half of its channels are not.

    Those have a variance of nothing or next to it, a threshold exactly on an integer, a huge
    shift or a huge mean. A tenth of the latent weights are 0, whose sign is +1.
    """
    random = np.random.default_rng(seed)
    network = bdnn(blocks, dense, filters=filters, dense_units=dense_units, **options)
    layers = [layer for layer in network.layers if layer.weights]
    for layer, batch_normalisation in zip(layers[0::2], layers[1::2], strict=True):
        (kernel,) = layer.get_weights()
        if options.get("latent_weights", True):
            kernel = random.uniform(-1, 1, kernel.shape) * (random.random(kernel.shape) > 0.1)
            layer.set_weights([kernel])
        deviation = np.sqrt(kernel[..., 0].size)
        if layer is layers[0]:
            deviation *= 0.6  # of pixels in [-1, 1], not of signs
        count = kernel.shape[-1]
        beta = 0.3 * random.normal(size=count)
        mean = 0.5 * deviation * random.normal(size=count)
        variance = deviation**2 * random.uniform(0.3, 2, count)
        if hostile and batch_normalisation.name != "scores":
            beta, mean, variance = spoiled(beta, mean, variance, random)
        gamma = [random.uniform(0.3, 1, count)] if batch_normalisation.gamma is not None else []
        batch_normalisation.set_weights([*gamma, beta, mean, variance])
    return network


def spoiled(beta, mean, variance, random: np.random.Generator):
    """Make every second channel, on average, one of the hostile cases."""
    case = random.integers(0, 12, len(beta))
    even = 2.0 * np.round(mean / 2)
    beta = np.select([case == 0, case == 1, case == 2], [0 * beta, 0 * beta, 1e30 * beta], beta)
    mean = np.select([case == 0, case == 1, case == 3], [even, even + 1, 1e30 * mean], mean)
    variance = np.select([case == 4, case == 5], [0 * variance, 1e-12 + 0 * variance], variance)
    return beta, mean, variance


def random_faces(count: int, seed: int = 0) -> np.ndarray:
    """Images of random pixels, uint8 ``[count, 48, 48]``, half of them nearly uniform.

    Uniform ones make small sums, and so reach thresholds near zero.
    """
    random = np.random.default_rng(seed)
    faces = random.integers(0, 256, (count, 48, 48))
    grey = random.integers(0, 256, (count, 1, 1))
    nearly_uniform = np.clip(grey + faces // 64, 0, 255)
    return np.where(np.arange(count)[:, None, None] % 2, nearly_uniform, faces).astype(np.uint8)


def with_shifted_threshold(exact: IntegerNetwork) -> IntegerNetwork:
    """One threshold of the second convolution of the second block, two too high."""
    first, second = exact.blocks[1]
    thresholds = second.thresholds.copy()
    thresholds[3] += 2
    blocks = [exact.blocks[0], (first, replace(second, thresholds=thresholds)), *exact.blocks[2:]]
    return replace(exact, blocks=tuple(blocks))
