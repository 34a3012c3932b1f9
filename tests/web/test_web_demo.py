"""The web page: built, compared with Python bit for bit, and used in headless Chromium.

The comparisons themselves are web_demo/tests; here is made what they compare with.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_larq.datasets import normalisation
from fer_larq.inference.analyzer import PACKAGED_MODEL, analyze
from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.geometry import Box, cut_box, cut_face
from helpers.project import ROOT

DEMO = ROOT / "web_demo"
BOX_TOLERANCE = 3
"""Pixels; 2.5 % of the photograph's face."""

TOOLS = ("node", "npm", "clang-19", "chromium")


@pytest.fixture(scope="module")
def built() -> Path:
    """``web_demo`` with its dependencies installed and ``dist`` made."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: see web_demo/README.md")
    subprocess.run(["make", "web"], cwd=ROOT, check=True, timeout=1200)
    return DEMO


def write_cuts(folder: Path) -> None:
    """Boxes in noise, and what Python cuts out there: faces, and squares for the detector."""
    random = np.random.default_rng(21)
    height, width = 211, 173
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    # Whole and broken ratios, enlarged, and beyond each edge.
    sides = [24, 47, 48, 49, 60, 71.5, 96, 100.3, 127, 144, 150, 192, 205, 240, 300]
    boxes = [Box(10, 12, 48), Box(3, 5, 96), Box(7, 1, 144), Box(-40, -30, 96), Box(120, 160, 96)]
    for side in sides:
        left = float(random.uniform(-side / 3, width - side / 2))
        boxes.append(Box(left, float(random.uniform(-side / 3, height - side / 2)), float(side)))
    faces = [cut_face(image, box) for box in boxes]
    squares = [cut_box(image, box, 128) for box in boxes]
    (folder / "cuts.json").write_text(
        json.dumps({
            "width": width, "height": height,
            "boxes": [{"left": box.left, "top": box.top, "side": box.side} for box in boxes],
        })
    )  # fmt: skip
    (folder / "cuts.image").write_bytes(image.tobytes())
    (folder / "cuts.faces").write_bytes(np.stack(faces).tobytes())
    (folder / "cuts.squares").write_bytes(np.stack(squares).tobytes())


def write_scores(folder: Path) -> None:
    """Faces of noise and of gradients, stretched faces, and the packaged network's scores."""
    random = np.random.default_rng(22)
    ramp = np.linspace(40, 200, 48, dtype=np.uint8)
    faces = np.concatenate(
        [
            random.integers(0, 256, (6, 48, 48), dtype=np.uint8),
            np.stack([np.tile(ramp, (48, 1)), np.tile(ramp[:, None], (1, 48))]),
            np.full((1, 48, 48), 97, np.uint8),
            cv2.GaussianBlur(random.integers(0, 256, (48, 48, 7), dtype=np.uint8), (0, 0), 3)
            .transpose(2, 0, 1),
        ]
    )  # fmt: skip
    (folder / "faces.bin").write_bytes(faces.tobytes())
    (folder / "stretched.bin").write_bytes(normalisation.stretch(faces).tobytes())
    scores = FaceClassifier(PACKAGED_MODEL).scores(faces)
    (folder / "scores.bin").write_bytes(scores.astype("<f4").tobytes())


def write_photograph(folder: Path) -> None:
    """A photograph of a smiling face, what Python says of it, and a camera's film of it."""
    data = pytest.importorskip("skimage.data")
    photograph = data.astronaut()
    cv2.imwrite(str(folder / "photograph.png"), photograph[..., ::-1])
    head = photograph[:256, 96:352]
    two = np.concatenate([head, head[:, ::-1]], axis=1)
    cv2.imwrite(str(folder / "two.png"), two[..., ::-1])
    # The page frames a face upright, the desktop as it is turned. So the page's box is compared
    # with the desktop's to a few pixels, its scores bit for bit with Python's of the page's box.
    (face,) = analyze(photograph, detector="blazeface")
    near = range(-BOX_TOLERANCE, BOX_TOLERANCE + 1)
    boxes = [
        (face.left + x, face.top + y, face.side + larger)
        for x, y, larger in itertools.product(near, repeat=3)
    ]
    faces = np.stack([cut_face(photograph, Box(*map(float, box))) for box in boxes])
    scores = FaceClassifier(PACKAGED_MODEL).scores(faces).tolist()
    by_box = {",".join(map(str, box)): row for box, row in zip(boxes, scores, strict=True)}
    (folder / "photograph.json").write_text(json.dumps(by_box))
    frame = cv2.resize(photograph[:384], (640, 480), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes()
    film = b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + 5 * (b"FRAME\n" + planes)
    (folder / "film.y4m").write_bytes(film)


def test_page_computes_what_python_does_and_sends_nothing(built: Path, tmp_path: Path) -> None:
    write_cuts(tmp_path)
    write_scores(tmp_path)
    write_photograph(tmp_path)
    done = subprocess.run(
        ["npx", "--no-install", "vitest", "run"],
        cwd=built, env={**os.environ, "EXPECTED": str(tmp_path)}, timeout=900,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
