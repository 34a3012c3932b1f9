"""Larq's convolution and dense layer on ``kernels``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fer_larq.models.int8 import kernels
from fer_larq.utils.backend import lq, tf


def binary_convolution(
    activations: tf.Tensor, kernel: tf.Tensor, side: int, limit: float
) -> tf.Tensor:
    """``kernels.convolution``, with the gradients of ``kernels.gradients``."""

    @tf.custom_gradient
    def convolution(
        activations: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[[tf.Tensor], list[tf.Tensor]]]:
        result, signs, places = tf.numpy_function(
            partial(kernels.convolution, side=side),
            [activations, kernel],
            [tf.float32, tf.uint32, tf.uint8],
            stateful=False,
        )
        images, height, width, _ = activations.shape
        result.set_shape([images, height // side, width // side, kernel.shape[3]])

        def gradients(gradient: tf.Tensor) -> list[tf.Tensor]:
            found = tf.numpy_function(
                partial(kernels.gradients, limit=limit),
                [activations, signs, places, kernel, gradient],
                [tf.float32, tf.float32],
                stateful=False,
            )
            for operand, of_operand in zip((activations, kernel), found, strict=True):
                of_operand.set_shape(operand.shape)
            return list(found)

        return result, gradients

    return convolution(activations, kernel)


def latent_kernel(layer: tf.keras.layers.Layer) -> tuple[tf.Tensor, float]:
    """A layer's kernel, whose signs the kernels take themselves, and beyond which size its weights
    get no gradient."""
    quantizer = layer.kernel_quantizer
    latent = isinstance(quantizer, lq.quantizers.SteSign)
    with lq.context.quantized_scope(not latent):
        kernel = tf.convert_to_tensor(layer.kernel)
    clipped = latent and quantizer.clip_value is not None
    return kernel, quantizer.clip_value if clipped else float("inf")


class QuantConv2D(lq.layers.QuantConv2D):
    """Larq's layer of that name for 3x3 kernels, ``padding="same"``, ``pad_values=1`` and the input
    quantizer ``ste_sign``: the same arguments, weights and results, computed in integers.

    With ``pool`` a max pooling by 2x2 follows at once, so that its input never exists.

    It bears the same name because Keras calls weights in a file by the class of their layer. Layers
    whose numbers of channels are no multiples of ``kernels.CHANNELS`` compute as Larq's.
    """

    def __init__(self, *arguments: Any, pool: bool = False, **options: Any) -> None:
        self.pool = pool
        super().__init__(*arguments, **options)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if inputs.shape[-1] % kernels.CHANNELS or self.filters % kernels.CHANNELS:
            result = super().call(inputs)
            return tf.nn.max_pool2d(result, 2, 2, "VALID") if self.pool else result
        kernel, limit = latent_kernel(self)
        return binary_convolution(inputs, kernel, 2 if self.pool else 1, limit)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pool": self.pool}


class QuantDense(lq.layers.QuantDense):
    """Larq's layer of that name for the input quantizer ``ste_sign``, without bias and activation:
    the same arguments, weights and results, computed in integers, as ``QuantConv2D``.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if inputs.shape[-1] % kernels.CHANNELS or self.units % kernels.CHANNELS:
            return super().call(inputs)
        kernel, limit = latent_kernel(self)
        pixels = tf.reshape(inputs, (-1, 1, 1, inputs.shape[-1]))  # images of one pixel
        kernel = tf.reshape(kernel, (1, 1, *kernel.shape))
        return tf.reshape(binary_convolution(pixels, kernel, 1, limit), (-1, self.units))
