"""Which face detector, and how FER2013 frames a face: ``python -m fer_larq.benchmark detection``.

Counts faces found and missed, false faces and milliseconds of both detectors on pictures that
scikit-image brings along and on scenes composed of them. With ``--data fer2013.csv`` it also
measures where in FER2013's own pictures the detectors see the face, from which the framing follows,
and what it costs the accuracy that a face was found and cut out rather than framed by FER2013.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sized
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.benchmark.rounds import interleaved
from fer_larq.datasets import loading
from fer_larq.datasets.dataset import Dataset, Faces
from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.detectors.base import Detector
from fer_larq.inference.detectors.blazeface_detector import BLAZEFACE_FRAMING, BlazeFaceDetector
from fer_larq.inference.detectors.cascade_detector import CASCADE_FRAMING, CascadeDetector
from fer_larq.inference.geometry import Box, Framing, cut_face, overlap
from fer_larq.utils.errors import UserError
from fer_larq.utils.options import add_data_option

FRAMINGS = {"blazeface": BLAZEFACE_FRAMING, "cascade": CASCADE_FRAMING}

FACELESS = (
    "brick", "cat", "clock", "coffee", "coins", "grass", "gravel", "hubble_deep_field",
    "immunohistochemistry", "moon", "page", "retina", "rocket", "text",
)  # fmt: skip
"""Pictures of scikit-image without a face of flesh and blood; there are profiles on the coins."""

FOUND_THRESHOLD = 0.3
"""Intersection over union with the true frame from which on a face counts as found."""

Scene = tuple[NDArray[np.uint8], list[Box]]
"""A picture, uint8 ``[H, W, 3]``, and the frames of its faces."""


def scikit_image() -> Any:
    """The module ``skimage.data``, which only tests and this measurement need."""
    try:
        import skimage.data
    except ModuleNotFoundError:
        raise UserError("the pictures come from scikit-image: `pip install scikit-image`") from None
    return skimage.data


def sample_image(name: str) -> NDArray[np.uint8]:
    """One of scikit-image's pictures, at most 1024 pixels wide: uint8 ``[H, W, 3]``."""
    pixels = getattr(scikit_image(), name)()
    pixels = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
    scale = min(1.0, 1024 / max(pixels.shape))
    shrunk: NDArray[Any] = cv2.resize(np.ascontiguousarray(pixels), None, fx=scale, fy=scale)
    return shrunk


def patches() -> NDArray[np.uint8]:
    """scikit-image's lfw_subset, uint8 ``[200, 25, 25]``: 100 faces, then 100 that are none."""
    return np.asarray(np.round(scikit_image().lfw_subset() * 255), np.uint8)


def background(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """Soft grey clouds, uint8 ``[height, width]``."""
    noise = np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)
    clouds = cv2.GaussianBlur(noise, (0, 0), 12)
    clouds = (clouds - clouds.min()) / np.ptp(clouds)
    return np.asarray(np.round(60 + 130 * clouds), np.uint8)


def place(scene: NDArray[np.uint8], face: NDArray[np.uint8], left: int, top: int, side: int) -> Box:
    """Put a grey face into a scene; returns where."""
    scene[top : top + side, left : left + side] = cv2.resize(
        face, (side, side), interpolation=cv2.INTER_CUBIC
    )
    return Box(left, top, side)


def alone(
    faces: NDArray[np.uint8], side: int, width: int = 640, height: int = 480
) -> Iterator[Scene]:
    """Each face by itself somewhere in a picture of its own."""
    random = np.random.default_rng(side)
    for index, face in enumerate(faces):
        scene = background(height, width, index)
        left, top = int(random.integers(0, width - side)), int(random.integers(0, height - side))
        frame = place(scene, face, left, top, side)
        yield np.stack([scene] * 3, axis=-1), [frame]


def crowd(faces: NDArray[np.uint8], seed: int) -> Scene:
    """Fifty faces of 60 to 110 pixels in a picture of 1280x720."""
    random = np.random.default_rng(seed)
    scene = background(720, 1280, seed)
    frames = []
    for index, face in enumerate(faces[:50]):
        side = int(random.integers(60, 111))
        left = index % 10 * 128 + int(random.integers(0, 128 - side))
        top = index // 10 * 144 + int(random.integers(0, 144 - side))
        frames.append(place(scene, face, left, top, side))
    return np.stack([scene] * 3, axis=-1), frames


