"""Reading FER2013 in every shape in which it is published.

- a table (``datasets.fer2013``) or images in folders (``datasets.folders``);
- either of them in a folder, a zip, a tar or a compressed tar; a table also as ``.csv.gz``;
- FER+'s own folders of images (``datasets.ferplus``).

What is read becomes arrays here, and a decoded copy is kept (``datasets.cache``) so that the next
start is fast.
"""

from __future__ import annotations

import gzip
import os
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_larq.datasets import cache, fer2013, folders, synthetic
from fer_larq.datasets import ferplus as votes
from fer_larq.datasets.dataset import Dataset, Faces, fingerprint, in_canonical_order
from fer_larq.datasets.integrity import examine
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.sources import (
    DAMAGE,
    FETCH_AGAIN,
    Contents,
    Limited,
    Member,
    checked,
    folder_members,
    one_line,
    tar_members,
    zip_members,
)
from fer_larq.utils.errors import UserError, warn

PUBLISHED_COUNTS = {
    "training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "validation": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Faces of each expression in each split (paper, Tab. 2)."""

KAGGLE_DATASET = "msambare/fer2013"
"""The public mirror that ``--data kaggle`` fetches."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
ARCHIVE_SUFFIXES = (".zip", ".gz", ".tgz", ".tar")


def load(
    source: str | os.PathLike[str] | None,
    cache_directory: Path | None = None,
    *,
    ferplus: str | bool | None = None,
) -> Dataset:
    """Read a data set.

    Args:
        source: a file or folder of any shape that this module lists; ``"kaggle"``, which
            fetches the public mirror; or None for synthetic faces, which a loud notice announces.
        cache_directory: where decoded copies lie, by default ``$XDG_CACHE_HOME/fer_larq`` or
            ``~/.cache/fer_larq``.
        ferplus: whether the faces are to have FER+'s votes: True, if ``fer2013new.csv`` lies where
            ``datasets.ferplus.find`` looks for it, or its path.

    Returns:
        Those of the three splits that the source has, each in canonical order (see
        ``in_canonical_order``).

    Raises:
        UserError: the source is absent, damaged, or no FER2013; the message says where and what
            to do; or FER+'s votes are asked for and there are none that belong to it. Lesser
            things, such as an altered copy or class counts other than the paper's, are warnings.
    """
    if source is None:
        if ferplus:
            raise UserError(
                "synthetic faces have no votes of FER+: give FER2013's CSV, --data FILE"
            )
        synthetic.announce()
        return synthetic.synthetic_dataset()
    path = fetch_from_kaggle() if source == "kaggle" else Path(source)
    dataset, warnings = read_dataset(path, cache_directory)
    if ferplus:
        dataset = votes.with_votes(dataset, path, None if ferplus is True else ferplus)
    elif not dataset.labelled:
        raise UserError(
            f"{path} holds FER+'s own images, which have no labels of FER2013: use --labels "
            "ferplus, or give fer2013.csv"
        )
    for warning in warnings:
        warn(warning)
    return dataset


def read_dataset(path: Path, cache_directory: Path | None = None) -> tuple[Dataset, list[str]]:
    """Read a source, or its decoded copy if that is of the source as it is now.

    Returns:
        The data set, with votes only if the source itself has them, and what its user should know.
    """
    copy = cache.cache_file(path, cache_directory)
    state = cache.source_state(path)
    found = cache.read_cache(copy, state, str(path))
    if found is None:
        contents = read(path)
        found = assemble(path, contents), contents.warnings
        try:
            cache.write_cache(copy, state, *found)
        except OSError as error:
            warn(
                f"no decoded copy could be kept in {copy.parent} ({error.strerror or error}): the "
                "next start reads the source again; set XDG_CACHE_HOME to a folder that can be "
                "written"
            )
    dataset, warnings = found
    return dataset, [*warnings, *compare_with_publication(dataset)]


def assemble(path: Path, contents: Contents) -> Dataset:
    """A source's contents as arrays in canonical order, and what its pixels are found to be."""
    splits: dict[str, Faces] = {}
    for split, listed in contents.faces.items():
        if not listed:
            continue
        faces, places = in_canonical_order(listed)
        if contents.votes[split]:
            faces = replace(faces, votes=np.array(contents.votes[split], np.uint8)[places])
        # Only tables list the faces in their published order.
        splits[split] = replace(faces, rows=places) if contents.md5 else faces
    finding = examine(
        {split: faces.images for split, faces in splits.items()},
        published_counts={split: sum(counts) for split, counts in PUBLISHED_COUNTS.items()},
        md5=contents.md5,
        resized=contents.resized,
        names=contents.names,
    )
    own_votes = str(path) if any(contents.votes.values()) else None
    return Dataset(
        "FER2013", str(path), fingerprint(splits), False, splits, finding, ferplus=own_votes
    )


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
            f"{KAGGLE_DATASET} could not be fetched from Kaggle ({one_line(error)}): try "
            f"again later, or {by_hand}"
        ) from error


