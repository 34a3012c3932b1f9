"""Small files in the shapes in which FER2013 is published, made from drawn faces."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from fer_larq.data import Faces
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
