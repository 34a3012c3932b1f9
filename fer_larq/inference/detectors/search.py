"""Find the faces in a picture or in the frames of a video.

Two detectors that answer with squares as FER2013 frames a face:

- ``BlazeFaceDetector``, the better one: upright and turned faces, milliseconds a frame. Its model
  is fetched once (``fer_larq.inference.detectors.blazeface``).
- ``CascadeDetector``, which OpenCV's package brings along: frontal faces.

``docs/faces_in_pictures.md`` compares them on pictures.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import cv2
import numpy as np

from fer_larq.inference.detectors.blazeface import INPUT_SIZE, SAME_FACE, BlazeFace, mean_square
from fer_larq.inference.geometry import Framing, Square, contained, overlap
from fer_larq.utils.errors import UserError, warn

DETECTORS = ("auto", "blazeface", "cascade")
"""Names for ``make_detector``."""

BLAZEFACE_FRAMING = Framing(side=1.17, rise=0.094)
CASCADE_FRAMING = Framing(side=1.07, rise=0.0)
"""Medians over FER2013's training faces; ``python -m fer_larq.benchmark detection`` measures."""

SMALLEST_TILE = INPUT_SIZE
"""Side in pixels of the smallest square that is searched. A smaller one would only enlarge pixels,
for faces of less than 40 pixels: FER2013's have 48."""

PICTURE_LEVELS = 4
"""Sizes of squares that are searched in a picture, each half the one before."""

VIDEO_LEVELS = 3

FRAMES_A_TILE = 2
"""While a face is in sight, a square of every second frame is searched for others; they take turns,
and 42 cover a frame of 640x480."""

TILES_A_FRAME = 4
"""Squares of a frame that are searched while no face is in sight."""

CANDIDATE = 0.5
"""Confidence with which a square of the search proposes a face."""

CONFIRMED = 0.65
"""Mean confidence of a closer look, at ``CLOSE_LOOKS``, that makes a candidate a face."""

CLOSE_LOOKS = (1.6, 2.0, 3.0)
"""Sides of the squares for the closer look, in sides of the candidate's box."""

STILL_THERE = 0.5
"""Confidence with which a face of the last frame is found again."""


class Detector(Protocol):
    """What the rest of the package needs of a detector; images are uint8 ``[H, W, 3]``, RGB."""

    name: str

    def find(self, image: np.ndarray) -> list[Square]:
        """Frames of the faces in a picture, from the left to the right."""

    def find_next(
        self, image: np.ndarray, previous: Sequence[Square], frame_number: int
    ) -> list[Square]:
        """Frames of the faces in a frame of a video, given those of the frame before."""


def make_detector(name: str = "auto") -> Detector:
    """Make a detector.

    Args:
        name: one of ``DETECTORS``. ``"auto"`` is BlazeFace, or the cascade, with a warning, where
            BlazeFace's model is not at hand and cannot be fetched.
    """
    if name not in DETECTORS:
        raise UserError(f"detector {name!r}: choose {', '.join(DETECTORS)}")
    if name == "cascade":
        return CascadeDetector()
    try:
        return BlazeFaceDetector()
    except UserError as error:
        if name == "blazeface":
            raise
        warn(f"{error}; using OpenCV's cascade instead, which misses turned faces")
        return CascadeDetector()


