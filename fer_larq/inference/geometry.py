"""Boxes in an image, and FER2013's way of framing a face.

``docs/faces_in_pictures.md`` says how the framing was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from fer_larq.datasets.crops import FACE_SIZE


@dataclass(frozen=True)
class Box:
    """A square in an image, in its pixels from the left and the top; it may reach beyond.

    ``confidence``, 0 to 1, says how sure a detector was to have found a face there.
    """

    left: float
    top: float
    side: float
    confidence: float = 1.0

    @property
    def centre(self) -> tuple[float, float]:
        """x and y."""
        return self.left + self.side / 2, self.top + self.side / 2

    def around(self, factor: float) -> Box:
        """A box of ``factor`` times the side about the same centre."""
        margin = (factor - 1) / 2 * self.side
        return Box(self.left - margin, self.top - margin, factor * self.side, self.confidence)


@dataclass(frozen=True)
class Framing:
    """How FER2013 frames a face, told from a detector's box.

    Attributes:
        side: side of FER2013's square in sides of the box.
        rise: how far its centre lies above the box's, in sides of the box.
    """

    side: float
    rise: float

    def frame(self, box: Box) -> Box:
        """The box that FER2013 would show of the face in a detector's box."""
        around = box.around(self.side)
        return Box(around.left, around.top - self.rise * box.side, around.side, box.confidence)

    def unframe(self, frame: Box) -> Box:
        """The detector's box that ``frame`` made a frame of."""
        side = frame.side / self.side
        left, top = frame.centre[0] - side / 2, frame.centre[1] - side / 2 + self.rise * side
        return Box(left, top, side, frame.confidence)


def intersection(a: Box, b: Box) -> float:
    """Area that two boxes share."""
    width = min(a.left + a.side, b.left + b.side) - max(a.left, b.left)
    height = min(a.top + a.side, b.top + b.side) - max(a.top, b.top)
    return max(width, 0.0) * max(height, 0.0)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    shared = intersection(a, b)
    return shared / max(a.side**2 + b.side**2 - shared, 1e-9)


def contained(a: Box, b: Box) -> float:
    """Share of the smaller box that lies in the other, 0 to 1."""
    return intersection(a, b) / max(min(a.side, b.side) ** 2, 1e-9)


def cut_box(
    image: np.ndarray,
    box: Box,
    size: int,
    *,
    border: int = cv2.BORDER_CONSTANT,
    averaged: bool = False,
) -> np.ndarray:
    """Cut a box out of an image and scale it.

    Args:
        image: uint8 ``[H, W]`` or ``[H, W, 3]``.
        box: is rounded to whole pixels.
        size: height and width of the result, in pixels.
        border: OpenCV's name for what stands for pixels beyond the image: black
            (``BORDER_CONSTANT``) or the nearest pixel (``BORDER_REPLICATE``).
        averaged: whether, on shrinking, a pixel is the mean of all those that it stands for, or
            interpolated between four, which is faster.

    Returns:
        uint8 ``[size, size]`` or ``[size, size, 3]``.
    """
    height, width = image.shape[:2]
    left, top, side = round(box.left), round(box.top), max(round(box.side), 1)
    # At least one row and column of the image is needed to continue it.
    left, top = min(max(left, 1 - side), width - 1), min(max(top, 1 - side), height - 1)
    inside = image[max(top, 0) : top + side, max(left, 0) : left + side]
    beyond = (
        max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0),
    )  # fmt: skip
    scale = size / side
    interpolation = cv2.INTER_AREA if averaged and scale < 1 else cv2.INTER_LINEAR
    if any(beyond):
        # Scaled before the border is added, a border costs the same whatever the image's size.
        before_y, after_y, before_x, after_x = (
            min(round(pixels * scale), size - 1) for pixels in beyond
        )
        target = (max(size - before_x - after_x, 1), max(size - before_y - after_y, 1))
        inside = cv2.resize(inside, target, interpolation=interpolation)
        return cv2.copyMakeBorder(
            inside, before_y, size - target[1] - before_y, before_x, size - target[0] - before_x,
            border,
        )  # fmt: skip
    return cv2.resize(inside, (size, size), interpolation=interpolation)


def cut_face(image: np.ndarray, frame: Box) -> np.ndarray:
    """The face in a frame as FER2013 has it: grey, uint8 ``[48, 48]``.

    Beyond the image's edge its last pixels go on, which makes no edge of its own.
    """
    face = cut_box(image, frame, FACE_SIZE, border=cv2.BORDER_REPLICATE, averaged=True)
    return face if face.ndim == 2 else cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
