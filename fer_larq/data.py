"""FER2013 as arrays: faces, expressions and the three splits (paper, section 4.1).

``python -m fer_larq.data SOURCE`` prints what a source holds, and with ``--time`` how long reading
it takes. The published shapes are read in ``fer_larq.fer2013``; here they become arrays, and a
decoded copy is kept so that the next start is fast.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from fer_larq import fer2013
from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.fer2013 import SPLITS
from fer_larq.utils.errors import UserError, run_command, warn
from fer_larq.utils.files import cache_folder, replacing

PUBLISHED_COUNTS = {
    "training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "validation": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Faces of each expression in each split (paper, Tab. 2)."""

KAGGLE_DATASET = "msambare/fer2013"
"""The public mirror that ``--data kaggle`` fetches."""

CACHE_VERSION = 1
"""Rises with every change of the cache's format, or of what reading a source gives."""


@dataclass(frozen=True)
class Faces:
    """Faces and their expressions.

    Attributes:
        images: uint8 ``[N, 48, 48]``, grey.
        labels: int64 ``[N]``, indices into ``EXPRESSIONS``.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of faces of each expression."""
        return tuple(np.bincount(self.labels, minlength=len(EXPRESSIONS)).tolist())


@dataclass(frozen=True)
class Dataset:
    """The splits of a data set, and where they came from.

    Attributes:
        name: ``"FER2013"`` or ``"drawn faces"``.
        source: the file or folder, or the seed, that the faces came from.
        fingerprint: SHA-256 of the splits' labels and pixels, 64 hexadecimal digits. Equal
            fingerprints mean equal arrays, whatever the container.
        drawn: whether the faces are drawings, so that no figure on them says anything of people.
        splits: the faces of the splits that are there, by the names in ``SPLITS``.
    """

    name: str
    source: str
    fingerprint: str
    drawn: bool
    splits: Mapping[str, Faces]

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

    def summary(self) -> str:
        """One line: name, faces in each split (or that it is absent), start of the fingerprint."""
        sizes = (
            f"{split} {len(self.splits[split]):,}" if split in self.splits else f"{split} absent"
            for split in SPLITS
        )
        return f"{self.name}: {', '.join(sizes)} (fingerprint {self.fingerprint[:12]})"


def load(source: str | os.PathLike[str] | None, cache_directory: Path | None = None) -> Dataset:
    """Read a data set.

    Args:
        source: a file or folder of any shape that ``fer_larq.fer2013`` lists; ``"kaggle"``, which
            fetches the public mirror; or None for drawn faces, which a loud notice announces.
        cache_directory: where decoded copies lie, by default ``$XDG_CACHE_HOME/fer_larq`` or
            ``~/.cache/fer_larq``.

    Returns:
        Those of the three splits that the source has, each in canonical order (see
        ``in_canonical_order``).

    Raises:
        UserError: the source is absent, damaged, or no FER2013; the message says where and what
            to do. Lesser things, such as class counts other than the paper's, are warnings.
    """
    if source is None:
        from fer_larq import faces  # which needs Faces and Dataset from here

        faces.announce()
        return faces.drawn_dataset()
    path = fetch_from_kaggle() if source == "kaggle" else Path(source)
    dataset, remarks = read_or_recall(path, cache_file(path, cache_directory))
    for remark in [*remarks, *compare_with_publication(dataset)]:
        warn(remark)
    return dataset


def fetch_from_kaggle() -> Path:
    """Fetch the public mirror with kagglehub, unless it lies here already; return its folder."""
    by_hand = (
        f"download https://www.kaggle.com/datasets/{KAGGLE_DATASET} and name the file: --data FILE"
    )
    try:
        import kagglehub
    except ModuleNotFoundError as missing:
        raise UserError(
            f"`--data kaggle` needs the Python package {missing.name}: "
            f"`pip install 'fer_larq[kaggle]'`, or {by_hand}"
        ) from missing
    try:
        return Path(kagglehub.dataset_download(KAGGLE_DATASET))
    except Exception as error:  # kagglehub's own errors have no common class
        raise UserError(
            f"{KAGGLE_DATASET} could not be fetched from Kaggle ({fer2013.one_line(error)}): try "
            f"again later, or {by_hand}"
        ) from error


def in_canonical_order(faces: list[tuple[bytes, int]]) -> Faces:
    """Arrays of faces, in the order of the SHA-256 of each face's label and pixels.

    The order is then a property of the faces and not of the container they came in: equal
    fingerprints mean equal arrays, and a run does not depend on how FER2013 was packed. It also
    mixes the classes, so that the first n faces are a fair sample.
    """
    faces = sorted(faces, key=lambda face: hashlib.sha256(bytes([face[1]]) + face[0]).digest())
    pixels = np.frombuffer(bytearray().join(pixels for pixels, _ in faces), np.uint8)
    return Faces(
        pixels.reshape(-1, FACE_SIZE, FACE_SIZE), np.array([label for _, label in faces], np.int64)
    )


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


def compare_with_publication(dataset: Dataset) -> list[str]:
    """At most one remark, on splits whose class counts are not the published ones."""
    differences = [
        f"{split} {'/'.join(map(str, faces.counts))} instead of "
        f"{'/'.join(map(str, PUBLISHED_COUNTS[split]))}"
        for split, faces in dataset.splits.items()
        if faces.counts != PUBLISHED_COUNTS[split]
    ]
    if not differences:
        return []
    return [
        f"{dataset.source}: the class counts ({', '.join(EXPRESSIONS)}) are not those of FER2013: "
        f"{'; '.join(differences)}; figures on it do not compare with published ones"
    ]


