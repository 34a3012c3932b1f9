"""A run folder: what a training leaves behind, and how a network comes back from it.

``python -m fer_larq.runs`` lists the runs under ``runs/`` as a table in Markdown.

run.json            recipe, seed, versions, data fingerprint, results; rewritten at every epoch
history.csv         one row per epoch
curve.png           the history, drawn
best.weights.h5     the weights with the highest validation accuracy
last.weights.h5     the weights after the last epoch
checkpoints/        the state from which ``--resume`` goes on
tensorboard/        the history for TensorBoard
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from fer_larq import weights
from fer_larq.data import Dataset
from fer_larq.models import DENSE_UNITS, FILTERS, bdnn
from fer_larq.recipes import RECIPES, Recipe
from fer_larq.residual import residual_network
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError, run_command, warn
from fer_larq.utils.files import replacing

DESCRIPTION = "run.json"
BEST_WEIGHTS = "best.weights.h5"
LAST_WEIGHTS = "last.weights.h5"
CHECKPOINTS = "checkpoints"

PACKAGES = ("fer_larq", "tensorflow", "tf_keras", "larq", "larq_compute_engine", "numpy")


@dataclass(frozen=True)
class LoadedNetwork:
    """A trained network and the account of how it came about."""

    network: tf.keras.Model
    """In float32, from crops ``[N, 42, 42, 1]`` in [-1, 1] to scores ``[N, 7]``."""
    description: dict[str, Any]
    """Contents of ``run.json``."""
    weights_file: Path


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide what a training computes."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def build(recipe: Recipe, *, integers: bool = False) -> tf.keras.Model:
    """The network that a recipe trains, under the current dtype policy; ``integers`` as in bdnn."""
    if recipe.topology == "residual":
        return residual_network(recipe.width, recipe.dropout, recipe.momentum)
    return bdnn(
        recipe.blocks,
        recipe.dense,
        binary=recipe.binary,
        pseudo_gradient=recipe.pseudo_gradient,
        clip_value=recipe.clip_value,
        latent_weights=recipe.optimizer != "bop",
        momentum=recipe.momentum,
        filters=tuple(round(recipe.width * filters) for filters in FILTERS),
        dense_units=tuple(round(recipe.width * units) for units in DENSE_UNITS),
        integers=integers,
    )


def write_description(run: Path, description: Mapping[str, Any]) -> None:
    """Write ``run.json``, whole or not at all."""
    with replacing(run / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def read_description(run: Path) -> dict[str, Any]:
    """Read ``run.json``; a ``UserError`` says what a folder without a sound one lacks."""
    file = run / DESCRIPTION
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{run}: no run folder, there is no {DESCRIPTION} in it; "
            "`python -m fer_larq.train` makes one"
        ) from None
    except ValueError as error:
        raise UserError(f"{file}: not written by fer_larq.train ({error}); train again") from None
    checked_recipe(description, file)
    return description


def checked_recipe(description: Mapping[str, Any], file: Path) -> Recipe:
    """The recipe in a description that was read from ``file``; ``UserError`` if it has none."""
    try:
        return recipe_of(description)
    except (KeyError, TypeError) as error:
        raise UserError(f"{file}: not written by fer_larq.train ({error}); train again") from None


def recipe_of(description: Mapping[str, Any]) -> Recipe:
    """The recipe in a run's description."""
    return Recipe(**description["recipe"])


def describe(recipe: Recipe, settings: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """The description of a run that is about to begin; ``result`` comes with its first epoch."""
    return {
        "network": recipe.network,
        "recipe": asdict(recipe),
        "settings": dict(settings),
        "data": dataset.description(),
        "versions": versions(),
    }


def account(description: Mapping[str, Any]) -> dict[str, Any]:
    """A run's description without the names of files, for what leaves this machine."""
    files = {"source", "start_from", "teacher_run"}

    def without_files(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: without_files(item) for key, item in value.items() if key not in files}

    return without_files(description)


def load_network(source: str | Path) -> LoadedNetwork:
    """Load a trained network.

    Args:
        source: a run folder, whose best weights are taken; one of its ``.weights.h5`` files; a
            packed ``.npz`` file; or the name of packaged weights, such as ``bdnn4``.

    Raises:
        UserError: if there is no such network, or its weights are missing or damaged.
    """
    path = Path(source)
    if not path.exists():
        packaged = weights.packaged(str(source))
        if packaged is None:
            names = ", ".join(weights.packaged_names()) or "none yet"
            raise UserError(
                f"{path}: no such run folder or weights file, nor packaged weights of that name "
                f"(there are: {names})"
            )
        path = packaged
    if path.name.endswith(".npz"):
        description, arrays = weights.read(path)
        network = build(checked_recipe(description, path))
        weights.restore(network, arrays, path)
        return LoadedNetwork(network, description, path)
    if path.is_file() and not path.name.endswith(".weights.h5"):
        raise UserError(f"{path}: expected a run folder, a .weights.h5 file inside one, or an .npz")

    run, file = (path, path / BEST_WEIGHTS) if path.is_dir() else (path.parent, path)
    description = read_description(run)
    if not file.exists():
        raise UserError(
            f"{run}: has no {file.name} yet, it is written after the first epoch; "
            "let the training go on with --resume"
        )
    network = build(recipe_of(description))
    try:
        network.load_weights(file)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{file}: damaged, or of another network than {network.name} ({reason}); "
            "take the run's other weights file or train again"
        ) from None
    return LoadedNetwork(network, description, file)


def save_weights(network: tf.keras.Model, file: Path) -> None:
    """Write a network's weights (HDF5), whole or not at all."""
    with replacing(file) as temporary:
        network.save_weights(temporary)


def weights_digest(network: tf.keras.Model) -> str:
    """SHA-256 over all weights and batch statistics, hexadecimal: equal networks, equal digests."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def changed_flags(recipe: Recipe) -> str:
    """The flags that turn ``--recipe best`` into ``recipe``, less what the network's name says."""
    named = {"blocks", "dense", "binary", "width", "epochs"}
    flags = []
    for name, best in asdict(RECIPES["best"]).items():
        value, flag = getattr(recipe, name), name.replace("_", "-")
        of_no_effect = name.startswith("bop_") and recipe.optimizer != "bop"
        if value == best or name in named or of_no_effect:
            continue
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            flags.append(f"--{flag} {value:g}" if isinstance(value, float) else f"--{flag} {value}")
    return " ".join(flags)


def table(folders: Sequence[Path]) -> str:
    """A Markdown table with a line for each run; the figures are those of its best epoch."""
    lines = [
        "| run | network | flags beside `--recipe best` | seed | epochs | best epoch "
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
    print(table(folders), end="")
    return 0


if __name__ == "__main__":
    run_command(main)
