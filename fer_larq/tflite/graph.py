"""A TFLite model open for editing: the few operations that conversion needs on the flatbuffer.

The classes generated from TensorFlow Lite's ``schema.fbs`` do the packing and unpacking; this file
adds what they lack: constants that are aligned, operators in an order that can be executed, and
no dead weight in the file. Models are read by ``parser``, which checks every offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import DTypeLike, NDArray

from fer_larq.tflite.parser import parse_model
from fer_larq.tflite.schema import (
    ALIGNMENT,
    FILE_IDENTIFIER,
    NO_TENSOR,
    SCHEMA_VERSION,
    SIGNATURE,
    TENSOR_TYPES,
)

Fields = TypeVar("Fields")

Quantization: TypeAlias = "schema.QuantizationParametersT | None"


class AlignedBuffer(schema.BufferT):
    """A buffer that keeps ``force_align``, which the generated Python code ignores."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802, the generated code's name
        content = bytes(self.data) if self.data is not None else b""
        data = None
        if content:
            builder.StartVector(1, len(content), ALIGNMENT)
            builder.head -= len(content)
            builder.Bytes[builder.head : builder.head + len(content)] = content
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return int(schema.BufferEnd(builder))


class Graph:
    """One subgraph: tensors (named by index), operators, inputs, outputs, and metadata.

    Args:
        content: a TFLite model to start from; nothing for an empty graph.
    """

    def __init__(self, content: bytes | None = None):
        self.tensors: list[schema.TensorT] = []
        self.operators: list[schema.OperatorT] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []
        self.metadata: dict[str, bytes] = {}
        self._buffers: list[bytes] = [b""]  # the first one stands for "no data"
        self._codes: list[tuple[str, int]] = []
        if content is None:
            return
        model = parse_model(content, "model")
        self._codes = list(model.codes)
        self._buffers = [bytes(buffer) for buffer in model.buffers]
        for tensor in model.tensors:
            copy = schema.TensorT.InitFromObj(tensor.table)
            copy.name = tensor.name
            self.tensors.append(copy)
        for operator in model.operators:
            unpacked = schema.OperatorT.InitFromObj(operator.table)
            unpacked.opcodeIndex = self._code(operator.kind, operator.version)
            unpacked.inputs, unpacked.outputs = list(operator.inputs), list(operator.outputs)
            self.operators.append(unpacked)
        self.inputs, self.outputs = list(model.inputs), list(model.outputs)

    # Looking

    def kind(self, operator: schema.OperatorT) -> str:
        """``CONV_2D`` and the like for TFLite's own operators, else the custom name."""
        index: int = operator.opcodeIndex
        return self._codes[index][0]

    def shape(self, tensor: int) -> list[int]:
        """Shape of a tensor; packed tensors count words of 32 channels in the last place."""
        return [int(extent) for extent in self.tensors[tensor].shape]

    def values(self, tensor: int) -> NDArray[Any]:
        """Content of a constant tensor."""
        description = self.tensors[tensor]
        dtype = {code: dtype for dtype, code in TENSOR_TYPES.items()}[description.type]
        return np.frombuffer(self._buffers[description.buffer], dtype).reshape(self.shape(tensor))

    def is_constant(self, tensor: int) -> bool:
        return bool(self._buffers[self.tensors[tensor].buffer])

    def producer(self, tensor: int) -> schema.OperatorT | None:
        """The operator that writes a tensor, None for inputs and constants."""
        for operator in self.operators:
            if tensor in operator.outputs:
                return operator
        return None

    def in_order(self) -> list[schema.OperatorT]:
        """The operators that the outputs depend on, each after those it depends on."""
        producers = {tensor: operator for operator in self.operators for tensor in operator.outputs}
        ordered: dict[int, schema.OperatorT] = {}

        def visit(tensor: int) -> None:
            operator = producers.get(tensor)
            if operator is None or id(operator) in ordered:
                return
            for source in operator.inputs:
                visit(source)
            ordered[id(operator)] = operator

        for tensor in self.outputs:
            visit(tensor)
        return list(ordered.values())

    # Editing

    def constant(
        self, name: str, values: NDArray[Any] | np.generic, quantization: Quantization = None
    ) -> int:
        """Add a constant tensor; returns its index."""
        self._buffers.append(np.ascontiguousarray(values).tobytes())
        tensor = self.activation(name, values.shape, values.dtype, quantization)
        self.tensors[tensor].buffer = len(self._buffers) - 1
        return tensor

    def activation(
        self, name: str, shape: Sequence[int], dtype: DTypeLike, quantization: Quantization = None
    ) -> int:
        """Add a tensor that an operator, or the caller of the model, fills; returns its index."""
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = [int(extent) for extent in shape]
        tensor.type = TENSOR_TYPES[np.dtype(dtype)]
        tensor.quantization = quantization
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def add(
        self,
        kind: str,
        inputs: Iterable[int],
        output: int,
        options: Any = None,
        version: int = 1,
    ) -> int:
        """Add an operator that writes ``output``; returns ``output``.

        Args:
            kind: name in ``schema.fbs``'s ``BuiltinOperator``.
            options: an object of the schema's options class for this operator.
            version: of the operator, the lowest that has what is used of it.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind, version)
        operator.inputs = list(inputs)
        operator.outputs = [output]
        if options is not None:
            union = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, union)
            operator.builtinOptions = options
        self.operators.append(operator)
        return output

    def _code(self, kind: str, version: int) -> int:
        """The index of a kind of operator among those of this graph."""
        if (kind, version) not in self._codes:
            self._codes.append((kind, version))
        return self._codes.index((kind, version))

    def compute(
        self,
        kind: str,
        inputs: Iterable[int],
        name: str,
        shape: Sequence[int],
        options: Any,
        *,
        dtype: DTypeLike = np.float32,
        quantization: Quantization = None,
        version: int = 1,
    ) -> int:
        """Add an operator together with the tensor that it writes; returns that tensor."""
        output = self.activation(name, shape, dtype, quantization)
        return self.add(kind, inputs, output, options, version)

    def replace(self, old: int, new: int) -> None:
        """Let everything that reads the tensor ``old`` read ``new``."""
        for operator in self.operators:
            operator.inputs = [new if tensor == old else tensor for tensor in operator.inputs]
        self.outputs = [new if tensor == old else tensor for tensor in self.outputs]

    # Writing

    def save(self, description: str) -> bytes:
        """The model as a flatbuffer, without anything that its outputs do not depend on.

        Args:
            description: the model's one-line description.
        """
        operators = self.in_order()
        used = [tensor for operator in operators for tensor in operator.inputs + operator.outputs]
        kept = sorted({*self.inputs, *self.outputs, *used} - {NO_TENSOR})
        position = {tensor: index for index, tensor in enumerate(kept)}
        position[NO_TENSOR] = NO_TENSOR

        model = schema.ModelT()
        model.version = SCHEMA_VERSION
        model.description = description
        model.buffers = [AlignedBuffer()]
        codes = sorted({operator.opcodeIndex for operator in operators})
        model.operatorCodes = [operator_code(*self._codes[index]) for index in codes]

        subgraph = schema.SubGraphT()
        subgraph.name = "main"
        subgraph.tensors = []
        for index in kept:
            tensor = copy_fields(self.tensors[index])
            tensor.buffer = add_buffer(model, self._buffers[tensor.buffer])
            subgraph.tensors.append(tensor)
        subgraph.operators = []
        for original in operators:
            operator = copy_fields(original)
            operator.opcodeIndex = codes.index(original.opcodeIndex)
            operator.inputs = [position[tensor] for tensor in original.inputs]
            operator.outputs = [position[tensor] for tensor in original.outputs]
            subgraph.operators.append(operator)
        subgraph.inputs = [position[tensor] for tensor in self.inputs]
        subgraph.outputs = [position[tensor] for tensor in self.outputs]
        model.subgraphs = [subgraph]
        model.signatureDefs = [signature(subgraph)]

        model.metadata = []
        for name, content in self.metadata.items():
            entry = schema.MetadataT()
            entry.name = name
            entry.buffer = add_buffer(model, content)
            model.metadata.append(entry)

        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
        return bytes(builder.Output())


def add_buffer(model: schema.ModelT, content: bytes) -> int:
    """Add a constant's bytes to a model; returns the buffer's index, 0 for none."""
    if not content:
        return 0
    buffer = AlignedBuffer()
    buffer.data = content
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def copy_fields(source: Fields) -> Fields:
    """A shallow copy of an object of the schema."""
    made = object.__new__(type(source))
    vars(made).update(vars(source))
    return made


def signature(subgraph: schema.SubGraphT) -> schema.SignatureDefT:
    """The signature that offers inputs and outputs under the names of their tensors."""

    def offered(tensors: list[int]) -> list[schema.TensorMapT]:
        maps = []
        for tensor in tensors:
            entry = schema.TensorMapT()
            entry.name = subgraph.tensors[tensor].name
            entry.tensorIndex = tensor
            maps.append(entry)
        return maps

    definition = schema.SignatureDefT()
    definition.signatureKey = SIGNATURE
    definition.inputs = offered(subgraph.inputs)
    definition.outputs = offered(subgraph.outputs)
    return definition


def operator_code(kind: str, version: int) -> schema.OperatorCodeT:
    """The entry that operators of one kind point to."""
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, kind, schema.BuiltinOperator.CUSTOM)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    if code.builtinCode == schema.BuiltinOperator.CUSTOM:
        code.customCode = kind
    return code
