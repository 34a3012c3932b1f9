"""Normalisation of a face's light, in integers, so that every program computes the same bytes.

A network is trained with one of ``NORMALISATIONS`` and its model file names it: whoever runs the
model prepares each face, 48x48 pixels, in the same way before its crops are cut. The Android app
has the same arithmetic (``FaceNormalisation.kt``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NORMALISATIONS = ("none", "stretch")
"""Names of what may be done with a face's light."""

TAIL = 24
"""How many pixels from either end of the sorted 2,304 the darkest and the brightest one lie that
count: about the 1st and the 99th percentile, so that a few odd pixels decide nothing."""


def normalise(faces: NDArray[np.uint8], normalisation: str) -> NDArray[np.uint8]:
    """Prepare faces as a network was trained with.

    Args:
        faces: uint8 ``[N, 48, 48]``.
        normalisation: one of ``NORMALISATIONS``.

    Returns:
        uint8 ``[N, 48, 48]``: new faces, or for ``none`` the same array.

    Raises:
        ValueError: there is no such normalisation.
    """
    if normalisation == "none":
        return faces
    if normalisation == "stretch":
        return stretch(faces)
    raise ValueError(f"normalisation {normalisation!r} is none of {', '.join(NORMALISATIONS)}")


def stretch(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch each face's grey values so that its dark end becomes 0 and its bright end 255.

    With ``low`` and ``high`` the ``TAIL``-th smallest and largest pixel of a face, a pixel p
    becomes ``((p - low) * 255 + (high - low) // 2) // (high - low)``, the quotient rounded down,
    and then at least 0 and at most 255. A face whose ``low`` is its ``high`` stays as it is. What
    is stretched once stays as it is when it is stretched again.

    Args:
        faces: uint8 ``[N, height, width]`` of at least ``2 * TAIL`` pixels.

    Returns:
        uint8 of the same shape.
    """
    count = faces.shape[1] * faces.shape[2]
    flat = faces.reshape(len(faces), count)
    ends = np.partition(flat, (TAIL - 1, count - TAIL), axis=1).astype(np.int32)
    low, high = ends[:, TAIL - 1, None], ends[:, count - TAIL, None]
    span = high - low
    # A table of 256 entries for each face: a pixel has no other neighbours in this arithmetic.
    values = np.arange(256, dtype=np.int32)[None]
    table = ((values - low) * 255 + span // 2) // np.maximum(span, 1)
    table = np.where(span == 0, values, np.clip(table, 0, 255)).astype(np.uint8)
    return np.take_along_axis(table, flat.astype(np.intp), axis=1).reshape(faces.shape)
