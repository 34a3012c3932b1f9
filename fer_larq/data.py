"""FER2013 as arrays: faces, expressions and the three splits (paper, section 4.1)."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from fer_larq.crops import FACE_SIZE
from fer_larq.errors import UserError
from fer_larq.expressions import EXPRESSIONS

SPLITS = ("training", "validation", "test")
"""FER2013's Training, PublicTest and PrivateTest."""

USAGES = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}


@dataclass(frozen=True)
class Faces:
    """Faces and their expressions.

    Attributes:
        images: uint8 ``[N, 48, 48]``.
        labels: int64 ``[N]``, indices into ``EXPRESSIONS``.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """The splits of one data set and where they came from."""

    name: str
    source: str
    fingerprint: str
    drawn: bool
    splits: Mapping[str, Faces]

    def split(self, name: str) -> Faces:
        """The faces of a split; ``UserError`` if it is absent."""
        if name not in self.splits:
            raise UserError(
                f"{self.source} has no {name} split, only {', '.join(self.splits)}: "
                "choose one of these or give data that has it"
            )
        return self.splits[name]


def load(source: str | None, cache_directory: Path | None = None) -> Dataset:
    """Read FER2013 from ``source``."""
    if source is None or not zipfile.is_zipfile(source):
        raise UserError(f"{source}: only a zip of images can be read so far")
    found: dict[str, list[tuple[bytes, int]]] = {split: [] for split in SPLITS}
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            path = PurePosixPath(name)
            split = USAGES.get(path.name.split("_")[0])
            if split is None or path.parent.name not in EXPRESSIONS:
                continue
            image = Image.open(io.BytesIO(archive.read(name))).convert("L")
            if image.size != (FACE_SIZE, FACE_SIZE):
                raise UserError(f"{source}: {name} is not {FACE_SIZE}x{FACE_SIZE}")
            found[split].append((image.tobytes(), EXPRESSIONS.index(path.parent.name)))
    splits = {split: in_canonical_order(faces) for split, faces in found.items() if faces}
    return Dataset("FER2013", source, fingerprint(splits), False, splits)


def in_canonical_order(faces: list[tuple[bytes, int]]) -> Faces:
    """Faces in the order of the SHA-256 of label and pixels.

    The order is then a property of the faces and not of the container they came in, so that equal
    fingerprints mean equal arrays; and it mixes the classes, so that the first n faces are a
    fair sample.
    """
    faces = sorted(faces, key=lambda face: hashlib.sha256(bytes([face[1]]) + face[0]).digest())
    pixels = np.frombuffer(b"".join(pixels for pixels, _ in faces), np.uint8)
    return Faces(
        pixels.reshape(-1, FACE_SIZE, FACE_SIZE), np.array([label for _, label in faces], np.int64)
    )


def fingerprint(splits: Mapping[str, Faces]) -> str:
    """SHA-256, as hexadecimal digits, of the labels and pixels of all splits."""
    digest = hashlib.sha256()
    for name in SPLITS:
        if name in splits:
            faces = splits[name]
            digest.update(f"{name} {len(faces)}\n".encode())
            digest.update(faces.labels.astype(np.uint8).tobytes())
            digest.update(np.ascontiguousarray(faces.images))
    return digest.hexdigest()
