"""Time of each layer: a converted model, cut before its convolutions into models of their own.

No published runtime tells from Python what an operator took. So every layer (a convolution with all
that follows until the next) becomes a model, and these are timed in interleaved rounds beside the
whole one. What their sum has more than the whole is the price of the calls, and of inputs that do
not come fresh from the layer before.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_larq.benchmark.inference import add_network_options, measured_network, processor
from fer_larq.benchmark.rounds import interleaved
from fer_larq.conversion.converter import build_model
from fer_larq.conversion.packing import WORD
from fer_larq.tflite.delegate import kernels
from fer_larq.tflite.graph import Graph
from fer_larq.tflite.interpreter import open_model
from fer_larq.tflite.schema import NO_TENSOR
from fer_larq.training import run_folder
from fer_larq.utils.backend import tf
from fer_larq.utils.files import atomic_write

ARITHMETICS = {
    "one-bit": "bit-packed, lce_delegate", "int8": "int8, XNNPACK", "float32": "float32, XNNPACK"
}  # fmt: skip
"""Forms of the same network, each on LiteRT, and what computes most of it."""

WEIGHTS_A_VALUE = {"CONV_2D": 1, "LceBconv2d": WORD}
"""The operators that are convolutions, and the weights in one stored value."""

WHOLE = "whole network"


@dataclass(frozen=True)
class Part:
    """Some operators of a model as a model of their own."""

    name: str
    """Of the layer."""
    content: bytes
    multiply_accumulates: int
    """Of its convolution, for one crop."""


def layers(content: bytes) -> list[Part]:
    """Cut a model of single crops, made by this program, before each convolution but the first."""
    graph = Graph(content)
    operators = graph.in_order()
    starts = [i for i, operator in enumerate(operators) if graph.kind(operator) in WEIGHTS_A_VALUE]
    starts[0] = 0
    return [
        part(content, start, end)
        for start, end in zip(starts, [*starts[1:], len(operators)], strict=True)
    ]


def part(content: bytes, start: int, end: int) -> Part:
    """The operators ``start`` to ``end`` of a model, the latter not among them."""
    graph = Graph(content)
    operators = graph.in_order()
    inside, outside = operators[start:end], operators[:start] + operators[end:]
    written = {tensor for operator in inside for tensor in operator.outputs}
    read = {tensor for operator in inside for tensor in operator.inputs} - written - {NO_TENSOR}
    wanted = {tensor for operator in outside for tensor in operator.inputs} | {*graph.outputs}
    graph.inputs = sorted(tensor for tensor in read if not graph.is_constant(tensor))
    graph.outputs = sorted(written & wanted)
    graph.operators, graph.metadata = inside, {}

    convolution = next(item for item in inside if graph.kind(item) in WEIGHTS_A_VALUE)
    _, height, width, _ = graph.shape(convolution.outputs[0])
    weights = np.prod(graph.shape(convolution.inputs[1])) * WEIGHTS_A_VALUE[graph.kind(convolution)]
    name = graph.tensors[convolution.outputs[0]].name.split("/")[0]
    return Part(name, graph.save(name), height * width * int(weights))


def ready(content: bytes, threads: int) -> Any:
    """An interpreter that holds inputs of -1 and 0 at random: time does not depend on values."""
    interpreter = open_model(content, num_threads=threads)
    random = np.random.default_rng(0)
    for tensor in interpreter.get_input_details():
        values = random.integers(-1, 1, tensor["shape"]).astype(tensor["dtype"])
        interpreter.set_tensor(tensor["index"], values)
    return interpreter


def measure(network: tf.keras.Model, rounds: int, threads: int = 1) -> list[dict[str, Any]]:
    """Time a network of ``fer_larq.models.bdnn`` on one crop, layer by layer.

    Returns:
        A row for each layer and, last, one for the whole network: ``name``;
        ``multiply_accumulates``; and ``milliseconds``, for each of ``ARITHMETICS`` the smallest,
        the median and the largest of the rounds.
    """
    candidates = {}
    for arithmetic in ARITHMETICS:
        content = build_model(network, {}, "none", arithmetic)
        parts = layers(content)
        for name, model in [*((part.name, part.content) for part in parts), (WHOLE, content)]:
            candidates[arithmetic, name] = ready(model, threads).invoke
    seconds = interleaved(candidates, rounds)
    products = {part.name: part.multiply_accumulates for part in parts}
    products[WHOLE] = sum(products.values())
    return [
        {
            "name": name,
            "multiply_accumulates": count,
            "milliseconds": {
                arithmetic: np.percentile(1e3 * seconds[arithmetic, name], (0, 50, 100)).tolist()
                for arithmetic in ARITHMETICS
            },
        }
        for name, count in products.items()
    ]


def median(row: dict[str, Any], arithmetic: str) -> float:
    """Milliseconds of a row of ``measure``."""
    return float(row["milliseconds"][arithmetic][1])


def layer_table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a Markdown table, with the sum of the layers before the whole network."""
    *parts, whole = rows
    summed = {
        "name": "sum of the layers",
        "multiply_accumulates": whole["multiply_accumulates"],
        "milliseconds": {a: [0, sum(median(row, a) for row in parts), 0] for a in ARITHMETICS},
    }
    lines = [
        "| layer | million multiply-accumulates "
        + "".join(f"| {text} (ms) " for text in ARITHMETICS.values())
        + "| bit-packed: times as fast as float32 |",
        "|---" * (len(ARITHMETICS) + 3) + "|",
    ]
    for row in [*parts, summed, whole]:
        times = "".join(f"| {median(row, arithmetic):.3f} " for arithmetic in ARITHMETICS)
        lines.append(
            f"| {row['name']} | {row['multiply_accumulates'] / 1e6:.1f} {times}"
            f"| {median(row, 'float32') / median(row, 'one-bit'):.1f} |"
        )
    return "\n".join(lines)


