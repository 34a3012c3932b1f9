"""Images in the forms in which programs and people have them."""

from __future__ import annotations

import base64
import io
import os
import struct
import sys
import threading
import time
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import fer_larq
from fer_larq import predict
from fer_larq.inference.formats import content_kind, file_kind
from fer_larq.inference.images import read_image
from fer_larq.inference.inputs import find_files
from fer_larq.inference.output.text import printable, say
from fer_larq.inference.pool import Pool
from fer_larq.inference.sources import load_image
from fer_larq.utils.errors import UserError
from helpers.field_inputs import FACE, expressions, need_detector, smile


@pytest.fixture
def picture() -> Image.Image:
    """60x40 with a bright left half."""
    pixels = np.full((40, 60, 3), 40, np.uint8)
    pixels[:, :30] = (220, 200, 180)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


# Types (F02, F03) ---------------------------------------------------------------------------------


def test_bytes_files_data_uris_and_arrays_are_the_same_image(tmp_path, picture):
    content = encoded(picture)
    (tmp_path / "a.png").write_bytes(content)
    pixels = np.asarray(picture)
    text = base64.b64encode(content).decode()
    with open(tmp_path / "a.png", "rb") as file:
        forms = {
            "str": str(tmp_path / "a.png"),
            "path": tmp_path / "a.png",
            "bytes": content,
            "bytearray": bytearray(content),
            "memoryview": memoryview(content),
            "BytesIO": io.BytesIO(content),
            "open file": file,
            "data URI": f"data:image/png;base64,{text}",
            "data URI, folded": f"DATA:image/png;base64,{text[:70]}\n{text[70:]}",
            "data URI for addresses": "data:;base64," + text.replace("+", "-").replace("/", "_"),
            "Pillow": picture,
            "RGB": pixels,
            "RGBA": np.dstack([pixels, np.full((40, 60), 255, np.uint8)]),
            "not contiguous": np.ascontiguousarray(pixels.transpose(1, 0, 2)).transpose(1, 0, 2),
        }
        for name, form in forms.items():
            assert np.array_equal(load_image(form).pixels, pixels), name
    grey = np.asarray(picture.convert("L"))
    for form in (grey, grey[..., np.newaxis]):
        assert np.array_equal(load_image(form).pixels, np.dstack([grey] * 3))
    clear = np.dstack([pixels, np.zeros((40, 60), np.uint8)])
    assert (load_image(clear).pixels == 255).all(), "what is transparent is white"


@pytest.mark.parametrize(
    "source, words",
    [
        (None, "imread gives None"),
        (3, "type int"),
        (io.StringIO("text"), "mode 'rb'"),
        (io.BytesIO(), r"file\.seek\(0\)"),
        (b"", "no image of a known format"),
        (b"not an image", "the image: is no image"),
        (np.zeros((4, 4)), "0 to 255 as uint8"),
        (np.zeros((4, 4, 2), np.uint8), r"an image of uint8 \[4, 4, 2\]"),
        (np.zeros((0, 4), np.uint8), "no pixels"),
        ("https://example.org/a.jpg", "an address.*download"),
        ("s3:/bucket/a.jpg", "an address"),
        (Path("https://example.org/a.jpg"), "an address"),
        ("A" * 3000, "b64decode"),
        ("/".join(["x" * 250] * 3), "no such file"),
        ("x/" * 4000, "no such file"),
        ("a\0b", "no name of a file"),
        ("data:image/png;base64", "without a comma"),
        ("data:image/png;base64,AAA?", "base64 is damaged"),
        ("absent.jpg", "absent.jpg: no such file"),
    ],
)
def test_what_is_no_image_is_one_short_line(source, words):
    with pytest.raises(UserError, match=words) as refused:
        load_image(source)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 300


def test_a_list_gives_a_list(picture):
    need_detector()
    face, wall = smile(), picture
    answers = fer_larq.analyze([face, encoded(wall), np.asarray(face)])
    assert [[f.expression for f in faces] for faces in answers] == [["happy"], [], ["happy"]]
    assert fer_larq.analyze(()) == []


def test_an_address_on_the_command_line_keeps_its_slashes(capsys):
    with pytest.raises(UserError, match=r"https://example\.org/a\.jpg: an address"):
        predict.main(["https://example.org/a.jpg"])


def test_a_terminal_that_cannot_print_a_name_is_told_it_anyway():
    for encoding in ("ascii", "cp1252", "latin-1"):
        file = io.TextIOWrapper(io.BytesIO(), encoding)
        say(printable("\u4f60\u597d \U0001f600 \udc80.jpg: no face found"), file)
        file.flush()
        assert b"no face found" in file.buffer.getvalue(), encoding


# The caller's objects (F04) -----------------------------------------------------------------------


