"""Whether pixels are FER2013's: altered copies are named, published ones are not."""

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from fer_larq import data
from fer_larq.datasets import fer2013, integrity, loading, sources, synthetic
from fer_larq.datasets.dataset import Faces
from fer_larq.datasets.integrity import Finding, Statistics
from fer_larq.training import run_folder
from fer_larq.training.recipes import RECIPES
from helpers import published
from helpers.project import fer2013_or_skip

COUNTS = {split: sum(counts) for split, counts in loading.PUBLISHED_COUNTS.items()}
SIDE = 48


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Decoded copies of a test lie in a folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# Statistics ---------------------------------------------------------------------------------------


def test_statistics_of_faces_that_can_be_counted_by_hand():
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[:, 24:] = 255
    grey = np.full((SIDE, SIDE), 100, np.uint8)
    found = integrity.statistics(np.stack([half, grey, grey]))
    assert found.full_range == pytest.approx(1 / 3)
    assert found.clipped == pytest.approx(1 / 3)
    assert found.brightness == pytest.approx((127.5 + 200) / 3)
    assert found.deviation == pytest.approx(127.5 / 3)
    # Of one grey level, all 2,304 pixels are at most 100 where 101 of 256 levels would be.
    assert found.flatness == pytest.approx(1 - 101 / 256)


def test_fine_detail_is_that_of_single_waves():
    position = np.arange(SIDE) + 0.5

    def wave(frequency: int, strength: float) -> np.ndarray:
        return strength * np.cos(np.pi / SIDE * frequency * position)

    row = 128 + wave(20, 40) + wave(44, 20)
    image = np.rint(np.broadcast_to(row, (SIDE, SIDE))).astype(np.uint8)
    found = integrity.statistics(image[None])
    # Each band's energy is spread over its 16 * 47 + ... coefficients, so count them.
    coefficients = [sum(2 * edge + 1 for edge in band) for band in (range(16, 32), range(40, 48))]
    expected = (20**2 / coefficients[1]) / (40**2 / coefficients[0])
    assert found.fine_detail == pytest.approx(expected, rel=0.02)


def test_blank_images_are_no_obstacle():
    found = integrity.statistics(np.zeros((3, SIDE, SIDE), np.uint8))
    assert found.fine_detail == 0 and found.deviation == 0


MEASURED = {
    "published": (0.162, 0.016, 129.3, 54.2, 0.244, 0.065, None),
    "PublicTest": (0.162, 0.016, 129.0, 54.1, 0.250, 0.065, None),
    "JPEG of quality 30": (0.349, 0.020, 129.3, 53.8, 0.242, 0.045, None),
    "JPEG of quality 75": (0.259, 0.017, 129.3, 54.1, 0.242, 0.068, None),
    "disgust alone": (0.124, 0.017, 135.2, 52.2, 0.264, 0.067, None),
    "equalised": (0.999, 0.034, 129.3, 75.0, 0.017, 0.087, "equalised"),
    "contrast 1.2, then equalised": (0.999, 0.120, 134.0, 78.5, 0.110, 0.090, "equalised"),
    "adaptively equalised": (0.000, 0.010, 136.6, 59.0, 0.142, 0.087, "equalised"),
    "contrast 1.1, then JPEG": (0.473, 0.036, 128.9, 59.0, 0.230, 0.071, "contrast"),
    "stretched to 0 and 255, then JPEG": (0.680, 0.014, 134.7, 60.4, 0.216, 0.070, "contrast"),
    "contrast 0.8": (0.000, 0.001, 128.9, 43.3, 0.285, 0.065, "contrast"),
    "gamma 0.8": (0.162, 0.016, 144.4, 51.9, 0.267, 0.066, "contrast"),
    "gamma 1.5": (0.195, 0.023, 101.4, 55.3, 0.272, 0.068, "contrast"),
    "by way of 64 pixels, bilinear": (0.009, 0.010, 129.6, 51.6, 0.252, 0.012, "resized"),
    "by way of 224 pixels, bicubic": (0.065, 0.014, 129.3, 53.4, 0.244, 0.019, "resized"),
    "by way of 224 pixels, Lanczos": (0.153, 0.014, 129.3, 54.1, 0.244, 0.021, "resized"),
    "by way of 224, OpenCV's linear": (0.017, 0.011, 129.3, 53.5, 0.244, 0.052, "resized"),
    "by way of 32 pixels, nearest": (0.108, 0.016, 128.8, 54.3, 0.244, 0.305, "resized"),
    "by way of 24 pixels, bilinear": (0.004, 0.008, 129.7, 47.9, 0.266, 0.008, "resized"),
}
"""Copies of 2,000 training faces, measured once; the next test measures them anew."""


