"""FER2013 in every published shape, bad input, and the decoded copy."""

import io
import os
import re
import struct
import subprocess
import sys
import types
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_larq import data
from fer_larq.datasets import loading, sources, synthetic
from fer_larq.datasets.dataset import fingerprint
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError, run_command
from helpers import published
from helpers.project import ROOT

MIRROR_CLASSES = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")


@pytest.fixture(scope="module")
def splits():
    """Synthetic faces of the three splits, whose classes are not equally frequent."""
    return {
        split: synthetic.draw_faces(count, seed)
        for seed, (split, count) in enumerate(zip(data.SPLITS, (16, 9, 10), strict=True))
    }


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Decoded copies of a test lie in a folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fer_larq"


@pytest.fixture
def counts_as_published(monkeypatch, splits):
    """Makes the small splits' class counts the expected ones, so that they are no news."""
    counts = {split: some.counts for split, some in splits.items()}
    monkeypatch.setattr(loading, "PUBLISHED_COUNTS", counts)


@pytest.fixture
def csv_file(tmp_path, splits, counts_as_published):
    """A small fer2013.csv."""
    path = tmp_path / "fer2013.csv"
    path.write_bytes(published.table(splits))
    return path


def noise(size: int) -> Image.Image:
    """A grey image that hardly compresses."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size, size), np.uint8))


def content(some: data.Faces) -> list[tuple[int, bytes]]:
    """Faces with their labels, in an order that does not depend on theirs."""
    return sorted(
        (int(label), image.tobytes()) for image, label in zip(some.images, some.labels, strict=True)
    )


def command(*arguments: object) -> int:
    """Exit code of ``python -m fer_larq.data arguments``."""
    with pytest.raises(SystemExit) as end:
        run_command(lambda: data.main([str(argument) for argument in arguments]))
    return end.value.code


# Shapes -------------------------------------------------------------------------------------------


def write(path: Path, some: bytes) -> Path:
    path.write_bytes(some)
    return path


SPACED_HEADER = "emotion, Usage, pixels"

SHAPES = {
    "folder of images": lambda d, s: published.write_folder(d / "f", published.images(s)),
    "folder of images in a folder": lambda d, s: published.write_folder(
        d / "f", published.images(s, top="fer2013/")
    ),
    "folder with a mirror's class names": lambda d, s: published.write_folder(
        d / "f", published.images(s, classes=MIRROR_CLASSES)
    ),
    "zip of images": lambda d, s: published.write_zip(d / "a.zip", published.images(s)),
    "zip of images in a folder": lambda d, s: published.write_zip(
        d / "a.zip",
        {**published.images(s, top="archive/"), "__MACOSX/train/happy/._Training_0.png": b"x"},
    ),
    "zip with a false name": lambda d, s: published.write_zip(d / "a.csv", published.images(s)),
    "zip in a folder": lambda d, s: (
        published.write_zip(
            published.write_folder(d / "f", {"README.md": b"FER2013"}) / "a.zip",
            published.images(s),
        ).parent
    ),
    "tar of images": lambda d, s: published.write_tar(d / "a.tar", published.images(s)),
    "fer2013.csv": lambda d, s: write(d / "fer2013.csv", published.table(s)),
    "fer2013.csv from Windows": lambda d, s: write(
        d / "fer2013.csv", b"\xef\xbb\xbf" + published.table(s).replace(b"\n", b"\r\n")
    ),
    "fer2013.csv.gz": lambda d, s: published.write_gzip(d / "f.csv.gz", published.table(s)),
    "fer2013.csv.zip": lambda d, s: published.write_zip(
        d / "fer2013.csv.zip", {"fer2013.csv": published.table(s)}
    ),
    "fer2013.tar.gz": lambda d, s: published.write_tar(
        d / "fer2013.tar.gz",
        {"fer2013/README": b"FER2013", "fer2013/fer2013.csv": published.table(s)},
    ),
    "icml_face_data.csv": lambda d, s: write(
        d / "icml_face_data.csv", published.table(s, SPACED_HEADER)
    ),
    "the challenge's zip": lambda d, s: published.write_zip(
        d / "challenge.zip",
        {
            "example_submission.csv": b"id,emotion\n",
            "fer2013.tar.gz": b"not looked at",
            "icml_face_data.csv": published.table(s, SPACED_HEADER),
            "test.csv": published.table({"test": s["test"]}, "pixels"),
            "train.csv": published.table({"training": s["training"]}, "emotion,pixels"),
        },
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_three_splits(
    shape, tmp_path, splits, counts_as_published, capsys
):
    dataset = data.load(str(SHAPES[shape](tmp_path, splits)))
    assert {name: content(some) for name, some in dataset.splits.items()} == {
        name: content(some) for name, some in splits.items()
    }
    for some in dataset.splits.values():
        assert some.images.dtype == np.uint8 and some.images.shape == (len(some), 48, 48)
        assert some.labels.dtype == np.int64
    assert (dataset.name, dataset.synthetic) == ("FER2013", False)
    assert capsys.readouterr().err == ""


def test_the_container_changes_neither_fingerprint_nor_order(tmp_path, splits, counts_as_published):
    one = data.load(SHAPES["fer2013.csv"](tmp_path, splits))
    backwards = {
        name: data.Faces(some.images[::-1], some.labels[::-1]) for name, some in splits.items()
    }
    other = data.load(SHAPES["zip of images"](tmp_path, backwards))
    assert one.fingerprint == other.fingerprint
    for name in data.SPLITS:
        np.testing.assert_array_equal(one.split(name).images, other.split(name).images)
        np.testing.assert_array_equal(one.split(name).labels, other.split(name).labels)


def test_one_pixel_or_one_label_changes_the_fingerprint(splits):
    def changed(pixels=0, label=0):
        some = splits["test"]
        images, labels = some.images.copy(), some.labels.copy()
        images[3, 47, 47] ^= pixels
        labels[3] ^= label
        return fingerprint({**splits, "test": data.Faces(images, labels)})

    assert len({changed(), changed(pixels=1), changed(label=1)}) == 3
    without_test = {name: some for name, some in splits.items() if name != "test"}
    assert fingerprint(without_test) != changed()


def test_jpeg_gives_the_pixels_that_pillow_decodes(tmp_path, splits, counts_as_published):
    files = published.images(splits, suffix="jpg")
    dataset = data.load(published.write_zip(tmp_path / "a.zip", files))
    expected = {
        np.asarray(Image.open(io.BytesIO(some))).tobytes()
        for name, some in files.items()
        if "PublicTest" in name
    }
    assert {image.tobytes() for image in dataset.split("validation").images} == expected


def test_train_csv_is_all_training(tmp_path, splits, counts_as_published):
    path = write(tmp_path / "train.csv", published.table(splits, "emotion,pixels"))
    dataset = data.load(path)
    assert list(dataset.splits) == ["training"]
    assert len(dataset.split("training")) == 35


def test_an_absent_split_is_named_and_no_error(tmp_path, splits, counts_as_published, capsys):
    del (some := dict(splits))["test"]
    path = write(tmp_path / "fer2013.csv", published.table(some))
    dataset = data.load(path)
    assert "training 16, validation 9, test absent" in dataset.summary()
    assert capsys.readouterr().err == ""
    with pytest.raises(UserError, match=r"no test split, only training and validation: choose"):
        dataset.split("test")


def test_images_of_another_size_or_in_colour_are_counted(
    tmp_path, splits, counts_as_published, capsys
):
    files = published.images(splits)
    names = list(files)
    grey = Image.open(io.BytesIO(files[names[0]]))
    for name in names[:3]:
        files[name] = published.encoded(grey.resize((96, 96), Image.Resampling.NEAREST))
    for name in names[3:5]:
        files[name] = published.encoded(grey.convert("RGB"))
    path = published.write_folder(tmp_path / "f", files)
    for start in ("first", "second"):
        dataset = data.load(path)
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("warning: "), start
        assert "3 images of another size were resized to 48x48 and 2 in colour" in lines[0]
    faces_of_three = dataset.split("training").images
    # A face in colour has the grey face's own pixels; a resized one is close to it.
    distance = np.abs(faces_of_three.astype(int) - np.asarray(grey)).mean(axis=(1, 2))
    assert np.sum(distance == 0) == 2
    assert np.sum((distance > 0) & (distance < 12)) == 3


def test_images_that_may_be_validation_or_test_are_left_out(
    tmp_path, splits, counts_as_published, capsys
):
    files = {
        re.sub(r"(Training|PublicTest)_", "im", name): content
        for name, content in published.images(splits).items()
    }
    dataset = data.load(published.write_folder(tmp_path / "f", files))
    assert {name: len(some) for name, some in dataset.splits.items()} == {
        "training": 16,
        "test": 10,
    }
    assert "9 images in `test` were left out" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["train and test", "test alone", "classes alone"])
def test_own_photographs_in_folders_of_any_names_are_read(tmp_path, layout, capsys):
    content = io.BytesIO()
    Image.fromarray(np.full((60, 50), 90, np.uint8)).save(content, "PNG")
    splits = {"train and test": ["train/", "test/"], "test alone": ["test/"], "classes alone": [""]}
    files = {
        f"{split}{name}/holiday {n}.png": content.getvalue()
        for split in splits[layout]
        for name in ("Happy", "sad", "Surprise")
        for n in range(2)
    }
    dataset = data.load(published.write_folder(tmp_path / "own", files))
    counts = {name: len(faces) for name, faces in dataset.splits.items()}
    assert counts == ({"training": 6, "test": 6} if layout == "train and test" else {"test": 6})
    assert sorted(set(dataset.split("test").labels)) == [3, 4, 5]
    assert "left out" not in capsys.readouterr().err


def test_a_cameras_note_turns_an_image_of_a_folder_and_a_broken_note_does_not(tmp_path):
    pixels = np.full((48, 48), 30, np.uint8)
    pixels[:24] = 220  # bright above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned to the right
    files = {}
    for name, note in (("a", exif.tobytes()), ("b", b"Exif\0\0garbage!")):
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "JPEG", quality=95, exif=note)
        files[f"test/happy/{name}.jpg"] = content.getvalue()
    images = data.load(published.write_folder(tmp_path / "own", files)).split("test").images
    assert sorted(float(image[:, 24:].mean()) > 200 for image in images) == [False, True]
    assert sorted(float(image[:24].mean()) > 200 for image in images) == [False, True]


def test_other_class_counts_are_one_warning_with_both_numbers(tmp_path, splits, capsys):
    del (some := dict(splits))["test"]
    data.load(write(tmp_path / "fer2013.csv", published.table(some)))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ")
    assert "training 3/3/2/2/2/2/2 instead of 3995/436/4097/7215/4830/3171/4965" in line
    assert "validation 2/2/1/1/1/1/1 instead of 467/56/496/895/653/415/607" in line
    assert "test" not in line.split("instead", 1)[1]


def test_the_real_archive_has_the_paper_s_class_counts(capsys):
    path = Path(os.environ.get("FER2013") or ROOT.parent / "shared" / "fer2013")
    if not path.exists():
        pytest.skip(f"FER2013 is not at {path}; the environment variable FER2013 may name it")
    dataset = data.load(path)
    counts = {
        "training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
        "validation": (467, 56, 496, 895, 653, 415, 607),
        "test": (491, 55, 528, 879, 594, 416, 626),
    }
    assert {"training", "validation"} <= set(dataset.splits)
    for name, some in dataset.splits.items():
        assert some.counts == counts[name]
    # FER2013 is known for some blank images, and most are not.
    assert np.median(dataset.split("training").images.std(axis=(1, 2))) > 30
    assert capsys.readouterr().err == ""


# Bad input ----------------------------------------------------------------------------------------


def with_row(splits, change) -> bytes:
    """A table in which ``change`` has been applied to the cells of row 3."""
    lines = published.table(splits).decode().splitlines()
    lines[3] = ",".join(change(*lines[3].split(",")))
    return "\n".join(lines).encode()


def with_pixel(value: str):
    def change(emotion, pixels, usage):
        return emotion, " ".join([*pixels.split()[:99], value, *pixels.split()[100:]]), usage

    return lambda d, s: write(d / "fer2013.csv", with_row(s, change))


def with_label(value: str):
    return lambda d, s: write(
        d / "fer2013.csv", with_row(s, lambda emotion, *others: (value, *others))
    )


def huge_png(width: int, height: int) -> bytes:
    """A PNG that declares a size it does not have."""
    png = bytearray(published.encoded(Image.new("L", (1, 1))))
    png[16:24] = struct.pack(">II", width, height)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    return bytes(png)


def huge_jpeg(width: int, height: int) -> bytes:
    """A JPEG that declares a size it does not have."""
    jpeg = bytearray(published.encoded(Image.new("L", (8, 8)), "jpg"))
    start = jpeg.index(b"\xff\xc0") + 5
    jpeg[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(jpeg)


def zip_with_image(content: bytes, name: str = "train/happy/Training_9.png"):
    return lambda d, s: published.write_zip(d / "a.zip", {**published.images(s), name: content})


def cut(path: Path, share: float) -> Path:
    """Cut a file off."""
    return write(path, path.read_bytes()[: int(path.stat().st_size * share)])


def encrypted(path: Path) -> Path:
    """Mark the members of a zip as encrypted."""
    content = bytearray(path.read_bytes())
    for entry in re.finditer(b"PK\x01\x02", bytes(content)):
        content[entry.start() + 8] |= 1
    return write(path, bytes(content))


def damaged_member(path: Path) -> Path:
    """Change one byte within the first member of a zip."""
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    return write(path, bytes(content))


ROW = r"fer2013\.csv: row 3 \(line 4\) "
REMEDY = "(mend or remove the row|fetch the file again|get FER2013 with `--data kaggle`)"

BAD = {
    "no such path": (lambda d, s: d / "nowhere", r"nowhere does not exist: check the path"),
    "empty folder": (lambda d, s: published.write_folder(d / "f", {}), r"f holds no image"),
    "folder of other things": (
        lambda d, s: published.write_folder(d / "f", {"a/holiday.jpg": b"x", "b/c.csv": b"a,b\n"}),
        r"c\.csv is no FER2013: expected",
    ),
    "folder of other images": (
        lambda d, s: published.write_folder(d / "f", {"a/holiday.jpg": b"x"}),
        r"f is no FER2013: expected images as train/happy/Training_1\.jpg",
    ),
    "device": (lambda d, s: Path(os.devnull), r"null is neither a file nor a folder: name"),
    "empty file": (lambda d, s: write(d / "e.csv", b""), r"e\.csv is no FER2013: expected"),
    "text": (lambda d, s: write(d / "e.txt", b"Dear Sir,\n"), r"e\.txt is no FER2013: expected"),
    "a lone image": (
        lambda d, s: write(d / "e.png", published.encoded(Image.new("L", (48, 48)))),
        r"e\.png is no FER2013: expected",
    ),
    "another zip": (
        lambda d, s: published.write_zip(d / "a.zip", {"a.txt": b"x"}),
        r"a\.zip holds no image and no table: ",
    ),
    "several tables of unknown name": (
        lambda d, s: published.write_folder(d / "f", {"a.csv": b"x", "b.csv": b"y"}),
        r"f is no FER2013: expected .* name the folder or file",
    ),
    "table without a face": (
        lambda d, s: write(d / "fer2013.csv", b"emotion,pixels,Usage\n"),
        r"fer2013\.csv holds no face: ",
    ),
    "test.csv": (
        lambda d, s: write(d / "test.csv", published.table({"test": s["test"]}, "pixels")),
        r"test\.csv has no column emotion: .* use fer2013\.csv or icml_face_data\.csv",
    ),
    "truncated zip": (
        lambda d, s: cut(SHAPES["zip of images"](d, s), 0.6),
        r"a\.zip is damaged or cannot be read",
    ),
    "damaged zip member": (
        lambda d, s: damaged_member(SHAPES["zip of images"](d, s)),
        r"a\.zip: train/angry/Training_0\.png is a damaged image",
    ),
    "encrypted zip": (
        lambda d, s: encrypted(SHAPES["zip of images"](d, s)),
        r"a\.zip: train/angry/Training_0\.png is encrypted .* unpack it",
    ),
    "truncated gzip": (
        lambda d, s: cut(SHAPES["fer2013.csv.gz"](d, s), 0.6),
        r"f\.csv\.gz is damaged or cannot be read \(Compressed file ended",
    ),
    "truncated tar.gz": (
        lambda d, s: cut(SHAPES["fer2013.tar.gz"](d, s), 0.6),
        r"fer2013\.tar\.gz is damaged or cannot be read",
    ),
    "truncated table": (
        lambda d, s: cut(SHAPES["fer2013.csv"](d, s), 0.999),
        r"fer2013\.csv: row 35 \(line 36\) has ",
    ),
    "2,303 pixels": (
        lambda d, s: write(
            d / "fer2013.csv",
            with_row(s, lambda e, pixels, u: (e, pixels[: pixels.rindex(" ")], u)),
        ),
        ROW + r"has 2,303 pixels instead of 2,304: ",
    ),
    "a pixel of 300": (with_pixel("300"), ROW + r"has '300' at pixel 100, not a whole number"),
    "a pixel of NaN": (with_pixel("NaN"), ROW + r"has 'NaN' at pixel 100, not a whole number"),
    "a pixel of 3.5": (with_pixel("3.5"), ROW + r"has '3\.5' at pixel 100, not a whole number"),
    "a pixel of -1": (with_pixel("-1"), ROW + r"has '-1' at pixel 100, not a whole number"),
    "label 9": (with_label("9"), ROW + r"has label '9', not one of 0 to 6: "),
    "label x": (with_label("x"), ROW + r"has label 'x', not one of 0 to 6: "),
    "label with a line end": (with_label('"\n\x1b[2J"'), r"has label '\\n\\x1b\[2J', not one"),
    "unknown usage": (
        lambda d, s: write(d / "fer2013.csv", with_row(s, lambda e, p, u: (e, p, "Exam"))),
        ROW + r"has Usage 'Exam', not one of Training, PublicTest and PrivateTest: ",
    ),
    "a column too few": (
        lambda d, s: write(d / "fer2013.csv", with_row(s, lambda e, p, u: (e, p))),
        ROW + r"has 2 columns instead of 3: ",
    ),
    "a line without end": (
        lambda d, s: write(d / "fer2013.csv", b"emotion,pixels,Usage\n0," + b"1 " * 10**6),
        r"fer2013\.csv: row 1 \(line 2\) has 2 columns",
    ),
    "unknown class folder": (
        zip_with_image(b"", "train/contempt/Training_9.png"),
        r"a\.zip: train/contempt/Training_9\.png lies in no folder of an expression",
    ),
    "image that is none": (zip_with_image(b"GIF89a"), r"Training_9\.png is a damaged image"),
    "truncated image": (
        zip_with_image(published.encoded(noise(48))[:-900]),
        r"Training_9\.png is a damaged image",
    ),
    "huge PNG": (zip_with_image(huge_png(60_000, 60_000)), r"Training_9\.png is far larger"),
    "large PNG": (zip_with_image(huge_png(2_100, 2_000)), r"far larger .*2100x2000 pixels"),
    "huge JPEG": (zip_with_image(huge_jpeg(65_500, 65_500)), r"Training_9\.png is far larger"),
    "image of 16 bits": (
        zip_with_image(published.encoded(Image.new("I;16", (48, 48)))),
        r"Training_9\.png has more than 8 bits a pixel: save it with 8 bits",
    ),
    "path out of a zip": (
        zip_with_image(b"", "../train/happy/Training_9.png"),
        r"a\.zip: the path of member '\.\./train/happy/Training_9\.png' leads out",
    ),
    "path out of a tar": (
        lambda d, s: published.write_tar(d / "a.tar.gz", {"/etc/fer2013.csv": published.table(s)}),
        r"a\.tar\.gz: the path of member '/etc/fer2013\.csv' leads out",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_input_gets_one_line_and_exit_code_2(
    fault, tmp_path, splits, counts_as_published, cache, capsys
):
    make, expected = BAD[fault]
    path = make(tmp_path, splits)
    before = sorted(tmp_path.rglob("*"))
    assert command(path) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    (line,) = streams.err.splitlines()
    assert line.isprintable()
    assert re.match("error: .*" + expected, line), line
    assert ": " in line.removeprefix("error: "), "a remedy follows the fault"
    # Neither a decoded copy of bad data nor an unpacked member lies anywhere.
    assert sorted(tmp_path.rglob("*")) == before


BOMBS = {
    "csv.gz": lambda d, s: published.write_gzip(d / "b.csv.gz", published.table(s)),
    "csv in a zip": SHAPES["fer2013.csv.zip"],
    "csv in a tar": SHAPES["fer2013.tar.gz"],
    "image": lambda d, s: published.write_zip(
        d / "a.zip", {"train/sad/a.png": published.encoded(noise(400))}
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_nothing_is_unpacked_beyond_the_limit(bomb, tmp_path, splits, monkeypatch, capsys):
    path = BOMBS[bomb](tmp_path, splits)
    monkeypatch.setattr(sources, "MAX_BYTES", 2**16)
    assert command(path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "unpacks to more than 0 MiB and cannot be FER2013: fetch the file again" in line


def test_reading_stops_at_the_limit_and_not_at_the_end():
    class Endless(io.RawIOBase):
        position = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.position += len(buffer)
            return len(buffer)

        def tell(self):
            return self.position

    endless = Endless()
    with pytest.raises(UserError, match="unpacks to more than 512 MiB"):
        while sources.Limited(endless, "endless").read(2**24):
            pass
    assert endless.position < 2**29 + 2**25


def test_a_folder_of_far_too_many_files_is_refused(tmp_path, splits, monkeypatch, capsys):
    path = SHAPES["folder of images"](tmp_path, splits)
    monkeypatch.setattr(sources, "MAX_MEMBERS", 20)
    assert command(path) == 2
    assert "holds more than 20 files" in capsys.readouterr().err


def test_a_member_called_by_an_escape_sequence_is_shown_without_it(tmp_path, splits, capsys):
    name = "train/happy/Training_\x1b[2J\n.png"
    assert command(zip_with_image(b"x", name)(tmp_path, splits)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable() and "Training_?[2J" in line


# The decoded copy ---------------------------------------------------------------------------------


@pytest.fixture
def no_source(monkeypatch):
    """Makes reading a source fail."""

    def read(path):
        raise AssertionError(f"{path} was read again")

    def forbid():
        monkeypatch.setattr(loading, "read", read)

    return forbid


@pytest.mark.parametrize("shape", ["fer2013.csv", "folder of images"])
def test_the_second_start_reads_the_decoded_copy(
    shape, tmp_path, splits, counts_as_published, no_source
):
    path = SHAPES[shape](tmp_path, splits)
    first = data.load(path)
    no_source()
    second = data.load(path)
    assert second.fingerprint == first.fingerprint
    assert list(second.splits) == list(first.splits)
    for name in data.SPLITS:
        np.testing.assert_array_equal(second.split(name).images, first.split(name).images)
        np.testing.assert_array_equal(second.split(name).labels, first.split(name).labels)
        assert second.split(name).labels.dtype == np.int64


def test_a_changed_source_is_read_again(csv_file, splits, cache):
    data.load(csv_file)
    del (fewer := dict(splits))["test"]
    csv_file.write_bytes(published.table(fewer))
    assert "test" not in data.load(csv_file).splits
    # Of the same size, but written at another time.
    content = csv_file.read_bytes()
    csv_file.write_bytes(content.replace(b"\n0,", b"\n5,"))
    os.utime(csv_file, (1, 1))
    assert 0 not in data.load(csv_file).split("training").labels
    assert len(list(cache.iterdir())) == 1, "the copy of an older state is replaced"


def test_a_changed_file_in_a_folder_is_read_again(tmp_path, splits, counts_as_published):
    path = SHAPES["folder of images"](tmp_path, splits)
    data.load(path)
    next((path / "train" / "sad").iterdir()).unlink()
    assert len(data.load(path).split("training")) == 15


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_copy_is_healed_without_a_word(share, csv_file, cache, no_source, capsys):
    expected = data.load(csv_file)
    (copy,) = cache.iterdir()
    cut(copy, share)
    assert data.load(csv_file).fingerprint == expected.fingerprint
    no_source()
    assert data.load(csv_file).fingerprint == expected.fingerprint
    assert capsys.readouterr().err == ""


def test_a_copy_with_other_pixels_is_not_believed(csv_file, cache):
    expected = data.load(csv_file)
    (copy,) = cache.iterdir()
    with np.load(copy) as arrays:
        changed = dict(arrays)
    changed["training_images"] = changed["training_images"].copy()
    changed["training_images"][0, 0, 0] ^= 1
    np.savez(copy, **changed)
    assert data.load(csv_file).fingerprint == expected.fingerprint
    np.testing.assert_array_equal(
        data.load(csv_file).split("training").images, expected.split("training").images
    )


def test_a_copy_damaged_anywhere_never_gives_other_faces(csv_file, cache):
    expected = data.load(csv_file).fingerprint
    (copy,) = cache.iterdir()
    good = copy.read_bytes()
    random = np.random.default_rng(0)
    for position in [*range(0, 400, 20), *random.integers(0, len(good), 20)]:
        damaged = bytearray(good)
        damaged[position] ^= 0xFF
        copy.write_bytes(damaged)
        dataset = data.load(csv_file)
        assert dataset.fingerprint == fingerprint(dataset.splits) == expected


def test_a_folder_that_cannot_be_written_costs_only_the_copy(csv_file, tmp_path, capsys):
    (tmp_path / "file").touch()
    dataset = data.load(csv_file, cache_directory=tmp_path / "file" / "cache")
    assert len(dataset.splits) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: no decoded copy could be kept in")


def test_a_disk_that_fills_up_leaves_no_half_copy(csv_file, cache, monkeypatch, capsys):
    data.load(csv_file)
    (copy,) = cache.iterdir()
    good = copy.read_bytes()
    os.utime(csv_file, (1, 1))

    def full(path, **arrays):
        Path(path).write_bytes(good[: len(good) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert len(data.load(csv_file).splits) == 3
    assert "No space left on device" in capsys.readouterr().err
    assert list(cache.iterdir()) == [copy]
    assert copy.read_bytes() == good


# Kaggle and synthetic faces -----------------------------------------------------------------------


def test_kaggle_s_mirror_is_fetched_and_read(tmp_path, splits, counts_as_published, monkeypatch):
    folder = SHAPES["folder of images"](tmp_path, splits)
    asked = []
    library = types.ModuleType("kagglehub")
    library.dataset_download = lambda handle: asked.append(handle) or str(folder)
    monkeypatch.setitem(sys.modules, "kagglehub", library)
    dataset = data.load("kaggle")
    assert asked == ["msambare/fer2013"]
    assert content(dataset.split("test")) == content(splits["test"])


def test_a_failed_fetch_gets_one_line(monkeypatch, capsys):
    def fail(handle):
        raise ConnectionError("Temporary failure\n  in name resolution")

    library = types.ModuleType("kagglehub")
    library.dataset_download = fail
    monkeypatch.setitem(sys.modules, "kagglehub", library)
    assert command("kaggle") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "could not be fetched from Kaggle (Temporary failure in name resolution)" in line
    assert "download https://www.kaggle.com/datasets/msambare/fer2013" in line


def test_a_missing_kagglehub_gets_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert command("kaggle") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'fer_larq[kaggle]'" in line and "--data FILE" in line


def test_without_a_source_the_faces_are_drawn_and_loudly_said_to_be(monkeypatch, capsys):
    few = synthetic.synthetic_dataset(14, 7, 0)
    monkeypatch.setattr(synthetic, "synthetic_dataset", lambda: few)
    dataset = data.load(None)
    assert dataset.synthetic and dataset.name == "synthetic faces"
    notice = capsys.readouterr().err
    assert notice.count("SYNTHETIC FACES") == 1
    assert "NOTHING about people" in notice
    assert "--data kaggle" in notice and "fer2013.csv" in notice


# The command --------------------------------------------------------------------------------------


def test_the_command_prints_counts_fingerprint_and_the_copy_s_place(csv_file, cache, capsys):
    assert command(csv_file) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["training"] == ["validation", "test"]
    assert rows["angry"] == ["3", "2", "2"] and rows["neutral"] == ["2", "1", "1"]
    assert rows["all"] == ["16", "9", "10"]
    assert set(EXPRESSIONS) <= set(rows)
    assert rows["fingerprint"] == [data.load(csv_file).fingerprint]
    assert Path(rows["decoded"][1]) == next(cache.iterdir())


def test_the_command_measures_both_ways_of_reading(csv_file, cache, capsys):
    assert command(csv_file, "--time") == 0
    out = capsys.readouterr().out
    assert re.search(r"^first read +\d+\.\d\d s \(\d+\.\d\d s of processor time\)$", out, re.M)
    assert re.search(r"^decoded copy +\d+\.\d\d s \(\d+\.\d\d s of processor time\)$", out, re.M)
    assert not cache.exists(), "the measurement leaves the user's cache alone"


def test_the_command_in_a_process_of_its_own(csv_file, tmp_path):
    def run(path):
        return subprocess.run(
            [sys.executable, "-m", "fer_larq.data", path],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

    good = run(csv_file)
    assert good.returncode == 0 and "fingerprint" in good.stdout
    bad = run(cut(csv_file, 0.9))
    assert bad.returncode == 2 and bad.stdout == ""
    assert re.fullmatch(r"error: .*fer2013\.csv: row \d+ .*\n", bad.stderr)


def test_reading_data_does_not_need_tensorflow():
    code = (
        "import sys, fer_larq.data, fer_larq.datasets.synthetic; print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "False\n", done.stderr
