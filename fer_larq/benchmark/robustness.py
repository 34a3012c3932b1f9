"""Faces found and classified right as photographs come: ``... benchmark robustness --data PATH``.

Faces of PublicTest, each alone in a grey scene of clouds: turned in the plane, dimmed, blurred,
shrunk, compressed. Beside it, what would be right if every face were cut out as it lies, and how
many answers carry a reason for doubt.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_larq.benchmark.detection import FOUND_THRESHOLD, background, place
from fer_larq.datasets import loading
from fer_larq.datasets.label_schemes import select
from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.detectors import make_detector
from fer_larq.inference.detectors.base import Detector
from fer_larq.inference.geometry import Box, cut_face, overlap
from fer_larq.inference.quality import judge_quality
from fer_larq.utils.errors import UserError
from fer_larq.utils.options import add_data_option, add_label_options, ferplus_of

SCENE, FACE = 320, 160
"""Sides in pixels of the scene and of the face in its middle."""

TRUTH = Box((SCENE - FACE) / 2, (SCENE - FACE) / 2, FACE)

Change = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""From a scene, uint8 ``[H, W, 3]``, to another."""


def turned(degrees: int) -> Change:
    """Turn a scene about its middle, clockwise."""
    middle = ((SCENE - 1) / 2, (SCENE - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -degrees, 1)
    return lambda scene: cv2.warpAffine(
        scene, matrix, (SCENE, SCENE), borderMode=cv2.BORDER_REPLICATE
    )


def lit(factor: float) -> Change:
    """Multiply the pixels."""
    return lambda scene: (scene * factor).astype(np.uint8)


def blurred(sigma: float) -> Change:
    """Blur by a Gaussian of so many pixels of FER2013's face."""
    return lambda scene: cv2.GaussianBlur(scene, (0, 0), sigma * FACE / 48)


def shrunk(side: int) -> Change:
    """Shrink the scene so that the face has this side, in pixels."""
    size = round(SCENE * side / FACE)
    return lambda scene: cv2.resize(scene, (size, size), interpolation=cv2.INTER_AREA)


def compressed(quality: int) -> Change:
    """Save as JPEG and read again."""

    def change(scene: NDArray[np.uint8]) -> NDArray[Any]:
        content = cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return cv2.imdecode(content, cv2.IMREAD_COLOR)

    return change


def changes(step: int) -> dict[str, Change]:
    """What is done to a scene, by the name of its row; turned in steps of so many degrees."""
    rows: dict[str, Change] = {"upright": lambda scene: scene}
    rows |= {f"turned by {degrees}": turned(degrees) for degrees in range(step, 360, step)}
    rows |= {f"light x {factor}": lit(factor) for factor in (0.5, 0.4, 0.3, 0.15)}
    rows |= {f"blurred, sigma {sigma}": blurred(sigma) for sigma in (0.5, 1, 2)}
    rows |= {f"face of {side} pixels": shrunk(side) for side in (48, 32, 24)}
    return rows | {"JPEG, quality 20": compressed(20)}


@dataclass(frozen=True)
class Row:
    """Faces of one row: found, classified right, right if cut as they lie, and doubted."""

    found: int
    right: int
    right_as_they_lie: int
    doubted: int


def measure(
    faces: NDArray[np.uint8],
    labels: NDArray[np.int64],
    change: Change,
    detector: Detector,
    classifier: FaceClassifier,
) -> Row:
    """Put faces, uint8 ``[N, 48, 48]``, into scenes; find and classify them.

    Args:
        labels: int ``[N]``, what is right.
        change: of each scene.
    """
    upright, lying, truths, doubted = [], [], [], 0
    for index, (face, label) in enumerate(zip(faces, labels, strict=True)):
        grey = background(SCENE, SCENE, index)
        place(grey, face, round(TRUTH.left), round(TRUTH.top), FACE)
        scene = change(np.stack([grey] * 3, axis=-1))
        scale = len(scene) / SCENE
        truth = Box(TRUTH.left * scale, TRUTH.top * scale, FACE * scale)
        found = [box for box in detector.detect(scene) if overlap(box, truth) > FOUND_THRESHOLD]
        if found:
            upright.append(cut_face(scene, found[0]))
            lying.append(cut_face(scene, replace(found[0], angle=0.0)))
            truths.append(label)
            doubted += bool(judge_quality(upright[-1], (len(scene), len(scene)), found[0]))
    if not truths:
        return Row(0, 0, 0, 0)
    right, right_as_they_lie = (
        int(np.sum(classifier.scores(np.stack(cuts)).argmax(axis=1) == np.array(truths)))
        for cuts in (upright, lying)
    )
    return Row(len(truths), right, right_as_they_lie, doubted)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The flags of ``python -m fer_larq.benchmark robustness``."""
    add_data_option(parser)
    add_label_options(parser, ("fer2013", "ferplus"))
    parser.add_argument("--faces", type=int, default=500, help="of PublicTest (default: 500)")
    parser.add_argument("--step", type=int, default=15, help="degrees of a turn (default: 15)")
    parser.add_argument("--model", default=str(PACKAGED_MODEL), help="(default: the packaged one)")
    parser.add_argument("--only", default="", help="rows whose name holds this (default: all)")
    parser.set_defaults(command=main)


def main(options: argparse.Namespace) -> int:
    """Measure and print the table."""
    if options.data is None:
        raise UserError(
            "name FER2013: --data fer2013.csv; synthetic faces are not found by a detector"
        )
    dataset = loading.load(options.data, ferplus=ferplus_of(options))
    chosen = select(dataset.split("validation"), options.labels, "evaluation")
    faces, labels = chosen.faces.images[: options.faces], chosen.targets[: options.faces]
    detector, classifier = make_detector("blazeface"), FaceClassifier(options.model)
    print(f"{len(faces)} faces of PublicTest, labels of {options.labels}\n")
    print("| scene | found | right of those found | right if cut as they lie | with doubt |")
    print("|---|---|---|---|---|")
    for name, change in changes(options.step).items():
        if options.only not in name:
            continue
        row = measure(faces, labels, change, detector, classifier)
        right, lying = (
            f"{count / row.found:.1%}" if row.found else "-"
            for count in (row.right, row.right_as_they_lie)
        )
        found = f"{row.found / len(faces):.1%}"
        print(f"| {name} | {found} | {right} | {lying} | {row.doubted} |", flush=True)
    return 0
