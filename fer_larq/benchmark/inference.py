"""Time of one reading: the bit-packed network beside the same network in ordinary arithmetic."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_larq.benchmark.rounds import interleaved, ratio
from fer_larq.conversion.converter import build_model
from fer_larq.conversion.lce import lce_conversion, lce_runner
from fer_larq.datasets.crops import CROP_SIZE, FACE_SIZE
from fer_larq.models.bdnn import bdnn
from fer_larq.tflite.delegate import kernels, load_delegate
from fer_larq.tflite.interpreter import litert_runner
from fer_larq.training import run_folder
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from fer_larq.utils.files import atomic_write

BASE = "float32, LiteRT with XNNPACK"
"""What every other candidate is compared with, at the same crops and threads."""


@dataclass(frozen=True)
class Candidate:
    """A model on a runtime."""

    name: str
    crops: int
    """1 for the bare network, 5 for a face whose crops the model cuts itself."""
    threads: int
    call: Callable[[], object]


def candidates(
    network: tf.keras.Model, threads: list[int], with_delegate: bool
) -> Iterator[Candidate]:
    """All that can be run here, for one crop and for five."""
    face = np.random.default_rng(0).integers(0, 256, (1, FACE_SIZE, FACE_SIZE, 1), dtype=np.uint8)
    crop = 2 * face[:, :CROP_SIZE, :CROP_SIZE].astype(np.float32) - 255
    own_conversion = lce_conversion(network)
    for crops, form, values in ((1, "none", crop), (5, "five", face)):
        packed = build_model(network, {}, form)
        ordinary = {
            arithmetic: build_model(network, {}, form, arithmetic)
            for arithmetic in ("float32", "int8")
        }
        for count in threads:
            runs_here = {
                f"{arithmetic}, LiteRT with XNNPACK": litert_runner(
                    content, count, with_delegate=False
                )
                for arithmetic, content in ordinary.items()
            }
            if with_delegate:
                runs_here["bit-packed, LiteRT with lce_delegate"] = litert_runner(packed, count)
            for indirect in (True, False):
                kernel = "indirect" if indirect else "default"
                runs_here[f"bit-packed, LCE, {kernel}"] = lce_runner(packed, count, indirect)
                if crops == 1:
                    runs_here[f"LCE's own conversion, LCE, {kernel}"] = lce_runner(
                        own_conversion, count, indirect
                    )
            for name, run in runs_here.items():
                # LCE's own conversion keeps the network's input, crops in [-1, 1].
                takes = values / 255 if name.startswith("LCE's own") else values
                yield Candidate(name, crops, count, partial(run, takes))


def delegate_kernel() -> str | None:
    """The kernels that the delegate uses here; None, with a line that says why, without it."""
    try:
        load_delegate()
        return kernels()[0]
    except UserError as error:
        print(f"left out: bit-packed on LiteRT ({error})", flush=True)
        return None


def measure(
    network: tf.keras.Model, threads: list[int], rounds: int, with_delegate: bool
) -> list[dict[str, Any]]:
    """One row for each candidate; milliseconds are those of a call, of one crop or of five."""
    listed = list(candidates(network, threads, with_delegate))
    seconds = interleaved({str(index): item.call for index, item in enumerate(listed)}, rounds)
    bases = {
        (item.crops, item.threads): seconds[str(index)]
        for index, item in enumerate(listed)
        if item.name == BASE
    }
    rows = []
    for index, item in enumerate(listed):
        values = seconds[str(index)]
        middle, low, high = ratio(values, bases[item.crops, item.threads])
        rows.append(
            {
                "name": item.name,
                "crops": item.crops,
                "threads": item.threads,
                "milliseconds": float(1000 * np.median(values)),
                "milliseconds_range": [float(1000 * values.min()), float(1000 * values.max())],
                "times_as_fast_as_float32": middle,
                "times_range": [low, high],
            }
        )
    return sorted(rows, key=lambda row: (row["crops"], row["threads"], row["milliseconds"]))


def inference_table(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| crops | threads | model and runtime | ms, median (range) | times as fast as float32 |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["milliseconds_range"]
        lines.append(
            f"| {row['crops']} | {row['threads']} | {row['name']} "
            f"| {row['milliseconds']:.2f} ({low:.2f} to {high:.2f}) "
            f"| {row['times_as_fast_as_float32']:.2f} |"
        )
    return "\n".join(lines)


def inference_figure(rows: list[dict[str, Any]], title: str) -> Figure:
    """The rows as bars, one panel for one crop and one for five."""
    figure = Figure(figsize=(9, 1.6 + 0.3 * len(rows)), layout="constrained")
    figure.suptitle(title)
    groups = {crops: [row for row in rows if row["crops"] == crops] for crops in (1, 5)}
    panels = figure.subplots(2, 1, height_ratios=[len(group) for group in groups.values()])
    for axes, (crops, group) in zip(panels, groups.items(), strict=True):
        names = [f"{row['name']}, {row['threads']} thread(s)" for row in group]
        values = [row["milliseconds"] for row in group]
        colours = ["tab:orange" if "bit-packed" in name else "tab:blue" for name in names]
        axes.bar_label(axes.barh(names, values, color=colours), fmt="%.2f", padding=3)
        axes.set(xscale="log", xlabel=f"ms for {crops} crop{'s' * (crops > 1)}, log scale")
        axes.margins(x=0.2)
        axes.invert_yaxis()
    return figure


def processor() -> str:
    """Name of the processor and how many of its cores are here."""
    names = [platform.processor() or platform.machine()]
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names += [
            line.split(":")[1].strip()
            for line in text.splitlines()
            if line.startswith("model name")
        ]
    except OSError:
        pass
    return names[-1]


def add_network_options(parser: argparse.ArgumentParser, default_out: str) -> None:
    """The flags of every benchmark of a network: which one, how many rounds, where to."""
    parser.add_argument(
        "network", nargs="?", help="run folder, weights file or packaged name (default: BDNN4 with "
        "random weights: the time does not depend on them)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=30, help="interleaved rounds (default: 30)")
    parser.add_argument(
        "--out", type=Path, default=Path(default_out), help="folder of JSON and PNG"
    )


def measured_network(name: str | None) -> tf.keras.Model:
    """The network that such flags name."""
    return bdnn(4) if name is None else run_folder.load_network(name).network


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark inference``."""
    add_network_options(parser, "reports/inference")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Measure, print the table, write JSON and PNG."""
    network = measured_network(options.network)
    kernel = delegate_kernel()
    rows = measure(network, options.threads, options.rounds, kernel is not None)
    machine = {"processor": processor(), "lce_delegate_kernel": kernel, **run_folder.versions()}
    title = f"{network.name} on {machine['processor']}, {options.rounds} interleaved rounds"
    print(f"{title}; lce_delegate uses {kernel or 'nothing'}\n")
    print(inference_table(rows))
    with atomic_write(options.out / "inference.json") as temporary:
        temporary.write_text(
            json.dumps({"machine": machine, "rounds": options.rounds, "rows": rows}, indent=2)
            + "\n"
        )
    with atomic_write(options.out / "inference.png") as temporary:
        inference_figure(rows, title).savefig(temporary, dpi=120)
    print(f"\ntable: {options.out / 'inference.json'}, picture: {options.out / 'inference.png'}")
    return 0
