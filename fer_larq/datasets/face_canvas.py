"""Where a synthetic face is drawn, and simple shapes on it."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from fer_larq.datasets.crops import FACE_SIZE

Points = Iterable[tuple[float, float]]

OVERSAMPLING = 4
"""Faces are drawn at four times their size and averaged down, which smooths all edges."""

CANVAS = FACE_SIZE * OVERSAMPLING


class Canvas:
    """Where a face is drawn; coordinates are on the head, seen from the front.

    (0, 0) is the middle of the face, x grows to the right and y downwards, and 1 is half the
    width of the head. The head is turned as an ellipsoid, tilted and shifted.
    """

    def __init__(self, random: np.random.Generator):
        self.image = Image.new("L", (CANVAS, CANVAS))
        self.pen = ImageDraw.Draw(self.image)
        self.yaw, pitch, roll = random.normal(0, (0.18, 0.08, 0.09)).tolist()
        self.turn = math.cos(self.yaw), math.sin(self.yaw), math.cos(pitch), math.sin(pitch)
        scale = CANVAS * random.uniform(0.33, 0.40)
        self.scale = scale
        self.tilt = scale * math.cos(roll), scale * math.sin(roll)
        self.stretch = random.uniform(0.92, 1.08)
        self.centre = (CANVAS * random.uniform(0.47, 0.53, 2)).tolist()

    def place(self, points: Points, flat: bool = False) -> list[tuple[float, float]]:
        """Pixels of points on the head; ``flat`` for its outline, which a turn leaves alone."""
        cos_yaw, sin_yaw, cos_pitch, sin_pitch = self.turn
        (cos_roll, sin_roll), (left, top), stretch = self.tilt, self.centre, self.stretch
        pixels = []
        for x, y in points:
            if not flat:
                depth = math.sqrt(max(0.0, 1.0 - x * x - y * y / 2.0))
                x = x * cos_yaw + depth * sin_yaw
                y = y * cos_pitch + depth * sin_pitch
            y *= stretch
            pixels.append((left + cos_roll * x - sin_roll * y, top + sin_roll * x + cos_roll * y))
        return pixels

    def fill(self, points: Points, tone: float, flat: bool = False) -> None:
        """Fill a polygon with a grey tone from 0 to 255."""
        self.pen.polygon(self.place(points, flat), fill=grey(tone))

    def stroke(self, points: Points, tone: float, width: float) -> None:
        """Draw a line through points."""
        pixels = max(1, round(width * self.scale))
        self.pen.line(self.place(points), grey(tone), pixels, joint="curve")


def grey(tone: float) -> int:
    """A tone as Pillow wants it."""
    return min(255, max(0, round(tone)))


def ellipse(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """Sixteen points of an ellipse about (x, y) with half axes ``width`` and ``height``."""
    angles = (2 * math.pi * step / 16 for step in range(16))
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


def curve(
    start: tuple[float, float], end: tuple[float, float], bend: float
) -> list[tuple[float, float]]:
    """Nine points from ``start`` to ``end``; the middle one lies ``bend`` below the chord."""
    points = []
    for step in range(9):
        t = step / 8
        x = start[0] + t * (end[0] - start[0])
        y = start[1] + t * (end[1] - start[1])
        points.append((x, y + 4 * t * (1 - t) * bend))
    return points
