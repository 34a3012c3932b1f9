"""A run folder: what a training leaves behind, and how a network comes back from it.

run.json            recipe, seed, versions, data fingerprint, results; rewritten at every epoch
history.csv         one row per epoch
curve.png           the history, drawn
best.weights.h5     the weights with the highest validation accuracy
last.weights.h5     the weights after the last epoch
checkpoints/        the state from which ``--resume`` goes on
tensorboard/        the history for TensorBoard
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from fer_larq.datasets.dataset import Dataset
from fer_larq.models import packed_weights
from fer_larq.models.registry import build_network
from fer_larq.training.recipes import FORMER_NAMES, Recipe
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from fer_larq.utils.files import atomic_write, save_arrays

DESCRIPTION = "run.json"

BEST_WEIGHTS = "best.weights.h5"

LAST_WEIGHTS = "last.weights.h5"

CHECKPOINTS = "checkpoints"

PACKAGES = ("fer_larq", "tensorflow", "tf_keras", "larq", "larq_compute_engine", "numpy")


@dataclass(frozen=True)
class LoadedNetwork:
    """A trained network and its provenance."""

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


def write_description(run: Path, description: Mapping[str, Any]) -> None:
    """Write ``run.json``, whole or not at all."""
    with atomic_write(run / DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def read_description(run: Path) -> dict[str, Any]:
    """Read ``run.json``; a ``UserError`` says what a folder without a sound one lacks."""
    file = run / DESCRIPTION
    try:
        description: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
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
    stored = description["recipe"]
    return Recipe(**{FORMER_NAMES.get(name, name): value for name, value in stored.items()})


def describe(recipe: Recipe, settings: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    """The description of a run that is about to begin; ``result`` comes with its first epoch."""
    return {
        "network": recipe.network,
        "recipe": asdict(recipe),
        "settings": dict(settings),
        "data": dataset.description(),
        "versions": versions(),
    }


def provenance(description: Mapping[str, Any]) -> dict[str, Any]:
    """A run's description without the names of files, for what leaves this machine."""
    files = {"source", "start_from", "teacher_run"}

    def without_files(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: without_files(item) for key, item in value.items() if key not in files}

    return dict(without_files(description))


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
        packaged = packed_weights.packaged(str(source))
        if packaged is None:
            names = ", ".join(packed_weights.packaged_names()) or "none yet"
            raise UserError(
                f"{path}: no such run folder or weights file, nor packaged weights of that name "
                f"(there are: {names})"
            )
        path = packaged
    if path.name.endswith(".npz"):
        description, arrays = packed_weights.read(path)
        network = build_network(checked_recipe(description, path))
        packed_weights.restore(network, arrays, path)
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
    network = build_network(recipe_of(description))
    try:
        network.load_weights(file)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{file}: damaged, or of another network than {network.name} ({reason}); "
            "take the run's other weights file or train again"
        ) from None
    return LoadedNetwork(network, description, file)


def load(name: str | Path) -> tf.keras.Model:
    """The Keras network of packaged weights, such as ``load("bdnn4")``, or of a run folder."""
    return load_network(name).network


def model_provenance(loaded: LoadedNetwork) -> dict[str, Any]:
    """What a model keeps of its training.

    Accuracies are those of the best weights; the last ones may have others.
    """
    description = provenance(loaded.description)
    result = description.get("result") or {}
    kept = {
        "recipe": description.get("recipe"),
        "settings": description.get("settings"),
        "data": description.get("data"),
        "epochs": result.get("epochs"),
        "weights_sha256": weights_digest(loaded.network),
        "versions": description.get("versions"),
    }
    if loaded.weights_file.name != LAST_WEIGHTS:
        crops = {"validation_five": "five crops", "validation_centre": "centre crop"}
        best = result.get("best") or {}
        kept["accuracy"] = {
            "split": "validation (PublicTest)",
            **{crops[key]: value for key, value in best.items() if key in crops},
        }
    for name in ("calibration", "teacher"):
        if name in description:
            kept[name] = description[name]
    return kept


def save_weights(network: tf.keras.Model, file: Path) -> None:
    """Write a network's weights (HDF5), whole or not at all."""
    with atomic_write(file) as temporary:
        network.save_weights(temporary)


def weights_digest(network: tf.keras.Model) -> str:
    """SHA-256 over all weights and batch statistics, hexadecimal: equal networks, equal digests."""
    digest = hashlib.sha256()
    for values in network.get_weights():
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def record_calibration(source: str, calibration: dict[str, Any]) -> None:
    """Write a calibration into the description of a run or of packed weights.

    Raises ``UserError`` for a converted model, whose bytes are final.
    """
    path = Path(source)
    if path.suffix == ".tflite":
        raise UserError(f"{source}: calibrate its run or its packed weights and convert it again")
    file = path if path.exists() else packed_weights.packaged(source)
    if file is not None and file.suffix == ".npz":
        description, arrays = packed_weights.read(file)
        save_arrays(file, {**description, "calibration": calibration}, arrays)
    else:
        run = path if path.is_dir() else path.parent
        write_description(run, {**read_description(run), "calibration": calibration})
