"""Reproduce the paper's tables: ``python -m fer_larq.reproduce --data fer2013.csv``.

Trains the five rows of Tab. 3 and 4, or picks up runs that are there, evaluates them and writes
``table.md`` and ``table.png`` with the paper's figures beside the measured ones, and
``predictions.csv`` with every row's answer to each face. McNemar's test on these says which
differences between rows are more than a choice of faces; several seeds say which are more than a
choice of seed. ``--width 0.25`` makes them affordable, with networks of a quarter of the filters
and units.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fer_larq import train
from fer_larq.datasets import loading
from fer_larq.evaluate import evaluate
from fer_larq.evaluation.paper_table import PAPER, MeasuredRow, write_paper_table
from fer_larq.training import run_folder
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.options import add_data_option, add_split_option


def is_finished(run: Path) -> bool:
    """Whether a run in that folder has come to the end of its recipe."""
    if not (run / run_folder.DESCRIPTION).exists():
        return False
    return bool(run_folder.read_description(run).get("result", {}).get("finished", False))


def run_name(recipe: str, width: float, seed: int) -> str:
    """Name of a row's run folder."""
    return recipe + (f"-width{width:g}" if width != 1 else "") + f"-seed{seed}"


def train_or_resume(recipe: str, seed: int, options: argparse.Namespace) -> Path:
    """Train a row with one seed, go on with it, or leave it as it is when it is finished."""
    run: Path = options.runs / run_name(recipe, options.width, seed)
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


def main(arguments: list[str] | None = None) -> int:
    """Train or pick up the five rows, evaluate them, write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.reproduce",
        description="Train, evaluate and compare the networks of the paper's tables.",
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
        evaluations = []
        for seed in options.seeds:
            run = train_or_resume(row.recipe, seed, options)
            evaluation = evaluate(str(run), dataset, options.split)
            trained_on = evaluation.figures["training"]["data"]["fingerprint"]
            if trained_on != dataset.fingerprint:
                raise UserError(
                    f"{run}: was trained on other data (fingerprint {trained_on[:12]}) than the "
                    f"table is for ({dataset.fingerprint[:12]}); choose another --runs folder"
                )
            evaluations.append(evaluation)
        rows.append(MeasuredRow(row, tuple(evaluations)))
        # After every row, so that a long reproduction shows what it has.
        page = write_paper_table(options.out, rows, options.width)
    print(page)
    print(f"table: {options.out / 'table.md'}, picture: {options.out / 'table.png'}")
    return 0


if __name__ == "__main__":
    run_command(main)
