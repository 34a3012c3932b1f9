"""What a data set is once it is read: faces, their labels and votes, and the three splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.integrity import Finding
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError

SPLITS = ("training", "validation", "test")
"""This package's names of the splits."""

NO_LABEL = -1
"""Label of a face that has FER+'s votes and no label of FER2013."""


@dataclass(frozen=True)
class Faces:
    """Faces and what is known of their expressions.

    Attributes:
        images: uint8 ``[N, 48, 48]``, grey.
        labels: int64 ``[N]``, indices into ``EXPRESSIONS``; ``NO_LABEL`` for all faces of FER+'s
            own layout of images.
        votes: uint8 ``[N, 10]``, the votes of FER+ for ``ferplus.VOTE_COLUMNS``, or None where
            they were not asked for.
        rows: int64 ``[N]``, which row of its split in the published order each face is, or None
            where the source does not say.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.uint8] | None = None
    rows: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of faces of each expression."""
        labelled = self.labels[self.labels != NO_LABEL]
        return tuple(np.bincount(labelled, minlength=len(EXPRESSIONS)).tolist())

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Faces:
        """The faces that an index or a mask chooses, with all that belongs to them."""
        return Faces(
            self.images[chosen],
            self.labels[chosen],
            None if self.votes is None else self.votes[chosen],
            None if self.rows is None else self.rows[chosen],
        )


@dataclass(frozen=True)
class Dataset:
    """The splits of a data set, and where they came from.

    Attributes:
        name: ``"FER2013"`` or ``"synthetic faces"``.
        source: the file or folder, or the seed, that the faces came from.
        fingerprint: SHA-256 of the splits' labels and pixels, 64 hexadecimal digits. Equal
            fingerprints mean equal arrays, whatever the container.
        synthetic: whether the faces are drawings: no figure on them says anything of people.
        splits: the faces of the splits that are there, by the names in ``SPLITS``.
        finding: whether the pixels are FER2013's.
        ferplus: the file that the votes came from, or None where there are none.
    """

    name: str
    source: str
    fingerprint: str
    synthetic: bool
    splits: Mapping[str, Faces]
    finding: Finding = field(default_factory=Finding)
    ferplus: str | None = None

    def split(self, name: str) -> Faces:
        """The faces of a split.

        Raises:
            UserError: the split is absent; the message names those that are there.
        """
        if name not in self.splits:
            raise UserError(
                f"{self.source} has no {name} split, only {' and '.join(self.splits)}: "
                "choose one of these, or give data that has it"
            )
        return self.splits[name]

    @property
    def labelled(self) -> bool:
        """Whether the faces have FER2013's labels: all but FER+'s own layout of images do."""
        return not any(np.any(faces.labels == NO_LABEL) for faces in self.splits.values())

    def summary(self) -> str:
        """One line: name, faces in each split (or that it is absent), start of the fingerprint."""
        sizes = (
            f"{split} {len(self.splits[split]):,}" if split in self.splits else f"{split} absent"
            for split in SPLITS
        )
        return f"{self.name}: {', '.join(sizes)} (fingerprint {self.fingerprint[:12]})"

    def description(self) -> dict[str, Any]:
        """What runs, reports and models say of the data that they rest on."""
        votes = votes_fingerprint(self.splits)
        return {
            "name": self.name,
            "source": self.source,
            "drawn": self.synthetic,  # the key's name in files that are out there
            "fingerprint": self.fingerprint,
            "pixels": self.finding.kind,
            "finding": self.finding.sentence,
            "faces": {split: len(faces) for split, faces in self.splits.items()},
            **({"ferplus": {"source": self.ferplus, "fingerprint": votes}} if votes else {}),
        }


def in_canonical_order(faces: Iterable[tuple[bytes, int]]) -> tuple[Faces, NDArray[np.int64]]:
    """Arrays of faces, in the order of the SHA-256 of each face's label and pixels.

    The order is then a property of the faces and not of the container they came in: equal
    fingerprints mean equal arrays, and a run does not depend on how FER2013 was packed. It also
    mixes the classes, so that the first n faces are a fair sample.

    Args:
        faces: pixels (2,304 bytes, row by row) and label of each face.

    Returns:
        The faces, and int64 ``[N]``: the place that each of them had in ``faces``.
    """
    faces = list(faces)
    keys = [hashlib.sha256(bytes([label & 0xFF]) + pixels).digest() for pixels, label in faces]
    order = sorted(range(len(faces)), key=keys.__getitem__)
    pixels = np.frombuffer(bytearray().join(faces[place][0] for place in order), np.uint8)
    labels = np.array([faces[place][1] for place in order], np.int64)
    images = pixels.reshape(-1, FACE_SIZE, FACE_SIZE)
    return Faces(images, labels), np.array(order, np.int64)


def fingerprint(splits: Mapping[str, Faces]) -> str:
    """SHA-256, as 64 hexadecimal digits, of all splits' names, labels and pixels."""
    digest = hashlib.sha256()
    for name in SPLITS:
        if name in splits:
            faces = splits[name]
            digest.update(f"{name} {len(faces)}\n".encode())
            digest.update(faces.labels.astype(np.uint8).tobytes())
            digest.update(np.ascontiguousarray(faces.images).data)
    return digest.hexdigest()


def votes_fingerprint(splits: Mapping[str, Faces]) -> str | None:
    """SHA-256, as 64 hexadecimal digits, of the votes of all splits; None if there are none."""
    digest = hashlib.sha256()
    found = False
    for name in SPLITS:
        if name in splits and splits[name].votes is not None:
            found = True
            digest.update(f"{name}\n".encode())
            digest.update(np.ascontiguousarray(splits[name].votes).data)
    return digest.hexdigest() if found else None
