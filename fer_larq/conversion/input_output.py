"""The two ends of a model: from a face's pixels to crops, and from sums to scores.

Built of operators that every TFLite runtime has, and of integers that float32 holds exactly, so
that all runtimes agree to the last bit: pixels become 2p - 255; the sums of the last layer are
added over the crops before, not after, the scale and the offset of its batch normalisation. The
mean over the crops needs no operator of its own: it is part of the scale.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from fer_larq.conversion.thresholds import PIXEL_UNIT, OutputLayer
from fer_larq.datasets.crops import CROP_SETS, CROP_SIZE, FACE_SIZE, FIVE_CROP_OFFSETS
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.tflite.graph import Graph

RESIZABLE = -1
"""Extent, in a shape signature, that the user of a model may choose."""


def batch_size(crops: str) -> int:
    """Crops that one call computes: 1 (until it is resized) with ``crops="none"``."""
    return 1 if crops == "none" else CROP_SETS[crops]


def add_input_and_output(
    graph: Graph, crop: int, sums: int, layer: OutputLayer, crops: str
) -> None:
    """Give a network its input and its output.

    Args:
        crop: the network's tensor of crops, float32 ``[V, 42, 42, 1]`` holding 2p - 255, where
            V is ``batch_size(crops)``.
        sums: the sums of its last layer, float32 ``[V, 1, 1, 7]``.
        layer: that layer.
        crops: one of ``metadata.CROPS``. With ``"none"`` the input is ``crop`` itself, whose first
            extent the user may choose; otherwise it is ``face``, uint8 ``[1, 48, 48, 1]``. The
            output is ``scores``, float32 ``[V, 7]`` or ``[1, 7]``.
    """
    if crops == "none":
        graph.tensors[crop].name = "crop"
        graph.inputs = [crop]
    else:
        graph.replace(crop, face_input(graph, crops))
    graph.outputs = [scores(graph, sums, layer, crops)]
    if crops == "none":
        computed = [tensor for operator in graph.in_order() for tensor in operator.outputs]
        for tensor in graph.inputs + computed:
            graph.tensors[tensor].shapeSignature = [RESIZABLE, *graph.shape(tensor)[1:]]


def face_input(graph: Graph, crops: str) -> int:
    """Add the input ``face``; returns its crops as 2p - 255, in the order of ``crops.cut``."""
    face_shape = [1, FACE_SIZE, FACE_SIZE, 1]
    face = graph.activation("face", face_shape, np.uint8)
    graph.inputs = [face]
    cast = schema.CastOptionsT()
    cast.inDataType, cast.outDataType = schema.TensorType.UINT8, schema.TensorType.FLOAT32
    pixels = graph.compute("CAST", [face], "pixels", face_shape, cast)
    two = graph.constant("two", np.float32(2))
    doubled = graph.compute("MUL", [pixels, two], "2p", face_shape, schema.MulOptionsT())
    unit = graph.constant("255", np.float32(PIXEL_UNIT))
    centred = graph.compute("SUB", [doubled, unit], "2p - 255", face_shape, schema.SubOptionsT())

    crop_shape = [1, CROP_SIZE, CROP_SIZE, 1]
    size = graph.constant("crop size", np.array(crop_shape, np.int32))
    cut = []
    for top, left in FIVE_CROP_OFFSETS:
        begin = graph.constant(f"offset {top}, {left}", np.array([0, top, left, 0], np.int32))
        name = f"crop at {top}, {left}"
        cut.append(
            graph.compute("SLICE", [centred, begin, size], name, crop_shape, schema.SliceOptionsT())
        )
    five_shape = [len(cut), *crop_shape[1:]]
    five = graph.compute("CONCATENATION", cut, "five crops", five_shape, concatenation(axis=0))
    if crops == "five":
        return five

    width = graph.constant("width", np.array([2], np.int32))
    mirrored = graph.compute(
        "REVERSE_V2", [five, width], "mirrored crops", five_shape, schema.ReverseV2OptionsT()
    )
    ten_shape = [2 * len(cut), *crop_shape[1:]]
    return graph.compute(
        "CONCATENATION", [five, mirrored], "ten crops", ten_shape, concatenation(axis=0)
    )


def scores(graph: Graph, sums: int, layer: OutputLayer, crops: str) -> int:
    """Add the output layer's batch normalisation and the mean over the crops; returns the scores.

    The number of crops divides the scale, so nothing is rounded before that multiplication.
    """
    count, classes = batch_size(crops), len(EXPRESSIONS)
    shape = graph.constant("rows", np.array([RESIZABLE, classes], np.int32))
    options = schema.ReshapeOptionsT()
    options.newShape = [RESIZABLE, classes]
    rows = graph.compute("RESHAPE", [sums, shape], "sums", [count, classes], options)
    if crops != "none":
        axis = graph.constant("views", np.array([0], np.int32))
        options = schema.ReducerOptionsT()
        options.keepDims = True
        rows = graph.compute("SUM", [rows, axis], "sums over the crops", [1, classes], options)
    extent = graph.shape(rows)
    scale = graph.constant("scale", (layer.scale / count).astype(np.float32))
    scaled = graph.compute("MUL", [rows, scale], "scaled sums", extent, schema.MulOptionsT())
    offset = graph.constant("offset", layer.offset.astype(np.float32))
    return graph.compute("ADD", [scaled, offset], "scores", extent, schema.AddOptionsT())


def concatenation(axis: int) -> schema.ConcatenationOptionsT:
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    return options
