"""OpenCV's cascade, the detector that needs no model file."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.detectors.base import framed
from fer_larq.inference.geometry import Box, Framing

CASCADE_FRAMING = Framing(side=1.07, rise=0.0)
"""Medians over FER2013's training faces; ``python -m fer_larq.benchmark detection`` measures."""


class CascadeDetector:
    """OpenCV's cascade for frontal faces (Viola and Jones 2001; Lienhart and Maydt 2002)."""

    name = "cascade"

    LONGEST = 640
    """Images are searched at most at this size, in pixels of the longer side."""

    SMALLEST = 24
    """Side of the smallest face that is searched for, in pixels at that size."""

    def __init__(self) -> None:
        path = cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml"  # type: ignore[attr-defined]
        self.cascade = cv2.CascadeClassifier(path)

    def detect(self, image: NDArray[np.uint8]) -> list[Box]:
        scale = min(1.0, self.LONGEST / max(image.shape[:2]))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if scale < 1:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = self.cascade.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=3, minSize=(self.SMALLEST, self.SMALLEST)
        )
        return framed(
            [
                Box(x / scale, y / scale, width / scale, 1.0)
                for x, y, width, _ in np.asarray(boxes, float).reshape(-1, 4).tolist()
            ],
            CASCADE_FRAMING,
        )

    def detect_next(
        self, image: NDArray[np.uint8], previous: Sequence[Box], frame_number: int
    ) -> list[Box]:
        return self.detect(image)
