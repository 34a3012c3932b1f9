"""The crops of a face and the scaling of its pixels (paper, sections 3.1 and 3.4).

Everything that cuts or scales a face imports it from here, so that training, evaluation,
conversion and the runtime cannot disagree. NumPy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FACE_SIZE = 48
"""Height and width of a face of FER2013, in pixels."""

CROP_SIZE = 42
"""Height and width of the network's input, in pixels."""

MARGIN = FACE_SIZE - CROP_SIZE

CENTRE_OFFSET = (MARGIN // 2, MARGIN // 2)

FIVE_CROP_OFFSETS = ((0, 0), (0, MARGIN), (MARGIN, 0), (MARGIN, MARGIN), CENTRE_OFFSET)
"""(top, left) of the top-left, top-right, bottom-left, bottom-right and centre crop."""

CROP_SETS = {"five": 5, "ten": 10, "centre": 1}
"""Sets of crops over which a network's scores are averaged, and the number of crops in each."""


def cut(faces: NDArray[np.uint8], crops: str = "five") -> NDArray[np.uint8]:
    """Cut faces into crops.

    Args:
        faces: uint8 ``[N, 48, 48]``.
        crops: ``"five"`` for ``FIVE_CROP_OFFSETS``; ``"ten"`` for these and their mirror images;
            ``"centre"`` for the centre crop alone.

    Returns:
        uint8 ``[N, V, 42, 42]`` with V = 5, 10 or 1.
    """
    if crops not in CROP_SETS:
        raise ValueError(f"crops {crops!r} is none of {', '.join(CROP_SETS)}")
    offsets = (CENTRE_OFFSET,) if crops == "centre" else FIVE_CROP_OFFSETS
    pixels: NDArray[np.uint8] = np.stack(
        [faces[:, top : top + CROP_SIZE, left : left + CROP_SIZE] for top, left in offsets], axis=1
    )
    if crops == "ten":
        pixels = np.concatenate([pixels, pixels[..., ::-1]], axis=1)
    return pixels


def scale(pixels: Any) -> Any:
    """Map pixel values 0..255 to [-1, 1]: x = (2 p - 255) / 255.

    Works on float32 NumPy arrays and TensorFlow tensors alike. The integer 2 p - 255 is formed
    first: it is exact in float32, and a converted network relies on that.
    """
    return (2.0 * pixels - 255.0) / 255.0
