#!/usr/bin/env python3
"""Golden faces: what the app must make of camera frames, computed by fer_larq.

    python android_demo/golden.py                            # frames and faces, kept in git
    python android_demo/golden.py --model FILE --out FOLDER  # what a model says, not kept

The first command's frames hold drawn faces, in all four ways in which a sensor may lie, with rows
longer than the picture. A face is the mean of areas, as image/AreaReduction.kt defines it.
"""

from __future__ import annotations

import argparse
import json
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
SEED = 6


def reduced(part: np.ndarray) -> np.ndarray:
    """The square part of a frame as a face: uint8 [N, N] to uint8 [48, 48], exact."""
    size = len(part)
    weights = np.repeat(np.eye(FACE_SIZE, dtype=np.int64), size, axis=1)
    weights = weights.reshape(FACE_SIZE, size, FACE_SIZE).sum(axis=2)  # [48, N], rows add up to N
    sums = weights @ part.astype(np.int64) @ weights.T
    return ((2 * sums + size**2) // (2 * size**2)).astype(np.uint8)


def make() -> None:
    """Write frames.bin, faces.bin, stretched.bin and frames.json."""
    from PIL import Image

    from fer_larq.datasets.synthetic import draw_faces

    random = np.random.default_rng(SEED)
    pixels, faces, descriptions = [], [], []
    for index, drawn in enumerate(draw_faces(FRAMES, SEED).images):
        width, height = 96 + 4 * index, 128 - 3 * index
        upright = random.integers(60, 190, (height, width), dtype=np.uint8)
        size = int(random.integers(30, 80))
        left, top = (int(random.integers(0, side - size + 1)) for side in (width, height))
        face = Image.fromarray(drawn).resize((size, size), Image.Resampling.BICUBIC)
        upright[top : top + size, left : left + size] = np.asarray(face)
        turns = index % 4  # clockwise quarter turns that make the sensor's picture upright
        sensor = np.rot90(upright, turns)
        stride = sensor.shape[1] + int(random.integers(0, 9))
        padded = np.zeros((sensor.shape[0], stride), np.uint8)
        padded[:, : sensor.shape[1]] = sensor
        pixels.append(padded.tobytes())
        faces.append(reduced(upright[top : top + size, left : left + size]).tobytes())
        descriptions.append(
            {
                "width": sensor.shape[1], "height": sensor.shape[0], "row_stride": stride,
                "rotation": 90 * turns, "left": left, "top": top, "size": size,
            }
        )  # fmt: skip
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "frames.bin").write_bytes(b"".join(pixels))
    (GOLDEN / "faces.bin").write_bytes(b"".join(faces))
    (GOLDEN / "stretched.bin").write_bytes(stretch(golden_faces()).tobytes())
    (GOLDEN / "frames.json").write_text(json.dumps(descriptions, indent=1) + "\n")
    print(f"{GOLDEN}: {FRAMES} frames of drawn faces")


def golden_faces() -> np.ndarray:
    """The golden faces, uint8 [N, 48, 48]."""
    content = np.frombuffer((GOLDEN / "faces.bin").read_bytes(), np.uint8)
    return content.reshape(-1, FACE_SIZE, FACE_SIZE)


def judge(model: str, folder: Path) -> None:
    """Write what Python says of the golden faces and of a photograph.

    ``faces.bin`` has the golden faces as the model wants them, ``scores.bin`` their scores,
    float32, seven for each. ``picture.png`` shows the astronaut of scikit-image (a photograph by
    NASA, in the public domain), ``picture.grey`` its grey pixels, ``picture.json`` where the
    desktop's detector finds her and what the model says of her face.
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
    grey = np.asarray(image.convert("L"))
    (face,) = BlazeFaceDetector().detect(np.stack([grey] * 3, axis=-1))  # the app searches in grey
    left, top, side = round(face.left), round(face.top), round(face.side)
    scores = classifier.scores(reduced(grey[top : top + side, left : left + side])[np.newaxis])
    image.save(folder / "picture.png")
    (folder / "picture.grey").write_bytes(grey.tobytes())
    description = {
        "width": image.width, "height": image.height, "left": left, "top": top, "size": side,
        "expression": EXPRESSIONS[int(scores.argmax())],
    }  # fmt: skip
    (folder / "picture.json").write_text(json.dumps(description) + "\n")


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
