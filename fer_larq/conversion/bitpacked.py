"""The bit-packed model: the converter's structure with the exact values written into it.

From the Larq Compute Engine's converter come the operators, their options and the packed weights.
Thresholds are written here, since the converter computes them in float32:

- First layer: a float convolution of the integers 2p - 255 with weights -1 and +1 and the bias
  1/2 - threshold. Every value is a multiple of 1/2 below 2^13, so float32 is exact whatever the
  order of summation, and no result is 0, whose sign runtimes treat differently.
- LceBconv2d counts the products that are -1: s = K - 2 count, and writes bit 1 (which means -1)
  where count > t. So s >= threshold if count <= t = floor((K - threshold) / 2).
- Last layer: its sums, integers in float32. Scale and offset follow as one multiplication and one
  addition, so that every runtime rounds the scores alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_larq.conversion.inference_form import inference_form
from fer_larq.conversion.lce import lce_conversion
from fer_larq.conversion.packing import WORD, check_packed, pack
from fer_larq.conversion.thresholds import BinaryLayer, IntegerNetwork, Layer
from fer_larq.tflite.graph import Graph
from fer_larq.tflite.schema import NO_TENSOR
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError


def binary_graph(
    network: tf.keras.Model, exact: IntegerNetwork, batch: int
) -> tuple[Graph, int, int]:
    """Convert and pack a network, without its two ends.

    Returns:
        The graph, its tensor of crops, float32 ``[batch, 42, 42, 1]`` holding 2p - 255, and the
        tensor of the last layer's sums, float32 ``[batch, 1, 1, 7]``.
    """
    for layer in exact.layers:
        if layer.signs.shape[-1] % WORD:
            raise UserError(
                f"{layer.name}: {layer.signs.shape[-1]} channels do not fill words of {WORD} "
                f"bits: only widths that are multiples of {WORD} can be packed"
            )
    graph = Graph(lce_conversion(inference_form(network)))
    pack(graph)
    sums = write_thresholds(graph, exact)
    graph.outputs = [sums]
    graph.operators = graph.in_order()
    check_packed(graph)
    (crop,) = graph.inputs
    computed = [tensor for operator in graph.operators for tensor in operator.outputs]
    for tensor in [crop, *computed]:
        graph.tensors[tensor].shape = [batch, *graph.shape(tensor)[1:]]
    return graph, crop, sums


def write_thresholds(graph: Graph, exact: IntegerNetwork) -> int:
    """Replace the converter's float32 thresholds by the exact ones; returns the tensor of sums."""
    operators = graph.in_order()
    (first,) = (operator for operator in operators if graph.kind(operator) == "CONV_2D")
    layer = exact.layers[0]
    weights = np.transpose(layer.signs, (3, 0, 1, 2)).astype(np.float32)
    bias = 0.5 - layer.thresholds.astype(np.float32)
    first.inputs[1] = graph.constant(f"{layer.name}/weights", weights)
    first.inputs[2] = graph.constant(f"{layer.name}/half minus thresholds", bias)

    convolutions = [operator for operator in operators if graph.kind(operator) == "LceBconv2d"]
    *hidden, last = convolutions
    for operator, layer in zip(hidden, exact.layers[1:], strict=True):
        check_weights(graph, operator.inputs[1], layer)
        operator.inputs = [
            *operator.inputs[:4],
            graph.constant(f"{layer.name}/count thresholds", count_thresholds(layer)),
        ]
    check_weights(graph, last.inputs[1], exact.output)
    channels = exact.output.signs.shape[-1]
    last.inputs[2:] = [
        graph.constant("output layer/one", np.ones(channels, np.float32)),
        graph.constant("output layer/zero", np.zeros(channels, np.float32)),
        NO_TENSOR,
    ]
    name_tensors(graph, exact)
    return int(last.outputs[0])


def count_thresholds(layer: BinaryLayer) -> NDArray[np.int32]:
    """int32 ``[out]``: a sum is below its threshold if more products than this are -1."""
    return (layer.largest_sum - layer.thresholds) // 2


def packed_signs(signs: NDArray[np.int8]) -> NDArray[np.int32]:
    """Weights int8 ``[H, W, I, O]`` as LCE packs them: int32 ``[O, H, W, ceil(I / 32)]``.

    Bit i of a word is channel i of 32, set if the weight is -1.
    """
    negative = np.transpose(signs, (3, 0, 1, 2)) < 0
    padding = -negative.shape[-1] % WORD
    negative = np.pad(negative, [(0, 0)] * 3 + [(0, padding)])
    octets = np.packbits(negative, axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view("<i4")


def unpacked_signs(words: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Packed activations int32 ``[..., C / 32]`` as bool ``[..., C]``, True for +1."""
    octets = np.ascontiguousarray(words, "<i4").view(np.uint8)
    return np.equal(np.unpackbits(octets, axis=-1, bitorder="little"), 0)


def check_weights(graph: Graph, tensor: int, layer: Layer) -> None:
    """The converter's packed weights are the network's; anything else is a defect."""
    if not np.array_equal(graph.values(tensor), packed_signs(layer.signs)):
        raise AssertionError(f"{layer.name}: the converter packed other weights than the network's")


def name_tensors(graph: Graph, exact: IntegerNetwork) -> None:
    """Give weights and activations the names of their layers, for viewers and messages."""
    layers = iter([*exact.layers[1:], exact.output])
    layer: Layer = exact.layers[0]
    for operator in graph.in_order():
        kind = graph.kind(operator)
        if kind == "LceBconv2d":
            layer = next(layers)
            graph.tensors[operator.inputs[1]].name = f"{layer.name}/packed weights"
        role = {
            "CONV_2D": "sums",
            "LceQuantize": "signs",
            "LceBconv2d": "sums" if layer is exact.output else "signs",
            "LceBMaxPool2d": "pooled",
            "CONCATENATION": "concatenated",
        }.get(kind, kind)
        graph.tensors[operator.outputs[0]].name = f"{layer.name}/{role}"