def test_a_callers_image_is_not_changed_and_boxes_are_in_its_pixels(tmp_path):
    need_detector()
    large = smile().resize((4096, 4096))
    before = large.copy()
    [face] = fer_larq.analyze(large)
    assert large.size == before.size and np.array_equal(large, before)
    for value, expected in zip((face.left, face.top, face.side), FACE, strict=True):
        assert abs(value - 8 * expected) < 8 * 12


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "I;16"])
def test_images_of_any_mode_and_opened_files_stay_as_they_are(tmp_path, picture, mode):
    image = picture.convert("L").convert("I;16") if mode == "I;16" else picture.convert(mode)
    image = image.resize((5000, 3000))
    before = (image.mode, image.size, image.tobytes(), dict(image.info))
    assert load_image(image).width == 5000
    assert (image.mode, image.size, image.tobytes(), dict(image.info)) == before
    picture.resize((4200, 2800)).save(tmp_path / "big.jpg")
    with Image.open(tmp_path / "big.jpg") as opened:
        load_image(opened)
        assert opened.size == (4200, 2800)
    pixels = np.asarray(picture).copy()
    pixels.flags.writeable = False
    load_image(pixels)


# Threads and processes (F05, F06) -----------------------------------------------------------------


def test_sixteen_threads_give_the_answers_of_one():
    need_detector()
    face = smile().resize((256, 256))
    images = [np.asarray(f) for f in (face, ImageOps.mirror(face), face.crop((20, 0, 256, 236)))]
    expected = [fer_larq.analyze(image) for image in images]
    outcomes: Counter[str] = Counter()

    def work(thread: int) -> None:
        for call in range(3):
            index = (thread + call) % len(images)
            try:
                same = fer_larq.analyze(images[index]) == expected[index]
                outcomes["same" if same else "different"] += 1
            except Exception as error:
                outcomes[repr(error)] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"same": 48}


def test_a_pool_lends_each_thing_to_one_thread_at_a_time_and_makes_no_more_than_its_limit():
    made = []
    pool = Pool(lambda: made.append(1) or [], limit=3)
    overlaps = []

    def work() -> None:
        for _ in range(20):
            with pool.lend() as thing:
                thing.append(1)
                time.sleep(0.0002)
                overlaps.append(len(thing))
                thing.pop()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(overlaps) == {1} and len(overlaps) == 240 and len(made) <= 3


def test_a_pool_that_could_not_make_a_thing_goes_on():
    answers = [UserError("not now"), "a thing"]

    def make() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    pool = Pool(make, limit=1)
    with pytest.raises(UserError), pool.lend():
        pass
    with pool.lend() as thing:
        assert thing == "a thing"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("lent", [False, True])
def test_a_forked_child_analyzes_and_exits(lent):
    need_detector()
    image = np.asarray(smile().resize((256, 256)))
    expected = expressions(image)
    stop = threading.Event()

    def hold() -> None:  # another thread is inside ``analyze`` when the process forks
        while not stop.is_set():
            fer_larq.analyze(image)

    thread = threading.Thread(target=hold)
    if lent:
        thread.start()
        time.sleep(0.1)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if expressions(image) == expected else 3)
        finally:
            os._exit(4)
    stop.set()
    if lent:
        thread.join()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


# Content and names (F09, X1) ----------------------------------------------------------------------

HEIC = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(2000)


