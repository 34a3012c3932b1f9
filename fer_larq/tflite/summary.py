"""What ``python -m fer_larq.convert --show FILE`` prints of a TFLite model, whoever made it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fer_larq.tflite.metadata import ARITHMETIC, ENTRY, read_document
from fer_larq.tflite.parser import ModelFile, Tensor, printable

DEEPEST = 6
"""Levels of a document that are shown; ours has four."""


def model_summary(model: ModelFile, name: str) -> Iterator[str]:
    """The lines about a model called ``name``: what it is, its operators, where its bytes are."""
    yield f"{name}: {model.size:,} bytes, {model.description or 'no description'}"
    for role, indices in (("input", model.inputs), ("output", model.outputs)):
        for index in indices:
            yield f"  {role:8s} {model.tensors[index].name}: {model.tensors[index]}"
    yield from provenance(model)
    yield ""
    yield from operators(model)
    yield ""
    yield from size_table(model)


def provenance(model: ModelFile) -> Iterator[str]:
    """What the model says about itself."""
    document = read_document(model)
    if document is None:
        yield f"  says nothing of itself (no metadata {ENTRY!r}): not made by fer_larq.convert"
        if model.metadata:
            yield f"  metadata: {', '.join(model.metadata)}"
        return
    arithmetic = document.get("arithmetic")
    if isinstance(arithmetic, str) and arithmetic in ARITHMETIC:
        document = {**document, "arithmetic": f"{arithmetic}: {ARITHMETIC[arithmetic]}"}
    yield from tree(document)


def tree(values: dict[str, Any], level: int = 1) -> Iterator[str]:
    """A nested dictionary, a value a line."""
    for key, value in values.items():
        label = f"{'  ' * level}{printable(str(key)).replace('_', ' ')}"
        if isinstance(value, dict) and level < DEEPEST:
            yield label
            yield from tree(value, level + 1)
        elif isinstance(value, list):
            yield f"{label}: {', '.join(plain(item) for item in value)}"
        else:
            yield f"{label}: {plain(value)}"


def plain(value: Any) -> str:
    """A value in a line: short lists in full, whatever is nested deeper as three dots."""
    if isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in value):
        return f"({', '.join(plain(item) for item in value)})"
    return "..." if isinstance(value, (dict, list)) else printable(str(value))


def operators(model: ModelFile) -> Iterator[str]:
    """The operators in order, with shapes, types and the bytes of their constants."""
    if model.subgraphs > 1:
        yield f"the first of {model.subgraphs} subgraphs:"
    rows = [("operator", "inputs", "outputs", "bytes")]
    for operator, size in zip(model.operators, model.constant_bytes(), strict=True):
        given = [model.tensors[index] for index in operator.inputs if index >= 0]
        inputs = joined([tensor for tensor in given if not tensor.constant_bytes])
        outputs = joined([model.tensors[index] for index in operator.outputs])
        rows.append((operator.kind, inputs, outputs, f"{size:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        columns = [f"{row[column][:width]:{width}s}" for column, width in enumerate(widths)]
        yield f"  {'  '.join(columns)}  {row[-1]:>12s}"


def size_table(model: ModelFile) -> Iterator[str]:
    """Where the bytes are, by kind of operator."""
    total: dict[str, int] = dict.fromkeys(model.kinds(), 0)
    for operator, size in zip(model.operators, model.constant_bytes(), strict=True):
        total[operator.kind] += size
    count = model.kinds()
    yield f"  {'operators':30s} {'number':>6s} {'bytes':>12s} {'share':>7s}"
    for kind, size in sorted(total.items(), key=lambda item: -item[1]):
        yield f"  {kind[:30]:30s} {count[kind]:6d} {size:12,d} {size / model.size:7.1%}"
    rest = model.size - sum(total.values())
    yield f"  {'structure, names, metadata':30s} {'':6s} {rest:12,d} {rest / model.size:7.1%}"


def joined(tensors: list[Tensor]) -> str:
    """Types and shapes; several of the same are counted."""
    texts = [str(tensor) for tensor in tensors]
    if len(texts) > 2 and len(set(texts)) == 1:
        return f"{len(texts)} x {texts[0]}"
    return ", ".join(texts)