@pytest.mark.parametrize("copy", MEASURED)
def test_measured_copies_lie_on_their_side_of_every_threshold(copy):
    *values, kind = MEASURED[copy]
    assert next(iter(integrity.alterations(Statistics(*values))), None) == kind


# Real faces ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> dict[str, Faces]:
    """The first 1,000 faces of FER2013's two splits, in the published order."""
    contents = loading.read(fer2013_or_skip())
    splits = {}
    for split in ("training", "validation"):
        listed = contents.faces[split][:1000]
        pixels = np.frombuffer(b"".join(pixels for pixels, _ in listed), np.uint8)
        labels = np.array([label for _, label in listed], np.int64)
        splits[split] = Faces(pixels.reshape(-1, SIDE, SIDE), labels)
    return splits


def altered(splits: dict[str, Faces], alter) -> dict[str, Faces]:
    """The same faces with ``alter`` applied to each, as Pillow's image."""
    return {
        split: Faces(
            np.stack([np.asarray(alter(Image.fromarray(image))) for image in some.images]),
            some.labels,
        )
        for split, some in splits.items()
    }


def jpeg(quality: int):
    def alter(image):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(buffer)

    return alter


def contrast(factor: float):
    return lambda image: ImageEnhance.Contrast(image).enhance(factor)


def by_way_of(size: int, method=Image.Resampling.BICUBIC):
    return lambda image: image.resize((size, size), method).resize((SIDE, SIDE), method)


