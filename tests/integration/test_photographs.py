"""Photographs as they come: turned, dim, grey, long, small; what is right was seen by a human."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFilter

import fer_larq
from fer_larq import predict
from fer_larq.inference.analyzer import PACKAGED_MODEL
from fer_larq.inference.classifier import FaceClassifier
from fer_larq.inference.images import MAX_SHORTER_SIDE, MAX_WORKING_PIXELS, working_size
from helpers.field_inputs import FACE, expressions, need_detector, smile


@pytest.fixture(autouse=True)
def packaged():
    need_detector()


@pytest.fixture
def network_knows_light():
    """Skips tests of dim photographs while the packaged network was trained without."""
    if FaceClassifier(PACKAGED_MODEL).network.normalisation == "none":
        pytest.skip("the packaged network does not normalise light")


# Turned (F18) -------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, 30, 135, 225, 315])
def test_a_smile_is_a_smile_whatever_way_the_photograph_lies(degrees):
    photo = smile().rotate(degrees, expand=True, fillcolor=(90, 90, 90))
    [face] = fer_larq.analyze(photo)
    assert face.expression == "happy"
    turned = -degrees  # Pillow turns to the left
    assert abs((face.angle - turned + 180) % 360 - 180) < 15


def test_the_box_of_a_turned_face_has_its_centre_on_the_face():
    lying = smile().rotate(90, expand=True)
    [face] = fer_larq.analyze(lying)
    x, y = FACE[0] + FACE[2] / 2, FACE[1] + FACE[2] / 2
    assert abs(face.left + face.side / 2 - y) < 15
    assert abs(face.top + face.side / 2 - (512 - x)) < 15


# Light and colour (F19, X3) -----------------------------------------------------------------------


@pytest.mark.parametrize("light", [1, 0.5, 0.4, 0.3, 0.25])
def test_a_smile_in_less_light_is_found(light):
    [face] = fer_larq.analyze((np.asarray(smile()) * light).astype(np.uint8))
    assert abs(face.left - FACE[0]) < 12


@pytest.mark.parametrize("light", [0.5, 0.4, 0.3, 0.25, 0.15])
def test_a_smile_in_less_light_is_a_smile(network_knows_light, light):
    assert expressions((np.asarray(smile()) * light).astype(np.uint8)) == ["happy"]


@pytest.mark.parametrize("gamma", [0.6, 1.7])
def test_a_smile_of_another_gamma_is_a_smile(network_knows_light, gamma):
    pixels = 255 * (np.asarray(smile()) / 255) ** gamma
    assert expressions(pixels.astype(np.uint8)) == ["happy"]


@pytest.mark.parametrize("mode", ["L", "1-bit palette", "sepia", "quality 20", "mirrored"])
def test_one_person_is_one_face_in_grey_and_other_colours(mode):
    photo = smile()
    if mode == "L":
        photo = photo.convert("L")
    elif mode == "1-bit palette":
        photo = photo.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    elif mode == "sepia":
        grey = np.asarray(photo.convert("L")).astype(float)
        photo = Image.fromarray((grey[..., None] * (1.0, 0.9, 0.7)).astype(np.uint8))
    elif mode == "quality 20":
        file = io.BytesIO()
        photo.save(file, "JPEG", quality=20)
        photo = Image.open(file)
    else:
        photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert expressions(photo) == ["happy"]


# Long and large (F20) -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, place",
    [((1080, 4000), (90, 2000)), ((1080, 16000), (90, 7000)), ((14000, 1000), (6000, 50)),
     ((8000, 6000), (3000, 3000)), ((900, 9000), (0, 8100)), ((6000, 900), (0, 0)),
     ((5000, 2000), (2000, 1000))],
)  # fmt: skip
def test_a_face_in_a_long_or_large_picture_is_found(size, place):
    picture = Image.new("RGB", size, "white")
    picture.paste(smile().resize((900, 900)), place)
    [face] = fer_larq.analyze(picture)
    scale = 900 / 512
    assert face.expression == "happy"
    assert abs(face.left - (place[0] + FACE[0] * scale)) < 25
    assert abs(face.top - (place[1] + FACE[1] * scale)) < 25


@pytest.mark.parametrize("size", [(1, 1), (4000, 3000), (16000, 1080), (1, 10**8), (10**8, 1)])
def test_images_are_shrunk_by_their_shorter_side_and_their_pixels(size):
    width, height = working_size(*size)
    assert width <= size[0] and height <= size[1]
    assert min(width, height) <= MAX_SHORTER_SIDE and width * height <= 1.01 * MAX_WORKING_PIXELS
    if min(size) > 100:
        assert width / height == pytest.approx(size[0] / size[1], rel=0.01)


MEMORY = """
import resource, sys
from fer_larq import predict
for folder in sys.argv[1:3]:
    assert predict.main([folder, "--out", sys.argv[3], "--no-marked"]) == 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
