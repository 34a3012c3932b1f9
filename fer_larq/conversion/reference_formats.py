"""The same network in TFLite's ordinary arithmetic, as a base for comparison.

The same function, not merely the same topology: an activation x in {-1, +1} is held as
u = (x - 1) / 2 in {-1, 0}. Then

- zero padding means x = +1, as the binary layers pad;
- a sum is s = 2 (w * u) + W, with W the sum of a filter's weights w: a convolution with weights
  2w and bias W;
- the sign is a clamp: u' = min(max(s - threshold, -1), 0), since s - threshold is an integer. The
  lower end is TFLite's fused activation RELU_N1_TO_1; the upper end is a MINIMUM in float and
  the saturation of the type in int8, where 127 stands for 0.

All of it consists of small integers, which float32, float16 weights and int8 with scale 1 hold
exactly, so nothing needs calibrating. In int8 the first and the last layer compute in float32, as
they do in the bit-packed model: pixels and scores have more than eight bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from fer_larq.conversion.input_output import concatenation
from fer_larq.conversion.thresholds import BinaryLayer, IntegerNetwork, Layer, OutputLayer
from fer_larq.datasets.crops import CROP_SIZE
from fer_larq.tflite.graph import Graph

ZERO_POINT = 127
"""The int8 value that stands for 0; -1 is one below, and nothing lies above."""


def quantization(scale: list[float], zero_point: int = 0) -> schema.QuantizationParametersT:
    """real = scale (stored - zero point), one scale, or one for each index of the first axis."""
    parameters = schema.QuantizationParametersT()
    parameters.scale = scale
    parameters.zeroPoint = [zero_point] * len(scale)
    parameters.quantizedDimension = 0
    return parameters


INT8_SIGNS: dict[str, Any] = {"dtype": np.int8, "quantization": quantization([1.0], ZERO_POINT)}
"""Type and quantisation of activations in {-1, 0}."""

INT8_VERSIONS = {"CONV_2D": 3, "MAX_POOL_2D": 2, "CONCATENATION": 2}
"""Versions of the operators that have int8; in float they are version 1."""


def reference_graph(exact: IntegerNetwork, arithmetic: str, batch: int) -> tuple[Graph, int, int]:
    """Build a network of convolutions, pools and concatenations, without its two ends.

    Args:
        arithmetic: ``"float32"``, ``"float16"`` (of the weights) or ``"int8"``.

    Returns:
        The graph, its tensor of crops, float32 ``[batch, 42, 42, 1]`` holding 2p - 255, and the
        tensor of the last layer's sums, float32 ``[batch, 1, 1, 7]``.
    """
    builder = Builder(arithmetic, batch)
    graph = builder.graph
    crop = graph.activation("crop", [batch, CROP_SIZE, CROP_SIZE, 1], np.float32)
    x = crop
    for index, (first, second) in enumerate(exact.blocks):
        a = builder.first(x, first) if index == 0 else builder.hidden(x, first)
        b = builder.hidden(a, second)
        x = builder.pooled(b, second)
        if exact.dense:
            x = builder.concatenated([builder.pooled(a, first), x], second)
    for layer in exact.fully_connected:
        x = builder.hidden(x, layer)
    return graph, crop, builder.sums(x, exact.output)


class Builder:
    """Adds layers to a graph in one arithmetic."""

    def __init__(self, arithmetic: str, batch: int):
        self.graph = Graph()
        self.arithmetic = arithmetic
        self.batch = batch
        self.int8 = arithmetic == "int8"

    def first(self, x: int, layer: BinaryLayer) -> int:
        """The first layer: from 2p - 255 to {-1, 0}. Its padding is 0 as it stands."""
        clamped = self.convolution(x, layer, layer.signs, -layer.thresholds, int8=False, sign=True)
        return self.quantised(clamped, layer) if self.int8 else self.minimum(clamped, layer)

    def hidden(self, x: int, layer: BinaryLayer) -> int:
        """A layer from {-1, 0} to {-1, 0}."""
        bias = layer.signs.sum(axis=(0, 1, 2), dtype=np.int32) - layer.thresholds
        clamped = self.convolution(x, layer, 2 * layer.signs, bias, self.int8, sign=True)
        return clamped if self.int8 else self.minimum(clamped, layer)

    def minimum(self, x: int, layer: BinaryLayer) -> int:
        """The upper end of the clamp in float: min(x, 0)."""
        zero = self.graph.constant("zero", np.float32(0))
        name, options = f"{layer.name}/signs", schema.MaximumMinimumOptionsT()
        return self.graph.compute("MINIMUM", [x, zero], name, self.graph.shape(x), options)

    def quantised(self, x: int, layer: BinaryLayer) -> int:
        """The same, from float to int8, which saturates."""
        name, options = f"{layer.name}/signs", schema.QuantizeOptionsT()
        return self.graph.compute("QUANTIZE", [x], name, self.graph.shape(x), options, **INT8_SIGNS)

    def sums(self, x: int, layer: OutputLayer) -> int:
        """The last layer: 2 (w * u) + W, float32."""
        if self.int8:
            shape, options = self.graph.shape(x), schema.DequantizeOptionsT()
            x = self.graph.compute("DEQUANTIZE", [x], "last signs", shape, options, version=2)
        bias = layer.signs.sum(axis=(0, 1, 2), dtype=np.int32)
        return self.convolution(x, layer, 2 * layer.signs, bias, int8=False, sign=False)

    def convolution(
        self,
        x: int,
        layer: Layer,
        weights: NDArray[np.int8],
        bias: NDArray[np.int32],
        int8: bool,
        sign: bool,
    ) -> int:
        """CONV_2D: SAME if it keeps the size (3x3), VALID if it spans its whole input."""
        graph = self.graph
        height, *_, channels = weights.shape
        whole = graph.shape(x)[1] == height
        weights = np.transpose(weights, (3, 0, 1, 2))
        name = layer.name
        if int8:
            ones = quantization([1.0] * channels)
            filters = graph.constant(f"{name}/weights", weights, ones)
            biases = graph.constant(f"{name}/bias", bias.astype(np.int32), ones)
        else:
            filters = self.float_constant(f"{name}/weights", weights)
            biases = graph.constant(f"{name}/bias", bias.astype(np.float32))
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.VALID if whole else schema.Padding.SAME
        options.strideH = options.strideW = 1
        if sign:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU_N1_TO_1
        size = [1, 1] if whole else graph.shape(x)[1:3]
        return graph.compute(
            "CONV_2D",
            [x, filters, biases],
            f"{name}/{('signs' if int8 else 'clamped') if sign else 'sums'}",
            [self.batch, *size, channels],
            options,
            **({"version": INT8_VERSIONS["CONV_2D"], **INT8_SIGNS} if int8 else {}),
        )

    def float_constant(self, name: str, values: NDArray[Any]) -> int:
        """A float32 tensor, stored as float16 where that is the format."""
        if self.arithmetic != "float16":
            return self.graph.constant(name, values.astype(np.float32))
        stored = self.graph.constant(f"{name}/float16", values.astype(np.float16))
        options = schema.DequantizeOptionsT()
        return self.graph.compute("DEQUANTIZE", [stored], name, values.shape, options, version=3)

    def pooled(self, x: int, layer: BinaryLayer) -> int:
        """2x2 max pool; a last odd row or column is dropped."""
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.filterHeight = options.filterWidth = options.strideH = options.strideW = 2
        batch, height, width, channels = self.graph.shape(x)
        shape = [batch, height // 2, width // 2, channels]
        return self.typed("MAX_POOL_2D", [x], shape, options, f"{layer.name}/pooled")

    def concatenated(self, branches: list[int], layer: BinaryLayer) -> int:
        """Along the channels."""
        shape = self.graph.shape(branches[0])
        shape[-1] = sum(self.graph.shape(branch)[-1] for branch in branches)
        options = concatenation(axis=3)
        return self.typed("CONCATENATION", branches, shape, options, f"{layer.name}/concatenated")

    def typed(self, kind: str, inputs: list[int], shape: list[int], options: Any, name: str) -> int:
        """An operator whose output has the format's type of activations."""
        int8 = {"version": INT8_VERSIONS[kind], **INT8_SIGNS} if self.int8 else {}
        return self.graph.compute(kind, inputs, name, shape, options, **int8)
