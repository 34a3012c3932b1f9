"""A network that is to be evaluated, whatever it is stored as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.conversion.converter import build_model
from fer_larq.conversion.packing import WORD
from fer_larq.datasets import crops
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import Predictor, crop_scores, mean_over_crops
from fer_larq.models.bdnn import predictor
from fer_larq.tflite.delegate import library_path
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.training.run_folder import load_network, recipe_of
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError

TENSORFLOW_LITE = "TensorFlow Lite"


@dataclass(frozen=True)
class EvaluationTarget:
    """A network that is to be evaluated, whatever it is stored as."""

    name: str
    training: dict[str, Any]
    """What is known of its training."""
    main_crops: str
    """The crops that it is meant to be evaluated with."""
    normalisation: str
    """How its faces are prepared before crops are cut."""
    computed_by: str
    """What runs it."""
    predict: Predictor | None
    """From crops to scores; None for a model that cuts its crops itself, always ``main_crops``."""
    read: Callable[[NDArray[np.uint8]], NDArray[np.float32]] | None = None
    """From faces, uint8 ``[N, 48, 48]``, to mean scores, for such a model."""


def load_target(source: str) -> EvaluationTarget:
    """Load a run folder, a weights file, packaged weights or a ``.tflite`` model."""
    if source.endswith(".tflite"):
        model = TFLiteNetwork(source)
        bare = model.crops == "none"
        return EvaluationTarget(
            name=f"{model.document.get('network', 'network')}, {model.document.get('arithmetic')}",
            training=model.document.get("run", {}),
            main_crops="five" if bare else model.crops,
            normalisation=model.normalisation,
            computed_by=TENSORFLOW_LITE,
            predict=model.classify_crops if bare else None,
            read=lambda faces: model.scores(faces, model.crops),
        )
    loaded = load_network(source)
    recipe = recipe_of(loaded.description)
    known = ("recipe", "settings", "data", "result")
    binary = recipe.topology == "bdnn" and recipe.binary
    packed = packed_predictor(loaded.network) if binary else None
    return EvaluationTarget(
        name=recipe.network,
        training={key: loaded.description.get(key) for key in known},
        main_crops=recipe.validation_crops,
        normalisation=recipe.normalisation,
        computed_by=f"{TENSORFLOW_LITE}, bit-packed" if packed else "TensorFlow, float32",
        predict=packed or predictor(loaded.network),
    )


def packed_predictor(network: tf.keras.Model) -> Predictor | None:
    """A binary network of ``models.bdnn``, bit-packed and run with the delegate.

    It gives the same answers some ten times as fast as TensorFlow (conversion is verified on that).
    None if the network's layers do not fill words of bits, or the delegate was not built.
    """
    *hidden, _ = (layer.kernel for layer in network.layers if hasattr(layer, "kernel"))
    if any(kernel.shape[-1] % WORD for kernel in hidden):
        return None
    try:
        library_path()
    except UserError:
        return None
    return TFLiteNetwork(build_model(network, {}, "none")).classify_crops


def score_target(
    network: EvaluationTarget, faces: NDArray[np.uint8], ten: bool = False
) -> dict[str, NDArray[np.float32]]:
    """Scores float32 ``[N, 7]`` by crops, the main ones first.

    From single crops: ``five``, ``centre`` and, if wanted, ``ten``.

    Raises ``UserError`` if ten crops are wanted of a model that cuts five itself.
    """
    faces = normalise(faces, network.normalisation)
    if network.predict is None:
        assert network.read is not None
        if ten and network.main_crops != "ten":
            raise UserError(
                f"--ten: the model averages over {network.main_crops} crops itself; convert the "
                "network with `--crops ten` or `--crops none`, or evaluate the network"
            )
        return {network.main_crops: network.read(faces)}
    scores = crop_scores(network.predict, faces, "ten" if ten else "five", progress=True)
    five = scores[:, : len(crops.FIVE_CROP_OFFSETS)]
    by_crops = {
        "five": mean_over_crops(five),
        "centre": five[:, crops.FIVE_CROP_OFFSETS.index(crops.CENTRE_OFFSET)],
    }
    if ten:
        by_crops["ten"] = mean_over_crops(scores)
    return {network.main_crops: by_crops[network.main_crops]} | by_crops
