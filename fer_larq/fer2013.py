"""Readers of FER2013 in every shape in which it is published.

- images in folders, ``train/<class>/Training_1.jpg`` and ``test/<class>/PublicTest_2.jpg``, where
  the beginning of the file's name says to which split it belongs;
- a table: ``fer2013.csv`` and ``icml_face_data.csv`` (columns emotion, pixels and Usage in either
  order), or ``train.csv`` (without Usage: all of it is training data);
- either of them in a folder, a zip, a tar or a compressed tar; a table also as ``.csv.gz``.

Files of this kind come from anywhere, so they are treated as hostile: archives are read in memory
and never unpacked to disk, what they may unpack to is bounded (``MAX_BYTES``, ``MAX_MEMBERS``,
``MAX_IMAGE_PIXELS``), and every fault is a ``UserError`` that names the file and the row.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from PIL import Image

from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.dataset import SPLITS
from fer_larq.datasets.integrity import many_resized
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError

USAGES = {"training": "training", "publictest": "validation", "privatetest": "test"}
"""FER2013's own names of the splits, in lower case, and ours."""

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

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
ARCHIVE_SUFFIXES = (".zip", ".gz", ".tgz", ".tar")
TABLES = ("fer2013.csv", "icml_face_data.csv", "train.csv", "test.csv")
"""Names of the published tables; the first that is there is read."""

MAX_BYTES = 2**29
"""A file, or one member of an archive, is read up to this size; FER2013's CSV has 301 MB."""

MAX_MEMBERS = 200_000
"""Most files in a folder or archive; FER2013 has 35,887."""

MAX_IMAGE_PIXELS = 2**22
"""Most pixels of one image before it is resized."""

MAX_LINE = 2**16
"""Most characters of a line in a CSV; a face has at most 9,215 and its label and usage."""

PIXEL_COUNT = FACE_SIZE * FACE_SIZE
PIXEL_VALUES = {str(value): value for value in range(256)}
LABELS = {str(label): label for label in range(len(EXPRESSIONS))}

FETCH_AGAIN = "fetch the file again, or get FER2013 with `--data kaggle`"
DAMAGE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, ValueError, NotImplementedError),
    *(zlib.error, tarfile.TarError, zipfile.BadZipFile),
)
"""What the standard library raises on a damaged file or archive."""


@dataclass
class Contents:
    """What a file or folder holds.

    Attributes:
        faces: for each split its faces, in the order in which they stand in the source: pixels
            (2,304 bytes, row by row) and label (index into ``EXPRESSIONS``).
        remarks: what its user should know, one sentence each.
        md5: of the table that they stand in, 32 hexadecimal digits, or None for images.
        names: names of the images' files, without folders.
        resized: how many images had another size than 48x48.
    """

    faces: dict[str, list[tuple[bytes, int]]] = field(
        default_factory=lambda: {split: [] for split in SPLITS}
    )
    remarks: list[str] = field(default_factory=list)
    md5: str | None = None
    names: list[str] = field(default_factory=list)
    resized: int = 0


@dataclass(frozen=True)
class Member:
    """A file in a folder or archive: its path there, and how to open it."""

    name: str
    open: Callable[[], Any]

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.name)[1].lower()


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
        raise UserError(*contents.remarks or [f"{path} holds no face: {FETCH_AGAIN}"])
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
    return read_table(file, str(path))


# Folders and archives -----------------------------------------------------------------------------


def folder_members(path: Path) -> Iterator[Member]:
    """The regular files under a folder, in an order that does not depend on the file system."""

    def fail(error: OSError):
        raise error

    for folder, folders, names in os.walk(path, onerror=fail):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            if file.is_file():
                yield Member(file.relative_to(path).as_posix(), partial(file.open, "rb"))


def zip_members(path: Path, archive: zipfile.ZipFile) -> Iterator[Member]:
    """The files in a zip."""
    for info in archive.infolist():
        encrypted = info.flag_bits & 0x1
        if encrypted or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UserError(
                f"{path}: {one_line(info.filename)} is encrypted or compressed in an unusual way: "
                "unpack it and name the folder, or get FER2013 with `--data kaggle`"
            )
        if not info.is_dir():
            yield Member(info.filename, partial(archive.open, info))


def tar_members(path: Path, archive: tarfile.TarFile) -> Iterator[Member]:
    """The regular files in a tar; links and devices are left out."""
    for info in archive:
        if info.isfile():
            yield Member(info.name, partial(archive.extractfile, info))


