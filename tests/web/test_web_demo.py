"""The web page: built, compared with Python bit for bit, and used in headless Chromium.

The page is used by web_demo/tests; here is made what they compare with, and what the page said of
photographs is compared with Python.
"""

from __future__ import annotations

import hashlib
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
from fer_larq.inference.face import softmax
from fer_larq.inference.geometry import Box, cut_face, cut_turned
from fer_larq.inference.tracker import FaceTracker
from fer_larq.tflite.graph import Graph
from fer_larq.tflite.metadata import add_metadata, read_document, with_attachments
from fer_larq.tflite.parser import parse_model
from helpers.project import ROOT

DEMO = ROOT / "web_demo"
BOX_TOLERANCE = 3
"""Pixels; 2.5 % of the photograph's face."""

ANGLE_TOLERANCE = 2
"""Degrees; the eyes tell no finer angle."""

TURNS = (0, 30, 90, 180)
"""Degrees, clockwise, by which the photograph is turned."""

TEMPERATURE = 0.375

TOOLS = ("node", "npm", "clang-19")

WASI = Path("/usr/lib/wasm32-wasi/libc.a")

OLDEST_NODE = (20, 19)

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def built() -> None:
    """``web_demo``'s dependencies are installed and ``dist`` is made."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    missing += [] if WASI.exists() else ["wasi-libc"]
    missing += [] if CHROMIUM else ["chromium"]
    if "node" not in missing:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
        if tuple(map(int, version.strip("v\n").split(".")[:2])) < OLDEST_NODE:
            missing.append("node 20.19")
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: see web_demo/README.md")
    subprocess.run(["make", "web"], cwd=ROOT, check=True, timeout=1200)


def run_tests(name: str, folder: Path) -> None:
    """Run a file of web_demo/tests, which finds in a folder what to compare with."""
    done = subprocess.run(
        ["npx", "--no-install", "vitest", "run", f"tests/{name}.test.ts"],
        cwd=DEMO, env={**os.environ, "EXPECTED": str(folder), "CHROMIUM": str(CHROMIUM)},
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def calibrated_model() -> bytes:
    """The packaged model with a temperature of its own."""
    content = PACKAGED_MODEL.read_bytes()
    document = read_document(parse_model(content, "packaged")) or {}
    graph = Graph(content)
    add_metadata(graph, document | {"temperature": TEMPERATURE})
    return with_attachments(graph.save("a test"))


def write_cuts(folder: Path) -> None:
    """Boxes in noise, and what Python cuts out there: faces, and squares for the detector."""
    random = np.random.default_rng(21)
    height, width = 211, 173
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    # Whole and broken ratios, enlarged, and beyond each edge; then turned.
    sides = [24, 47, 48, 49, 60, 71.5, 96, 100.3, 127, 144, 150, 192, 205, 240, 300]
    boxes = [Box(10, 12, 48), Box(3, 5, 96), Box(7, 1, 144), Box(-40, -30, 96), Box(120, 160, 96)]
    for side in [*sides, *sides]:
        left = float(random.uniform(-side / 3, width - side / 2))
        top = float(random.uniform(-side / 3, height - side / 2))
        turned = float(random.uniform(-180, 180)) if len(boxes) >= 5 + len(sides) else 0.0
        boxes.append(Box(left, top, float(side), angle=turned))
    boxes += [Box(20.3, 30.8, 70.0, angle=angle) for angle in (90.0, -90.0, 180.0, -8.25)]
    faces = [cut_face(image, box) for box in boxes]
    squares = [cut_turned(image, box, 128) for box in boxes]
    (folder / "cuts.json").write_text(
        json.dumps({
            "width": width, "height": height,
            "boxes": [
                {"left": box.left, "top": box.top, "side": box.side, "angle": box.angle}
                for box in boxes
            ],
        })
    )  # fmt: skip
    (folder / "cuts.image").write_bytes(image.tobytes())
    (folder / "cuts.faces").write_bytes(np.stack(faces).tobytes())
    (folder / "cuts.squares").write_bytes(np.stack(squares).tobytes())


def write_scores(folder: Path) -> None:
    """Faces of noise and of gradients, stretched faces, and what the packaged network says."""
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
    (folder / "calibrated.tflite").write_bytes(calibrated_model())
    rows = [softmax(row, TEMPERATURE) for row in scores.tolist()]
    (folder / "probabilities.json").write_text(json.dumps(rows))


def write_tracks(folder: Path) -> None:
    """Boxes in a video's frames, some of them gone for a while, and their numbers."""
    random = np.random.default_rng(23)
    tracker = FaceTracker()
    places = random.uniform(0, 400, (4, 2))
    frames = []
    for frame in range(120):
        places += random.normal(0, 4, places.shape)
        in_sight = [index for index in range(4) if (frame // (15 + 9 * index)) % 2 == 0]
        boxes = [Box(float(places[i, 0]), float(places[i, 1]), 90.0) for i in in_sight]
        boxes.sort(key=lambda box: box.left)
        numbers = tracker.track(boxes)
        frames.append({
            "boxes": [{"left": box.left, "top": box.top, "side": box.side} for box in boxes],
            "numbers": numbers,
        })  # fmt: skip
    (folder / "tracks.json").write_text(json.dumps(frames))


def photographs() -> dict[str, np.ndarray]:
    """A photograph of a smiling face, upright, turned, and twice; uint8 ``[H, W, 3]``, RGB."""
    head = pytest.importorskip("skimage.data").astronaut()[:256, 96:352]
    side = len(head)
    images = {"two": np.concatenate([head, head[:, ::-1]], axis=1)}
    for degrees in TURNS:
        turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), -degrees, 1.0)
        images[f"turned_{degrees}"] = cv2.warpAffine(
            head, turn, (side, side), borderMode=cv2.BORDER_REPLICATE
        )
    return images


