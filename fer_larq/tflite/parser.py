"""Read a .tflite file of unknown origin: what it holds, or one line that says it holds nothing.

The generated schema classes trust every offset and length. Here each index is checked before it
is used, and what can be read in total is bounded, since offsets may make many entries share the
same bytes. Nothing in this file imports TensorFlow.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from fer_larq.tflite.schema import FILE_IDENTIFIER, LCE_PREFIX, OPERATOR_NAMES, TYPE_NAMES
from fer_larq.utils.errors import UserError

LARGEST_FILE = 1 << 30
"""Bytes. Far above any network of this program, and a bound on memory."""

MOST_ENTRIES = 1_000_000
"""Entries of lists and bytes of names that are read from one file."""

MOST_DIMENSIONS = 32


@dataclass(frozen=True)
class Tensor:
    name: str
    type: str
    """``float32`` and the like."""
    shape: tuple[int, ...]
    constant_bytes: int
    """Size of its content, 0 if it has none in the file."""
    buffer: int
    table: schema.Tensor = field(repr=False, compare=False)
    """All of its fields, as the file has them."""

    def __str__(self) -> str:
        return f"{self.type} [{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Operator:
    kind: str
    """``CONV_2D`` and the like for TFLite's own operators, else the custom name."""
    inputs: tuple[int, ...]
    """Indices of tensors, ``NO_TENSOR`` for an optional one that is absent."""
    outputs: tuple[int, ...]
    version: int
    table: schema.Operator = field(repr=False, compare=False)
    """All of its fields, as the file has them."""


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
    codes: tuple[tuple[str, int], ...]
    """Kind and version of each operator that is used, in the order of the file."""
    buffers: tuple[memoryview, ...] = field(repr=False)
    """The constants, by ``Tensor.buffer``; views of the file, not copies."""

    @property
    def is_bit_packed(self) -> bool:
        """Whether it has operators of the Larq Compute Engine."""
        return any(operator.kind.startswith(LCE_PREFIX) for operator in self.operators)

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


def read_model(path: str | os.PathLike[str]) -> ModelFile:
    """Read a .tflite file; ``UserError`` if there is none, or it is damaged or something else."""
    return parse_model(read_bytes(path), str(path))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
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
        listed = self.each(table.OperatorCodesLength, table.OperatorCodes)
        codes = [(self.kind(code), code.Version()) for code in listed]
        buffers = [self.buffer(b) for b in self.each(table.BuffersLength, table.Buffers)]
        subgraphs = self.count(table.SubgraphsLength())
        subgraph = present(table.Subgraphs(0))
        tensors = tuple(
            self.tensor(tensor, buffers)
            for tensor in self.each(subgraph.TensorsLength, subgraph.Tensors)
        )
        operators = []
        for operator in self.each(subgraph.OperatorsLength, subgraph.Operators):
            inputs = self.indices(operator.InputsAsNumpy(), len(tensors), optional=True)
            outputs = self.indices(operator.OutputsAsNumpy(), len(tensors))
            kind, version = codes[operator.OpcodeIndex()]
            operators.append(Operator(kind, inputs, outputs, version, operator))
        metadata = {}
        for entry in self.each(table.MetadataLength, table.Metadata):
            metadata[self.text(entry.Name())] = buffers[entry.Buffer()]
        return ModelFile(
            size=len(self.content),
            description=self.text(table.Description()),
            tensors=tensors,
            operators=tuple(operators),
            inputs=self.indices(subgraph.InputsAsNumpy(), len(tensors)),
            outputs=self.indices(subgraph.OutputsAsNumpy(), len(tensors)),
            metadata=metadata,
            subgraphs=subgraphs,
            codes=tuple(codes),
            buffers=tuple(buffers),
        )

    def count(self, entries: int) -> int:
        """Take entries off what may still be read."""
        self.entries_left -= entries
        if self.entries_left < 0:
            raise ValueError("more entries than a file of this size can hold")
        return entries

    def each(self, length: Callable[[], int], entry: Callable[[int], Any]) -> list[Any]:
        """All entries of a list of tables."""
        return [present(entry(index)) for index in range(self.count(length()))]

    def text(self, value: bytes | None) -> str:
        """A name; what cannot be printed becomes a question mark."""
        value = value or b""
        self.count(len(value))
        return printable(value.decode(errors="replace"))

    def indices(self, values: Any, limit: int, optional: bool = False) -> tuple[int, ...]:
        """Indices below ``limit``; -1 for an absent one, where that is allowed."""
        if isinstance(values, int):  # what the generated code returns for an absent list
            return ()
        self.count(len(values))
        if len(values) and not (-1 if optional else 0) <= values.min() <= values.max() < limit:
            raise IndexError("no such tensor")
        return tuple(values.tolist())

    def kind(self, code: Any) -> str:
        if custom := self.text(code.CustomCode()):
            return custom
        # Old writers fill only the first field, which ends at 127.
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return str(OPERATOR_NAMES.get(builtin, f"operator {builtin}"))

    def buffer(self, table: Any) -> memoryview:
        # Models above 2 GiB keep content behind the flatbuffer; these are too large anyway.
        return memoryview(b"" if table.DataIsNone() else table.DataAsNumpy())

    def tensor(self, table: Any, buffers: list[memoryview]) -> Tensor:
        shape = table.ShapeAsNumpy()
        shape = () if isinstance(shape, int) else shape
        if len(shape) > MOST_DIMENSIONS:
            raise ValueError("more dimensions than any tensor has")
        return Tensor(
            name=self.text(table.Name()),
            type=TYPE_NAMES.get(table.Type(), f"type {table.Type()}"),
            shape=tuple(int(extent) for extent in shape),
            constant_bytes=len(buffers[table.Buffer()]),
            buffer=table.Buffer(),
            table=table,
        )


def present(table: Any) -> Any:
    """A table that has to be there."""
    if table is None:
        raise ValueError("a table is missing")
    return table


def printable(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
