"""FER+: ten people's votes for each face of FER2013.

Barsoum, Zhang, Canton Ferrer and Zhang (2016), "Training Deep Networks for Facial Expression
Recognition with Crowd-Sourced Label Distribution", arXiv:1608.01041; the votes are published as
``fer2013new.csv`` at https://github.com/microsoft/FERPlus. Its k-th row of a ``Usage`` belongs to
the k-th row of that ``Usage`` in ``fer2013.csv``; there is nothing else to join them by, so images
in folders, whose names are numbered in another way, have no votes. FER+'s own folders of images,
``FER2013Train/fer0000000.png`` with ``FER2013Train/label.csv`` and so on, have votes only.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.dataset import NO_LABEL, Dataset, Faces
from fer_larq.datasets.folders import read_face, warn_of_conversions
from fer_larq.datasets.label_schemes import SEVEN, VOTE_COLUMNS, majority
from fer_larq.datasets.sources import (
    USAGE_NAMES,
    USAGES,
    Contents,
    Limited,
    Member,
    one_line,
    shortened,
)
from fer_larq.utils.errors import UserError

FILE_NAME = "fer2013new.csv"
PUBLISHED_AT = "https://github.com/microsoft/FERPlus"
FETCH_AGAIN = f"fetch the file again from {PUBLISHED_AT}"

FOLDERS = {"fer2013train": "training", "fer2013valid": "validation", "fer2013test": "test"}
"""FER+'s own folders of images, in lower case, and our names of the splits."""

LABEL_FILE = "label.csv"
"""Names the images of such a folder and their votes."""

VOTES = {str(count): count for count in range(11)}
MAX_ROWS = 200_000
MAX_LINE = 2**10

AGREEMENT_AT_LEAST = 0.4
"""Share of faces whose label in FER2013 is the majority of their votes: 68 % of the training faces
and 67 % of PublicTest; with the rows in another order 17 %."""

FACES_TO_AGREE = 200
"""With fewer faces than these agreement proves nothing."""

# The file -----------------------------------------------------------------------------------------


def find(source: Path, given: str | None = None) -> Path:
    """The file of votes for a data source: the given one, or the one that lies by.

    Beside the source, or in a folder ``ferplus`` beside it or beside its folder.

    Raises ``UserError`` if there is none.
    """
    if given is not None:
        if Path(given).is_file():
            return Path(given)
        raise UserError(f"{given}: no such file; {FILE_NAME} is published at {PUBLISHED_AT}")
    folder = source if source.is_dir() else source.parent
    places = (folder, folder / "ferplus", folder.parent, folder.parent / "ferplus")
    for place in places:
        if (place / FILE_NAME).is_file():
            return place / FILE_NAME
    raise UserError(
        f"{source}: there is no {FILE_NAME} beside it or in {places[-1]}; get it from "
        f"{PUBLISHED_AT} and name it: --ferplus FILE"
    )


def read_votes(path: Path) -> dict[str, NDArray[np.uint8]]:
    """Read ``fer2013new.csv``.

    Returns:
        For each split that the file has, uint8 ``[N, 10]``: the votes for ``VOTE_COLUMNS``, in the
        file's order.

    Raises:
        UserError: the file is damaged or something else; the message names file and row.
    """
    columns = [name.lower() for name in ("Usage", *VOTE_COLUMNS)]
    votes: dict[str, list[list[int]]] = {}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.reader(iter(partial(file.readline, MAX_LINE), ""))
        try:
            header = [column.strip().lower() for column in next(rows, [])]
            if missing := [column for column in columns if column not in header]:
                raise ValueError(f"has no column {missing[0]}, so it is not FER+'s {FILE_NAME}")
            places = [header.index(column) for column in columns]
            for count, fields in enumerate(filter(None, rows)):
                if count == MAX_ROWS or len(fields) != len(header):
                    raise ValueError(
                        f"has {len(fields)} columns instead of {len(header)}, or is one of more "
                        f"than {MAX_ROWS:,} rows"
                    )
                usage, *cells = (fields[place].strip() for place in places)
                split = USAGES.get(usage.lower())
                if split is None:
                    raise ValueError(
                        f"has Usage {shortened(usage)}, not one of "
                        f"{', '.join(USAGE_NAMES.values())}"
                    )
                votes.setdefault(split, []).append(parse_votes(cells))
        except (ValueError, csv.Error) as error:
            raise UserError(
                f"{path}: line {rows.line_num} {one_line(error)}: {FETCH_AGAIN}"
            ) from error
    if not votes:
        raise UserError(f"{path} holds no votes: {FETCH_AGAIN}")
    return {split: np.array(rows, np.uint8) for split, rows in votes.items()}


def parse_votes(cells: Iterable[str]) -> list[int]:
    """Ten counts of votes; ``ValueError`` if one is no whole number from 0 to 10."""
    try:
        return [VOTES[cell] for cell in cells]
    except KeyError as error:
        raise ValueError(
            f"has {shortened(error.args[0])} votes, not a whole number from 0 to 10"
        ) from None