def write_photographs(folder: Path) -> None:
    """The photographs, and a camera's film of the first."""
    images = photographs()
    for name, image in images.items():
        cv2.imwrite(str(folder / f"{name}.png"), image[..., ::-1])
    frame = cv2.resize(images["turned_0"][:192], (320, 240), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes()
    film = b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 C420jpeg\n" + 5 * (b"FRAME\n" + planes)
    (folder / "film.y4m").write_bytes(film)


def test_arithmetic_is_pythons(built: None, tmp_path: Path) -> None:
    write_cuts(tmp_path)
    write_scores(tmp_path)
    write_tracks(tmp_path)
    run_tests("arithmetic", tmp_path)


def test_page_says_what_python_says_and_sends_nothing(built: None, tmp_path: Path) -> None:
    write_photographs(tmp_path)
    calibrated = tmp_path / "calibrated.tflite"
    calibrated.write_bytes(calibrated_model())
    run_tests("page", tmp_path)
    said = json.loads((tmp_path / "said.json").read_text())
    images = photographs()
    images["portable"] = images["calibrated"] = images["pasted"] = images["turned_0"]
    images["dragged"] = images["two"]
    assert sorted(said) == sorted(images)
    for name, image in images.items():
        classifier = FaceClassifier(calibrated if name == "calibrated" else PACKAGED_MODEL)
        desktop = analyze(image, detector="blazeface")
        assert len(said[name]) == len(desktop) == (2 if name in ("two", "dragged") else 1), name
        for face, ours in zip(said[name], desktop, strict=True):
            # The detector's sums have another order there, so a frame may lie beside ours; the
            # answer for the page's own frame is Python's, bit for bit.
            box = Box(**face["box"])
            (scores,) = classifier.scores(cut_face(image, box)[np.newaxis]).tolist()
            assert face["scores"] == scores, name
            if classifier.temperature is None:
                assert face["probabilities"] is None, name
            else:
                probabilities = softmax(scores, classifier.temperature)
                assert face["probabilities"] == pytest.approx(probabilities, abs=1e-12), name
            assert classifier.labels[int(np.argmax(scores))] == ours.expression == "happy", name
            here, there = (box.left, box.top, box.side), (ours.left, ours.top, ours.side)
            assert here == pytest.approx(there, abs=BOX_TOLERANCE), name
            assert (box.angle - ours.angle + 180) % 360 - 180 == pytest.approx(
                0, abs=ANGLE_TOLERANCE
            ), name


@pytest.mark.parametrize("name", ["failures", "access", "offline", "package"])
def test_page(built: None, tmp_path: Path, name: str) -> None:
    write_photographs(tmp_path)
    run_tests(name, tmp_path)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_build_is_reproducible(built: None, tmp_path: Path) -> None:
    """Built again in another folder, the page has the same bytes."""
    copy = tmp_path / "elsewhere"
    for part in ("fer_larq/weights", "fer_larq/inference", "lce_delegate/src"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copytree(ROOT / "lce_delegate" / "include", copy / "lce_delegate" / "include")
    made = shutil.ignore_patterns("node_modules", "dist", "wasm")
    shutil.copytree(DEMO, copy / "web_demo", ignore=made)
    shutil.copytree(DEMO / "node_modules", copy / "web_demo" / "node_modules", symlinks=True)
    for command in (["sh", "lce-core/build.sh"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=copy / "web_demo", check=True, timeout=900)
    page = digests(DEMO / "dist")
    assert len(page) > 6
    assert digests(copy / "web_demo" / "dist") == page
    assert digests(copy / "web_demo" / "lce-core" / "wasm") == digests(DEMO / "lce-core" / "wasm")


def test_style(built: None) -> None:
    done = subprocess.run(["sh", ".ci/web_lint"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr, done.stderr
