"""What a run is given beside its recipe and its data, and what the command line makes of it."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fer_larq.datasets.dataset import Dataset
from fer_larq.training import run_folder
from fer_larq.training.precision import choose_precision
from fer_larq.training.recipes import Recipe, recipe_from_options
from fer_larq.utils.errors import UserError

SYNTHETIC_FACES_EPOCHS = 6
"""Epochs on synthetic faces unless ``--epochs`` says otherwise; the recipes' are for FER2013."""


@dataclass(frozen=True)
class Settings:
    """What a run needs to know beside its recipe and its data: seed, arithmetic and files."""

    seed: int = 0
    precision: str = "float32"
    deterministic: bool = False
    start_from: str | None = None
    teacher_run: str | None = None


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags that ``prepare`` makes ``Settings`` and the run folder of."""
    parser.add_argument("--out", type=Path, help="run folder (default: runs/NETWORK-RECIPE-seedN)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --out from its checkpoint; only --epochs may be given anew",
    )
    parser.add_argument("--seed", type=int, help="of weights, order and crops (default: 0)")
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16", "int8"),
        help="arithmetic of the training steps; int8: binary layers in integers, exact, with "
        "gradients rounded to 8 bits; auto (default): bfloat16 on a GPU, int8 on a processor with "
        "AVX2, else bfloat16 where it is native, else float32. Validation is always exact",
    )
    parser.add_argument(
        "--deterministic",
        action=argparse.BooleanOptionalAction,
        help="the same command gives the same weights bit for bit, also after --resume",
    )
    parser.add_argument(
        "--start-from",
        metavar="RUN",
        help="begin with the weights of another run of the same network, for a second stage, or "
        "with packaged ones, such as bdnn4",
    )
    parser.add_argument(
        "--teacher",
        dest="teacher_run",
        metavar="RUN",
        help="run folder of a network whose answers the targets take in, see --distillation-weight",
    )


def prepare(options: argparse.Namespace) -> tuple[Recipe, Settings, Path]:
    """What to train, how and where, from the command line and, with ``--resume``, the run."""
    if not options.resume:
        recipe = recipe_from_options(options)
        if options.data is None and options.epochs is None:
            recipe = replace(recipe, epochs=SYNTHETIC_FACES_EPOCHS)
        settings = Settings(
            options.seed or 0,
            choose_precision(options.precision or "auto", recipe),
            bool(options.deterministic),
            options.start_from,
            options.teacher_run,
        )
        run = options.out or Path("runs", f"{recipe.network}-{options.recipe}-seed{settings.seed}")
        if (run / run_folder.DESCRIPTION).exists():
            raise UserError(
                f"{run}: already holds a run; go on with it by --resume --out {run}, or choose "
                "another --out"
            )
        return recipe, settings, run

    run = options.out or Path(
        "runs", f"{recipe_from_options(options).network}-{options.recipe}-seed{options.seed or 0}"
    )
    description = run_folder.read_description(run)
    stored = run_folder.recipe_of(description)
    recipe = recipe_from_options(options, stored)
    settings = Settings(**description["settings"])
    choose_precision(settings.precision, recipe)  # the run may have begun on another machine
    for name, value in {**asdict(stored), **asdict(settings)}.items():
        given = getattr(options, name)
        if name != "epochs" and given not in (None, "auto", value):
            raise UserError(
                f"{run}: was begun with {name} {value}, so it cannot go on with {given}; "
                "leave the flag out, or start another run"
            )
    return recipe, settings, run


def check_same_data(run: Path, dataset: Dataset) -> None:
    """Raise ``UserError`` unless the run in that folder was begun on this data."""
    begun_on, found = run_folder.read_description(run)["data"], dataset.description()
    for part, words in (("fingerprint", "other data"), ("ferplus", "other votes of FER+")):
        before, now = begun_on.get(part), found.get(part)
        if part == "ferplus":
            before, now = ((votes or {}).get("fingerprint") for votes in (before, now))
        if before != now:
            raise UserError(
                f"{run}: was begun on {words} ({begun_on['name']}, fingerprint {before!s:.12}, not "
                f"{now!s:.12}); give the same --data and --ferplus, or start another run"
            )
