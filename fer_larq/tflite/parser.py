"""Read a .tflite file of unknown origin: what it holds, or one line that says it holds nothing.

The generated schema classes trust every offset and length. Here each index is checked before it
is used, and what can be read in total is bounded, since offsets may make many entries share the
same bytes. Nothing in this file imports TensorFlow.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema

from fer_larq.tflite.graph import BUILTIN_NAMES, FILE_IDENTIFIER
from fer_larq.utils.errors import UserError

LARGEST_FILE = 1 << 30
"""Bytes. Far above any network of this program, and a bound on memory."""

MOST_ENTRIES = 1_000_000
"""Entries of lists and bytes of names that are read from one file."""

MOST_DIMENSIONS = 32

TYPE_NAMES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)
}


@dataclass(frozen=True)
class Tensor:
    name: str
    type: str
    """``float32`` and the like."""
    shape: tuple[int, ...]
    constant_bytes: int
    """Size of its content, 0 if it has none in the file."""
    buffer: int

    def __str__(self) -> str:
        return f"{self.type} [{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Operator:
    kind: str
    """``CONV_2D`` and the like for TFLite's own operators, else the custom name."""
    inputs: tuple[int, ...]
    """Indices of tensors, -1 for an optional one that is absent."""
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class ModelFile:
    """The main subgraph of a TFLite model."""

    size: int
    """Bytes of the file."""
    description: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    metadata: dict[str, memoryview]
    subgraphs: int

    def constant_bytes(self) -> list[int]:
        """Bytes of the constants of each operator; a shared one counts where it comes first."""
        seen: set[int] = set()
        counts = []
        for operator in self.operators:
            own = [self.tensors[index] for index in operator.inputs if index >= 0]
            own = [tensor for tensor in own if tensor.constant_bytes and tensor.buffer not in seen]
            counts.append(sum({tensor.buffer: tensor.constant_bytes for tensor in own}.values()))
            seen.update(tensor.buffer for tensor in own)
        return counts

    def kinds(self) -> Counter[str]:
        """How many operators of each kind there are."""
        return Counter(operator.kind for operator in self.operators)


def read_model(path: str | Path) -> ModelFile:
    """Read a .tflite file; ``UserError`` if there is none, or it is damaged or something else."""
    return parse_model(read_bytes(path), str(path))


def read_bytes(path: str | Path) -> bytes:
    """The content of a model file of a sensible size."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > LARGEST_FILE:
        raise UserError(f"{path}: larger than {LARGEST_FILE >> 20} MiB, no model of this program")
    return content


def parse_model(content: bytes, name: str) -> ModelFile:
    """Read a TFLite model from memory; ``name`` is what messages call it."""
    if content[4:8] != FILE_IDENTIFIER:
        raise UserError(
            f"{name}: no TFLite model (the bytes 'TFL3' that mark one are not there); "
            "`python -m fer_larq.convert RUN --out FILE` makes one"
        )
    try:
        return Reader(content).model()
    except (
        *(struct.error, ValueError, TypeError, IndexError, KeyError, OverflowError),
        *(AttributeError, AssertionError, RecursionError, MemoryError),
    ):
        raise UserError(
            f"{name}: a damaged TFLite model: it refers to places outside the file; "
            "convert or download it again"
        ) from None


class Reader:
    """Reads the tables of a flatbuffer; raises any of several errors if it is damaged."""

    def __init__(self, content: bytes):
        self.content = content
        self.entries_left = min(MOST_ENTRIES, len(content))

    def model(self) -> ModelFile:
        table = schema.Model.GetRootAs(self.content, 0)
        codes = self.each(table.OperatorCodesLength, table.OperatorCodes)
        kinds = [self.kind(code) for code in codes]
        buffers = self.each(table.BuffersLength, table.Buffers)
        sizes = [self.buffer_size(buffer) for buffer in buffers]
        subgraphs = self.count(table.SubgraphsLength())
        subgraph = present(table.Subgraphs(0))
        tensors = tuple(
            self.tensor(tensor, sizes)
            for tensor in self.each(subgraph.TensorsLength, subgraph.Tensors)
        )
        operators = []
        for operator in self.each(subgraph.OperatorsLength, subgraph.Operators):
            inputs = self.indices(operator.InputsAsNumpy(), len(tensors), optional=True)
            outputs = self.indices(operator.OutputsAsNumpy(), len(tensors))
            operators.append(Operator(kinds[operator.OpcodeIndex()], inputs, outputs))
        metadata = {}
        for entry in self.each(table.MetadataLength, table.Metadata):
            buffer = buffers[entry.Buffer()]
            content = b"" if buffer.DataIsNone() else buffer.DataAsNumpy()
            metadata[self.text(entry.Name())] = memoryview(content)  # a view: no copy of it
        return ModelFile(
            size=len(self.content),
            description=self.text(table.Description()),
            tensors=tensors,
            operators=tuple(operators),
            inputs=self.indices(subgraph.InputsAsNumpy(), len(tensors)),
            outputs=self.indices(subgraph.OutputsAsNumpy(), len(tensors)),
            metadata=metadata,
            subgraphs=subgraphs,
        )

    def count(self, entries: int) -> int:
        """Take entries off what may still be read."""
        self.entries_left -= entries
        if self.entries_left < 0:
            raise ValueError("more entries than a file of this size can hold")
        return entries

    def each(self, length, entry) -> list:
        """All entries of a list of tables."""
        return [present(entry(index)) for index in range(self.count(length()))]

    def text(self, value: bytes | None) -> str:
        """A name; what cannot be printed becomes a question mark."""
        value = value or b""
        self.count(len(value))
        return printable(value.decode(errors="replace"))

    def indices(self, values, limit: int, optional: bool = False) -> tuple[int, ...]:
        """Indices below ``limit``; -1 for an absent one, where that is allowed."""
        if isinstance(values, int):  # what the generated code returns for an absent list
            return ()
        self.count(len(values))
        if len(values) and not (-1 if optional else 0) <= values.min() <= values.max() < limit:
            raise IndexError("no such tensor")
        return tuple(values.tolist())

    def kind(self, code) -> str:
        if custom := self.text(code.CustomCode()):
            return custom
        # Old writers fill only the first field, which ends at 127.
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return BUILTIN_NAMES.get(builtin, f"operator {builtin}")

    def buffer_size(self, buffer) -> int:
        # Models above 2 GiB keep content behind the flatbuffer; these are too large anyway.
        return 0 if buffer.DataIsNone() else len(buffer.DataAsNumpy())

    def tensor(self, table, sizes: list[int]) -> Tensor:
        shape = table.ShapeAsNumpy()
        shape = () if isinstance(shape, int) else shape
        if len(shape) > MOST_DIMENSIONS:
            raise ValueError("more dimensions than any tensor has")
        return Tensor(
            name=self.text(table.Name()),
            type=TYPE_NAMES.get(table.Type(), f"type {table.Type()}"),
            shape=tuple(int(extent) for extent in shape),
            constant_bytes=sizes[table.Buffer()],
            buffer=table.Buffer(),
        )


def present(table):
    """A table that has to be there."""
    if table is None:
        raise ValueError("a table is missing")
    return table


def printable(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
