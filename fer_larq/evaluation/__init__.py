"""How well a network classifies faces."""

# The old import path; it goes when the training code has moved.
from fer_larq.evaluation.metrics import (
    FACES_AT_ONCE,
    Predictor,
    accuracies,
    accuracy,
    crop_scores,
    mean_over_views,
)

__all__ = [
    "FACES_AT_ONCE",
    "Predictor",
    "accuracies",
    "accuracy",
    "crop_scores",
    "mean_over_views",
]
