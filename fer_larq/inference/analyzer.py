"""From an image to its faces: where they are and what they express.

    import fer_larq
    for face in fer_larq.analyze("photo.jpg"):
        print(face.expression, face.scores)

Model and detector are loaded on the first call and kept.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.detectors import make_detector
from fer_larq.inference.detectors.base import Detector
from fer_larq.inference.face import Face
from fer_larq.inference.geometry import Box, cut_face
from fer_larq.inference.images import decode, read_image
from fer_larq.inference.tracker import FaceTracker
from fer_larq.utils.errors import UserError
from fer_larq.utils.stopwatch import Stopwatch

PACKAGED_MODEL = Path(__file__).resolve().parents[1] / "weights" / "bdnn4.tflite"
"""The model that is used unless another is named."""


class Classifier(Protocol):
    """What the rest of the package needs of ``fer_larq.inference.classifier.FaceClassifier``."""

    labels: tuple[str, ...]

    def scores(self, faces: np.ndarray) -> np.ndarray:
        """Scores, float32 ``[N, 7]``, of faces, uint8 ``[N, 48, 48]``."""


class FaceAnalyzer:
    """Finds the faces in images, or in a video's frames, and classifies their expressions."""

    def __init__(self, classifier: Classifier, detector: Detector):
        self.classifier = classifier
        self.detector = detector
        self.stopwatch = Stopwatch()
        self.start_video()

    def analyze(self, image: np.ndarray, scale: float = 1.0) -> list[Face]:
        """The faces in an image, uint8 ``[H, W, 3]``; ``scale`` multiplies positions."""
        with self.stopwatch.stage("find"):
            boxes = self.detector.detect(image)
        return self.classify(image, boxes, range(1, len(boxes) + 1), scale)

    def start_video(self) -> None:
        """Forget the frames so far: what comes next begins another video."""
        self.tracker = FaceTracker()

    def analyze_next(self, image: np.ndarray, scale: float = 1.0) -> list[Face]:
        """The faces in a video's next frame, uint8 ``[H, W, 3]``."""
        with self.stopwatch.stage("find"):
            tracker = self.tracker
            boxes = self.detector.detect_next(image, tracker.boxes, tracker.frame_number)
            numbers = tracker.track(boxes)
        return self.classify(image, boxes, numbers, scale)

    def classify(
        self, image: np.ndarray, boxes: Sequence[Box], numbers: Sequence[int], scale: float
    ) -> list[Face]:
        """Classify the expressions of the faces in some boxes of an image."""
        with self.stopwatch.stage("classify"):
            faces = [cut_face(image, box) for box in boxes]
            scores = self.classifier.scores(np.stack(faces)) if faces else np.empty((0, 0))
        return [
            Face(
                number,
                round(box.left * scale),
                round(box.top * scale),
                round(box.side * scale),
                box.confidence,
                dict(zip(self.classifier.labels, map(float, row), strict=True)),
            )
            for number, box, row in zip(numbers, boxes, scores, strict=True)
        ]


def make_analyzer(
    model: str | os.PathLike[str] | None = None, detector: str = "auto"
) -> FaceAnalyzer:
    """Make a ``FaceAnalyzer``.

    Args:
        model: a model of ``fer_larq.convert``; the packaged one if None.
        detector: one of ``fer_larq.inference.detectors.DETECTORS``.

    Raises ``UserError`` if there is no such model.
    """
    path = Path(model) if model is not None else PACKAGED_MODEL
    if model is None and not path.is_file():
        raise UserError(
            "this installation holds no trained model: make one with `python -m fer_larq.convert "
            "RUN --out bdnn4.tflite` and name it, `--model bdnn4.tflite`"
        )
    return FaceAnalyzer(FaceClassifier(path), make_detector(detector))


def analyze(
    image: str | os.PathLike[str] | Image.Image | np.ndarray,
    *,
    model: str | os.PathLike[str] | None = None,
    detector: str = "auto",
) -> list[Face]:
    """Find the faces in an image and classify their expressions.

    Args:
        image: a file; a Pillow image; or pixels, uint8 ``[H, W, 3]`` in RGB or ``[H, W]``.
        model: a model of ``fer_larq.convert``; the packaged one if None.
        detector: ``"blazeface"``, ``"cascade"``, or ``"auto"`` for the former where it is at hand.

    Returns:
        The faces, from the left to the right; an empty list if there are none.

    Raises ``UserError`` if the image or the model cannot be read. Calls from several threads
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
    source = decode(image, "the image") if isinstance(image, Image.Image) else read_image(image)
    analyzer = cached_analyzer(None if model is None else os.fspath(model), detector)
    return analyzer.analyze(source.pixels, source.scale)


cached_analyzer = lru_cache(maxsize=2)(make_analyzer)
