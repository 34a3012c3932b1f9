"""Keep activations packed: 32 signs in one INT32 word, all the way to the last layer.

The Larq Compute Engine's converter packs convolutions and max pools, but unpacks what goes into a
concatenation and packs its result again. Two rules, applied until neither fits, undo that:

- LceQuantize(LceDequantize(x)) is x;
- LceQuantize(CONCATENATION(LceDequantize(x), LceDequantize(y), ...)) along the channels is an
  INT32 CONCATENATION(x, y, ...), if every part fills its words (a multiple of 32 channels).
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

from fer_larq.tflite.graph import Graph
from fer_larq.utils.errors import UserError

WORD = 32
"""Channels in one packed word."""


def pack(graph: Graph) -> None:
    """Apply both rules to a graph until neither fits."""
    while any(fold(graph, operator) for operator in graph.in_order()):
        pass


def fold(graph: Graph, operator: schema.OperatorT) -> bool:
    """Apply a rule that ends at this operator, if one does."""
    if graph.kind(operator) != "LceQuantize":
        return False
    (source,), (packed,) = operator.inputs, operator.outputs
    producer = graph.producer(source)
    if producer is None:
        return False
    if graph.kind(producer) == "LceDequantize":
        graph.replace(packed, producer.inputs[0])
        return True
    if graph.kind(producer) == "CONCATENATION":
        parts = [part for part in map(graph.producer, producer.inputs) if part is not None]
        along_channels = producer.builtinOptions.axis in (-1, len(graph.shape(source)) - 1)
        whole_words = all(graph.shape(part)[-1] % WORD == 0 for part in producer.inputs)
        unpacked = [graph.kind(part) for part in parts] == ["LceDequantize"] * len(producer.inputs)
        if along_channels and whole_words and unpacked:
            graph.add(
                "CONCATENATION",
                [part.inputs[0] for part in parts],
                packed,
                producer.builtinOptions,
            )
            graph.operators.remove(operator)
            return True
    return False


def check_packed(graph: Graph) -> None:
    """Raise ``UserError`` if between the first convolution and the last anything is not packed."""
    operators = graph.in_order()
    kinds = [graph.kind(operator) for operator in operators]
    first = kinds.index("LceQuantize")
    last = len(kinds) - 1 - kinds[::-1].index("LceBconv2d")
    for operator, kind in list(zip(operators, kinds, strict=True))[first + 1 : last]:
        types = {graph.tensors[tensor].type for tensor in operator.outputs}
        if types != {schema.TensorType.INT32}:
            shapes = [graph.shape(tensor) for tensor in operator.inputs[:2]]
            raise UserError(
                f"the network cannot be packed: operator {kind} on {shapes} stays in float "
                f"(widths must be multiples of {WORD})"
            )
