"""FER2013 as a table, which is how it was published.

``fer2013.csv`` and ``icml_face_data.csv`` have the columns emotion, pixels and Usage in either
order; ``train.csv`` has no Usage, all of it is training data. All three list the faces of a split
in the same order, the one that FER+'s votes follow.
"""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import IO

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.sources import (
    FETCH_AGAIN,
    USAGES,
    Contents,
    Digested,
    one_line,
    shortened,
)
from fer_larq.utils.errors import UserError

TABLES = ("fer2013.csv", "icml_face_data.csv", "train.csv", "test.csv")
"""Names of the published tables; the first that is there is read."""

MAX_LINE = 2**16
"""Most characters of a line in a CSV; a face has at most 9,215 and its label and usage."""

PIXEL_COUNT = FACE_SIZE * FACE_SIZE
PIXEL_VALUES = {str(value): value for value in range(256)}
LABELS = {str(label): label for label in range(len(EXPRESSIONS))}


def read_table(file: IO[bytes], where: str) -> Contents:
    """Read a CSV with the columns emotion, pixels and, if there are several splits, Usage."""
    digested = Digested(file)
    text = io.TextIOWrapper(
        io.BufferedReader(digested, 2**20), encoding="utf-8-sig", errors="replace", newline=""
    )
    # Lines are read up to a limit: a bomb may have no line end at all.
    rows = csv.reader(iter(partial(text.readline, MAX_LINE), ""))
    try:
        header = [column.strip().lower() for column in next(rows, [])]
    except csv.Error:
        header = []
    if "pixels" not in header:
        raise UserError(
            f"{where} is no FER2013: expected a zip, a folder of images, or a CSV whose first line "
            "is emotion,pixels,Usage"
        )
    if "emotion" not in header:
        raise UserError(
            f"{where} has no column emotion: nothing can be learnt from faces without labels or "
            "measured on them; use fer2013.csv or icml_face_data.csv, which have all labels"
        )
    emotion_column, pixels_column = header.index("emotion"), header.index("pixels")
    usage_column = header.index("usage") if "usage" in header else None

    contents = Contents()
    try:
        for fields in filter(None, rows):  # an empty line is no row
            if len(fields) != len(header):
                raise ValueError(f"has {len(fields)} columns instead of {len(header)}")
            label = LABELS.get(fields[emotion_column].strip())
            if label is None:
                raise ValueError(
                    f"has label {shortened(fields[emotion_column])}, not one of 0 to 6"
                )
            # A table without the column is train.csv, whose faces are all of one split.
            usage = "Training" if usage_column is None else fields[usage_column]
            split = USAGES.get(usage.strip().lower())
            if split is None:
                raise ValueError(
                    f"has Usage {shortened(usage)}, not one of Training, PublicTest and PrivateTest"
                )
            contents.faces[split].append((parse_pixels(fields[pixels_column]), label))
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"{where}: row {rows.line_num - 1} (line {rows.line_num}) {one_line(error)}: "
            f"mend or remove the row, or {FETCH_AGAIN}"
        ) from error
    contents.md5 = digested.md5.hexdigest()
    return contents


def parse_pixels(text: str) -> bytes:
    """Turn ``"70 80 ..."``, 2,304 whole numbers from 0 to 255, into as many bytes."""
    values = text.split()
    if len(values) != PIXEL_COUNT:
        raise ValueError(f"has {len(values):,} pixels instead of {PIXEL_COUNT:,}")
    try:
        # Looking each number up is twice as fast as NumPy's parser, and lets nothing else pass:
        # no sign, no fraction, no NaN.
        return bytes(map(PIXEL_VALUES.__getitem__, values))
    except KeyError:
        column, value = next(
            (column, value) for column, value in enumerate(values) if value not in PIXEL_VALUES
        )
        raise ValueError(
            f"has {shortened(value)} at pixel {column + 1:,}, not a whole number from 0 to 255"
        ) from None
