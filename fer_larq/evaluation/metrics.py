"""What a network says about faces, and how often it is right.

Network-agnostic: a *predictor* is any function from crops, uint8 ``[N, 42, 42]``, to scores,
float32 ``[N, 7]``, be it a Keras network (``models.predictor``) or a converted one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import CENTRE_OFFSET, CROP_SETS, CROP_SIZE, FIVE_CROP_OFFSETS, cut
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.progress import progress_bar

if TYPE_CHECKING:
    from fer_larq.datasets.dataset import Faces

Predictor = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

FACES_AT_ONCE = 32
"""Faces whose crops are predicted together: large enough for speed, small enough for memory."""


def crop_scores(
    predict: Predictor, faces: NDArray[np.uint8], crops: str = "five", progress: bool = False
) -> NDArray[np.float32]:
    """Scores of every crop of every face.

    Args:
        predict: see ``Predictor``.
        faces: uint8 ``[N, 48, 48]``.
        crops: one of ``CROP_SETS``.
        progress: show a progress bar on standard error, if that is a terminal.

    Returns:
        float32 ``[N, V, 7]``; V = 5, 10 or 1. In ``five`` and ``ten``, crop 4 is the centre.
    """
    count = CROP_SETS[crops]
    scores = np.empty((len(faces), count, len(EXPRESSIONS)), np.float32)
    starts = range(0, len(faces), FACES_AT_ONCE)
    quiet = None if progress else True  # None: quiet where standard error is no terminal
    for start in progress_bar(starts, desc="classifying faces", disable=quiet, leave=False):
        part = cut(faces[start : start + FACES_AT_ONCE], crops)
        flat = part.reshape(-1, CROP_SIZE, CROP_SIZE)
        scores[start : start + len(part)] = predict(flat).reshape(len(part), count, -1)
    return scores


def mean_over_crops(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the crops' outputs (section 3.4): ``[N, V, 7]`` to float32 ``[N, 7]``."""
    mean: NDArray[np.float32] = scores.mean(axis=1, dtype=np.float32)
    return mean


def accuracy(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of faces, 0 to 1, whose largest score ``[N, 7]`` is that of their label ``[N]``."""
    return float(np.mean(scores.argmax(axis=1) == labels))


def accuracies(predict: Predictor, faces: Faces, progress: bool = False) -> dict[str, float]:
    """Accuracy with the five-crop mean and on the centre crop, from one pass over ``faces``."""
    scores = crop_scores(predict, faces.images, "five", progress)
    centre = FIVE_CROP_OFFSETS.index(CENTRE_OFFSET)
    return {
        "five": accuracy(mean_over_crops(scores), faces.labels),
        "centre": accuracy(scores[:, centre], faces.labels),
    }
