"""BlazeFace over images of any size.

The network sees 128x128 pixels and finds faces that fill at least 0.3 of them. So an image is
searched in overlapping squares of its own size, half of it, a quarter ...; every candidate is then
turned upright by its eyes and looked at again, closely, which sorts out what only looked like a
face and centres the box.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.detectors.base import framed
from fer_larq.inference.detectors.blazeface import (
    INPUT_SIZE,
    SAME_FACE_THRESHOLD,
    BlazeFace,
    mean_box,
    signed,
)
from fer_larq.inference.geometry import Box, Framing, contained, overlap
from fer_larq.inference.pool import Pool

BLAZEFACE_FRAMING = Framing(side=1.17, rise=0.094)
"""Medians over FER2013's training faces; ``python -m fer_larq.benchmark detection`` measures."""

SMALLEST_TILE = INPUT_SIZE
"""Side in pixels of the smallest square that is searched. A smaller one would only enlarge pixels,
for faces of less than 40 pixels: FER2013's have 48."""

IMAGE_LEVELS = 4
"""Sizes of squares that are searched in an image, each half the one before."""

CROWD_SHARE = 0.4
"""Where faces are smaller than this share of the finest squares, still finer ones are searched."""

VIDEO_LEVELS = 3

FRAMES_A_TILE = 2
"""While a face is in sight, a square of every second frame is searched for others; they take turns,
and 42 cover a frame of 640x480."""

TILES_A_FRAME = 4
"""Squares of a frame that are searched while no face is in sight."""

CANDIDATE_THRESHOLD = 0.5
"""Confidence with which a square of the search proposes a face."""

CONFIRMATION_THRESHOLD = 0.7
"""Mean confidence of a closer look, at ``CLOSE_LOOKS``, that makes a candidate a face."""

FIRST_LOOK = 2.0
"""Side of the square for the look that finds out how a candidate is turned, in sides of its box."""

CLOSE_LOOKS = (1.6, 2.0, 3.0)
"""Sides of the squares for the closer look, in sides of the candidate's box."""

UPRIGHT_CONFIDENCE = 0.8
"""Confidence of a look that no face gets which stands on its head or lies on its side in it."""

UPRIGHT_DEGREES = 30.0
"""By how much the eyes may be turned in such a look."""

TURNING_THRESHOLD = 8.0
"""Degrees: faces that are turned by more are cut out upright. The eyes tell no finer angle."""

TRACKING_THRESHOLD = 0.5
"""Confidence with which a face of the last frame is found again."""


