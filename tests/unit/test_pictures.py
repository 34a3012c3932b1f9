"""Pictures as people have them, and as someone who means harm might make them."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_larq.inference.images import is_animation, read_animation, read_image, working_size
from fer_larq.utils.errors import UserError


@pytest.fixture
def upright() -> Image.Image:
    """90x60, grey: dark, but for a bright upper left quarter."""
    pixels = np.full((60, 90), 40, np.uint8)
    pixels[:30, :45] = 220
    return Image.fromarray(pixels)


def assert_upright(pixels: np.ndarray) -> None:
    assert pixels.shape == (60, 90, 3) and pixels.dtype == np.uint8
    corners = pixels[[5, 5, 54, 54], [5, 84, 5, 84]].astype(int)
    assert (corners[0] > 200).all(), "the bright quarter is at the upper left"
    assert (corners[1:] < 60).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_whatever_way_the_camera_was_held(tmp_path, upright, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.jpg", exif=exif.tobytes(), quality=95)
    picture = read_image(tmp_path / "turned.jpg")
    assert_upright(picture.pixels)
    assert (picture.width, picture.height) == (90, 60)


@pytest.mark.parametrize(
    "mode, name",
    [
        ("L", "grey.png"), ("LA", "grey_alpha.png"), ("RGB", "colour.webp"), ("RGBA", "alpha.png"),
        ("CMYK", "print.jpg"), ("CMYK", "print.tif"), ("P", "palette.gif"), ("P", "palette.png"),
        ("YCbCr", "video.jpg"), ("I;16", "deep.png"), ("I", "deep.tif"), ("F", "float.tif"),
    ],
)  # fmt: skip
def test_every_kind_of_pixel_becomes_the_same_picture(tmp_path, upright, mode, name):
    if mode == "I;16":
        image = Image.fromarray(np.asarray(upright).astype(np.uint16) * 257)
    elif mode in ("I", "F"):
        image = upright.convert(mode).point(lambda value: value * 3)
    else:
        image = upright.convert("RGB").convert(mode)
    image.save(tmp_path / name)
    pixels = read_image(tmp_path / name).pixels
    if mode in ("I;16", "I", "F"):  # stretched to the whole range
        assert pixels.min() == 0 and pixels.max() == 255
    else:
        assert_upright(pixels)


def test_colours_of_sixteen_bits_are_read(tmp_path):
    pixels = np.zeros((20, 30, 3), np.uint16)
    pixels[..., 2] = 65535  # OpenCV's red
    cv2.imwrite(str(tmp_path / "red.png"), pixels)
    assert (read_image(tmp_path / "red.png").pixels == (255, 0, 0)).all()


def test_a_dim_picture_of_twelve_bits_is_not_black(tmp_path):
    Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)).save(tmp_path / "dim.png")
    pixels = read_image(tmp_path / "dim.png").pixels
    assert pixels.max() == 255 and len(np.unique(pixels)) > 200


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (20, 20), (10, 20, 30, 0)).save(tmp_path / "glass.png")
    palette = Image.new("P", (20, 20))
    palette.putpalette([0, 0, 0, 9, 9, 9])
    palette.save(tmp_path / "glass.gif", transparency=0)
    for name in ("glass.png", "glass.gif"):
        assert (read_image(tmp_path / name).pixels == 255).all(), name


def test_a_photo_of_fifty_megapixels_takes_little_memory(tmp_path):
    Image.new("RGB", (8660, 5774), (90, 120, 150)).save(tmp_path / "large.jpg")
    script = (
        "import resource, sys\n"
        "from fer_larq.inference.images import read_image\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "picture = read_image(sys.argv[1])\n"
        "print(picture.width, picture.height, *picture.pixels.shape, peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "large.jpg")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    width, height, rows, columns, _, kilobytes = map(int, done.stdout.split())
    assert (width, height) == (8660, 5774)
    target = working_size(8660, 5774)
    assert 0.9 * target[0] <= columns <= target[0] and 0.9 * target[1] <= rows <= target[1]
    assert kilobytes < 130_000, "decoded as a whole it would be 200 MB"


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nearly nothing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*part) for part in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (13_000, 10_000), (1, 2_000_000_000)])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(png_of(*size))
    with pytest.raises(UserError, match=r"bomb\.png: .*pixels are more than the 120,000,000"):
        read_image(tmp_path / "bomb.png")


def test_a_file_that_is_no_picture_is_named_in_one_line(tmp_path, upright):
    upright.save(tmp_path / "whole.jpg")
    upright.save(tmp_path / "whole.png")
    whole = {name: (tmp_path / name).read_bytes() for name in ("whole.jpg", "whole.png")}
    contents = {
        "half.jpg": whole["whole.jpg"][: len(whole["whole.jpg"]) // 2],
        "half.png": whole["whole.png"][: len(whole["whole.png"]) // 2],
        "empty.jpg": b"",
        "text.png": b"I am a letter\n",
        "phone.heic": b"\0\0\0\x18ftypheic",
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as refused:
            read_image(tmp_path / name)
        assert name in str(refused.value) and "\n" not in str(refused.value)
    with pytest.raises(UserError, match="no such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(UserError, match="directory"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".gif", ".jpg", ".tif", ".webp", ".bmp"])
def test_bytes_that_were_tampered_with_end_in_a_picture_or_in_one_line(tmp_path, upright, suffix):
    path = tmp_path / f"tampered{suffix}"
    upright.save(path)
    whole = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        content = bytearray(whole)
        for position in random.integers(0, len(whole), 4):
            content[position] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            assert read_image(path).pixels.dtype == np.uint8
            outcomes.add("picture")
        except UserError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    # Nearly all of a BMP file is pixels, so a few bytes rarely spoil it.
    assert outcomes == ({"picture"} if suffix == ".bmp" else {"picture", "refused"})


def animated(path: Path, milliseconds: list[int]) -> None:
    """Frames of rising brightness."""
    frames = [Image.new("RGB", (40, 30), (20 * n, 10, 10)) for n in range(len(milliseconds))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)


def test_the_frames_of_an_animation_come_with_their_times(tmp_path):
    animated(tmp_path / "film.gif", [100, 200, 0, 50])
    assert is_animation(tmp_path / "film.gif")
    frames = list(read_animation(tmp_path / "film.gif"))
    assert [round(seconds, 3) for seconds, _ in frames] == [0.0, 0.1, 0.3, 0.4]
    assert [int(picture.pixels[0, 0, 0]) for _, picture in frames] == [0, 20, 40, 60]


def test_a_picture_with_a_preview_is_no_film(tmp_path, upright):
    upright.save(tmp_path / "pages.tif", save_all=True, append_images=[upright])
    assert not is_animation(tmp_path / "pages.tif")


def test_an_animation_that_breaks_off_gives_the_frames_before(tmp_path):
    animated(tmp_path / "film.gif", [100] * 8)
    whole = (tmp_path / "film.gif").read_bytes()
    (tmp_path / "film.gif").write_bytes(whole[: len(whole) * 2 // 3])
    frames = []
    with pytest.raises(UserError, match=r"film\.gif: is damaged"):
        for frame in read_animation(tmp_path / "film.gif"):
            frames.append(frame)
    assert 3 <= len(frames) < 8