def layer_figure(rows: Sequence[dict[str, Any]], title: str) -> Figure:
    """The layers' times as bars, for each arithmetic one beside the other."""
    parts = rows[:-1]
    figure = Figure(figsize=(8, 0.5 + 0.45 * len(parts)), layout="constrained")
    axes = figure.subplots()
    colours = ("tab:orange", "tab:green", "tab:blue")
    for place, ((arithmetic, text), colour) in enumerate(
        zip(ARITHMETICS.items(), colours, strict=True)
    ):
        heights = [index + 0.27 * (place - 1) for index in range(len(parts))]
        values = [median(row, arithmetic) for row in parts]
        axes.barh(heights, values, 0.25, color=colour, label=text)
    axes.set_yticks(range(len(parts)), [row["name"] for row in parts])
    axes.set(xlabel="ms for one crop", title=title)
    axes.invert_yaxis()
    axes.legend()
    return figure


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark layers``."""
    add_network_options(parser, "reports/layers")
    parser.add_argument("--threads", type=int, default=1, help="threads of a call (default: 1)")
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Measure, print the table, write JSON and PNG."""
    kernel = kernels()[0]  # said at once where the delegate is missing
    network = measured_network(options.network)
    rows = measure(network, options.rounds, options.threads)
    machine = {"processor": processor(), "lce_delegate_kernel": kernel, **run_folder.versions()}
    title = (
        f"{network.name} on {machine['processor']}, {options.threads} thread(s), medians of "
        f"{options.rounds} rounds"
    )
    print(f"{title}; lce_delegate uses {kernel}\n\n{layer_table(rows)}")
    about = {"machine": machine, "rounds": options.rounds, "threads": options.threads, "rows": rows}
    with atomic_write(options.out / "layers.json") as temporary:
        temporary.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    with atomic_write(options.out / "layers.png") as temporary:
        layer_figure(rows, title).savefig(temporary, dpi=120)
    print(f"\ntable: {options.out / 'layers.json'}, picture: {options.out / 'layers.png'}")
    return 0