ALTERATIONS = {
    "published": (lambda image: image, "unaltered"),
    "JPEG of quality 50": (jpeg(50), "unaltered"),
    "JPEG of quality 75": (jpeg(75), "unaltered"),
    "JPEG of quality 95": (jpeg(95), "unaltered"),
    "equalised": (ImageOps.equalize, "equalised"),
    "contrast 1.2, then equalised": (
        lambda image: ImageOps.equalize(contrast(1.2)(image)),
        "equalised",
    ),
    "equalised, then JPEG": (lambda image: jpeg(75)(ImageOps.equalize(image)), "equalised"),
    "adaptively equalised": (
        lambda image: cv2.createCLAHE(2.0, (8, 8)).apply(np.asarray(image)),
        "equalised",
    ),
    "contrast 1.2": (contrast(1.2), "contrast"),
    "contrast 1.2, then JPEG": (lambda image: jpeg(75)(contrast(1.2)(image)), "contrast"),
    "contrast 0.8": (contrast(0.8), "contrast"),
    "stretched": (ImageOps.autocontrast, "contrast"),
    "darker": (lambda image: image.point(lambda value: value * 0.7), "contrast"),
    "by way of 64 pixels": (by_way_of(64), "resized"),
    "by way of 64 pixels, then JPEG": (lambda image: jpeg(75)(by_way_of(64)(image)), "resized"),
    "by way of 100 pixels": (by_way_of(100, Image.Resampling.BILINEAR), "resized"),
    "by way of 224 pixels": (by_way_of(224, Image.Resampling.LANCZOS), "resized"),
    "by way of 32 pixels": (by_way_of(32, Image.Resampling.NEAREST), "resized"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_copy_of_real_faces_is_named(name, real):
    alter, kind = ALTERATIONS[name]
    images = {split: some.images for split, some in altered(real, alter).items()}
    finding = integrity.examine(images, published_counts=COUNTS)
    assert finding.kind == kind
    assert finding.altered == (kind != "unaltered")


@pytest.mark.slow
def test_one_altered_split_is_enough(real):
    images = {split: some.images for split, some in real.items()}
    images["validation"] = altered(real, ImageOps.equalize)["validation"].images
    assert integrity.examine(images, published_counts=COUNTS).kind == "equalised"


@pytest.mark.slow
def test_all_that_was_done_is_said(real):
    def alter(image):
        return by_way_of(64)(contrast(1.5)(image))

    images = {split: some.images for split, some in altered(real, alter).items()}
    finding = integrity.examine(images, published_counts=COUNTS)
    assert finding.kind == "contrast"
    assert "contrast was raised" in finding.sentence and "resized" in finding.sentence


def warnings_of(path: Path, capsys) -> list[str]:
    data.load(path)
    return capsys.readouterr().err.splitlines()


@pytest.mark.slow
def test_a_table_of_altered_faces_gets_one_warning(real, tmp_path, capsys):
    alter, _ = ALTERATIONS["contrast 1.2, then equalised"]
    path = tmp_path / "fer2013.csv"
    path.write_bytes(published.table(altered(real, alter)))
    (line,) = warnings_of(path, capsys)
    assert line.startswith(f"warning: {path}: these are not FER2013's pixels; ")
    assert "histograms were equalised" in line and "do not compare" in line
    assert data.main([str(path)]) == 0
    assert "pixels       equalised: " in capsys.readouterr().out
    (again,) = warnings_of(path, capsys)
    assert again == line, "the decoded copy remembers it"


@pytest.mark.slow
def test_images_stored_at_another_size_get_one_warning(real, tmp_path, capsys):
    files = {
        name: published.encoded(Image.open(io.BytesIO(content)).resize((64, 64)))
        for name, content in published.images({"training": real["training"]}).items()
    }
    (line,) = warnings_of(published.write_folder(tmp_path / "f", files), capsys)
    assert "1,000 of 1,000 images had another size than 48x48" in line


@pytest.mark.slow
def test_jpeg_of_the_published_faces_is_not_warned_of(real, tmp_path, capsys, monkeypatch):
    counts = {split: some.counts for split, some in real.items()}
    monkeypatch.setattr(loading, "PUBLISHED_COUNTS", counts)
    path = published.write_folder(tmp_path / "f", published.images(real, suffix="jpg"))
    assert warnings_of(path, capsys) == []
    assert data.load(path).finding.kind == "unaltered"


# Names, numbers and digests -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "augmented"),
    [
        ("Training_123.jpg", False),
        ("PublicTest_4567890.png", False),
        ("PrivateTest_1.JPEG", False),
        ("im0.png", False),
        ("fer0000000.png", False),
        ("Training_123.jpg0.jpg", True),
        ("Training_123_flipped.png", True),
        ("Training_123 (1).jpg", True),
        ("aug_0_123.jpg", True),
    ],
)
def test_names_of_augmented_images(name, augmented):
    assert (integrity.AUGMENTED_NAME.match(name) is not None) == augmented


def test_an_augmented_folder_gets_one_warning_whatever_its_size(tmp_path, capsys):
    files = published.images({"training": synthetic.draw_faces(14, 0)})
    more = {name.replace(".png", ".png0.png"): content for name, content in files.items()}
    (line,) = warnings_of(published.write_folder(tmp_path / "f", files | more), capsys)
    assert "augmented images are among them: 14 of 28 names" in line


def test_more_faces_than_published_were_added(monkeypatch):
    images = {"training": np.zeros((12, SIDE, SIDE), np.uint8)}
    finding = integrity.examine(images, published_counts={"training": 10})
    assert finding.kind == "augmented" and "12 faces (published 10)" in finding.sentence


def test_few_faces_are_not_judged():
    images = {"training": np.full((integrity.FACES_NEEDED - 1, SIDE, SIDE), 9, np.uint8)}
    finding = integrity.examine(images, published_counts=COUNTS)
    assert finding.kind == "unknown" and not finding.altered


@pytest.mark.parametrize("shape", ["csv", "gzip", "zip"])
def test_a_published_table_is_known_by_its_md5(shape, tmp_path, monkeypatch):
    content = published.table({"training": synthetic.draw_faces(14, 0)})
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(integrity.PUBLISHED_MD5, digest, "fer2013.csv")
    if shape == "csv":
        path = tmp_path / "some.csv"
        path.write_bytes(content)
    elif shape == "gzip":
        path = published.write_gzip(tmp_path / "some.csv.gz", content)
    else:
        path = published.write_zip(tmp_path / "some.zip", {"fer2013.csv": content})
    assert data.load(path).finding.kind == "published"
    assert fer2013.read_table(sources.Limited(io.BytesIO(content), "x"), "x").md5 == digest


def test_another_table_of_the_same_faces_is_not_published(tmp_path):
    path = tmp_path / "fer2013.csv"
    path.write_bytes(published.table({"training": synthetic.draw_faces(14, 0)}))
    assert data.load(path).finding.kind == "unknown"


def test_a_run_says_what_it_was_trained_on():
    drawn = synthetic.synthetic_dataset(14, 7, 0)
    description = run_folder.describe(RECIPES["augmented"], {}, drawn)["data"]
    assert description["pixels"] == "synthetic"
    assert "drawings" in description["finding"]
    assert Finding().kind == "unknown"