# The cache ----------------------------------------------------------------------------------------


def cache_file(path: Path, cache_directory: Path | None = None) -> Path:
    """Where the decoded copy of a source lies; each source has one."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    return (cache_directory or cache_folder()) / f"fer2013-{name[:16]}.npz"


def read_or_recall(path: Path, cache: Path) -> tuple[Dataset, list[str]]:
    """Read a source, or its decoded copy if that is of the source as it is now."""
    state = source_state(path)
    try:
        splits, remarks, stated = recall(cache, state)
    except Exception:  # absent, stale or damaged in whatever way: the source is at hand
        stated = None
    # The fingerprint is computed either way, so that a damaged copy can never pass.
    if stated is not None and fingerprint(splits) == stated:
        return Dataset("FER2013", str(path), stated, False, splits), remarks

    contents = fer2013.read(path)
    splits = {split: in_canonical_order(faces) for split, faces in contents.faces.items() if faces}
    dataset = Dataset("FER2013", str(path), fingerprint(splits), False, splits)
    try:
        keep(cache, state, dataset, contents.remarks)
    except OSError as error:
        warn(
            f"no decoded copy could be kept in {cache.parent} ({error.strerror or error}): the "
            "next start reads the source again; set XDG_CACHE_HOME to a folder that can be written"
        )
    return dataset, contents.remarks


def source_state(path: Path) -> str:
    """What changes when a source does: its path, and size and time of change of its files."""
    root = os.path.realpath(path)
    names = (os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
    digest = hashlib.sha256(f"{CACHE_VERSION}\n{root}".encode(errors="surrogateescape"))
    # Reading refuses a folder with more files, so there is no need to look at them here.
    for name in [root, *sorted(islice(names, fer2013.MAX_MEMBERS))]:
        try:
            status = os.stat(name)
        except OSError:
            continue  # reading the source says better what is wrong
        digest.update(f"\n{name}\0{status.st_size} {status.st_mtime_ns}".encode("utf-8", "replace"))
    return digest.hexdigest()


def keep(cache: Path, state: str, dataset: Dataset, remarks: list[str]) -> None:
    """Write the decoded copy."""
    arrays = {"about": np.array(json.dumps([state, dataset.fingerprint, remarks]))}
    for split, faces in dataset.splits.items():
        arrays[f"{split}_images"] = faces.images
        arrays[f"{split}_labels"] = faces.labels.astype(np.uint8)
    with replacing(cache) as temporary:
        np.savez(temporary, **arrays)


def recall(cache: Path, state: str) -> tuple[dict[str, Faces], list[str], str | None]:
    """Read the decoded copy: splits, remarks and the fingerprint it was written with.

    Raises:
        Exception: of any kind, if there is no copy or a damaged one; a ``ValueError`` if it is
            of another state of the source.
    """
    with np.load(cache, allow_pickle=False) as arrays:
        stored_state, stated, remarks = json.loads(str(arrays["about"]))
        if stored_state != state:
            raise ValueError("stale")
        splits = {
            split: Faces(arrays[f"{split}_images"], arrays[f"{split}_labels"].astype(np.int64))
            for split in SPLITS
            if f"{split}_images" in arrays
        }
    return splits, remarks, stated


# The command --------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Print what a source holds."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.data",
        description="Print splits, class counts and fingerprint of FER2013 or of the drawn faces.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="a file or folder with FER2013, or `kaggle` to fetch it (default: drawn faces)",
    )
    parser.add_argument(
        "--time",
        action="store_true",
        help="measure the first read and the one from the decoded copy, in an empty cache",
    )
    options = parser.parse_args(arguments)
    if options.source is None:
        if options.time:
            parser.error("--time needs a SOURCE: drawn faces are not read from anywhere")
        print(table(load(None)))
        return 0

    path = fetch_from_kaggle() if options.source == "kaggle" else Path(options.source)
    if options.time:
        with tempfile.TemporaryDirectory() as directory:
            dataset, first = timed(load, path, Path(directory))
            _, again = timed(read_or_recall, path, cache_file(path, Path(directory)))
        print(table(dataset))
        print(f"{'first read':13}{first}\n{'decoded copy':13}{again}")
    else:
        print(table(load(path)))
        print(f"{'decoded copy':13}{cache_file(path)}")
    return 0


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What a function returns, and the time it took: by the clock, and on the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    result = function(*arguments)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return result, f"{clock:.2f} s ({processor:.2f} s of processor time)"


def table(dataset: Dataset) -> str:
    """Class counts of the three splits, and the fingerprint."""
    rows: list[tuple[str, ...]] = [("", *SPLITS)]
    for label, expression in enumerate((*EXPRESSIONS, "all")):
        cells = (
            f"{(*faces.counts, len(faces))[label]:,}" if faces else "absent"
            for faces in map(dataset.splits.get, SPLITS)
        )
        rows.append((expression, *cells))
    return "\n".join(
        [
            f"{dataset.name} from {dataset.source}",
            *(f"{row[0]:13}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows),
            f"{'fingerprint':13}{dataset.fingerprint}",
        ]
    )


if __name__ == "__main__":
    run_command(main)