def with_votes(dataset: Dataset, source: Path, given: str | None = None) -> Dataset:
    """Give each face the votes of its row.

    Args:
        dataset: read from a table, which lists its faces in the published order, or from FER+'s
            own folders, which have the votes already.
        source: where it was read from.
        given: the file of votes; None for the one that lies by. A split that it lacks stays
            without votes.

    Raises:
        UserError: there is no such file, the data have no rows to join it by, or it does not
            belong to them: another number of rows, or votes that do not agree with the labels.
    """
    if not dataset.labelled:
        if given is not None:
            raise UserError(f"{source} has FER+'s votes beside its images: leave --ferplus out")
        return dataset
    if any(faces.rows is None for faces in dataset.splits.values()):
        raise UserError(
            f"{source}: these images have no row numbers, which FER+'s votes are joined by; give "
            "fer2013.csv, icml_face_data.csv or train.csv, or FER+'s own folders FER2013Train, "
            "FER2013Valid and FER2013Test"
        )
    path = find(source, given)
    votes = read_votes(path)
    splits = dict(dataset.splits)
    for split, faces in dataset.splits.items():
        if split not in votes:
            continue
        if len(votes[split]) != len(faces):
            raise UserError(
                f"{path} does not belong to {source}: it has {len(votes[split]):,} rows of "
                f"{USAGE_NAMES[split]} for {len(faces):,} faces; give the {FILE_NAME} and the CSV "
                "of FER2013 as they were published"
            )
        splits[split] = replace(faces, votes=votes[split][faces.rows])
        agreement = agreement_with_labels(splits[split])
        if agreement is not None and agreement < AGREEMENT_AT_LEAST:
            raise UserError(
                f"{path} does not belong to {source}: its votes agree with the labels of "
                f"{agreement:.0%} of the {split} faces, not of 67 % as published; the rows of one "
                "of the two files are in another order"
            )
    if all(faces.votes is None for faces in splits.values()):
        raise UserError(
            f"{path} does not belong to {source}: it has votes for {' and '.join(votes)} only; "
            f"give the {FILE_NAME} that was published"
        )
    return replace(dataset, splits=splits, ferplus=str(path))


def agreement_with_labels(faces: Faces) -> float | None:
    """Share of faces whose label is the majority of their votes; None for too few faces."""
    assert faces.votes is not None
    found = majority(faces.votes)
    clear = np.isin(found, SEVEN)
    if clear.sum() < FACES_TO_AGREE:
        return None
    return float(np.mean(found[clear] == np.array(SEVEN)[faces.labels[clear]]))


# FER+'s own images --------------------------------------------------------------------------------


def is_label_file(member: Member) -> bool:
    """Whether a file is the ``label.csv`` of one of FER+'s own folders."""
    return folder_of(member) in FOLDERS and member.base_name == LABEL_FILE


def folder_of(member: Member) -> str:
    """Name of the folder that a file lies in, in lower case."""
    return ["", *member.name.lower().replace("\\", "/").split("/")][-2]


def read_layout(path: Path, images: list[Member], tables: list[Member]) -> Contents:
    """Read FER+'s own folders: images, and for each of them its votes from ``label.csv``.

    Raises:
        UserError: a ``label.csv`` is damaged, or none of its images is there.
    """
    contents = Contents()
    missing = unlisted = 0
    for table in filter(is_label_file, tables):
        folder = folder_of(table)
        votes = read_label_file(path, table)
        there = [image for image in images if folder_of(image) == folder]
        listed = [image for image in there if image.base_name in votes]
        unlisted += len(there) - len(listed)
        missing += len(votes) - len(listed)
        # Equal faces keep the order of their votes, so that it does not depend on the container.
        for image in sorted(listed, key=lambda image: votes[image.base_name]):
            split = FOLDERS[folder]
            contents.faces[split].append((read_face(path, image, contents), NO_LABEL))
            contents.votes[split].append(votes[image.base_name])
    if not contents.names:
        raise UserError(
            f"{path}: the images that {LABEL_FILE} names are not there; make them with FER+'s "
            f"generate_training_data.py, or give fer2013.csv and --ferplus {FILE_NAME}"
        )
    warn_of_conversions(path, contents)
    if missing or unlisted:
        contents.warnings.append(
            f"{path}: {missing:,} images that {LABEL_FILE} names are not there, and {unlisted:,} "
            "that are there are not named by it and were left out"
        )
    return contents


def read_label_file(path: Path, table: Member) -> dict[str, list[int]]:
    """The votes in a ``label.csv``, by the images' names in lower case.

    Each row has a name, in some versions the face's box, and the ten counts of votes.
    """
    name = f"{path}: {one_line(table.name)}"
    votes: dict[str, list[int]] = {}
    with table.open() as file:
        text = io.TextIOWrapper(Limited(file, name), "utf-8-sig", "replace", newline="")
        rows = csv.reader(iter(partial(text.readline, MAX_LINE), ""))
        try:
            for count, fields in enumerate(filter(None, rows)):
                if count == MAX_ROWS or len(fields) - len(VOTE_COLUMNS) not in (1, 2):
                    raise ValueError(
                        f"is not a name and ten counts of votes, or one of more than {MAX_ROWS:,}"
                    )
                cells = (cell.strip() for cell in fields[-len(VOTE_COLUMNS) :])
                votes[fields[0].strip().lower()] = parse_votes(cells)
        except (ValueError, csv.Error) as error:
            raise UserError(
                f"{name}: line {rows.line_num} {one_line(error)}: make it again with FER+'s "
                "generate_training_data.py"
            ) from error
    return votes
