"""Larq's convolution on ``kernels``."""

from __future__ import annotations

from functools import partial

from fer_larq.integer_training import kernels
from fer_larq.utils.backend import lq, tf


def binary_convolution(activations: tf.Tensor, kernel: tf.Tensor, limit: float) -> tf.Tensor:
    """``kernels.convolution``, with the gradients of ``kernels.gradients``."""

    @tf.custom_gradient
    def convolution(activations, kernel):
        result, signs = tf.numpy_function(
            kernels.convolution, [activations, kernel], [tf.float32, tf.uint32], stateful=False
        )
        result.set_shape([*activations.shape[:3], kernel.shape[3]])

        def gradients(gradient):
            found = tf.numpy_function(
                partial(kernels.gradients, limit=limit),
                [activations, signs, kernel, gradient],
                [tf.float32, tf.float32],
                stateful=False,
            )
            for operand, of_operand in zip((activations, kernel), found, strict=True):
                of_operand.set_shape(operand.shape)
            return found

        return result, gradients

    return convolution(activations, kernel)


class QuantConv2D(lq.layers.QuantConv2D):
    """Larq's layer of that name for 3x3 kernels, ``padding="same"``, ``pad_values=1`` and the input
    quantizer ``ste_sign``: the same arguments, weights and results, computed in integers.

    It bears the same name because Keras calls weights in a file by the class of their layer. Layers
    whose numbers of channels are no multiples of ``kernels.CHANNELS`` compute as Larq's.
    """

    def call(self, inputs):
        if inputs.shape[-1] % kernels.CHANNELS or self.filters % kernels.CHANNELS:
            return super().call(inputs)
        limit = float("inf")
        # The kernels take signs of latent weights themselves.
        latent = isinstance(self.kernel_quantizer, lq.quantizers.SteSign)
        if latent and self.kernel_quantizer.clip_value is not None:
            limit = self.kernel_quantizer.clip_value
        with lq.context.quantized_scope(not latent):
            return binary_convolution(inputs, tf.convert_to_tensor(self.kernel), limit)
