"""A network that is to be evaluated, whatever it is stored as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_larq.datasets import crops
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import Predictor, crop_scores, mean_over_crops
from fer_larq.models.bdnn import predictor
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.training.run_folder import load_network, recipe_of


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
    predict: Predictor | None
    """From crops to scores; None for a model that cuts its crops itself, always ``main_crops``."""
    read: Callable[[np.ndarray], np.ndarray] | None = None
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
            predict=model.classify_crops if bare else None,
            read=lambda faces: model.scores(faces, model.crops),
        )
    loaded = load_network(source)
    recipe = recipe_of(loaded.description)
    known = ("recipe", "settings", "data", "result")
    return EvaluationTarget(
        name=recipe.network,
        training={key: loaded.description.get(key) for key in known},
        main_crops=recipe.validation_crops,
        normalisation=recipe.normalisation,
        predict=predictor(loaded.network),
    )


def score_target(
    network: EvaluationTarget, faces: np.ndarray, ten: bool = False
) -> dict[str, np.ndarray]:
    """Scores float32 ``[N, 7]`` by crops, the main ones first.

    From single crops: ``five``, ``centre`` and, if wanted, ``ten``.
    """
    faces = normalise(faces, network.normalisation)
    if network.predict is None:
        assert network.read is not None
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
