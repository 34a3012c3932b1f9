"""From a picture to its faces: where they are and what they express.

    import fer_larq
    for face in fer_larq.analyze("photo.jpg"):
        print(face.expression, face.scores)

Model and detector are loaded on the first call and kept.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.detectors.search import Detector, make_detector
from fer_larq.inference.geometry import Square, cut_face, overlap
from fer_larq.inference.images import decoded, read_picture
from fer_larq.utils.errors import UserError
from fer_larq.utils.stopwatch import Stopwatch

PACKAGED_MODEL = Path(__file__).resolve().parents[1] / "weights" / "bdnn4.tflite"
"""The model that is used unless another is named."""

REMEMBERED_FRAMES = 20
"""Frames of a video for which a face that is lost from sight keeps its number."""

SAME_FACE = 0.3
"""Intersection over union of a face's squares in two frames of a video, at least."""


class Classifier(Protocol):
    """What the rest of the package needs of ``fer_larq.inference.classifier.FaceClassifier``."""

    labels: tuple[str, ...]

    def scores(self, faces: np.ndarray) -> np.ndarray:
        """Scores, float32 ``[N, 7]``, of faces, uint8 ``[N, 48, 48]``."""


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Attributes:
        number: 1, 2, 3 ... from the left; in a video, the same as long as the face is in sight.
        left, top, side: the square that was read, in pixels of the picture as it stands upright.
            It frames the face as FER2013 does and may reach beyond the picture.
        confidence: of the detector, 0 to 1; OpenCV's cascade has none and says 1.
        scores: of each expression, the mean over five crops. They are margins, not probabilities:
            training asks for +1 or more from the right expression and -1 or less from the others.
    """

    number: int
    left: int
    top: int
    side: int
    confidence: float
    scores: dict[str, float]

    @property
    def expression(self) -> str:
        """The expression with the largest score."""
        return max(self.scores, key=self.scores.__getitem__)


def share(score: float) -> float:
    """A score as a share, 0 to 1, for bars and curves: (score + 1) / 2, clipped.

    The score that minimises the expected squared hinge loss, with targets -1 and +1, is
    2 p - 1, where p is the probability of the expression; solved for p, that is this. A network is
    not at that minimum, and nothing makes the seven shares add up to 1: they are for the eye.
    """
    return min(max((score + 1) / 2, 0.0), 1.0)


class FaceReader:
    """Finds the faces of pictures, or of a video's frames, and reads their expressions."""

    def __init__(self, classifier: Classifier, detector: Detector):
        self.classifier = classifier
        self.detector = detector
        self.stopwatch = Stopwatch()
        self.start_video()

    def read(self, image: np.ndarray, scale: float = 1.0) -> list[Face]:
        """Read the faces of a picture, uint8 ``[H, W, 3]``; ``scale`` multiplies positions."""
        with self.stopwatch.stage("find"):
            frames = self.detector.find(image)
        return self.classify(image, frames, range(1, len(frames) + 1), scale)

    def start_video(self) -> None:
        """Forget the frames read so far: what comes next begins another video."""
        self.frame_number = 0
        self.numbers = 0
        self.seen: dict[int, tuple[Square, int]] = {}

    def read_next(self, image: np.ndarray, scale: float = 1.0) -> list[Face]:
        """Read the faces of a video's next frame, uint8 ``[H, W, 3]``."""
        with self.stopwatch.stage("find"):
            previous = [square for square, _ in self.seen.values()]
            frames = self.detector.find_next(image, previous, self.frame_number)
            numbers = self.recognise(frames)
        self.frame_number += 1
        return self.classify(image, frames, numbers, scale)

    def recognise(self, frames: Sequence[Square]) -> list[int]:
        """Numbers of the faces in a video's frame: by place, those of the faces seen before."""
        recent = {
            number: square
            for number, (square, when) in self.seen.items()
            if self.frame_number - when <= REMEMBERED_FRAMES
        }
        numbers = []
        for frame in frames:
            number = max(recent, key=lambda known: overlap(recent[known], frame), default=None)
            if number is None or overlap(recent[number], frame) < SAME_FACE:
                self.numbers += 1
                number = self.numbers
            recent.pop(number, None)
            numbers.append(number)
        lost = {number: self.seen[number] for number in recent}
        self.seen = lost | {
            number: (frame, self.frame_number)
            for number, frame in zip(numbers, frames, strict=True)
        }
        return numbers

    def classify(
        self, image: np.ndarray, frames: Sequence[Square], numbers: Sequence[int], scale: float
    ) -> list[Face]:
        """Read the expressions of the faces in some frames of a picture."""
        with self.stopwatch.stage("classify"):
            faces = [cut_face(image, frame) for frame in frames]
            scores = self.classifier.scores(np.stack(faces)) if faces else np.empty((0, 0))
        return [
            Face(
                number,
                round(frame.left * scale),
                round(frame.top * scale),
                round(frame.side * scale),
                frame.confidence,
                dict(zip(self.classifier.labels, map(float, row), strict=True)),
            )
            for number, frame, row in zip(numbers, frames, scores, strict=True)
        ]


def make_reader(model: str | os.PathLike[str] | None = None, detector: str = "auto") -> FaceReader:
    """Make a ``FaceReader``.

    Args:
        model: a model of ``fer_larq.convert``; the packaged one if None.
        detector: one of ``fer_larq.inference.detectors.search.DETECTORS``.

    Raises ``UserError`` if there is no such model.
    """
    path = Path(model) if model is not None else PACKAGED_MODEL
    if model is None and not path.is_file():
        raise UserError(
            "this installation holds no trained model: make one with `python -m fer_larq.convert "
            "RUN --out bdnn4.tflite` and name it, `--model bdnn4.tflite`"
        )
    return FaceReader(FaceClassifier(path), make_detector(detector))


def analyze(
    image: str | os.PathLike[str] | Image.Image | np.ndarray,
    *,
    model: str | os.PathLike[str] | None = None,
    detector: str = "auto",
) -> list[Face]:
    """Find the faces in a picture and read their expressions.

    Args:
        image: a file; a Pillow picture; or pixels, uint8 ``[H, W, 3]`` in RGB or ``[H, W]``.
        model: a model of ``fer_larq.convert``; the packaged one if None.
        detector: ``"blazeface"``, ``"cascade"``, or ``"auto"`` for the former where it is at hand.

    Returns:
        The faces, from the left to the right; an empty list if there are none.

    Raises ``UserError`` if the picture or the model cannot be read. Calls from several threads
    have to take turns.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or not (image.ndim == 2 or image.shape[2:] == (3,)):
            raise UserError(
                f"an image of {image.dtype} {list(image.shape)}, expected uint8 [H, W, 3] (RGB) "
                "or [H, W] (grey)"
            )
        if not image.size:
            raise UserError(f"an image of {list(image.shape)} has no pixels")
        image = Image.fromarray(image)
    picture = (
        decoded(image, "the picture") if isinstance(image, Image.Image) else read_picture(image)
    )
    reader = kept_reader(None if model is None else os.fspath(model), detector)
    return reader.read(picture.pixels, picture.scale)


kept_reader = lru_cache(maxsize=2)(make_reader)