def test_heic_is_named_with_the_remedy_whatever_it_is_called(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    folder = tmp_path / "in"
    folder.mkdir()
    smile().resize((64, 64)).save(folder / "a.jpg")
    for name in ("IMG_1.HEIC", "IMG_2.heic", "inside.jpg"):
        (folder / name).write_bytes(HEIC)
    out = ["--out", str(tmp_path / "out"), "--detector", "none", "--no-marked"]
    need_detector()
    assert predict.main([str(folder), *out]) == 1
    said = capsys.readouterr().err
    assert said.count("fer_larq[heic]") == 3 and "3 of 4 files could not be read" in said
    for name in ("IMG_1.HEIC", "inside.jpg"):
        with pytest.raises(UserError, match=r"pillow-heif.*export the image as JPEG"):
            predict.main([str(folder / name), *out])


def test_heic_is_read_where_its_package_is(tmp_path, picture):
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.from_pillow(picture).save(tmp_path / "photo.jpg", format="HEIF")
    pixels = read_image(tmp_path / "photo.jpg").pixels
    assert pixels.shape == (40, 60, 3) and pixels[20, 10, 0] > 190 and pixels[20, 50, 0] < 70


def test_files_are_told_by_their_content(tmp_path, picture):
    contents = {
        "photo": ("image", encoded(picture, "JPEG")),
        "photo.txt": ("image", encoded(picture, "PNG")),
        "photo.mp4": ("image", encoded(picture, "WEBP")),
        "clip.jpg": ("video", struct.pack(">I", 20) + b"ftypisom" + bytes(20)),
        "clip.webm": ("video", b"\x1a\x45\xdf\xa3" + bytes(20)),
        "stream": ("video", b"".join(b"G" + bytes(187) for _ in range(3))),
        "IMG.heic": ("heic", HEIC),
        "photo.avif": ("image", struct.pack(">I", 20) + b"ftypavif" + bytes(20)),
        "song.m4a": (None, struct.pack(">I", 20) + b"ftypM4A " + bytes(20)),
        "notes.txt": (None, b"BM is how this text begins"),
        "table.csv": (None, b"P6,1,2"),
        "broken.jpg": ("image", b"\0\0 nothing"),
        "broken.mov": ("video", b"nothing"),
    }
    for name, (kind, content) in contents.items():
        (tmp_path / name).write_bytes(content)
        assert file_kind(tmp_path / name) == kind, name
    files = find_files([str(tmp_path)])
    assert sorted(path.name for path in files.left_out) == ["notes.txt", "song.m4a", "table.csv"]
    described = files.describe_left_out()
    assert described == "3 files are no images or videos and left out: " + ", ".join(
        ("notes.txt", "song.m4a", "table.csv")
    )
    assert content_kind(b"") is None


def test_hidden_files_of_other_systems_are_passed_over_without_a_word(tmp_path, picture):
    picture.save(tmp_path / "a.png")
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX/a.png",
                 "@eaDir/a.png", ".thumbnails/a.png"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture.save(tmp_path / name, "PNG")
    files = find_files([str(tmp_path)])
    assert [path.name for path in files.names] == ["a.png"] and files.left_out == []


@pytest.mark.parametrize("out", ["photos", "photos/.", "."])
def test_results_beside_the_photographs_are_not_analyzed_and_the_photographs_are(
    tmp_path, monkeypatch, out
):
    need_detector()
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    smile().resize((64, 64)).save("photos/a.jpg")
    smile().resize((64, 64)).save("photos/my-faces.png")  # a photograph of somebody else's name
    for _ in range(2):
        assert predict.main(["photos", "--out", out, "--detector", "none"]) == 0
        lines = Path(out, "faces.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["photos/a.jpg", "photos/my-faces.png"]
        assert Path(out, "a-faces.jpg").is_file()


# Metadata (F08) -----------------------------------------------------------------------------------


def jpeg_with(picture: Image.Image, marker: int, content: bytes) -> bytes:
    whole = encoded(picture, "JPEG", quality=95)
    return whole[:2] + struct.pack(">BBH", 255, marker, len(content) + 2) + content + whole[2:]


def png_with(
    picture: Image.Image, name: bytes, content: bytes, checksum: int | None = None
) -> bytes:
    whole = encoded(picture)
    crc = zlib.crc32(name + content) if checksum is None else checksum
    chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)
    return whole[:33] + chunk + whole[33:]  # behind the header


@pytest.mark.parametrize(
    "name",
    ["exif", "cut exif", "exif loop", "xmp", "icc", "mpf", "comment", "png exif", "png crc",
     "png text", "png icc", "webp exif", "orientation"],
)  # fmt: skip
def test_metadata_that_cannot_be_understood_are_ignored(tmp_path, picture, name):
    loop = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0"
    odd = Image.Exif()
    odd[0x0112] = 99
    content = {
        "exif": lambda: jpeg_with(picture, 0xE1, b"Exif\0\0garbage!"),
        "cut exif": lambda: jpeg_with(picture, 0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "exif loop": lambda: jpeg_with(picture, 0xE1, loop),
        "xmp": lambda: jpeg_with(picture, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta"),
        "icc": lambda: jpeg_with(picture, 0xE2, b"ICC_PROFILE\0\x05\x01garbage"),
        "mpf": lambda: jpeg_with(picture, 0xE2, b"MPF\0garbage"),
        "comment": lambda: jpeg_with(picture, 0xFE, b"\xff\xfe\0"),
        "png exif": lambda: png_with(picture, b"eXIf", b"garbage!"),
        "png crc": lambda: png_with(picture, b"tEXt", b"a\0b", checksum=1),
        "png text": lambda: png_with(picture, b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 24))),
        "png icc": lambda: png_with(picture, b"iCCP", b"a\0\0garbage"),
        "webp exif": lambda: encoded(picture, "WEBP", exif=b"Exif\0\0garbage!", lossless=True),
        "orientation": lambda: encoded(picture, "JPEG", quality=95, exif=odd.tobytes()),
    }[name]()
    (tmp_path / "sound").write_bytes(content)
    for source in (tmp_path / "sound", content, io.BytesIO(content)):
        pixels = load_image(source).pixels.astype(int)
        assert np.abs(pixels - np.asarray(picture)).max() < 12


def test_damage_of_the_pixels_is_still_damage(tmp_path, picture):
    whole = jpeg_with(picture.resize((600, 400)), 0xE1, b"Exif\0\0garbage!")
    with pytest.raises(UserError, match="is damaged"):
        read_image(whole[: len(whole) // 2])


# A container without a home (F21) -----------------------------------------------------------------


def test_a_user_without_a_home_has_a_cache(monkeypatch):
    from fer_larq.utils.files import cache_folder

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder().is_absolute()