def astronaut(degrees: float = 0) -> Scene:
    """The astronaut, turned; her face by the eye of whoever wrote this."""
    image = sample_image("astronaut")
    face = Box(168, 60, 110)
    turn = cv2.getRotationMatrix2D((face.centre[0], face.centre[1]), degrees, 1)
    turned: NDArray[Any] = cv2.warpAffine(image, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    return turned, [face]


def scenes() -> dict[str, list[Scene]]:
    """Everything that is searched, by name."""
    faces, others = patches()[:100], patches()[100:]
    return {
        "astronaut upright": [astronaut()],
        "astronaut turned 15 degrees": [astronaut(-15), astronaut(15)],
        "astronaut turned 30 degrees": [astronaut(-30), astronaut(30)],
        "camera (a profile)": [(sample_image("camera"), [Box(185, 110, 80)])],
        "LFW faces of 64 pixels": list(alone(faces[:50], 64)),
        "LFW faces of 200 pixels": list(alone(faces[50:], 200)),
        "fifty LFW faces at once": [crowd(faces, 0), crowd(faces[50:], 1)],
        "LFW patches without a face": [(scene, []) for scene, _ in alone(others, 200)],
        f"{len(FACELESS)} pictures without a face": [(sample_image(name), []) for name in FACELESS],
    }


def count(detector: Detector, scenes: list[Scene]) -> tuple[int, int, int]:
    """Faces there, faces found, and false faces."""
    there = hits = false = 0
    for image, truth in scenes:
        found = detector.detect(image)
        there += len(truth)
        hits += sum(
            any(overlap(face, frame) > FOUND_THRESHOLD for frame in found) for face in truth
        )
        false += sum(
            not any(overlap(face, frame) > FOUND_THRESHOLD for face in truth) for frame in found
        )
    return there, hits, false


def seen_framing(
    detector: Detector, faces: NDArray[np.uint8]
) -> tuple[int, Framing, NDArray[np.float64]]:
    """Where a detector sees the faces of FER2013 in their frames.

    Returns:
        Faces found; the framing that the medians give; and the quartiles, float64 ``[3, 3]``:
        first quartile, median and third quartile of the box's x and y of the centre and its side,
        in sides of the frame.
    """
    seen = []
    for image, [frame] in alone(faces, 192, 320, 320):
        for found in detector.detect(image):
            if overlap(found, frame) > FOUND_THRESHOLD:
                box = FRAMINGS[detector.name].unframe(found)
                x, y = box.centre
                seen.append((x - frame.left, y - frame.top, box.side))
                break
    check_found(seen, detector)
    quartiles = np.percentile(np.array(seen) / 192, (25, 50, 75), axis=0)
    _, y, side = quartiles[1]
    return len(seen), Framing(side=1 / side, rise=(y - 0.5) / side), quartiles


def check_found(found: Sized, detector: Detector) -> None:
    """Raise ``UserError`` if a detector has found no face at all."""
    if not found:
        raise UserError(f"{detector.name} finds none of these faces: give more, or other ones")


def read_right(
    detector: Detector, faces: Faces, classifier: FaceClassifier
) -> tuple[int, list[float]]:
    """What framing costs: FER2013's faces, put into scenes, found there and cut out again.

    Returns:
        Faces found, and the shares of these, 0 to 1, that the network reads right: as they are;
        enlarged and cut again in FER2013's own frame; cut in the frame that the detector gives.
    """
    forms: list[list[NDArray[np.uint8]]] = [[], [], []]
    labels = []
    scenes = alone(faces.images, 192, 320, 320)
    for face, label, (image, [frame]) in zip(faces.images, faces.labels, scenes, strict=True):
        for found in detector.detect(image):
            if overlap(found, frame) > FOUND_THRESHOLD:
                for form, cut in zip(
                    forms, (face, cut_face(image, frame), cut_face(image, found)), strict=True
                ):
                    form.append(cut)
                labels.append(label)
                break
    check_found(labels, detector)
    right = [
        float(np.mean(classifier.scores(np.stack(form)).argmax(axis=1) == labels)) for form in forms
    ]
    return len(labels), right


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark detection``."""
    add_data_option(parser)
    parser.add_argument(
        "--faces", type=int, default=500, help="of each split that are framed (default: 500)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of timing (default: 5)")
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Measure both detectors."""
    detectors: list[Detector] = [BlazeFaceDetector(), CascadeDetector()]
    print(f"{'found of faces there, false faces':36}", *(f"{d.name:>18}" for d in detectors))
    for name, group in scenes().items():
        cells = []
        for detector in detectors:
            there, hits, false = count(detector, group)
            cells.append(f"{f'{hits} of {there}' if there else ''}, {false} false".strip(", "))
        print(f"{name:36}", *(f"{cell:>18}" for cell in cells))

    image: NDArray[Any] = cv2.resize(astronaut()[0][:384], (640, 480))
    timed: dict[str, Callable[[], object]] = {}
    for detector in detectors:
        frames = detector.detect(image)
        timed[f"{detector.name}, picture"] = partial(detector.detect, image)
        timed[f"{detector.name}, next frame"] = partial(detector.detect_next, image, frames, 7)
    print("milliseconds on 640x480, one face: median, fastest")
    for name, seconds in interleaved(timed, options.rounds).items():
        print(f"{name:36} {np.median(seconds) * 1e3:>9.1f} {seconds.min() * 1e3:>8.1f}")

    if options.data is not None:
        dataset = loading.load(options.data)
        for detector in detectors:
            measure_framing(detector, dataset, options.faces)
    return 0


def measure_framing(detector: Detector, dataset: Dataset, count: int) -> None:
    """Print how FER2013 frames what a detector finds, and what framing costs."""
    images = dataset.split("training").images[:count]
    found, framing, quartiles = seen_framing(detector, images)
    print(
        f"{detector.name}: found {found} of {len(images)} training faces of {dataset.name}; "
        f"{framing}; quartiles of x, y and side of the box in the frame: "
        f"{np.round(quartiles.T, 3).tolist()}"
    )
    validation = dataset.split("validation")
    faces = Faces(validation.images[:count], validation.labels[:count])
    found, right = read_right(detector, faces, FaceClassifier(PACKAGED_MODEL))
    print(
        f"{detector.name}: found {found} of {len(faces)} validation faces; read right, five crops: "
        f"{right[0]:.1%} as they are, {right[1]:.1%} cut again in FER2013's frame, {right[2]:.1%} "
        "in ours"
    )
