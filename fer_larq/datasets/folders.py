"""FER2013 as images in folders.

``train/<class>/Training_1.jpg`` and ``test/<class>/PublicTest_2.jpg``, where the beginning of the
file's name says to which split it belongs. Own data may have any names: then ``test`` is the test
split, and class folders without one above them are it, too.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

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

BOTH_TESTS = 7178
"""Images of PublicTest and PrivateTest together."""

MAX_IMAGE_PIXELS = 2**22
"""Most pixels of one image before it is resized."""


def read_images(path: Path, members: list[Member]) -> Contents:
    """Decode the images whose paths say split and class; others are passed over."""
    contents = Contents()
    places = [(member, split_and_label(member.name, path)) for member in members]
    unnamed = sum(place is not None and place[0] is None for _, place in places)
    # FER2013's own `test` says to which split each image belongs, or has as many as both have.
    own = unnamed != BOTH_TESTS and not any(usage_of(member.name) for member, _ in places)
    unassigned = 0
    for member, place in places:
        if place is None:
            continue
        split, label = place
        if split is None and not own:
            unassigned += 1
            continue
        contents.faces[split or "test"].append((read_face(path, member, contents), label))
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
    image = upright(image)
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
    *_, above, folder, _ = ["", "", *name.lower().replace("\\", "/").split("/")]
    usage = usage_of(name)
    if usage is None and above not in SPLIT_FOLDERS:
        return (None, CLASS_FOLDERS[folder]) if folder in CLASS_FOLDERS else None
    if folder not in CLASS_FOLDERS:
        raise UserError(
            f"{path}: {one_line(name)} lies in no folder of an expression: the folder must be one "
            f"of {', '.join(EXPRESSIONS)}"
        )
    split = USAGES[usage] if usage is not None else SPLIT_FOLDERS[above]
    return split, CLASS_FOLDERS[folder]


def usage_of(name: str) -> str | None:
    """What FER2013's name of a file says of its split, a key of ``USAGES``; None if nothing."""
    usage = name.lower().replace("\\", "/").split("/")[-1].split("_")[0]
    return usage if usage in USAGES else None


def upright(image: Image.Image) -> Image.Image:
    """An image turned as its camera noted; a note that cannot be understood is ignored."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


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