"""Analyzes two folders; after each the process's peak memory so far, in KiB."""


@pytest.mark.slow
def test_two_thousand_pictures_take_no_more_memory_than_two_hundred(tmp_path):
    pytest.importorskip("resource", reason="counts memory the way Unix does")
    for name, count in (("few", 200), ("many", 2000)):
        (tmp_path / name).mkdir()
        for number in range(count):
            path = tmp_path / name / f"{number}.jpg"
            if number < 20:
                shift = 2 * (number % 10)
                photo = smile().crop((100 + shift, shift, 356 + shift, 256 + shift))
                photo.resize((128, 128)).save(path)
            else:
                os.link(tmp_path / name / f"{number % 20}.jpg", path)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *(str(tmp_path / name) for name in ("few", "many", "out"))],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.count(": 1 face") == 2200
    few, many = (int(line) for line in done.stderr.split("\n") if line.isdigit())
    assert many < few + 10_000, f"{few} KiB after 200, {many} KiB after 2,000"


# Doubt --------------------------------------------------------------------------------------------


def test_an_answer_that_may_be_wrong_says_why():
    [sound] = fer_larq.analyze(smile())
    assert sound.quality == ()
    [blurred] = fer_larq.analyze(smile().filter(ImageFilter.GaussianBlur(3)))
    assert "blurred" in blurred.quality
    [small] = fer_larq.analyze(smile().resize((130, 130)))
    assert "small" in small.quality
    cut = smile().crop((200, 0, 512, 400))
    [halved] = fer_larq.analyze(cut)
    assert "cut off" in halved.quality
    [flat] = fer_larq.analyze(np.full((48, 48), 7, np.uint8), detector="none")
    assert "low contrast" in flat.quality


def test_a_profile_is_said_to_be_one():
    data = pytest.importorskip("skimage.data")
    faces = fer_larq.analyze(data.camera())
    assert any("profile" in face.quality for face in faces)


# Faces that are cut already (F07) -----------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 48), (200, 200), (96, 120), (64, 48)])
def test_a_face_that_is_cut_already_needs_no_detector(tmp_path, size):
    left, top, side = FACE
    cut = smile().crop((left, top, left + side, top + side)).resize((min(size), min(size)))
    picture = Image.new("RGB", size, "grey")
    picture.paste(cut, ((size[0] - min(size)) // 2, (size[1] - min(size)) // 2))
    [face] = fer_larq.analyze(picture, detector="none")
    assert face.expression == "happy" and face.side == min(size)
    picture.save(tmp_path / "face.png")
    out = ["--out", str(tmp_path / "out"), "--detector", "none"]
    assert predict.main([str(tmp_path / "face.png"), *out]) == 0


def test_a_small_square_image_without_a_face_gets_the_advice(tmp_path, capsys):
    Image.new("RGB", (48, 48), "grey").save(tmp_path / "a.png")
    assert predict.main([str(tmp_path / "a.png"), "--out", str(tmp_path / "out")]) == 0
    assert "if these are faces already, try --detector none" in capsys.readouterr().err
