"""The crops of a face and the scaling of its pixels (paper, sections 3.1 and 3.4).

Everything that cuts or scales a face imports it from here, so that training, evaluation,
conversion and the runtime cannot disagree. NumPy only.
"""

from __future__ import annotations

import numpy as np

FACE_SIZE = 48
"""Height and width of a face of FER2013, in pixels."""

CROP_SIZE = 42
"""Height and width of the network's input, in pixels."""

MARGIN = FACE_SIZE - CROP_SIZE

CENTRE_OFFSET = (MARGIN // 2, MARGIN // 2)

FIVE_CROP_OFFSETS = ((0, 0), (0, MARGIN), (MARGIN, 0), (MARGIN, MARGIN), CENTRE_OFFSET)
"""(top, left) of the top-left, top-right, bottom-left, bottom-right and centre crop."""

VIEWS = ("five", "ten", "centre")
"""Names of the sets of crops over which a network's outputs are averaged."""


def view_count(views: str) -> int:
    """Number of crops in a set of ``VIEWS``."""
    return {"five": 5, "ten": 10, "centre": 1}[views]


def cut(faces: np.ndarray, views: str = "five") -> np.ndarray:
    """Cut faces into crops.

    Args:
        faces: uint8 ``[N, 48, 48]``.
        views: ``"five"`` for ``FIVE_CROP_OFFSETS``; ``"ten"`` for these and their mirror images;
            ``"centre"`` for the centre crop alone.

    Returns:
        uint8 ``[N, V, 42, 42]`` with V = 5, 10 or 1.
    """
    if views not in VIEWS:
        raise ValueError(f"views {views!r} is none of {', '.join(VIEWS)}")
    offsets = (CENTRE_OFFSET,) if views == "centre" else FIVE_CROP_OFFSETS
    crops = np.stack(
        [faces[:, top : top + CROP_SIZE, left : left + CROP_SIZE] for top, left in offsets], axis=1
    )
    if views == "ten":
        crops = np.concatenate([crops, crops[..., ::-1]], axis=1)
    return crops


def scale(pixels):
    """Map pixel values 0..255 to [-1, 1]: x = (2 p - 255) / 255.

    Works on float32 NumPy arrays and TensorFlow tensors alike. The integer 2 p - 255 is formed
    first: it is exact in float32, and a converted network relies on that.
    """
    return (2.0 * pixels - 255.0) / 255.0
