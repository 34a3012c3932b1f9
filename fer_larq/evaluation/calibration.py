"""From scores to probabilities: temperature scaling, and how well it is calibrated.

Guo, Pleiss, Sun and Weinberger 2017, arXiv:1706.04599, sections 2 and 4.2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

BINS = 15
"""Of the confidence, as in the paper."""

TEMPERATURES = (0.02, 20.0)
"""Between these a temperature is looked for."""


@dataclass(frozen=True)
class Calibration:
    """A temperature and what it is worth.

    Attributes:
        temperature: by which scores are divided before softmax, fitted on all faces.
        expected_calibration_error: 0 to 1, on the half of the faces (every second one) that did
            not take part in another fit.
        uncalibrated_error: the same with a temperature of 1.
        bins: of the confidence.
        faces: on which the temperature was fitted.
    """

    temperature: float
    expected_calibration_error: float
    uncalibrated_error: float
    bins: int
    faces: int

    def as_dict(self) -> dict[str, Any]:
        """For ``run.json``."""
        return asdict(self)


def probabilities(scores: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Softmax of scores divided by a temperature: float ``[N, 7]`` to float64 ``[N, 7]``."""
    scaled = scores.astype(np.float64) / temperature
    powers: NDArray[np.float64] = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def negative_log_likelihood(
    scores: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> float:
    """Mean over the faces; scores float ``[N, 7]``, labels int ``[N]``."""
    scaled = scores.astype(np.float64) / temperature
    largest = scaled.max(axis=1)
    total = largest + np.log(np.exp(scaled - largest[:, np.newaxis]).sum(axis=1))
    return float(np.mean(total - scaled[np.arange(len(labels)), labels]))


def fit_temperature(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature at which the labels are most likely.

    Args:
        scores: float ``[N, 7]``.
        labels: int ``[N]``.
    """
    found = minimize_scalar(
        lambda exponent: negative_log_likelihood(scores, labels, float(np.exp(exponent))),
        bounds=np.log(TEMPERATURES),
        method="bounded",
    )
    return float(np.exp(found.x))


def expected_calibration_error(
    shares: NDArray[np.float64], labels: NDArray[np.int64], bins: int = BINS
) -> float:
    """Mean distance, 0 to 1, of confidence and accuracy over bins of the confidence, by faces.

    Args:
        shares: probabilities, float ``[N, 7]``.
        labels: int ``[N]``.
        bins: of equal width from 0 to 1.
    """
    confidence = shares.max(axis=1)
    right = shares.argmax(axis=1) == labels
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def calibrate(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> Calibration:
    """Fit a temperature and measure it: fitted on even rows, measured on odd ones.

    Args:
        scores: float ``[N, 7]`` of faces that the network was not trained on, N at least 2.
        labels: int ``[N]``.
    """
    half = fit_temperature(scores[0::2], labels[0::2])
    held_out, their_labels = scores[1::2], labels[1::2]
    return Calibration(
        temperature=fit_temperature(scores, labels),
        expected_calibration_error=expected_calibration_error(
            probabilities(held_out, half), their_labels
        ),
        uncalibrated_error=expected_calibration_error(probabilities(held_out, 1.0), their_labels),
        bins=BINS,
        faces=len(labels),
    )
