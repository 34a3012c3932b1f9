"""The trained network, rearranged so that the Larq Compute Engine's converter can pack it.

Same function, other order (docs/conversion.md has the reasons):

- Batch normalisation stands before the max pool: it is increasing, so it commutes with the maximum.
  The sign stands behind the pool, where the converter moves it before the pool by itself and then
  pools bits.
- The signs are layers of their own, one for each activation, in place of the input quantizers of
  the layers that follow: an activation that is signed twice stays in float. Only a concatenation
  (of signs) has a sign behind it as well, which changes nothing but tells the converter that the
  next convolution is binary; ``packing.py`` then joins the two.
- The dense layers are convolutions that span their whole input (VALID), since LCE has no packed
  dense layer. Keras flattens in the order height, width, channel, so the kernel is only reshaped.
"""

from __future__ import annotations

from fer_larq.conversion.thresholds import weight_signs
from fer_larq.datasets.crops import CROP_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.models.bdnn import weighted_layers
from fer_larq.utils.backend import lq, tf


def inference_form(network: tf.keras.Model) -> tf.keras.Model:
    """Rearrange a network of ``fer_larq.models.bdnn``, weights and statistics included.

    Returns a Keras model from float32 ``[1, 42, 42, 1]`` in [-1, 1] to scores float32 ``[1, 7]``;
    the batch is fixed because the converter needs to know every shape.
    """
    pairs = weighted_layers(network)
    dense = any(isinstance(layer, tf.keras.layers.Concatenate) for layer in network.layers)
    sign = tf.keras.layers.Lambda(lq.math.sign, name="sign")

    def convolution(
        x: tf.Tensor, size: int, source: tf.keras.layers.Layer, padding: str
    ) -> tf.Tensor:
        kernel = weight_signs(source, source.name)
        layer = lq.layers.QuantConv2D(
            kernel.shape[-1],
            size,
            padding=padding,
            pad_values=getattr(source, "pad_values", 0.0),
            kernel_quantizer="ste_sign",
            kernel_constraint="weight_clip",
            use_bias=False,
        )
        x = layer(x)
        layer.set_weights([kernel.reshape(layer.kernel.shape)])
        return x

    def batch_normalisation(x: tf.Tensor, source: tf.keras.layers.Layer) -> tf.Tensor:
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
    for _ in range(blocks):
        source, statistics = next(remaining)
        a = sign(batch_normalisation(convolution(x, 3, source, "same"), statistics))
        source, statistics = next(remaining)
        b = batch_normalisation(convolution(a, 3, source, "same"), statistics)
        x = sign(tf.keras.layers.MaxPool2D(2)(b))
        if dense:
            a = sign(tf.keras.layers.MaxPool2D(2)(a))
            x = sign(tf.keras.layers.Concatenate()([a, x]))
    *hidden, (source, statistics) = remaining
    for hidden_source, hidden_statistics in hidden:
        x = convolution(x, x.shape[1], hidden_source, "valid")
        x = sign(batch_normalisation(x, hidden_statistics))
    x = batch_normalisation(convolution(x, x.shape[1], source, "valid"), statistics)
    scores = tf.keras.layers.Reshape((len(EXPRESSIONS),), name="scores")(x)
    return tf.keras.Model(crop, scores, name=network.name)
