"""Reproduce the paper's tables: ``python -m fer_larq.reproduce --data fer2013.csv``.

Trains the five rows of Tab. 3 and 4, or picks up runs that are there, evaluates them and writes
``table.md`` and ``table.png`` with the paper's figures beside the measured ones. Several seeds show
which differences between rows are real; ``--width 0.25`` makes them affordable, with networks of a
quarter of the filters and units.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_larq import evaluate, train
from fer_larq.datasets import loading
from fer_larq.models.bdnn import network_name
from fer_larq.training import run_folder
from fer_larq.training.recipes import RECIPES
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import atomic_write
from fer_larq.utils.options import add_data_option, add_split_option


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's tables."""

    recipe: str
    accuracy: float
    """PrivateTest, 0 to 1."""

    @property
    def label(self) -> str:
        """As the row is called in tables and pictures."""
        recipe = RECIPES[self.recipe]
        without = "" if recipe.validation_views == "five" else ", no crops"
        return network_name(recipe.blocks, recipe.dense).upper() + without


PAPER = (
    PaperRow("bdnn2", 0.6150),
    PaperRow("bdnn3", 0.6551),
    PaperRow("bdnn4", 0.6615),
    PaperRow("bcnn4", 0.6490),
    PaperRow("bdnn4-no-crops", 0.6131),
)
"""Tab. 3 and 4 of the paper, in their order."""


def is_finished(run: Path) -> bool:
    """Whether a run in that folder has come to the end of its recipe."""
    if not (run / run_folder.DESCRIPTION).exists():
        return False
    return run_folder.read_description(run).get("result", {}).get("finished", False)


def run_name(recipe: str, width: float, seed: int) -> str:
    """Name of a row's run folder."""
    return recipe + (f"-width{width:g}" if width != 1 else "") + f"-seed{seed}"


def bring_about(recipe: str, seed: int, options: argparse.Namespace) -> Path:
    """Train a row with one seed, go on with it, or leave it as it is when it is finished."""
    run = options.runs / run_name(recipe, options.width, seed)
    if is_finished(run):
        print(f"{run}: finished, taken as it is", flush=True)
        return run
    arguments = ["--out", str(run), *(["--data", options.data] if options.data else [])]
    if (run / run_folder.DESCRIPTION).exists():
        arguments.append("--resume")
    else:
        arguments += ["--recipe", recipe, "--seed", str(seed), "--width", str(options.width)]
        if options.epochs is not None:
            arguments += ["--epochs", str(options.epochs)]
    if train.main(arguments) != 0:
        raise KeyboardInterrupt  # the training was stopped by a signal, and so is this command
    return run


@dataclass(frozen=True)
class MeasuredRow:
    """A row of the paper's tables and the reports of its runs, one for each seed."""

    paper: PaperRow
    reports: tuple[dict[str, Any], ...]

    @property
    def views(self) -> str:
        """Views that the row is judged by."""
        return RECIPES[self.paper.recipe].validation_views

    @property
    def accuracies(self) -> np.ndarray:
        """Accuracy in per cent of each seed's run."""
        return np.array([100 * one["accuracy"][self.views]["value"] for one in self.reports])

    @property
    def interval(self) -> tuple[float, float]:
        """Mean over seeds of the 95 % intervals for the choice of faces, in per cent."""
        bounds = [one["accuracy"][self.views]["interval_95"] for one in self.reports]
        low, high = 100 * np.mean(bounds, axis=0)
        return float(low), float(high)


