"""Files, folders and archives that a data set is read from.

They come from anywhere, so they are treated as hostile: archives are read in memory and never
unpacked to disk, and what they may hold and unpack to is bounded (``MAX_BYTES``, ``MAX_MEMBERS``).
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn

from fer_larq.datasets.dataset import SPLITS
from fer_larq.utils.errors import UserError

USAGES = {"training": "training", "publictest": "validation", "privatetest": "test"}
"""FER2013's own names of the splits, in lower case, and ours."""

USAGE_NAMES = {"training": "Training", "validation": "PublicTest", "test": "PrivateTest"}
"""Our names of the splits, and FER2013's own."""

MAX_BYTES = 2**29
"""A file, or one member of an archive, is read up to this size; FER2013's CSV has 301 MB."""

MAX_MEMBERS = 200_000
"""Most files in a folder or archive; FER2013 has 35,887."""

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
            (2,304 bytes, row by row) and label (index into ``EXPRESSIONS``, or ``NO_LABEL``).
        votes: for each split FER+'s votes for its faces, where they stand in the source.
        warnings: what its user should know, one sentence each.
        md5: of the table that they stand in, 32 hexadecimal digits, or None for images.
        names: names of the images' files, without folders.
        resized, coloured: how many images had another size than 48x48, and were in colour.
    """

    faces: dict[str, list[tuple[bytes, int]]] = field(
        default_factory=lambda: {split: [] for split in SPLITS}
    )
    votes: dict[str, list[list[int]]] = field(
        default_factory=lambda: {split: [] for split in SPLITS}
    )
    warnings: list[str] = field(default_factory=list)
    md5: str | None = None
    names: list[str] = field(default_factory=list)
    resized: int = 0
    coloured: int = 0


@dataclass(frozen=True)
class Member:
    """A file in a folder or archive: its path there, and how to open it."""

    name: str
    open: Callable[[], Any]

    @property
    def base_name(self) -> str:
        """Its name without folders, in lower case."""
        return os.path.basename(self.name).lower()

    @property
    def suffix(self) -> str:
        return os.path.splitext(self.name)[1].lower()


def folder_members(path: Path) -> Iterator[Member]:
    """The regular files under a folder, in an order that does not depend on the file system."""

    def fail(error: OSError) -> NoReturn:
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


def checked(path: Path, members: Iterator[Member]) -> Iterator[Member]:
    """Those members that are not hidden.

    Raises:
        UserError: there are too many, or one's path leads out of the archive.
    """
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
        if not any(part.startswith(".") for part in parts):  # such as those that macOS adds
            yield member


class Digested(io.RawIOBase):
    """A file that is read from beginning to end, and the MD5 of what has been read."""

    def __init__(self, file: IO[bytes]):
        self._file: Any = file
        self.md5 = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)
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
        return bool(self._file.seekable())

    def tell(self) -> int:
        return int(self._file.tell())

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        # A compressed file seeks by unpacking, so a seek is bounded as a read is.
        if whence == os.SEEK_SET and offset > MAX_BYTES:
            self._refuse()
        return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)
        if self._file.tell() > MAX_BYTES:
            self._refuse()
        return count

    def _refuse(self) -> NoReturn:
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
