#!/usr/bin/env python3
"""Golden faces: what the app must make of camera frames, computed by fer_larq.

    python android_demo/golden.py                            # frames and faces, kept in git
    python android_demo/golden.py --model FILE --out FOLDER  # what a model says, not kept

The first command's frames hold synthetic faces, upright and turned, in all four ways in which a
sensor may lie, with rows longer than the picture.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fer_larq.datasets.crops import FACE_SIZE  # noqa: E402  (found through the line above)
from fer_larq.datasets.normalisation import normalise, stretch  # noqa: E402
from fer_larq.utils.errors import UserError  # noqa: E402

if TYPE_CHECKING:
    from fer_larq.inference.classifier import FaceClassifier

GOLDEN = HERE / "app" / "src" / "test" / "resources" / "golden"
FRAMES = 16
ANGLES = (0, 23, -68, 180)
"""By which the faces of four frames each are turned, in degrees."""
SEED = 6
PICTURE_TURNS = (0, 40, 120, 180, 260)
"""Degrees, clockwise, by which the photograph is turned."""


def square_of(image: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """A square of an image, uint8 [H, W] to [side, side]; beyond its edge the last pixels go on."""
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    return image[rows[:, np.newaxis], columns]


def reduced(part: np.ndarray, size: int = FACE_SIZE) -> np.ndarray:
    """A square with other pixels, the means of areas: uint8 [N, N] to uint8 [size, size], exact."""
    side = len(part)
    weights = np.repeat(np.eye(size, dtype=np.int64), side, axis=1)
    weights = weights.reshape(size, side, size).sum(axis=2)  # [size, N], rows add up to N
    sums = weights @ part.astype(np.int64) @ weights.T
    return ((2 * sums + side**2) // (2 * side**2)).astype(np.uint8)


def cut(image: np.ndarray, left: int, top: int, side: int, angle: int = 0) -> np.ndarray:
    """The face in a square that is turned by an angle, as image/FaceCutter.kt defines it.

    Args:
        image: uint8 [H, W].
        left, top, side, angle: as in fer_larq's ``Box``, in whole pixels and degrees.

    Returns:
        uint8 [48, 48].
    """
    if angle == 0:
        return reduced(square_of(image, left, top, side))
    fine = 2 * FACE_SIZE
    large = math.ceil(math.sqrt(2) * (fine + 2))
    side_around = (side * large + fine // 2) // fine
    margin = (side_around - side) // 2
    around = square_of(image, left - margin, top - margin, side_around)
    around = reduced(around, large).astype(np.int64)
    across = math.floor(2**15 * math.cos(math.radians(angle)) + 0.5)
    down = math.floor(2**15 * math.sin(math.radians(angle)) + 0.5)
    right = 2 * np.arange(fine) + 1 - fine  # from the centre, in halves of a pixel
    below = right[:, np.newaxis]
    x = (large - 1) * 2**15 + right * across - below * down  # in 1/65,536 pixels
    y = (large - 1) * 2**15 + right * down + below * across
    left_share, top_share = (x & 0xFFFF) >> 8, (y & 0xFFFF) >> 8
    x, y = x >> 16, y >> 16
    upper = around[y, x] * (256 - left_share) + around[y, x + 1] * left_share
    lower = around[y + 1, x] * (256 - left_share) + around[y + 1, x + 1] * left_share
    turned = upper * (256 - top_share) + lower * top_share
    sums = turned.reshape(FACE_SIZE, 2, FACE_SIZE, 2).sum(axis=(1, 3))
    return ((sums + 2**17) >> 18).astype(np.uint8)


def make() -> None:
    """Write frames.bin, faces.bin, stretched.bin and frames.json."""
    from PIL import Image

    from fer_larq.datasets.synthetic import draw_faces

    random = np.random.default_rng(SEED)
    pixels, faces, descriptions = [], [], []
    for index, drawn in enumerate(draw_faces(FRAMES, SEED).images):
        width, height = 96 + 4 * index, 128 - 3 * index
        upright = random.integers(60, 190, (height, width), dtype=np.uint8)
        side = int(random.integers(30, 80))
        angle = ANGLES[index // 4]
        # Some lie partly beyond the frame.
        left, top = (int(random.integers(-5, limit - side + 6)) for limit in (width, height))
        face = Image.fromarray(drawn).resize((side, side), Image.Resampling.BICUBIC)
        frame = Image.fromarray(upright)
        frame.paste(face.rotate(-angle, Image.Resampling.BICUBIC), (left, top))
        upright = np.asarray(frame)
        turns = index % 4  # clockwise quarter turns that make the sensor's picture upright
        sensor = np.rot90(upright, turns)
        stride = sensor.shape[1] + int(random.integers(0, 9))
        padded = np.zeros((sensor.shape[0], stride), np.uint8)
        padded[:, : sensor.shape[1]] = sensor
        pixels.append(padded.tobytes())
        faces.append(cut(upright, left, top, side, angle).tobytes())
        descriptions.append(
            {
                "width": sensor.shape[1], "height": sensor.shape[0], "row_stride": stride,
                "rotation": 90 * turns, "left": left, "top": top, "size": side, "angle": angle,
            }
        )  # fmt: skip
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "frames.bin").write_bytes(b"".join(pixels))
    (GOLDEN / "faces.bin").write_bytes(b"".join(faces))
    (GOLDEN / "stretched.bin").write_bytes(stretch(golden_faces()).tobytes())
    (GOLDEN / "frames.json").write_text(json.dumps(descriptions, indent=1) + "\n")
    print(f"{GOLDEN}: {FRAMES} frames of synthetic faces")


def golden_faces() -> np.ndarray:
    """The golden faces, uint8 [N, 48, 48]."""
    content = np.frombuffer((GOLDEN / "faces.bin").read_bytes(), np.uint8)
    return content.reshape(-1, FACE_SIZE, FACE_SIZE)


def judge(model: str, folder: Path) -> None:
    """Write what Python says of the golden faces and of a photograph.

    ``faces.bin`` has the golden faces as the model wants them, ``scores.bin`` their scores,
    float32, seven for each. ``picture.png`` shows the astronaut of scikit-image (a photograph by
    NASA, in the public domain), ``pictureT.grey`` its grey pixels, turned by T degrees,
    ``picture.json`` where the desktop's detector finds her in each and what the model says.
    """
    from fer_larq.inference.classifier import FaceClassifier
    from fer_larq.tflite.metadata import normalisation_of, read_document
    from fer_larq.tflite.parser import read_model

    folder.mkdir(parents=True, exist_ok=True)
    classifier = FaceClassifier(model)
    faces = golden_faces()
    scores = classifier.scores(faces)
    normalisation = normalisation_of(read_document(read_model(model)), model)
    (folder / "faces.bin").write_bytes(normalise(faces, normalisation).tobytes())
    (folder / "scores.bin").write_bytes(scores.astype("<f4").tobytes())
    try:
        judge_picture(classifier, folder)
    except UserError as error:  # scikit-image or BlazeFace is not here
        print(f"no picture to find a face in: {error}")


def judge_picture(classifier: FaceClassifier, folder: Path) -> None:
    from PIL import Image

    from fer_larq.benchmark.detection import sample_image
    from fer_larq.datasets.labels import EXPRESSIONS
    from fer_larq.inference.detectors.blazeface_detector import BlazeFaceDetector

    image = Image.fromarray(sample_image("astronaut")).crop((32, 0, 416, 512))
    image = image.resize((480, 640), Image.Resampling.LANCZOS)
    image.save(folder / "picture.png")
    detector = BlazeFaceDetector()
    descriptions = []
    for turn in PICTURE_TURNS:
        grey = np.asarray(image.rotate(-turn, Image.Resampling.BICUBIC).convert("L"))
        (face,) = detector.detect(np.stack([grey] * 3, axis=-1))  # the app searches in grey
        box = round(face.left), round(face.top), round(face.side), round(face.angle)
        scores = classifier.scores(cut(grey, *box)[np.newaxis])
        (folder / f"picture{turn}.grey").write_bytes(grey.tobytes())
        descriptions.append(
            {
                "width": image.width, "height": image.height, "turn": turn,
                **dict(zip(("left", "top", "size", "angle"), box, strict=True)),
                "expression": EXPRESSIONS[int(scores.argmax())],
            }
        )  # fmt: skip
    (folder / "picture.json").write_text(json.dumps(descriptions) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the golden faces, or what a model says.")
    parser.add_argument("--model", help=".tflite file that is asked")
    parser.add_argument("--out", type=Path, help="folder for what it says")
    options = parser.parse_args()
    if (options.model is None) != (options.out is None):
        parser.error("--model and --out belong together")
    if options.model:
        judge(options.model, options.out)
    else:
        make()


if __name__ == "__main__":
    main()