class BlazeFaceDetector:
    """Searches an image in tiles, or a video around the faces of the frame before.

    Args:
        threads: that search the tiles of an image, each with a network of its own. The answers
            are the same.
    """

    name = "blazeface"

    def __init__(self, threads: int = 1):
        self.network = BlazeFace()
        self.threads = threads
        self.networks = Pool(BlazeFace, threads, [self.network])

    def detect(self, image: NDArray[np.uint8]) -> list[Box]:
        height, width = image.shape[:2]
        found = self.search(image, tiles(height, width, IMAGE_LEVELS))
        finest = finest_side(height, width, IMAGE_LEVELS)
        if not found or min(box.side for box in found) < CROWD_SHARE * finest:
            found = self.search(image, tiles(height, width, IMAGE_LEVELS + 1, IMAGE_LEVELS), found)
        if not found:  # upright it finds faces that are turned by 60 degrees and more
            turned = (
                replace(tile, angle=angle)
                for angle in (180.0, 90.0, -90.0)
                for tile in tiles(height, width, IMAGE_LEVELS)
            )
            found = self.search(image, turned)
        return framed(map(leveled, found), BLAZEFACE_FRAMING)

    def detect_next(
        self, image: NDArray[np.uint8], previous: Sequence[Box], frame_number: int
    ) -> list[Box]:
        """See ``Detector``; the time it takes is bounded, whatever the frame's size.

        Each face of the frame before is looked for where it was, and new ones in another part of
        the image on each call. The first frame is searched as a whole.
        """
        parts: Sequence[Box] = tiles(image.shape[0], image.shape[1], VIDEO_LEVELS)
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
        return framed(map(leveled, self.search(image, parts, known)), BLAZEFACE_FRAMING)

    def search(
        self, image: NDArray[np.uint8], parts: Iterable[Box], known: Sequence[Box] = ()
    ) -> list[Box]:
        """Boxes of the faces in some squares of an image, and those that are known already."""
        candidates = [box for boxes in self.look(image, list(parts)) for box in boxes]
        candidates.sort(key=lambda box: -box.confidence)
        found = distinct(known)
        for candidate in candidates:
            if not any(contained(candidate, box) > 0.5 for box in found):
                confirmed = self.confirm(image, candidate)
                if confirmed is not None:
                    found = distinct([*found, confirmed])
        return found

    def look(self, image: NDArray[np.uint8], parts: Sequence[Box]) -> list[list[Box]]:
        """What the network finds in each of some squares of an image."""

        def find(part: Box) -> list[Box]:
            with self.networks.lend() as network:
                return network.detect(image, part, CANDIDATE_THRESHOLD)

        if self.threads == 1 or len(parts) < 2:
            return [find(part) for part in parts]
        with ThreadPoolExecutor(self.threads) as threads:
            return list(threads.map(find, parts))

    def confirm(self, image: NDArray[np.uint8], candidate: Box) -> Box | None:
        """Look closely at a candidate; the box that comes of it, or None if it is no face."""
        upright = self.upright_look(image, candidate)
        if upright is None:
            return None
        looks = [self.closer_look(image, upright, factor) for factor in CLOSE_LOOKS]
        boxes = [look for look in looks if look is not None]
        confidence = sum(box.confidence for box in boxes) / len(looks)
        return mean_box(boxes, confidence) if confidence > CONFIRMATION_THRESHOLD else None

    def upright_look(self, image: NDArray[np.uint8], candidate: Box) -> Box | None:
        """The closer look, turned as the face is, that shows it best.

        The network finds faces on their side or head, too, but takes their chin for their brow:
        so it is asked how sure it is when the face is turned.
        """
        best = None
        for turn in (0, 180, 90, -90):
            turned = replace(candidate, angle=signed(candidate.angle + turn))
            look = self.closer_look(image, turned, FIRST_LOOK)
            if look is not None and (best is None or look.confidence > best.confidence):
                best = look
                tilt = abs(signed(look.angle - turned.angle))
                if look.confidence > UPRIGHT_CONFIDENCE and tilt < UPRIGHT_DEGREES:
                    break
        return best

    def closer_look(self, image: NDArray[np.uint8], box: Box, factor: float) -> Box | None:
        """Find the face of a box again in a square around it that is turned as the box is."""
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


def leveled(box: Box) -> Box:
    """A box that is turned only if its face is turned by more than ``TURNING_THRESHOLD``."""
    return box if abs(box.angle) > TURNING_THRESHOLD else replace(box, angle=0.0)


@lru_cache(maxsize=8)
def tiles(height: int, width: int, levels: int, first_level: int = 0) -> tuple[Box, ...]:
    """The squares to search in an image of this size, large ones first.

    Neighbours share half of their side, so that a face of at most that size is whole in one. The
    largest are at most twice as long as the image's shorter side, since no face is longer.
    """
    found: list[Box] = []
    for level in range(first_level, levels):
        side = side_of_level(height, width, level)
        if level and side < SMALLEST_TILE:
            break
        found += [
            Box(left, top, side)
            for top in positions(height, side)
            for left in positions(width, side)
        ]
    return tuple(found)


def side_of_level(height: int, width: int, level: int) -> float:
    """Side of the squares that are searched in an image at a level, in pixels."""
    side = float(max(height, width))
    while side > 2 * min(height, width) and side > SMALLEST_TILE:
        side /= 2
    return side / (1 << level)


def finest_side(height: int, width: int, levels: int) -> float:
    """Side of the smallest squares of the first levels, in pixels."""
    sides = [side_of_level(height, width, level) for level in range(levels)]
    return min((side for side in sides if side >= SMALLEST_TILE), default=sides[0])


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
