"""Reproduce the paper's tables: ``python -m fer_larq.reproduce --data fer2013.csv``.

Trains the five rows of Tab. 3 and 4, or picks up runs that are there, evaluates them and writes
``table.md`` and ``table.png`` with the paper's figures beside the measured ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fer_larq import data, evaluate, runs, train
from fer_larq.errors import UserError, run_command
from fer_larq.files import replacing
from fer_larq.models import network_name
from fer_larq.options import add_data_option, add_split_option
from fer_larq.recipes import RECIPES


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
    if not (run / runs.DESCRIPTION).exists():
        return False
    return runs.read_description(run).get("result", {}).get("finished", False)


def bring_about(recipe: str, run: Path, options: argparse.Namespace) -> None:
    """Train a row, go on with it, or leave it as it is when it is finished."""
    if is_finished(run):
        print(f"{run}: finished, taken as it is", flush=True)
        return
    arguments = ["--out", str(run), *(["--data", options.data] if options.data else [])]
    if (run / runs.DESCRIPTION).exists():
        arguments.append("--resume")
    else:
        arguments += ["--recipe", recipe, "--seed", str(options.seed)]
        if options.epochs is not None:
            arguments += ["--epochs", str(options.epochs)]
    if train.main(arguments) != 0:
        raise KeyboardInterrupt  # the training was stopped by a signal, and so is this command


def markdown(rows: Sequence[tuple[PaperRow, dict[str, Any]]]) -> str:
    """The measured rows as a Markdown table."""
    figures = rows[0][1]
    lines = [
        f"{figures['data']['name']}, {figures['split']} split of "
        f"{figures['accuracy']['centre']['faces']} faces, data fingerprint "
        f"`{figures['data']['fingerprint'][:12]}`. The paper's column is its PrivateTest figure.",
        "",
        "| network | dense connections | views | accuracy (%) | 95 % interval | paper (%) "
        "| epochs | seed |",
        "|---|---|---|---|---|---|---|---|",
    ]
    if figures["data"]["drawn"]:
        lines.insert(0, "**Drawn faces: these figures say nothing about people.**\n")
    for row, figures in rows:
        recipe = RECIPES[row.recipe]
        found = figures["accuracy"][recipe.validation_views]
        low, high = found["interval_95"]
        training = figures["training"]
        lines.append(
            f"| {row.label} | {'yes' if recipe.dense else 'no'} | {recipe.validation_views} "
            f"| {100 * found['value']:.2f} | {100 * low:.2f} to {100 * high:.2f} "
            f"| {100 * row.accuracy:.2f} | {training['result']['epochs']} "
            f"| {training['settings']['seed']} |"
        )
    return "\n".join(lines) + "\n"


def figure(rows: Sequence[tuple[PaperRow, dict[str, Any]]]) -> Figure:
    """The measured rows with their intervals, and the paper's figures, as a picture."""
    picture = Figure(figsize=(7, 3.6), layout="constrained")
    axes = picture.subplots()
    for place, (row, figures) in enumerate(rows):
        found = figures["accuracy"][RECIPES[row.recipe].validation_views]
        value = 100 * found["value"]
        low, high = (100 * bound for bound in found["interval_95"])
        axes.errorbar(
            value, place, xerr=[[value - low], [high - value]], fmt="o", color="tab:blue",
            capsize=4, label="measured, 95 % interval" if place == 0 else None,
        )  # fmt: skip
        axes.plot(
            100 * row.accuracy, place, "D", color="tab:orange", fillstyle="none",
            label="paper, PrivateTest" if place == 0 else None,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.label for row, _ in rows])
    axes.invert_yaxis()
    figures = rows[0][1]
    axes.set(
        xlabel="accuracy (%)",
        title=f"{figures['data']['name']}, {figures['split']}"
        + (" (drawings, not people)" if figures["data"]["drawn"] else ""),
    )
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    return picture


def main(arguments: list[str] | None = None) -> int:
    """Train or pick up the five rows, evaluate them, write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.reproduce", description=__doc__.split("\n\n")[0]
    )
    add_data_option(parser)
    add_split_option(parser)
    parser.add_argument("--epochs", type=int, help="of every row (default: the recipes')")
    parser.add_argument("--seed", type=int, default=0, help="of every row (default: 0)")
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
    dataset = data.load(options.data)
    dataset.split(options.split)  # an absent split is said before the trainings, not after them

    rows = []
    for row in PAPER:
        if options.rows and row.recipe not in options.rows:
            continue
        run = options.runs / f"{row.recipe}-seed{options.seed}"
        bring_about(row.recipe, run, options)
        figures = evaluate.evaluate(str(run), dataset, options.split)
        trained_on = figures["training"]["data"]["fingerprint"]
        if trained_on != dataset.fingerprint:
            raise UserError(
                f"{run}: was trained on other data (fingerprint {trained_on[:12]}) than the table "
                f"is for ({dataset.fingerprint[:12]}); choose another --runs folder"
            )
        rows.append((row, figures))
        # After every row, so that a long reproduction shows what it has.
        with replacing(options.out / "table.md") as temporary:
            temporary.write_text(markdown(rows), encoding="utf-8")
        with replacing(options.out / "table.png") as temporary:
            figure(rows).savefig(temporary, dpi=120)
    print(markdown(rows))
    print(f"table: {options.out / 'table.md'}, picture: {options.out / 'table.png'}")
    return 0


if __name__ == "__main__":
    run_command(main)
