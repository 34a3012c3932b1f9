"""What a face detector is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.geometry import Box, Framing


class Detector(Protocol):
    """Finds faces in images, uint8 ``[H, W, 3]``, RGB, and answers with ``framed`` boxes."""

    name: str

    def detect(self, image: NDArray[np.uint8]) -> list[Box]:
        """The faces in an image, from the left to the right."""

    def detect_next(
        self, image: NDArray[np.uint8], previous: Sequence[Box], frame_number: int
    ) -> list[Box]:
        """The faces in a frame of a video, given those of the frame before."""


def framed(boxes: Iterable[Box], framing: Framing) -> list[Box]:
    """A detector's boxes as FER2013 frames a face, from the left to the right."""
    return sorted(map(framing.frame, boxes), key=lambda box: (box.left, box.top))