def read_members(path: Path, members: Iterator[Member]) -> Contents:
    """Read the images, or else the table, or else the one archive, among a source's files."""
    images: list[Member] = []
    tables: list[Member] = []
    archives: list[Member] = []
    for count, member in enumerate(members):
        if count == MAX_MEMBERS:
            raise UserError(
                f"{path} holds more than {MAX_MEMBERS:,} files and cannot be FER2013: "
                "name the folder or file that is"
            )
        parts = member.name.replace("\\", "/").split("/")
        if ".." in parts or member.name.startswith(("/", "\\")):
            raise UserError(
                f"{path}: the path of member {one_line(member.name)!r} leads out of the archive, "
                f"which no FER2013 has: {FETCH_AGAIN}"
            )
        if any(part.startswith(".") for part in parts):
            continue  # hidden files, among them those that macOS adds to archives
        if member.suffix in IMAGE_SUFFIXES:
            images.append(member)
        elif member.suffix == ".csv":
            tables.append(member)
        elif member.suffix in ARCHIVE_SUFFIXES:
            archives.append(member)

    contents = read_images(path, images)
    if any(contents.faces.values()) or contents.remarks:
        return contents
    named = {os.path.basename(member.name).lower(): member for member in tables}
    table = next((named[name] for name in TABLES if name in named), None)
    if table is None and len(tables) == 1:
        table = tables[0]
    if table is not None:
        where = f"{path}: {one_line(table.name)}"
        with table.open() as file:
            return read_table(Limited(file, where), where)
    if path.is_dir() and len(archives) == 1:
        return read(path / archives[0].name)
    if not (images or tables or archives):
        raise UserError(f"{path} holds no image and no table: {FETCH_AGAIN}")
    raise UserError(
        f"{path} is no FER2013: expected images as train/happy/Training_1.jpg, or one of the "
        f"tables {', '.join(TABLES[:3])}; name the folder or file that has them"
    )


# Images -------------------------------------------------------------------------------------------


def read_images(path: Path, members: list[Member]) -> Contents:
    """Decode the images whose paths say split and class; others are passed over."""
    contents = Contents()
    coloured = unassigned = 0
    with warnings.catch_warnings():
        # `decode` has its own, lower limit; a large image must not print a second warning.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        for member in members:
            place = split_and_label(member.name, path)
            if place is None:
                continue
            split, label = place
            if split is None:
                unassigned += 1
                continue
            where = f"{path}: {one_line(member.name)}"
            with member.open() as file:
                image = decode(Limited(file, where), where)
            if image.mode != "L":
                coloured += 1
                image = image.convert("L")
            if image.size != (FACE_SIZE, FACE_SIZE):
                contents.resized += 1
                image = image.resize((FACE_SIZE, FACE_SIZE), Image.Resampling.LANCZOS)
            contents.faces[split].append((image.tobytes(), label))
            contents.names.append(os.path.basename(member.name))
    # Many images of another size make an altered copy, which fer_larq.datasets.integrity reports.
    reported = many_resized(contents.resized, len(contents.names))
    if coloured or (contents.resized and not reported):
        contents.remarks.append(
            f"{path}: {contents.resized:,} images of another size were resized to "
            f"{FACE_SIZE}x{FACE_SIZE} and {coloured:,} in colour were converted to grey: FER2013 "
            "as published has neither"
        )
    if unassigned:
        contents.remarks.append(
            f"{path}: {unassigned:,} images in `test` were left out, since their names begin with "
            "neither PublicTest_ nor PrivateTest_ and the two splits cannot be told apart"
        )
    return contents


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


# Tables -------------------------------------------------------------------------------------------


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


# Help ---------------------------------------------------------------------------------------------


class Digested(io.RawIOBase):
    """A file that is read from beginning to end, and the MD5 of what has been read."""

    def __init__(self, file: IO[bytes]):
        self._file: Any = file
        self.md5 = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self._file.readinto(buffer)
        self.md5.update(memoryview(buffer)[:count])
        return count


class Limited(io.BufferedReader):
    """A file that raises ``UserError`` once more than ``MAX_BYTES`` of it are read."""

    def __init__(self, file: Any, where: str):
        super().__init__(_LimitedRaw(file, where))


class _LimitedRaw(io.RawIOBase):
    def __init__(self, file: Any, where: str):
        self._file = file
        self._where = where

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        # A compressed file seeks by unpacking, so a seek is bounded as a read is.
        if whence == os.SEEK_SET and offset > MAX_BYTES:
            self._refuse()
        return self._file.seek(offset, whence)

    def readinto(self, buffer) -> int:
        count = self._file.readinto(buffer)
        if self._file.tell() > MAX_BYTES:
            self._refuse()
        return count

    def _refuse(self):
        raise UserError(
            f"{self._where} unpacks to more than {MAX_BYTES // 2**20} MiB and cannot be FER2013: "
            f"{FETCH_AGAIN}"
        )


def shortened(value: str) -> str:
    """A value from a file as it may be shown: quoted, escaped and not too long."""
    return repr(value if len(value) <= 20 else value[:20] + "…")


def one_line(message: object) -> str:
    """A message, or a name from an archive, as one line of printable characters."""
    words = " ".join(str(message).split())
    if words.isprintable():
        return words
    return "".join(character if character.isprintable() else "?" for character in words)
