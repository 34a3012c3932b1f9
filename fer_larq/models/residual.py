"""A float residual network: the teacher from which the binary networks learn.

A small ResNet (He et al. 2016, arXiv:1512.03385, with basic blocks) for crops of 42x42 pixels::

    crop ── conv 3x3, 32 ── batch norm ── ReLU ── max pool ── block 64 ── block 128 ── block 256
         ── mean over the picture ── dropout ── dense 7

It has 1.2 M weights and 85 M multiply-accumulates a crop at full width.
"""

from __future__ import annotations

from fer_larq.datasets.crops import CROP_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.backend import tf

STEM_FILTERS = 32
BLOCK_FILTERS = (64, 128, 256)
"""Filters of the residual blocks; all but the first halve height and width."""


def residual_network(
    width: float = 1.0, dropout: float = 0.0, momentum: float = 0.9
) -> tf.keras.Model:
    """Build the teacher.

    Args:
        width: filters as a share of the full ones.
        dropout: share of the features that are left out in a training step.
        momentum: of the moving statistics of batch normalisation.

    Returns:
        A Keras model from crops, float32 ``[N, 42, 42, 1]`` in [-1, 1], to seven scores, float32
        ``[N, 7]``, without a softmax.
    """
    layers = tf.keras.layers

    def convolution(x: tf.Tensor, filters: int, size: int = 3, stride: int = 1) -> tf.Tensor:
        x = layers.Conv2D(
            filters, size, stride, padding="same", use_bias=False, kernel_initializer="he_normal"
        )(x)
        return layers.BatchNormalization(momentum=momentum, epsilon=1e-4)(x)

    def block(x: tf.Tensor, filters: int, stride: int) -> tf.Tensor:
        shortcut = convolution(layers.AveragePooling2D(stride, padding="same")(x), filters, size=1)
        x = layers.ReLU()(convolution(x, filters, stride=stride))
        return layers.ReLU()(layers.Add()([convolution(x, filters), shortcut]))

    crop = tf.keras.Input((CROP_SIZE, CROP_SIZE, 1), name="crop")
    x = layers.ReLU()(convolution(crop, round(width * STEM_FILTERS)))
    x = layers.MaxPool2D(2)(x)
    for index, filters in enumerate(BLOCK_FILTERS):
        x = block(x, round(width * filters), stride=1 if index == 0 else 2)
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    # float32, because in a mixed-precision run the loss needs it.
    scores = layers.Dense(len(EXPRESSIONS), dtype="float32", name="scores")(x)
    return tf.keras.Model(crop, scores, name="residual")
