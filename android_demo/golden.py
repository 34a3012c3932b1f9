#!/usr/bin/env python3
"""Golden faces: what the app must make of camera frames, computed by fer_larq.

    python android_demo/golden.py                        # frames and faces, kept in git
    python android_demo/golden.py --model FILE --scores FILE   # the model's scores for them

The frames hold drawn faces, in all four ways in which a sensor may lie, with rows longer than the
picture. A face is the mean of areas, as image/AreaReduction.kt defines it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from fer_larq.crops import FACE_SIZE  # noqa: E402  (found through the line above)

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
    """Write frames.bin, faces.bin and frames.json."""
    from PIL import Image

    from fer_larq.faces import draw

    random = np.random.default_rng(SEED)
    pixels, faces, descriptions = [], [], []
    for index, drawn in enumerate(draw(FRAMES, SEED).images):
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
    (GOLDEN / "frames.json").write_text(json.dumps(descriptions, indent=1) + "\n")
    print(f"{GOLDEN}: {FRAMES} frames of drawn faces")


def score(model: str, file: Path) -> None:
    """Write what Python's classifier says of the golden faces: float32, seven for each."""
    from fer_larq.runtime import FaceClassifier

    content = np.frombuffer((GOLDEN / "faces.bin").read_bytes(), np.uint8)
    scores = FaceClassifier(model).scores(content.reshape(-1, FACE_SIZE, FACE_SIZE))
    file.write_bytes(scores.astype("<f4").tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the golden faces, or their scores.")
    parser.add_argument("--model", help=".tflite file whose scores are wanted")
    parser.add_argument("--scores", type=Path, help="where to write them")
    options = parser.parse_args()
    if options.model:
        score(options.model, options.scores)
    else:
        make()


if __name__ == "__main__":
    main()
