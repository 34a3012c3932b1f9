"""BDNN and BCNN, the paper's networks, in Keras functional style with Larq's layers.

``python -m fer_larq.models --blocks 4`` prints Larq's summary of a network.

One dense block with f filters (paper, section 3.3 and Fig. 3), every convolution 3x3 and 'same':

    input ── conv f ── batch norm ──┬── sign ── conv f ── max pool ── batch norm ──┐
                                    └── max pool ──────────────────────────────── concat ── output

The sign of Fig. 3 stands at the *input* of the layer that follows (Larq's ``input_quantizer``):
every convolution and dense layer after the first sees activations in {-1, +1}, and all weights
are in {-1, +1}. Pooling before the sign gives the same bits as pooling after it, since the sign
is monotone, and a better gradient, since the largest value is known.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fer_larq.datasets.crops import CROP_SIZE, scale
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.evaluation.metrics import Predictor
from fer_larq.models.int8 import layers as integer_layers
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError

FILTERS = (64, 128, 256, 512)
"""Filters of the first, second, third and fourth block (Tab. 1)."""

DENSE_UNITS = (1024, 1024)
"""Units of the fully connected layers (Tab. 1)."""

EPSILON = 1e-4
"""Added to the variance in batch normalisation; part of the network's function."""

PSEUDO_GRADIENTS = ("ste_sign", "approx_sign", "swish_sign")
"""Larq's names for sign functions, which differ in the gradient that stands in for sign's."""


def bdnn(
    blocks: int = 4,
    dense: bool = True,
    *,
    binary: bool = True,
    pseudo_gradient: str = "ste_sign",
    clip_value: float = 1.0,
    latent_weights: bool = True,
    momentum: float = 0.9,
    filters: tuple[int, ...] = FILTERS,
    dense_units: tuple[int, ...] = DENSE_UNITS,
    integers: bool = False,
) -> tf.keras.Model:
    """Build the binarised densely connected network with 2, 3 or 4 blocks.

    Args:
        blocks: number of dense blocks, at most ``len(filters)``.
        dense: False leaves out the dense connections, which makes it the paper's BCNN.
        binary: False builds the float twin: the same layers with real weights, and ReLU in place
            of every sign. It serves as a teacher, and to see what one bit costs.
        pseudo_gradient: gradient of the activations' sign, one of ``PSEUDO_GRADIENTS``.
        clip_value: latent weights are kept in [-clip_value, clip_value].
        latent_weights: True for real weights behind a straight-through sign (eq. 1 to 4 of the
            paper, for Adam); False for weights that are -1 or +1 themselves (for Bop).
        momentum: of the moving statistics of batch normalisation.
        filters, dense_units: widths; other than the paper's they serve tests and experiments.
        integers: True lets binary convolutions and dense layers compute as
            ``fer_larq.models.int8`` does: the same results, gradients with rounding, and
            training in half the time. Only for binary networks with ``ste_sign``.

    Returns:
        A Keras model from crops, float32 ``[N, 42, 42, 1]`` in [-1, 1], to seven scores, float32
        ``[N, 7]``, without a softmax: the paper's squared hinge acts on them directly.
    """
    if not 1 <= blocks <= len(filters):
        raise ValueError(f"blocks is {blocks}, expected 1 to {len(filters)}")
    if integers and not (binary and pseudo_gradient == "ste_sign"):
        raise ValueError("integers are for binary networks with ste_sign")

    activation, padding = pseudo_gradient, 1.0
    if not binary:
        activation, padding = tf.nn.relu, 0.0
        weights = {}
    elif latent_weights:
        weights = dict(
            kernel_quantizer=lq.quantizers.SteSign(clip_value=clip_value),
            kernel_constraint=lq.constraints.WeightClip(clip_value),
        )
    else:
        weights = dict(
            kernel_quantizer=lq.quantizers.NoOp(precision=1),
            kernel_initializer=random_signs,
        )

    def convolution(
        x: tf.Tensor, filters: int, *, first: bool = False, pool: bool = False
    ) -> tf.Tensor:
        options = dict(
            padding="same",
            # The first layer sees real pixels, where 0 is neutral; a binary layer can only pad with
            # -1 or +1, and LCE has the fast path for +1.
            pad_values=0.0 if first else padding,
            input_quantizer=None if first else activation,
            use_bias=False,
            **weights,
        )
        if integers and not first:
            return integer_layers.QuantConv2D(filters, 3, pool=pool, **options)(x)
        x = lq.layers.QuantConv2D(filters, 3, **options)(x)
        return tf.keras.layers.MaxPool2D(2)(x) if pool else x

    def fully_connected(x: tf.Tensor, units: int) -> tf.Tensor:
        layer = integer_layers.QuantDense if integers else lq.layers.QuantDense
        return layer(units, input_quantizer=activation, use_bias=False, **weights)(x)

    def batch_normalisation(x: tf.Tensor, **options: Any) -> tf.Tensor:
        # Without a scale (gamma = 1) it is increasing, so it may move past a max pool, and with
        # the sign behind it becomes one comparison with a threshold.
        options = {"scale": False, **options}
        return tf.keras.layers.BatchNormalization(momentum=momentum, epsilon=EPSILON, **options)(x)

    crop = tf.keras.Input((CROP_SIZE, CROP_SIZE, 1), name="crop")
    x = crop
    for block, width in enumerate(filters[:blocks]):
        a = batch_normalisation(convolution(x, width, first=block == 0))
        b = batch_normalisation(convolution(a, width, pool=True))
        x = tf.keras.layers.Concatenate()([tf.keras.layers.MaxPool2D(2)(a), b]) if dense else b
    x = tf.keras.layers.Flatten()(x)
    for units in dense_units:
        x = batch_normalisation(fully_connected(x, units))
    x = fully_connected(x, len(EXPRESSIONS))
    # No sign follows the output layer: a scale is harmless here, and lets the loss choose its
    # own margin. float32, because in a mixed-precision run the loss needs it.
    scores = batch_normalisation(x, scale=True, dtype="float32", name="scores")
    return tf.keras.Model(crop, scores, name=network_name(blocks, dense))


