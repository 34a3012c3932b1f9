"""List runs as a table in Markdown: ``python -m fer_larq.runs``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fer_larq.training.recipes import RECIPES, Recipe
from fer_larq.training.run_folder import DESCRIPTION, read_description, recipe_of
from fer_larq.utils.errors import UserError, run_command, warn


def changed_flags(recipe: Recipe) -> str:
    """The flags that turn ``--recipe augmented`` into ``recipe``, but for the network's name."""
    named = {"blocks", "dense", "binary", "width", "epochs"}
    flags = []
    for name, base in asdict(RECIPES["augmented"]).items():
        value, flag = getattr(recipe, name), name.replace("_", "-")
        of_no_effect = name.startswith("bop_") and recipe.optimizer != "bop"
        if value == base or name in named or of_no_effect:
            continue
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            flags.append(f"--{flag} {value:g}" if isinstance(value, float) else f"--{flag} {value}")
    return " ".join(flags)


def run_table(folders: Sequence[Path]) -> str:
    """A Markdown table with a line for each run; the figures are those of its best epoch."""
    lines = [
        "| run | network | flags beside `--recipe augmented` | seed | epochs | best epoch "
        "| five crops (%) | centre (%) | data |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for folder in folders:
        description = read_description(folder)
        recipe, result = recipe_of(description), description.get("result", {})
        best = result.get("best", {})
        epochs = f"{result.get('epochs', 0)}"
        if not result.get("finished"):
            epochs += f" of {recipe.epochs}"
        flags = changed_flags(recipe)
        figures = " | ".join(
            f"{100 * best[name]:.2f}" if name in best else ""
            for name in ("validation_five", "validation_centre")
        )
        data = description["data"]
        lines.append(
            f"| {folder.name} | {recipe.network} | {f'`{flags}`' if flags else ''} "
            f"| {description['settings']['seed']} | {epochs} | {best.get('epoch', '')} | {figures} "
            f"| {data['name']} `{data['fingerprint'][:12]}` |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Print the table of the runs in a folder."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.runs",
        description="List runs as a table in Markdown, with validation accuracies (PublicTest).",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("runs"),
        help="folder that holds runs, at any depth (default: runs)",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    folders = []
    for file in sorted(options.folder.rglob(DESCRIPTION)):
        try:
            read_description(file.parent)
        except UserError as error:
            warn(str(error))
        else:
            folders.append(file.parent)
    if not folders:
        raise UserError(f"{options.folder}: no runs in it; `python -m fer_larq.train` makes one")
    print(run_table(folders), end="")
    return 0


if __name__ == "__main__":
    run_command(main)
