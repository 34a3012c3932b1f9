"""Write results as CSV or JSON, row by row, so that a long video needs little memory."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from fer_larq.inference.face import Face
from fer_larq.utils.files import atomic_write

TABLE_FORMATS = ("csv", "json")

COLUMNS = (
    "file", "frame", "seconds", "face", "left", "top", "width", "height", "angle", "confidence",
    "quality", "expression",
)  # fmt: skip
"""Of a CSV, before the scores."""


class Table(Protocol):
    """The faces of each image and each frame."""

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        """Add an image (frame 0 at 0 seconds) or a frame of a video.

        ``milliseconds`` is the time that finding and classifying its faces took.
        """

    def close(self) -> None:
        """Complete the file."""


class CsvTable:
    """One row for each face; reasons for doubt are joined by semicolons."""

    def __init__(self, file: TextIO, labels: Sequence[str]):
        self.file = file
        self.writer = csv.writer(file)
        self.labels = list(labels)
        probabilities = [f"{label}_probability" for label in labels]
        self.writer.writerow([*COLUMNS, *self.labels, *probabilities, "milliseconds"])

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        for face in faces:
            place = (face.left, face.top, face.side, face.side, f"{face.angle:.1f}")
            doubt = (f"{face.confidence:.3f}", ";".join(face.quality))
            scores = (f"{face.scores[label]:.6f}" for label in self.labels)
            shares = face.probabilities or {}
            probabilities = (
                f"{shares[label]:.6f}" if label in shares else "" for label in self.labels
            )
            self.writer.writerow(
                (file, frame, f"{seconds:.3f}", face.number, *place, *doubt, face.expression,
                 *scores, *probabilities, f"{milliseconds:.2f}")
            )  # fmt: skip

    def close(self) -> None:
        self.file.close()


class JsonTable:
    """A list with one object for each image or frame, also for one without a face.

    Each face is what ``Face.as_dict`` gives.
    """

    def __init__(self, file: TextIO):
        self.file = file
        self.file.write("[")
        self.separator = "\n"

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        document = {
            "file": file,
            "frame": frame,
            "seconds": round(seconds, 3),
            "milliseconds": round(milliseconds, 2),
            "faces": [face.as_dict() for face in faces],
        }
        self.file.write(self.separator + json.dumps(document))
        self.separator = ",\n"

    def end(self) -> None:
        """Complete the list; the file stays open."""
        self.file.write("\n]\n")

    def close(self) -> None:
        self.end()
        self.file.close()


class BothTables:
    """Two tables of the same faces."""

    def __init__(self, first: Table, second: Table):
        self.tables = (first, second)

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        for table in self.tables:
            table.add(file, frame, seconds, faces, milliseconds)

    def close(self) -> None:
        for table in self.tables:
            table.close()


def make_table(path: Path, labels: Sequence[str]) -> Table:
    """A table in the format that the path's suffix names."""
    if path.suffix == ".json":
        return JsonTable(path.open("w", encoding="ascii"))
    # What a file system calls a name may be no text; it is written as it is.
    return CsvTable(path.open("w", newline="", encoding="utf-8", errors="surrogateescape"), labels)


@contextmanager
def open_table(path: Path, labels: Sequence[str], document: str | None = None) -> Iterator[Table]:
    """A table that is written beside its place, and is complete there when the context ends.

    Args:
        labels: names of the scores.
        document: a file that takes the same faces as JSON, at the end; ``-`` for standard output.
    """
    with atomic_write(path) as temporary, closing(make_table(temporary, labels)) as table:
        if document is None:
            yield table
            return
        text = io.StringIO()
        listed = JsonTable(text)
        yield BothTables(table, listed)
        listed.end()
        if document == "-":
            sys.stdout.write(text.getvalue())
        else:
            with atomic_write(document) as file:
                file.write_text(text.getvalue(), encoding="ascii")
