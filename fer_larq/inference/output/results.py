"""How a folder's results are told from its images: by their name and by a mark inside."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

RESULT_MARK = "fer_larq.predict"
"""Stands in the files that ``fer_larq.predict`` writes: EXIF's Software, an .mp4's comment."""

RESULT_ENDINGS = ("-faces", "-scores")
"""Of the names of these files, before the suffix."""


SOFTWARE_TAG = 0x0131
"""Of EXIF: the program that made an image."""


def result_mark() -> bytes:
    """The EXIF block of an image that is a result."""
    exif = Image.Exif()
    exif[SOFTWARE_TAG] = RESULT_MARK
    return exif.tobytes()


def is_result(path: Path) -> bool:
    """Whether a file is an image or a video that ``fer_larq.predict`` wrote."""
    if not path.stem.endswith(RESULT_ENDINGS):
        return False
    try:
        return RESULT_MARK.encode() in path.read_bytes()
    except OSError:
        return False
