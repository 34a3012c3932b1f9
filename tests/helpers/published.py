"""Small files in the shapes in which FER2013 is published, made from synthetic faces."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from fer_larq.datasets.dataset import Faces
from fer_larq.datasets.label_schemes import SEVEN, VOTE_COLUMNS
from fer_larq.datasets.labels import EXPRESSIONS

USAGES = {"training": "Training", "validation": "PublicTest", "test": "PrivateTest"}


def table(splits: Mapping[str, Faces], header: str = "emotion,pixels,Usage") -> bytes:
    """A CSV with the columns that ``header`` names, spelt and spaced as it has them."""
    lines = [header]
    for split, faces in splits.items():
        for image, label in zip(faces.images, faces.labels, strict=True):
            cells = {
                "emotion": str(label),
                "pixels": " ".join(map(str, image.ravel())),
                "Usage": USAGES[split],
            }
            lines.append(",".join(cells[column.strip()] for column in header.split(",")))
    return ("\n".join(lines) + "\n").encode("ascii")


def images(
    splits: Mapping[str, Faces], top: str = "", suffix: str = "png", classes=EXPRESSIONS
) -> dict[str, bytes]:
    """Images by their paths, ``train/happy/Training_17.png``, under a folder ``top``."""
    files = {}
    for split, faces in splits.items():
        folder = "train" if split == "training" else "test"
        for index, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
            name = f"{top}{folder}/{classes[label]}/{USAGES[split]}_{index}.{suffix}"
            files[name] = encoded(Image.fromarray(image), suffix)
    return files


def encoded(image: Image.Image, suffix: str = "png") -> bytes:
    """An image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, {"png": "PNG", "jpg": "JPEG"}[suffix])
    return buffer.getvalue()


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files under a folder."""
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    path.mkdir(exist_ok=True)
    return path


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write a tar, compressed if the name says so."""
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_gzip(path: Path, content: bytes) -> Path:
    """Write one compressed file."""
    path.write_bytes(gzip.compress(content, mtime=0))
    return path


# FER+ ---------------------------------------------------------------------------------------------


def random_votes(splits: Mapping[str, Faces], seed: int = 0) -> dict[str, np.ndarray]:
    """Ten votes for each face, uint8 ``[N, 10]``: 6 to 9 for its label, the others anywhere."""
    random = np.random.default_rng(seed)
    votes = {}
    for split, faces in splits.items():
        of_split = np.zeros((len(faces), len(VOTE_COLUMNS)), np.uint8)
        for row, label in zip(of_split, faces.labels, strict=True):
            row[SEVEN[label]] = random.integers(6, 10)
            while row.sum() < 10:
                row[random.integers(0, len(VOTE_COLUMNS))] += 1
        votes[split] = of_split
    return votes


def votes_table(votes: Mapping[str, np.ndarray]) -> bytes:
    """``fer2013new.csv``: rows in which nobody saw a face have no name, as published."""
    lines = [",".join(("Usage", "Image name", *VOTE_COLUMNS))]
    for split, rows in votes.items():
        for index, row in enumerate(rows):
            name = "" if row[-1] == 10 else f"fer{index:07d}.png"
            lines.append(",".join((USAGES[split], name, *map(str, row))))
    return ("\n".join(lines) + "\n").encode("ascii")


def ferplus_images(
    splits: Mapping[str, Faces], votes: Mapping[str, np.ndarray], box: bool = False
) -> dict[str, bytes]:
    """FER+'s own folders: images by their paths, and the ``label.csv`` of each folder."""
    files = {}
    for split, faces in splits.items():
        folder = {"training": "FER2013Train", "validation": "FER2013Valid", "test": "FER2013Test"}
        lines = []
        for index, (image, row) in enumerate(zip(faces.images, votes[split], strict=True)):
            name = f"fer{index:07d}.png"
            files[f"{folder[split]}/{name}"] = encoded(Image.fromarray(image))
            lines.append(",".join((name, *(['"(0, 0, 48, 48)"'] * box), *map(str, row))))
        files[f"{folder[split]}/label.csv"] = ("\n".join(lines) + "\n").encode("ascii")
    return files
