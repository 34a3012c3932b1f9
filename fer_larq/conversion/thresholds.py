"""What a trained network computes, in integers: the function that conversion preserves.

Weights and activations are -1 or +1 and the pixels enter as the integers 2p - 255, so every
convolution yields an integer s. The batch normalisation and the sign behind it,

    sign((s / unit - mean) / sqrt(variance + epsilon) + beta),    sign(0) = +1,

is therefore one comparison, s >= threshold, with an integer threshold; ``unit`` is 255 in the
first layer, whose input is (2p - 255) / 255, and 1 in all others. The threshold is computed here
in rational arithmetic on the stored float32 statistics: no rounding takes part, and a sum that
lies exactly on the boundary gives +1, as in the formula. Keras evaluates the same formula in
float32 and can differ from it only where the result is within rounding of zero.

The batch normalisation behind the last layer has no sign: it stays a scale and an offset.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import CROP_SIZE
from fer_larq.models.bdnn import weighted_layers
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError

Values = NDArray[np.float64]

PIXEL_UNIT = 255
"""The integers 2p - 255 are this many times the network's input; also their largest value."""


@dataclass(frozen=True)
class Layer:
    """A convolution; a dense layer is one that spans its whole input.

    ``signs``: int8 ``[height, width, in, out]``, -1 or +1.
    ``largest_sum``: its sums are integers from -``largest_sum`` to ``largest_sum``.
    """

    name: str
    signs: NDArray[np.int8]
    largest_sum: int


@dataclass(frozen=True)
class BinaryLayer(Layer):
    """A layer with batch normalisation and sign behind it.

    ``thresholds``: int32 ``[out]``, the smallest sum that gives +1, from -``largest_sum``
    (always +1) to ``largest_sum`` + 1 (never).
    """

    thresholds: NDArray[np.int32]


@dataclass(frozen=True)
class OutputLayer(Layer):
    """The last layer: scores = sums * ``scale`` + ``offset``, both float64 ``[7]``."""

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


@dataclass(frozen=True)
class IntegerNetwork:
    """A BDNN (``dense`` connections) or BCNN: two convolutions a block, then ``fully_connected``.

    The first convolution of the first block sees the integers 2p - 255 and pads with 0; all other
    convolutions pad with +1.
    """

    name: str
    dense: bool
    blocks: tuple[tuple[BinaryLayer, BinaryLayer], ...]
    fully_connected: tuple[BinaryLayer, ...]
    output: OutputLayer

    @property
    def layers(self) -> list[BinaryLayer]:
        """All layers that end in a sign, in the order in which they are computed."""
        return [layer for block in self.blocks for layer in block] + list(self.fully_connected)

    @property
    def one_bit_weights(self) -> int:
        """Number of weights, each one bit."""
        return self.output.signs.size + sum(layer.signs.size for layer in self.layers)


def integer_network(network: tf.keras.Model) -> IntegerNetwork:
    """Read a network in the form of ``fer_larq.models.bdnn`` into integers.

    Raises ``UserError`` if it has another form, or a weight or statistic that is not a number.
    """
    pairs = weighted_layers(network)
    convolutions = sum(isinstance(layer, lq.layers.QuantConv2D) for layer, _ in pairs)
    size = CROP_SIZE
    layers = []
    for index, (source, batch_normalisation) in enumerate(pairs[:-1]):
        if index < convolutions:
            name = f"block {index // 2 + 1}, {('first', 'second')[index % 2]} convolution"
            signs = weight_signs(source, name)
            size //= 1 + index % 2  # the second convolution of a block is pooled
        else:
            name = f"fully connected layer {index - convolutions + 1}"
            signs = as_convolution(weight_signs(source, name), size)
            size = 1
        unit = PIXEL_UNIT if index == 0 else 1
        largest_sum = unit * signs[..., 0].size
        gamma, beta, mean, variance, epsilon = statistics(batch_normalisation, name)
        if (gamma != 1).any():
            raise UserError(f"{name}: its batch normalisation has a scale, which bdnn() has not")
        thresholds = [
            threshold(*channel, epsilon, unit, largest_sum)
            for channel in zip(mean, variance, beta, strict=True)
        ]
        layers.append(BinaryLayer(name, signs, largest_sum, np.array(thresholds, np.int32)))

    name = "output layer"
    source, batch_normalisation = pairs[-1]
    signs = as_convolution(weight_signs(source, name), size)
    gamma, beta, mean, variance, epsilon = statistics(batch_normalisation, name)
    scale = gamma / np.sqrt(variance + epsilon)
    return IntegerNetwork(
        name=network.name,
        dense=any(isinstance(layer, tf.keras.layers.Concatenate) for layer in network.layers),
        blocks=tuple(zip(layers[0:convolutions:2], layers[1:convolutions:2], strict=True)),
        fully_connected=tuple(layers[convolutions:]),
        output=OutputLayer(name, signs, signs[..., 0].size, scale, beta - mean * scale),
    )