def compare_with_publication(dataset: Dataset) -> list[str]:
    """At most one warning: on altered pixels, or on class counts other than published."""
    if dataset.finding.altered:
        return [
            f"{dataset.source}: {dataset.finding.sentence}; figures on them do not compare with "
            "published ones"
        ]
    if not dataset.labelled:
        return []
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


# Shapes -------------------------------------------------------------------------------------------


def read(path: Path) -> Contents:
    """Read FER2013 from a file or folder of any published shape.

    Raises:
        UserError: ``path`` does not exist, is damaged, holds a value that FER2013 cannot have,
            or is no FER2013 at all.
    """
    with ExitStack() as stack:
        try:
            if path.is_dir():
                contents = read_members(path, folder_members(path))
            elif not path.exists():
                raise UserError(f"{path} does not exist: check the path, or use `--data kaggle`")
            elif not path.is_file():
                raise UserError(f"{path} is neither a file nor a folder: name FER2013's file")
            else:
                contents = read_file(path, stack)
        except DAMAGE as error:
            raise UserError(
                f"{path} is damaged or cannot be read ({one_line(error)}): {FETCH_AGAIN}"
            ) from error
    if not any(contents.faces.values()):
        raise UserError(*contents.warnings or [f"{path} holds no face: {FETCH_AGAIN}"])
    return contents


def read_file(path: Path, stack: ExitStack) -> Contents:
    """Read one file; its first bytes, not its name, say what it is."""
    packed = stack.enter_context(path.open("rb"))
    start = packed.peek(4)[:4]
    if start.startswith(b"PK"):
        zipped = stack.enter_context(zipfile.ZipFile(packed))
        return read_members(path, zip_members(path, zipped))
    is_gzip = start.startswith(b"\x1f\x8b")
    unpacked = stack.enter_context(gzip.GzipFile(fileobj=packed)) if is_gzip else packed
    file = Limited(unpacked, str(path))
    start = file.read(tarfile.BLOCKSIZE)
    file.seek(0)
    if start[257:262] == b"ustar":
        tar = stack.enter_context(tarfile.TarFile(fileobj=file))
        return read_members(path, tar_members(path, tar))
    return fer2013.read_table(file, str(path))


def read_members(path: Path, members: Iterator[Member]) -> Contents:
    """Read the images, or else the table, or else the one archive, among a source's files."""
    images: list[Member] = []
    tables: list[Member] = []
    archives: list[Member] = []
    for member in checked(path, members):
        if member.suffix in IMAGE_SUFFIXES:
            images.append(member)
        elif member.suffix == ".csv":
            tables.append(member)
        elif member.suffix in ARCHIVE_SUFFIXES:
            archives.append(member)

    if any(votes.is_label_file(member) for member in tables):
        return votes.read_layout(path, images, tables)
    contents = folders.read_images(path, images)
    if any(contents.faces.values()) or contents.warnings:
        return contents
    tables = [table for table in tables if table.base_name != votes.FILE_NAME]
    named = {member.base_name: member for member in tables}
    table = next((named[name] for name in fer2013.TABLES if name in named), None)
    if table is None and len(tables) == 1:
        table = tables[0]
    if table is not None:
        where = f"{path}: {one_line(table.name)}"
        with table.open() as file:
            return fer2013.read_table(Limited(file, where), where)
    if path.is_dir() and len(archives) == 1:
        return read(path / archives[0].name)
    if not (images or tables or archives):
        raise UserError(f"{path} holds no image and no table: {FETCH_AGAIN}")
    raise UserError(
        f"{path} is no FER2013: expected images as train/happy/Training_1.jpg, or one of the "
        f"tables {', '.join(fer2013.TABLES[:3])}; name the folder or file that has them"
    )