def network_name(blocks: int, dense: bool) -> str:
    """``bdnn4`` for four blocks with dense connections, ``bcnn4`` without."""
    return f"{'bdnn' if dense else 'bcnn'}{blocks}"


def weighted_layers(
    network: tf.keras.Model,
) -> list[tuple[tf.keras.layers.Layer, tf.keras.layers.Layer]]:
    """The pairs (convolution or dense layer, its batch normalisation), in order of computation.

    Raises ``UserError`` if the network is not of the form that ``bdnn`` builds.
    """
    layers = [layer for layer in network.layers if layer.weights]
    pairs = list(zip(layers[0::2], layers[1::2], strict=False))
    kinds = [type(layer) for layer, _ in pairs]
    convolutions = kinds.count(lq.layers.QuantConv2D)
    well_formed = (
        len(layers) == 2 * len(pairs)
        and convolutions >= 2
        and convolutions % 2 == 0
        and len(kinds) > convolutions
        and set(kinds[:convolutions]) == {lq.layers.QuantConv2D}
        and set(kinds[convolutions:]) == {lq.layers.QuantDense}
        and all(isinstance(layer, tf.keras.layers.BatchNormalization) for _, layer in pairs)
        and network.input_shape == (None, CROP_SIZE, CROP_SIZE, 1)
    )
    if not well_formed:
        raise UserError(
            f"network {network.name!r} is not one of fer_larq.models.bdnn: conversion knows only "
            "those (blocks of two convolutions, then dense layers, each with batch normalisation)"
        )
    return pairs


def random_signs(shape: tuple[int, ...], dtype: tf.DType | None = None, **_: Any) -> tf.Tensor:
    """Kernel initializer for weights without latent values: -1 or +1, equally likely."""
    glorot = tf.keras.initializers.GlorotUniform()(shape, dtype=dtype)
    return tf.where(glorot >= 0, tf.ones_like(glorot), -tf.ones_like(glorot))


def predictor(network: tf.keras.Model) -> Predictor:
    """A function from crops, uint8 ``[N, 42, 42]``, to the network's scores, float32 ``[N, 7]``."""
    predict = tf.function(
        lambda batch: network(batch, training=False),
        input_signature=[tf.TensorSpec((None, CROP_SIZE, CROP_SIZE, 1), tf.float32)],
    )
    return lambda pixels: predict(scale(pixels[..., np.newaxis].astype(np.float32))).numpy()
