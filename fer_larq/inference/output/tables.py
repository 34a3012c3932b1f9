"""Write results as CSV or JSON, row by row, so that a long video needs little memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from fer_larq.inference.face import Face

TABLE_FORMATS = ("csv", "json")

COLUMNS = (
    "file", "frame", "seconds", "face", "left", "top", "width", "height", "confidence",
    "expression",
)  # fmt: skip
"""Of a CSV, before the scores."""


class Table(Protocol):
    """A file with the faces of each image and each frame."""

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        """Add an image (frame 0 at 0 seconds) or a frame of a video.

        ``milliseconds`` is the time that finding and classifying its faces took.
        """

    def close(self) -> None:
        """Complete the file."""


class CsvTable:
    """One row for each face."""

    def __init__(self, path: Path, labels: Sequence[str]):
        # What a file system calls a name may be no text; it is written as it is.
        self.file = path.open("w", newline="", encoding="utf-8", errors="surrogateescape")
        self.writer = csv.writer(self.file)
        self.labels = list(labels)
        self.writer.writerow([*COLUMNS, *self.labels, "milliseconds"])

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        for face in faces:
            place = (face.left, face.top, face.side, face.side, f"{face.confidence:.3f}")
            scores = (f"{face.scores[label]:.6f}" for label in self.labels)
            self.writer.writerow(
                (file, frame, f"{seconds:.3f}", face.number, *place, face.expression, *scores,
                 f"{milliseconds:.2f}")
            )  # fmt: skip

    def close(self) -> None:
        self.file.close()


class JsonTable:
    """A list with one object for each image or frame, also for one without a face."""

    def __init__(self, path: Path, labels: Sequence[str]):
        self.file = path.open("w", encoding="ascii")
        self.file.write("[")
        self.separator = "\n"

    def add(
        self, file: str, frame: int, seconds: float, faces: Sequence[Face], milliseconds: float
    ) -> None:
        document: dict[str, Any] = {
            "file": file,
            "frame": frame,
            "seconds": round(seconds, 3),
            "milliseconds": round(milliseconds, 2),
            "faces": [
                {
                    "face": face.number,
                    "box": {
                        "left": face.left, "top": face.top, "width": face.side, "height": face.side,
                    },
                    "confidence": round(face.confidence, 3),
                    "expression": face.expression,
                    "scores": {label: round(score, 6) for label, score in face.scores.items()},
                }
                for face in faces
            ],
        }  # fmt: skip
        self.file.write(self.separator + json.dumps(document))
        self.separator = ",\n"

    def close(self) -> None:
        self.file.write("\n]\n")
        self.file.close()


def make_table(path: Path, labels: Sequence[str]) -> Table:
    """A table in the format that the path's suffix names."""
    return (JsonTable if path.suffix == ".json" else CsvTable)(path, labels)
