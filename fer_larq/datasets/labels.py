"""The seven expressions, in the label order of FER2013 (paper, section 4.1)."""

import numpy as np
from numpy.typing import NDArray

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def one_hot(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Labels int64 ``[N]`` as float32 ``[N, 7]``."""
    unit: NDArray[np.float32] = np.eye(len(EXPRESSIONS), dtype=np.float32)
    return unit[labels]
