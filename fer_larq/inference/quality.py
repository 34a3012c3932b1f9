"""Why an answer about a face may be wrong: it is small, blurred, cut off, in profile, without
contrast.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.geometry import Box, cut_turned

QUALITY_REASONS = ("small", "blurred", "cut off", "profile", "low contrast")
"""What ``judge_quality`` can say. Its thresholds were set on FER2013's PublicTest, see
``docs/faces_in_pictures.md``."""

SMALL_SIDE = 36
"""Pixels of the box's side in the image, below which a face counts as small."""

SHARPNESS_SIZE = 48
"""Height and width in pixels at which a face's sharpness is measured."""

BLURRED_THRESHOLD = 0.12
"""Mean square of the Laplacian over the variance, below which a face counts as blurred."""

INSIDE_THRESHOLD = 0.75
"""Share of the box that has to lie in the image."""

PROFILE_THRESHOLD = 0.45
"""Offset of the nose from the middle of the eyes, in distances of the eyes."""

CONTRAST_THRESHOLD = 4.0
"""Standard deviation of the grey values, 0 to 255, below which hardly anything is to be seen."""


def judge_quality(image: NDArray[np.uint8], box: Box, scale: float = 1.0) -> tuple[str, ...]:
    """Reasons why the answer about the face in a box may be wrong.

    Args:
        image: uint8 ``[H, W, 3]``.
        box: of the face, as FER2013 frames it, in pixels of ``image``.
        scale: pixels of the file's image for each of ``image``.
    """
    grey = cut_turned(image, box, SHARPNESS_SIZE, border=cv2.BORDER_REPLICATE, averaged=True)
    grey = cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY).astype(np.float32)
    variance = float(grey.var())
    found = {
        "small": box.side * scale < SMALL_SIDE,
        "blurred": sharpness(grey) < BLURRED_THRESHOLD,
        "cut off": share_inside(image, box) < INSIDE_THRESHOLD,
        "profile": (box.nose_offset or 0.0) > PROFILE_THRESHOLD,
        "low contrast": variance < CONTRAST_THRESHOLD**2,
    }
    return tuple(reason for reason in QUALITY_REASONS if found[reason])


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Mean square of the Laplacian over the variance of the pixels, float32 ``[H, W]``: whatever
    the light, and 0 for a face of one grey."""
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)
    return float(np.mean(laplacian**2)) / max(float(grey.var()), 1e-6)


def share_inside(image: NDArray[np.uint8], box: Box) -> float:
    """Share of a box, turned or not, that lies in an image, 0 to 1."""
    height, width = image.shape[:2]
    turned = cv2.boxPoints(((box.centre[0], box.centre[1]), (box.side, box.side), box.angle))
    edge = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    area, _ = cv2.intersectConvexConvex(turned, edge)
    return float(area) / max(box.side**2, 1e-6)
