"""Why an answer about a face may be wrong: it is small, blurred, cut off, in profile, without
contrast.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.geometry import Box

QUALITY_REASONS = ("small", "blurred", "cut off", "profile", "low contrast")
"""What ``judge_quality`` can say. Its thresholds were set on FER2013's PublicTest."""

SMALL_SIDE = 36
"""Pixels of the box's side in the image, below which a face counts as small."""

BLURRED_THRESHOLD = 0.12
"""Mean square of the Laplacian over the variance, below which a face counts as blurred."""

INSIDE_THRESHOLD = 0.75
"""Share of the box that has to lie in the image."""

PROFILE_THRESHOLD = 0.45
"""Offset of the nose from the middle of the eyes, in distances of the eyes."""

CONTRAST_THRESHOLD = 4.0
"""Standard deviation of the grey values, 0 to 255, below which hardly anything is to be seen."""


def judge_quality(
    face: NDArray[np.uint8], size: tuple[int, int], box: Box, scale: float = 1.0
) -> tuple[str, ...]:
    """Reasons why the answer about a face may be wrong.

    Args:
        face: as it was cut out, uint8 ``[48, 48]``.
        size: height and width in pixels of the image that it was cut out of.
        box: of the face, as FER2013 frames it, in pixels of that image.
        scale: pixels of the file's image for each of that image.
    """
    grey = face.astype(np.float32)
    variance = max(float(grey.var()), 1e-6)
    # Whatever the light, and 0 for a face of one grey.
    sharpness = float(np.mean(cv2.Laplacian(grey, cv2.CV_32F) ** 2)) / variance
    found = {
        "small": box.side * scale < SMALL_SIDE,
        "blurred": sharpness < BLURRED_THRESHOLD,
        "cut off": share_inside(size, box) < INSIDE_THRESHOLD,
        "profile": (box.nose_offset or 0.0) > PROFILE_THRESHOLD,
        "low contrast": variance < CONTRAST_THRESHOLD**2,
    }
    return tuple(reason for reason in QUALITY_REASONS if found[reason])


def share_inside(size: tuple[int, int], box: Box) -> float:
    """Share of a box, turned or not, that lies in an image of this height and width, 0 to 1."""
    height, width = size
    if 0 <= box.left <= width - box.side and 0 <= box.top <= height - box.side and not box.angle:
        return 1.0
    turned = cv2.boxPoints(((box.centre[0], box.centre[1]), (box.side, box.side), box.angle))
    edge = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    area, _ = cv2.intersectConvexConvex(turned, edge)
    return float(area) / max(box.side**2, 1e-6)
