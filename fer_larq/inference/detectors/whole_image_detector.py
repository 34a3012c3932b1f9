"""No detector, for images that are faces already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.geometry import Box


class WholeImageDetector:
    """Takes each image for one face, framed as FER2013 frames it: the square in its middle."""

    name = "none"

    def detect(self, image: NDArray[np.uint8]) -> list[Box]:
        height, width = image.shape[:2]
        side = min(height, width)
        return [Box((width - side) / 2, (height - side) / 2, side)]

    def detect_next(
        self, image: NDArray[np.uint8], previous: Sequence[Box], frame_number: int
    ) -> list[Box]:
        return self.detect(image)
