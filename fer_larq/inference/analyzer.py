"""From an image to its faces: where they are and what they express.

    import fer_larq
    for face in fer_larq.analyze("photo.jpg"):
        print(face.expression, face.scores)

Model and detector are loaded on the first call and kept.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.detectors import make_detector
from fer_larq.inference.detectors.base import Detector
from fer_larq.inference.face import Face, softmax
from fer_larq.inference.geometry import Box, cut_face
from fer_larq.inference.pool import Pool
from fer_larq.inference.quality import judge_quality
from fer_larq.inference.sources import ImageSource, load_image
from fer_larq.inference.tracker import FaceTracker
from fer_larq.utils.errors import UserError
from fer_larq.utils.stopwatch import Stopwatch

PACKAGED_MODEL = Path(__file__).resolve().parents[1] / "weights" / "bdnn4-ferplus.tflite"
"""The model that is used unless another is named."""


class Classifier(Protocol):
    """What the rest of the package needs of ``fer_larq.inference.classifier.FaceClassifier``."""

    labels: tuple[str, ...]
    temperature: float | None

    def scores(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Scores, float32 ``[N, 7]``, of faces, uint8 ``[N, 48, 48]``."""


class FaceAnalyzer:
    """Finds the faces in images, or in a video's frames, and classifies their expressions.

    An object is for one thread at a time; ``analyze`` shares some between threads.
    """

    def __init__(
        self, classifier: Classifier, detector: Detector, stopwatch: Stopwatch | None = None
    ):
        self.classifier = classifier
        self.detector = detector
        self.stopwatch = stopwatch or Stopwatch()
        self.start_video()

    def analyze(self, image: NDArray[np.uint8], scale: float = 1.0) -> list[Face]:
        """The faces in an image, uint8 ``[H, W, 3]``; ``scale`` multiplies positions."""
        with self.stopwatch.stage("find"):
            boxes = self.detector.detect(image)
        return self.classify(image, boxes, range(1, len(boxes) + 1), scale)

    def start_video(self) -> None:
        """Forget the frames so far: what comes next begins another video."""
        self.tracker = FaceTracker()

    def analyze_next(self, image: NDArray[np.uint8], scale: float = 1.0) -> list[Face]:
        """The faces in a video's next frame, uint8 ``[H, W, 3]``."""
        with self.stopwatch.stage("find"):
            tracker = self.tracker
            boxes = self.detector.detect_next(image, tracker.boxes, tracker.frame_number)
            numbers = tracker.track(boxes)
        return self.classify(image, boxes, numbers, scale)

    def classify(
        self, image: NDArray[np.uint8], boxes: Sequence[Box], numbers: Sequence[int], scale: float
    ) -> list[Face]:
        """Classify the expressions of the faces in some boxes of an image."""
        with self.stopwatch.stage("classify"):
            faces = [cut_face(image, box) for box in boxes]
            rows = self.classifier.scores(np.stack(faces)).tolist() if faces else []
        with self.stopwatch.stage("judge"):
            size = image.shape[0], image.shape[1]
            qualities = [
                judge_quality(face, size, box, scale)
                for face, box in zip(faces, boxes, strict=True)
            ]
        labels, temperature = self.classifier.labels, self.classifier.temperature
        return [
            Face(
                number=number,
                left=round(box.left * scale),
                top=round(box.top * scale),
                side=round(box.side * scale),
                confidence=box.confidence,
                scores=dict(zip(labels, row, strict=True)),
                probabilities=dict(zip(labels, softmax(row, temperature), strict=True))
                if temperature
                else None,
                angle=box.angle,
                quality=quality,
            )
            for number, box, row, quality in zip(numbers, boxes, rows, qualities, strict=True)
        ]


def make_analyzer(
    model: str | os.PathLike[str] | None = None,
    detector: str = "auto",
    stopwatch: Stopwatch | None = None,
    threads: int = 1,
) -> FaceAnalyzer:
    """Make a ``FaceAnalyzer``.

    Args:
        model: a model of ``fer_larq.convert``; the packaged one if None.
        detector: one of ``fer_larq.inference.detectors.DETECTORS``.
        stopwatch: sums up the time of each stage; its own if None.
        threads: that search one image.

    Raises ``UserError`` if there is no such model.
    """
    path = Path(model) if model is not None else PACKAGED_MODEL
    if model is None and not path.is_file():
        raise UserError(
            "this installation holds no trained model: make one with `python -m fer_larq.convert "
            "RUN --out bdnn4.tflite` and name it, `--model bdnn4.tflite`"
        )
    return FaceAnalyzer(FaceClassifier(path), make_detector(detector, threads), stopwatch)


@overload
def analyze(
    image: ImageSource, *, model: str | os.PathLike[str] | None = None, detector: str = "auto"
) -> list[Face]: ...


@overload
def analyze(
    image: list[ImageSource] | tuple[ImageSource, ...],
    *,
    model: str | os.PathLike[str] | None = None,
    detector: str = "auto",
) -> list[list[Face]]: ...


def analyze(
    image: Any, *, model: str | os.PathLike[str] | None = None, detector: str = "auto"
) -> list[Face] | list[list[Face]]:
    """Find the faces in an image and classify their expressions.

    Args:
        image: a file's name, its content, an open file, or a data URI; a Pillow image; or pixels,
            uint8 ``[H, W, 3]`` in RGB, ``[H, W, 4]`` in RGBA, ``[H, W]`` or ``[H, W, 1]``. It is
            not changed. A list or tuple of these gives a list with the faces of each.
        model: a model of ``fer_larq.convert``; the packaged one if None.
        detector: ``"blazeface"``; ``"cascade"``; ``"auto"`` for the former where it is at hand;
            or ``"none"`` if each image is a face that was cut out already.

    Returns:
        The faces, from the left to the right; an empty list if there are none.

    Raises ``UserError`` if an image or the model cannot be read. May be called from several
    threads at once, and after ``os.fork``.
    """
    if isinstance(image, (list, tuple)):
        return [analyze(one, model=model, detector=detector) for one in image]
    source = load_image(image)
    path = None if model is None else os.path.abspath(model)
    with shared_analyzers(path, detector, changed(path)).lend() as analyzer:
        return analyzer.analyze(source.pixels, source.scale)


def changed(path: str | None) -> tuple[int, int] | None:
    """When a file was last changed, and its size, so that a new model is not taken for the old."""
    if path is None or not os.path.exists(path):
        return None
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=2)
def shared_analyzers(
    model: str | None, detector: str, version: tuple[int, int] | None = None
) -> Pool[FaceAnalyzer]:
    """The analyzers of a model and a detector, which threads share."""
    return Pool(partial(make_analyzer, model, detector))
