"""BlazeFace over images of any size.

The network sees 128x128 pixels and finds faces that fill at least 0.3 of them. So an image is
searched in overlapping squares of its own size, half of it, a quarter ...; every candidate is then
looked at again, closely, which sorts out what only looked like a face and centres the box.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from fer_larq.inference.detectors.base import framed
from fer_larq.inference.detectors.blazeface import (
    INPUT_SIZE,
    SAME_FACE_THRESHOLD,
    BlazeFace,
    mean_box,
)
from fer_larq.inference.geometry import Box, Framing, contained, overlap

BLAZEFACE_FRAMING = Framing(side=1.17, rise=0.094)
"""Medians over FER2013's training faces; ``python -m fer_larq.benchmark detection`` measures."""

SMALLEST_TILE = INPUT_SIZE
"""Side in pixels of the smallest square that is searched. A smaller one would only enlarge pixels,
for faces of less than 40 pixels: FER2013's have 48."""

IMAGE_LEVELS = 4
"""Sizes of squares that are searched in an image, each half the one before."""

VIDEO_LEVELS = 3

FRAMES_A_TILE = 2
"""While a face is in sight, a square of every second frame is searched for others; they take turns,
and 42 cover a frame of 640x480."""

TILES_A_FRAME = 4
"""Squares of a frame that are searched while no face is in sight."""

CANDIDATE_THRESHOLD = 0.5
"""Confidence with which a square of the search proposes a face."""

CONFIRMATION_THRESHOLD = 0.65
"""Mean confidence of a closer look, at ``CLOSE_LOOKS``, that makes a candidate a face."""

CLOSE_LOOKS = (1.6, 2.0, 3.0)
"""Sides of the squares for the closer look, in sides of the candidate's box."""

TRACKING_THRESHOLD = 0.5
"""Confidence with which a face of the last frame is found again."""


class BlazeFaceDetector:
    """Searches an image in tiles, or a video around the faces of the frame before."""

    name = "blazeface"

    def __init__(self, network: BlazeFace | None = None):
        self.network = network or BlazeFace()

    def detect(self, image: np.ndarray) -> list[Box]:
        return framed(self.search(image, tiles(image, IMAGE_LEVELS)), BLAZEFACE_FRAMING)

    def detect_next(
        self, image: np.ndarray, previous: Sequence[Box], frame_number: int
    ) -> list[Box]:
        """See ``Detector``; the time it takes is bounded, whatever the frame's size.

        Each face of the frame before is looked for where it was, and new ones in another part of
        the image on each call. The first frame is searched as a whole.
        """
        parts = list(tiles(image, VIDEO_LEVELS))
        if frame_number > 0:
            if previous:
                turn, rest = divmod(frame_number, FRAMES_A_TILE)
                turns = [turn] if rest == 0 else []
            else:
                turns = list(
                    range(TILES_A_FRAME * frame_number, TILES_A_FRAME * (frame_number + 1))
                )
            parts = [parts[turn % len(parts)] for turn in turns]
        known = []
        for frame in previous:
            box = BLAZEFACE_FRAMING.unframe(frame)
            again = self.closer_look(image, box, CLOSE_LOOKS[1])
            if again is not None and again.confidence > TRACKING_THRESHOLD:
                known.append(again)
        return framed(self.search(image, parts, known), BLAZEFACE_FRAMING)

    def search(
        self, image: np.ndarray, parts: Iterable[Box], known: Sequence[Box] = ()
    ) -> list[Box]:
        """Boxes of the faces in some squares of an image, and those that are known already."""
        candidates = [
            box for part in parts for box in self.network.detect(image, part, CANDIDATE_THRESHOLD)
        ]
        candidates.sort(key=lambda box: -box.confidence)
        found = distinct(known)
        for candidate in candidates:
            if not any(contained(candidate, box) > 0.5 for box in found):
                confirmed = self.confirm(image, candidate)
                if confirmed is not None:
                    found = distinct([*found, confirmed])
        return found

    def confirm(self, image: np.ndarray, candidate: Box) -> Box | None:
        """Look closely at a candidate; the box that comes of it, or None if it is no face."""
        looks = [self.closer_look(image, candidate, factor) for factor in CLOSE_LOOKS]
        boxes = [look for look in looks if look is not None]
        confidence = sum(box.confidence for box in boxes) / len(looks)
        if confidence <= CONFIRMATION_THRESHOLD:
            return None
        places = np.array([(box.left, box.top, box.side) for box in boxes])
        return mean_box(places, np.array([box.confidence for box in boxes]), confidence)

    def closer_look(self, image: np.ndarray, box: Box, factor: float) -> Box | None:
        """Find the face of a box again in a square around it."""
        # Squares of a hostile picture's making shall not grow without end.
        where = box.around(factor)
        if not 8 <= where.side <= 4 * max(image.shape):
            return None
        same = [
            again
            for again in self.network.detect(image, where, CANDIDATE_THRESHOLD / 2)
            if overlap(box, again) > SAME_FACE_THRESHOLD
        ]
        return max(same, key=lambda again: again.confidence, default=None)


def tiles(image: np.ndarray, levels: int) -> Iterator[Box]:
    """The squares to search, large ones first.

    Neighbours share half of their side, so that a face of at most that size is whole in one.
    """
    height, width = image.shape[:2]
    for level in range(levels):
        side = max(height, width) / 2**level
        if level and side < SMALLEST_TILE:
            return
        for top in positions(height, side):
            for left in positions(width, side):
                yield Box(left, top, side)


def positions(length: int, side: float) -> list[float]:
    """Where squares begin that cover a length, at most half a side apart; one that is centred."""
    if length <= side:
        return [(length - side) / 2]
    steps = math.ceil((length - side) / (side / 2))
    return [(length - side) * step / steps for step in range(steps + 1)]


def distinct(boxes: Sequence[Box]) -> list[Box]:
    """Without those boxes that lie by half in a more confident one."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.confidence):
        if not any(contained(box, other) > 0.5 for other in kept):
            kept.append(box)
    return kept
