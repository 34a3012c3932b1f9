"""The seven expressions, in the label order of FER2013 (paper, section 4.1)."""

import numpy as np

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Labels int64 ``[N]`` as float32 ``[N, 7]``."""
    return np.eye(len(EXPRESSIONS), dtype=np.float32)[labels]
