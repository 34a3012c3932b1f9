"""FER2013 as images in folders.

``train/<class>/Training_1.jpg`` and ``test/<class>/PublicTest_2.jpg``, where the beginning of the
file's name says to which split it belongs.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO

from PIL import Image

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.integrity import many_resized
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.sources import FETCH_AGAIN, USAGES, Contents, Limited, Member, one_line
from fer_larq.utils.errors import UserError

SPLIT_FOLDERS = {
    **USAGES,
    **{"train": "training", "val": "validation", "valid": "validation", "validation": "validation"},
    # Mirrors put PublicTest and PrivateTest together in `test`: only the files' names tell.
    "test": None,
}
"""What the folder above the class says of a split, where a file's name does not say it."""

CLASS_FOLDERS = {
    **{name: label for label, name in enumerate(EXPRESSIONS)},
    **{"anger": 0, "disgusted": 1, "fearful": 2, "happiness": 3, "sadness": 4, "surprised": 5},
}
"""Names of class folders in public mirrors, in lower case, and their labels."""

MAX_IMAGE_PIXELS = 2**22
"""Most pixels of one image before it is resized."""


def read_images(path: Path, members: list[Member]) -> Contents:
    """Decode the images whose paths say split and class; others are passed over."""
    contents = Contents()
    unassigned = 0
    for member in members:
        place = split_and_label(member.name, path)
        if place is None:
            continue
        split, label = place
        if split is None:
            unassigned += 1
            continue
        contents.faces[split].append((read_face(path, member, contents), label))
    warn_of_conversions(path, contents)
    if unassigned:
        contents.warnings.append(
            f"{path}: {unassigned:,} images in `test` were left out, since their names begin with "
            "neither PublicTest_ nor PrivateTest_ and the two splits cannot be told apart"
        )
    return contents


def read_face(path: Path, member: Member, contents: Contents) -> bytes:
    """The 2,304 pixels of an image; ``contents`` counts what had to be done to it."""
    where = f"{path}: {one_line(member.name)}"
    with member.open() as file:
        image = decode(Limited(file, where), where)
    contents.names.append(member.base_name)
    if image.mode != "L":
        contents.coloured += 1
        image = image.convert("L")
    if image.size != (FACE_SIZE, FACE_SIZE):
        contents.resized += 1
        image = image.resize((FACE_SIZE, FACE_SIZE), Image.Resampling.LANCZOS)
    return image.tobytes()


def warn_of_conversions(path: Path, contents: Contents) -> None:
    """Add a warning if images were resized or in colour."""
    # Many images of another size make an altered copy, which fer_larq.datasets.integrity reports.
    reported = many_resized(contents.resized, len(contents.names))
    if contents.coloured or (contents.resized and not reported):
        contents.warnings.append(
            f"{path}: {contents.resized:,} images of another size were resized to "
            f"{FACE_SIZE}x{FACE_SIZE} and {contents.coloured:,} in colour were converted to grey: "
            "FER2013 as published has neither"
        )


def split_and_label(name: str, path: Path) -> tuple[str | None, int] | None:
    """Read split and label from a path ``.../train/happy/Training_1.jpg``.

    Returns:
        None if the path has neither; a split of None if it may be validation or test.
    """
    *_, above, folder, file = ["", "", *name.lower().replace("\\", "/").split("/")]
    usage = file.split("_")[0]
    if usage not in USAGES and above not in SPLIT_FOLDERS:
        return None
    if folder not in CLASS_FOLDERS:
        raise UserError(
            f"{path}: {one_line(name)} lies in no folder of an expression: the folder must be one "
            f"of {', '.join(EXPRESSIONS)}"
        )
    split = USAGES[usage] if usage in USAGES else SPLIT_FOLDERS[above]
    return split, CLASS_FOLDERS[folder]


def decode(file: IO[bytes], where: str) -> Image.Image:
    """Decode a JPEG or PNG of at most ``MAX_IMAGE_PIXELS``."""
    try:
        image = Image.open(file, formats=("JPEG", "PNG"))
        if image.width * image.height > MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError(f"{image.width}x{image.height} pixels")
        with warnings.catch_warnings():
            # The limit above is the lower one; a large image must not print a second warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image.load()
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(
            f"{where} is far larger than any face ({one_line(error)}): remove it, or {FETCH_AGAIN}"
        ) from error
    except Exception as error:  # Pillow's parsers raise many kinds on damaged files
        raise UserError(
            f"{where} is a damaged image ({one_line(error)}): remove it, or {FETCH_AGAIN}"
        ) from error
    if image.mode.startswith(("I", "F")):
        raise UserError(f"{where} has more than 8 bits a pixel: save it with 8 bits")
    return image
