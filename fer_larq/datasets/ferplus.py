"""FER+: ten people's votes for each face of FER2013.

Barsoum, Zhang, Canton Ferrer and Zhang (2016), "Training Deep Networks for Facial Expression
Recognition with Crowd-Sourced Label Distribution", arXiv:1608.01041; the votes are published as
``fer2013new.csv`` at https://github.com/microsoft/FERPlus. Its k-th row of a ``Usage`` belongs to
the k-th row of that ``Usage`` in ``fer2013.csv``; there is nothing else to join them by, so images
in folders, whose names are numbered in another way, have no votes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from fer_larq.datasets.dataset import Dataset, Faces
from fer_larq.datasets.label_schemes import SEVEN, VOTE_COLUMNS, majority
from fer_larq.utils.errors import UserError

FILE_NAME = "fer2013new.csv"
PUBLISHED_AT = "https://github.com/microsoft/FERPlus"

USAGES = {"training": "training", "publictest": "validation", "privatetest": "test"}
SPLIT_USAGES = {"training": "Training", "validation": "PublicTest", "test": "PrivateTest"}

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


def read_votes(path: Path) -> dict[str, np.ndarray]:
    """Read ``fer2013new.csv``.

    Returns:
        For each split that the file has, uint8 ``[N, 10]``: the votes for ``VOTE_COLUMNS``, in the
        file's order.

    Raises:
        UserError: the file is damaged or something else; the message names file and row.
    """
    votes: dict[str, list[list[int]]] = {}
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(iter(partial(file.readline, MAX_LINE), ""))
            header = [column.strip().lower() for column in next(rows, [])]
            columns = [name.lower() for name in ("Usage", *VOTE_COLUMNS)]
            if any(column not in header for column in columns):
                raise UserError(
                    f"{path} is not FER+'s {FILE_NAME}: its first line has no "
                    f"{next(column for column in columns if column not in header)!r}; get it from "
                    f"{PUBLISHED_AT}"
                )
            places = [header.index(column) for column in columns]
            for count, fields in enumerate(filter(None, rows)):
                where = f"{path}: row {rows.line_num - 1} (line {rows.line_num})"
                if count == MAX_ROWS:
                    raise UserError(
                        f"{path}: more than {MAX_ROWS:,} rows, which no {FILE_NAME} has"
                    )
                if len(fields) != len(header):
                    raise UserError(
                        f"{where} has {len(fields)} columns instead of {len(header)}: fetch the "
                        f"file again from {PUBLISHED_AT}"
                    )
                usage, *cells = (fields[place].strip() for place in places)
                if usage.lower() not in USAGES:
                    raise UserError(
                        f"{where} has Usage {usage[:20]!r}, not one of Training, PublicTest and "
                        f"PrivateTest: fetch the file again from {PUBLISHED_AT}"
                    )
                votes.setdefault(USAGES[usage.lower()], []).append(parse_votes(cells, where))
    except (OSError, csv.Error) as error:
        raise UserError(f"{path} cannot be read ({error}): fetch it from {PUBLISHED_AT}") from error
    if not votes:
        raise UserError(f"{path} holds no votes: fetch it again from {PUBLISHED_AT}")
    return {split: np.array(rows, np.uint8) for split, rows in votes.items()}


VOTES = {str(count): count for count in range(11)}


def parse_votes(cells: Iterable[str], where: str) -> list[int]:
    """Ten counts of votes, each from 0 to 10; ``UserError`` names the place if they are none."""
    try:
        return [VOTES[cell] for cell in cells]
    except KeyError as error:
        raise UserError(
            f"{where} has {error.args[0][:20]!r} votes, not a whole number from 0 to 10: fetch the "
            f"file again from {PUBLISHED_AT}"
        ) from None


def with_votes(dataset: Dataset, path: Path) -> Dataset:
    """Give each face the votes of its row.

    Args:
        dataset: with ``rows``, that is read from a table in the published order.
        path: of ``fer2013new.csv``. A split that it lacks stays without votes.

    Raises:
        UserError: the data have no rows, or the file does not belong to them: another number of
            rows, or votes that do not agree with the labels.
    """
    if any(faces.rows is None for faces in dataset.splits.values()):
        raise UserError(
            f"{dataset.source}: images have no row numbers, which FER+'s votes are joined by; give "
            "fer2013.csv, icml_face_data.csv or train.csv, or FER+'s own folders FER2013Train, "
            "FER2013Valid and FER2013Test"
        )
    votes = read_votes(path)
    splits = dict(dataset.splits)
    for split, faces in dataset.splits.items():
        if split not in votes:
            continue
        if len(votes[split]) != len(faces):
            raise UserError(
                f"{path} does not belong to {dataset.source}: it has {len(votes[split]):,} rows of "
                f"{SPLIT_USAGES[split]} for {len(faces):,} faces; give the {FILE_NAME} and the CSV "
                "of FER2013 as they were published"
            )
        splits[split] = replace(faces, votes=votes[split][faces.rows])
        agreement = agreement_with_labels(splits[split])
        if agreement is not None and agreement < AGREEMENT_AT_LEAST:
            raise UserError(
                f"{path} does not belong to {dataset.source}: the votes agree with the labels of "
                f"{agreement:.0%} of the {split} faces, where 67 % are right; the rows of one of "
                "the two are not in their published order"
            )
    if all(faces.votes is None for faces in splits.values()):
        raise UserError(
            f"{path} does not belong to {dataset.source}: it has votes for {' and '.join(votes)} "
            f"only; give the {FILE_NAME} that was published"
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
