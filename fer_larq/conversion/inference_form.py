"""The trained network, rearranged so that the Larq Compute Engine's converter can pack it.

Same function, other order (docs/conversion.md has the reasons):

- Batch normalisation stands before the max pool: it is increasing, so it commutes with the maximum.
  The sign stands behind the pool, where the converter moves it before the pool by itself and then
  pools bits.
- The first convolution of a block is signed once, for the second convolution (which has no input
  quantizer of its own) and for the pool: signed twice, it would stay in float.
- The dense layers are convolutions that span their whole input (VALID), since LCE has no packed
  dense layer. Keras flattens in the order height, width, channel, so the kernel is only reshaped.
"""

from __future__ import annotations

from fer_larq.backend import lq, tf
from fer_larq.conversion.exact import weight_signs, weighted_layers
from fer_larq.crops import CROP_SIZE
from fer_larq.expressions import EXPRESSIONS


def inference_form(network: tf.keras.Model) -> tf.keras.Model:
    """Rearrange a network of ``fer_larq.models.bdnn``, weights and statistics included.

    Returns a Keras model from float32 ``[1, 42, 42, 1]`` in [-1, 1] to scores float32 ``[1, 7]``;
    the batch is fixed because the converter needs to know every shape.
    """
    pairs = weighted_layers(network)
    dense = any(isinstance(layer, tf.keras.layers.Concatenate) for layer in network.layers)
    sign = tf.keras.layers.Lambda(lq.math.sign, name="sign")

    def convolution(x, size, source, *, padding, input_quantizer=None):
        kernel = weight_signs(source, source.name)
        layer = lq.layers.QuantConv2D(
            kernel.shape[-1],
            size,
            padding=padding,
            pad_values=getattr(source, "pad_values", 0.0),
            input_quantizer=input_quantizer,
            kernel_quantizer="ste_sign",
            kernel_constraint="weight_clip",
            use_bias=False,
        )
        x = layer(x)
        layer.set_weights([kernel.reshape(layer.kernel.shape)])
        return x

    def batch_normalisation(x, source):
        layer = tf.keras.layers.BatchNormalization(
            epsilon=source.epsilon, scale=source.gamma is not None
        )
        x = layer(x)
        layer.set_weights(source.get_weights())
        return x

    remaining = iter(pairs)
    blocks = sum(isinstance(layer, lq.layers.QuantConv2D) for layer, _ in pairs) // 2
    crop = tf.keras.Input((CROP_SIZE, CROP_SIZE, 1), batch_size=1, name="crop")
    x = crop
    for block in range(blocks):
        source, statistics = next(remaining)
        # The sign after a concatenation (of signs: it changes nothing) is what the converter
        # turns into packing; ``packing.py`` moves it before the concatenation.
        quantizer = None if block == 0 else "ste_sign"
        a = convolution(x, 3, source, padding="same", input_quantizer=quantizer)
        a = sign(batch_normalisation(a, statistics))
        source, statistics = next(remaining)
        b = batch_normalisation(convolution(a, 3, source, padding="same"), statistics)
        branches = [a, b] if dense else [b]
        signs = [sign(tf.keras.layers.MaxPool2D(2)(branch)) for branch in branches]
        x = tf.keras.layers.Concatenate()(signs) if dense else signs[0]
    for source, statistics in remaining:
        x = convolution(x, x.shape[1], source, padding="valid", input_quantizer="ste_sign")
        x = batch_normalisation(x, statistics)
    scores = tf.keras.layers.Reshape((len(EXPRESSIONS),), name="scores")(x)
    return tf.keras.Model(crop, scores, name=network.name)