class BlazeFaceDetector:
    """BlazeFace over squares of several sizes.

    The network sees 128x128 pixels and finds faces that fill at least 0.3 of them. So a picture is
    searched in overlapping squares of its own size, half of it, a quarter ...; every candidate is
    then looked at again, closely, which sorts out what only looked like a face and centres the box.
    """

    name = "blazeface"

    def __init__(self, network: BlazeFace | None = None):
        self.network = network or BlazeFace()

    def find(self, image: np.ndarray) -> list[Square]:
        return frames_of(self.search(image, tiles(image, PICTURE_LEVELS)), BLAZEFACE_FRAMING)

    def find_next(
        self, image: np.ndarray, previous: Sequence[Square], frame_number: int
    ) -> list[Square]:
        """See ``Detector``; the time it takes is bounded, whatever the frame's size.

        Each face of the frame before is looked for where it was, and new ones in another part of
        the picture on each call. The first frame is searched as a whole.
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
            box = box_of(frame, BLAZEFACE_FRAMING)
            again = self.closer_look(image, box, CLOSE_LOOKS[1])
            if again is not None and again.confidence > STILL_THERE:
                known.append(again)
        return frames_of(self.search(image, parts, known), BLAZEFACE_FRAMING)

    def search(
        self, image: np.ndarray, parts: Iterable[Square], known: Sequence[Square] = ()
    ) -> list[Square]:
        """Boxes of the faces in some squares of a picture, and those that are known already."""
        candidates = [box for part in parts for box in self.network.look(image, part, CANDIDATE)]
        candidates.sort(key=lambda box: -box.confidence)
        found = distinct(known)
        for candidate in candidates:
            if not any(contained(candidate, box) > 0.5 for box in found):
                confirmed = self.confirm(image, candidate)
                if confirmed is not None:
                    found = distinct([*found, confirmed])
        return found

    def confirm(self, image: np.ndarray, candidate: Square) -> Square | None:
        """Look closely at a candidate; the box that comes of it, or None if it is no face."""
        looks = [self.closer_look(image, candidate, factor) for factor in CLOSE_LOOKS]
        boxes = [look for look in looks if look is not None]
        confidence = sum(box.confidence for box in boxes) / len(looks)
        if confidence <= CONFIRMED:
            return None
        places = np.array([(box.left, box.top, box.side) for box in boxes])
        return mean_square(places, np.array([box.confidence for box in boxes]), confidence)

    def closer_look(self, image: np.ndarray, box: Square, factor: float) -> Square | None:
        """Find the face of a box again in a square around it."""
        # Squares of a hostile picture's making shall not grow without end.
        where = box.around(factor)
        if not 8 <= where.side <= 4 * max(image.shape):
            return None
        same = [
            again
            for again in self.network.look(image, where, CANDIDATE / 2)
            if overlap(box, again) > SAME_FACE
        ]
        return max(same, key=lambda again: again.confidence, default=None)


def tiles(image: np.ndarray, levels: int) -> Iterator[Square]:
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
                yield Square(left, top, side)


def positions(length: int, side: float) -> list[float]:
    """Where squares begin that cover a length, at most half a side apart; one that is centred."""
    if length <= side:
        return [(length - side) / 2]
    steps = math.ceil((length - side) / (side / 2))
    return [(length - side) * step / steps for step in range(steps + 1)]


class CascadeDetector:
    """OpenCV's cascade for frontal faces (Viola and Jones 2001; Lienhart and Maydt 2002)."""

    name = "cascade"

    LONGEST = 640
    """Pictures are searched at most at this size, in pixels of the longer side."""

    SMALLEST = 24
    """Side of the smallest face that is searched for, in pixels at that size."""

    def __init__(self) -> None:
        path = cv2.data.haarcascades + "haarcascade_frontalface_alt2.xml"  # type: ignore[attr-defined]
        self.cascade = cv2.CascadeClassifier(path)

    def find(self, image: np.ndarray) -> list[Square]:
        scale = min(1.0, self.LONGEST / max(image.shape[:2]))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if scale < 1:
            grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = self.cascade.detectMultiScale(
            grey, scaleFactor=1.1, minNeighbors=3, minSize=(self.SMALLEST, self.SMALLEST)
        )
        return frames_of(
            [
                Square(x / scale, y / scale, width / scale, 1.0)
                for x, y, width, _ in np.asarray(boxes, float).reshape(-1, 4).tolist()
            ],
            CASCADE_FRAMING,
        )

    def find_next(
        self, image: np.ndarray, previous: Sequence[Square], frame_number: int
    ) -> list[Square]:
        return self.find(image)


def distinct(boxes: Sequence[Square]) -> list[Square]:
    """Without those boxes that lie by half in a more confident one."""
    kept: list[Square] = []
    for box in sorted(boxes, key=lambda box: -box.confidence):
        if not any(contained(box, other) > 0.5 for other in kept):
            kept.append(box)
    return kept


def frames_of(boxes: Sequence[Square], framing: Framing) -> list[Square]:
    """FER2013's frames of a detector's boxes, from the left to the right."""
    return sorted(map(framing.frame, boxes), key=lambda frame: (frame.left, frame.top))


def box_of(frame: Square, framing: Framing) -> Square:
    """The box that ``framing`` made a frame of."""
    side = frame.side / framing.side
    left, top = frame.centre[0] - side / 2, frame.centre[1] - side / 2 + framing.rise * side
    return Square(left, top, side, frame.confidence)