def markdown(rows: Sequence[MeasuredRow], width: float) -> str:
    """The measured rows as a Markdown table."""
    figures = rows[0].reports[0]
    lines = [
        f"{figures['data']['name']}, {figures['split']} split of "
        f"{figures['accuracy']['centre']['faces']} faces, data fingerprint "
        f"`{figures['data']['fingerprint'][:12]}`. The paper's column is its PrivateTest figure. "
        "The interval is that of choosing so many faces, the deviation that of choosing a seed.",
        "",
        "| network | dense connections | views | accuracy (%) | 95 % interval | seeds "
        "| standard deviation | epochs | paper (%) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    if width != 1:
        lines.insert(0, f"**Networks of {width:g} of the paper's filters and units.**\n")
    if figures["data"]["drawn"]:
        lines.insert(0, "**Drawn faces: these figures say nothing about people.**\n")
    for row in rows:
        low, high = row.interval
        found = row.accuracies
        seeds = ", ".join(
            f"{one['training']['settings']['seed']}: {value:.2f}"
            for one, value in zip(row.reports, found, strict=True)
        )
        deviation = f"{found.std(ddof=1):.2f}" if len(found) > 1 else ""
        dense = "yes" if RECIPES[row.paper.recipe].dense else "no"
        lines.append(
            f"| {row.paper.label} | {dense} | {row.views} | {found.mean():.2f} "
            f"| {low:.2f} to {high:.2f} | {seeds} | {deviation} "
            f"| {row.reports[0]['training']['result']['epochs']} "
            f"| {100 * row.paper.accuracy:.2f} |"
        )
    return "\n".join(lines) + "\n"


def figure(rows: Sequence[MeasuredRow], width: float) -> Figure:
    """The measured rows with their intervals and seeds, and the paper's figures, as a picture."""
    picture = Figure(figsize=(7, 3.6), layout="constrained")
    axes = picture.subplots()
    for place, row in enumerate(rows):
        first = place == 0
        found, (low, high) = row.accuracies, row.interval
        axes.errorbar(
            found.mean(), place, xerr=[[found.mean() - low], [high - found.mean()]], fmt="none",
            ecolor="tab:blue", capsize=4, label="95 % interval" if first else None,
        )  # fmt: skip
        axes.plot(
            found, np.full(len(found), place), "o", color="tab:blue", alpha=0.7,
            label="measured, one for each seed" if first else None,
        )  # fmt: skip
        axes.plot(
            100 * row.paper.accuracy, place, "D", color="tab:orange", fillstyle="none",
            label="paper, PrivateTest" if first else None,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.paper.label for row in rows])
    axes.invert_yaxis()
    figures = rows[0].reports[0]
    axes.set(
        xlabel="accuracy (%)",
        title=f"{figures['data']['name']}, {figures['split']}"
        + (f", {width:g} of the width" if width != 1 else "")
        + (" (drawings, not people)" if figures["data"]["drawn"] else ""),
    )
    axes.grid(axis="x", alpha=0.3)
    picture.legend(loc="outside lower center", ncols=3)
    return picture


def main(arguments: list[str] | None = None) -> int:
    """Train or pick up the five rows, evaluate them, write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.reproduce", description=__doc__.split("\n\n")[0]
    )
    add_data_option(parser)
    add_split_option(parser)
    parser.add_argument("--epochs", type=int, help="of every row (default: the recipes')")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0], metavar="N", help="of every row (default: 0)"
    )
    parser.add_argument(
        "--width", type=float, default=1.0,
        help="filters and units as a share of the paper's (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--rows", nargs="+", choices=[row.recipe for row in PAPER], metavar="RECIPE",
        help="only these rows of " + ", ".join(row.recipe for row in PAPER),
    )  # fmt: skip
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/paper"), help="where the run folders lie"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("reports/paper"), help="where the table is written"
    )
    options = parser.parse_args(arguments)
    dataset = loading.load(options.data)
    dataset.split(options.split)  # an absent split is said before the trainings, not after them

    rows: list[MeasuredRow] = []
    for row in PAPER:
        if options.rows and row.recipe not in options.rows:
            continue
        reports = []
        for seed in options.seeds:
            run = bring_about(row.recipe, seed, options)
            report = evaluate.evaluate(str(run), dataset, options.split)
            trained_on = report["training"]["data"]["fingerprint"]
            if trained_on != dataset.fingerprint:
                raise UserError(
                    f"{run}: was trained on other data (fingerprint {trained_on[:12]}) than the "
                    f"table is for ({dataset.fingerprint[:12]}); choose another --runs folder"
                )
            reports.append(report)
        rows.append(MeasuredRow(row, tuple(reports)))
        # After every row, so that a long reproduction shows what it has.
        with atomic_write(options.out / "table.md") as temporary:
            temporary.write_text(markdown(rows, options.width), encoding="utf-8")
        with atomic_write(options.out / "table.png") as temporary:
            figure(rows, options.width).savefig(temporary, dpi=120)
    print(markdown(rows, options.width))
    print(f"table: {options.out / 'table.md'}, picture: {options.out / 'table.png'}")
    return 0


if __name__ == "__main__":
    run_command(main)