def as_convolution(signs: NDArray[np.int8], size: int) -> NDArray[np.int8]:
    """Weights ``[in, out]`` of a dense layer as a convolution over ``size`` x ``size`` pixels.

    Keras flattens in the order height, width, channel.
    """
    return signs.reshape(size, size, -1, signs.shape[-1])


def threshold(
    mean: float, variance: float, beta: float, epsilon: float, unit: int, largest_sum: int
) -> int:
    """The smallest integer s in -largest_sum..largest_sum with
    (s / unit - mean) / sqrt(variance + epsilon) + beta >= 0; largest_sum + 1 if there is none.

    The arguments are finite and ``variance + epsilon`` is positive. Squaring both sides of
    s - unit mean >= -unit beta sqrt(variance + epsilon) leaves rational numbers only.
    """
    centre = unit * Fraction(mean)
    squared_shift = (unit * Fraction(beta)) ** 2 * (Fraction(variance) + Fraction(epsilon))

    def is_positive(s: int) -> bool:
        centred = s - centre
        if beta >= 0:
            return centred >= 0 or centred**2 <= squared_shift
        return centred >= 0 and centred**2 >= squared_shift

    sums = range(-largest_sum, largest_sum + 1)
    return bisect_left(sums, True, key=is_positive) - largest_sum


def weight_signs(layer: Any, name: str) -> NDArray[np.int8]:
    """The weights that a layer computes with, int8 -1 or +1, of the shape of its kernel."""
    (kernel,) = layer.get_weights()
    quantizer = layer.kernel_quantizer or tf.identity
    weights = np.asarray(quantizer(tf.constant(kernel)))
    if not np.isfinite(kernel).all():
        raise UserError(f"{name}: it has weights that are not finite numbers: train it again")
    if (np.abs(weights) != 1).any():
        raise UserError(f"{name}: it computes with weights other than -1 and +1")
    return weights.astype(np.int8)


def statistics(layer: Any, name: str) -> tuple[Values, Values, Values, Values, float]:
    """gamma, beta, mean and variance of a batch normalisation, float64 ``[channels]``, and epsilon.

    The numbers are those that Keras uses, float32 each; float64 holds them and all that is done
    with them afterwards.
    """
    mean = np.asarray(layer.moving_mean, np.float64)
    variance = np.asarray(layer.moving_variance, np.float64)
    beta = np.asarray(layer.beta, np.float64)
    gamma = np.ones_like(mean) if layer.gamma is None else np.asarray(layer.gamma, np.float64)
    epsilon = float(np.float32(layer.epsilon))
    if not np.isfinite([mean, variance, beta, gamma]).all():
        raise UserError(
            f"{name}: its batch normalisation holds values that are not finite numbers: "
            "train the network again, or recompute its statistics"
        )
    if (variance + epsilon <= 0).any():
        raise UserError(f"{name}: its batch normalisation holds a negative variance")
    return gamma, beta, mean, variance, epsilon
