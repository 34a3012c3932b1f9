"""Packaged weights: one ``.npz`` for each network that is shipped, one bit for each weight.

``python -m fer_larq.weights RUN`` packs the best weights of a run, and
``fer_larq.load("bdnn4")`` brings them back. A file holds, for the layers in their order,

    signs_N        uint8 [ceil(weights / 8)], bit 1 for +1, in C order of the Keras kernel
    statistics_N   float32 [3 or 4, channels]: beta, moving mean, moving variance, and before them
                   gamma where the batch normalisation has a scale
    description    uint8, the run's ``run.json``

The latent weights of the training are not kept: a packed network computes exactly what the trained
one did, but a training that starts from it (``--start-from``) has to find their sizes anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.models.bdnn import weighted_layers
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from fer_larq.utils.files import load_arrays, save_arrays

FOLDER = Path(__file__).resolve().parents[1] / "weights"


def packaged(name: str) -> Path | None:
    """The file of a packaged network such as ``bdnn4``; None if there is none of that name."""
    file = FOLDER / f"{name}.npz"
    return file if file.is_file() else None


def packaged_names() -> list[str]:
    """Names of all packaged networks."""
    return sorted(file.stem for file in FOLDER.glob("*.npz"))


def save(file: Path, network: tf.keras.Model, description: dict[str, Any]) -> None:
    """Pack a network of ``fer_larq.models.bdnn`` and its description into ``file``."""
    arrays = {}
    for index, (layer, normalisation) in enumerate(weighted_layers(network)):
        arrays[f"signs_{index}"] = np.packbits(layer.get_weights()[0].ravel() >= 0)
        arrays[f"statistics_{index}"] = np.stack(normalisation.get_weights()).astype(np.float32)
    save_arrays(file, description, arrays)


def read(file: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description and the arrays of a packed file; ``UserError`` if it is not one."""
    try:
        return load_arrays(file)
    except ValueError as error:
        raise UserError(
            f"{file}: no packed weights, or damaged ({error}); pack them again"
        ) from None


def restore(network: tf.keras.Model, arrays: dict[str, NDArray[Any]], file: Path) -> None:
    """Put packed weights into a network of the same form; ``UserError`` if they do not fit."""
    layers = weighted_layers(network)
    try:
        if len(arrays) != 2 * len(layers):
            raise ValueError(f"{len(arrays)} arrays for {len(layers)} layers")
        for index, (layer, normalisation) in enumerate(layers):
            (kernel,) = layer.get_weights()
            octets = arrays[f"signs_{index}"]
            if octets.shape != ((kernel.size + 7) // 8,):
                raise ValueError(f"layer {index} has {octets.shape} octets of signs")
            bits = np.unpackbits(octets, count=kernel.size).reshape(kernel.shape)
            layer.set_weights([2.0 * bits.astype(np.float32) - 1.0])
            normalisation.set_weights(list(arrays[f"statistics_{index}"]))
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{file}: not the weights of {network.name} ({error})") from None
