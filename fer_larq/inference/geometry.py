"""Boxes in an image, and FER2013's way of framing a face.

``docs/faces_in_pictures.md`` says how the framing was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import FACE_SIZE


@dataclass(frozen=True)
class Box:
    """A square in an image, in its pixels from the left and the top; it may reach beyond.

    Attributes:
        confidence: 0 to 1, how sure a detector was to have found a face there.
        angle: degrees, clockwise, by which the face is turned, and the square with it about its
            centre; ``left`` and ``top`` are those of the square before it is turned.
        nose_offset: how far the nose lies beside the middle of the eyes, in distances of the eyes:
            0 if the face looks this way, larger in a profile; None if the detector does not say.
    """

    left: float
    top: float
    side: float
    confidence: float = 1.0
    angle: float = 0.0
    nose_offset: float | None = None

    @property
    def centre(self) -> tuple[float, float]:
        """x and y."""
        return self.left + self.side / 2, self.top + self.side / 2

    def around(self, factor: float) -> Box:
        """A box of ``factor`` times the side about the same centre."""
        margin = (factor - 1) / 2 * self.side
        return replace(
            self, left=self.left - margin, top=self.top - margin, side=factor * self.side
        )

    def moved(self, right: float, down: float) -> Box:
        """A box moved in the directions that are right and down for the face in it, in pixels."""
        sine, cosine = math.sin(math.radians(self.angle)), math.cos(math.radians(self.angle))
        return replace(
            self,
            left=self.left + right * cosine - down * sine,
            top=self.top + right * sine + down * cosine,
        )


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
        return box.around(self.side).moved(0, -self.rise * box.side)

    def unframe(self, frame: Box) -> Box:
        """The detector's box that ``frame`` made a frame of."""
        box = frame.around(1 / self.side)
        return box.moved(0, self.rise * box.side)


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
    image: NDArray[np.uint8],
    box: Box,
    size: int,
    *,
    border: int = cv2.BORDER_CONSTANT,
    averaged: bool = False,
) -> NDArray[np.uint8]:
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
    inside: NDArray[Any] = image[max(top, 0) : top + side, max(left, 0) : left + side]
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
        inside = cv2.copyMakeBorder(
            inside, before_y, size - target[1] - before_y, before_x, size - target[0] - before_x,
            border,
        )  # fmt: skip
    else:
        inside = cv2.resize(inside, (size, size), interpolation=interpolation)
    return np.asarray(inside, np.uint8)


def cut_turned(
    image: NDArray[np.uint8],
    box: Box,
    size: int,
    *,
    border: int = cv2.BORDER_CONSTANT,
    averaged: bool = False,
) -> NDArray[np.uint8]:
    """``cut_box`` of a box that is turned by its angle, so that what is in it stands upright."""
    if not box.angle:
        return cut_box(image, box, size, border=border, averaged=averaged)
    # The upright square around the turned one, then turned. Turning interpolates between pixels,
    # which blurs: averaged, it is done at twice the size.
    fine = 2 * size if averaged else size
    large = math.ceil(math.sqrt(2) * (fine + 2))
    upright = replace(box, angle=0.0).around(large / fine)
    around = cut_box(image, upright, large, border=border, averaged=averaged)
    middle = (large - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), box.angle, 1.0)
    turn[:, 2] = turn[:, 2] - (large - fine) / 2
    turned: NDArray[Any] = cv2.warpAffine(
        around, turn, (fine, fine), flags=cv2.INTER_LINEAR, borderMode=border
    )
    if averaged:
        turned = cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA)
    return turned


def cut_face(image: NDArray[np.uint8], frame: Box) -> NDArray[np.uint8]:
    """The face in a frame as FER2013 has it: grey, upright, uint8 ``[48, 48]``.

    Beyond the image's edge its last pixels go on, which makes no edge of its own.
    """
    face: NDArray[Any] = cut_turned(
        image, frame, FACE_SIZE, border=cv2.BORDER_REPLICATE, averaged=True
    )
    if face.ndim == 3:
        face = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    return face
