"""Which files a command is to analyze."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fer_larq.inference.formats import file_kind
from fer_larq.inference.output.results import is_result
from fer_larq.inference.sources import file_named
from fer_larq.utils.errors import UserError

SYSTEM_NAMES = frozenset(("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"))
"""Files and folders, in lower case, that other systems put beside images and hide."""

NAMED = 3
"""Files left out that a message names."""


@dataclass
class InputFiles:
    """The files to analyze.

    Attributes:
        names: of each file, below the folder of the results, the name of what is made from it.
        kinds: ``image``, ``heic`` or ``video``.
        left_out: files in the folders that are neither.
    """

    names: dict[Path, str] = field(default_factory=dict)
    kinds: dict[Path, str] = field(default_factory=dict)
    left_out: list[Path] = field(default_factory=list)

    def describe_left_out(self) -> str | None:
        """One line on the files that were left out; None if there are none."""
        if not self.left_out:
            return None
        names = ", ".join(path.name for path in self.left_out[:NAMED])
        more = ", ..." if len(self.left_out) > NAMED else ""
        count = len(self.left_out)
        what = "1 file is no image or video" if count == 1 else f"{count} files are no images or"
        return f"{what}{'' if count == 1 else ' videos'} and left out: {names}{more}"


def find_files(inputs: Sequence[str]) -> InputFiles:
    """The files to analyze.

    A folder stands for all images and videos in it and below, told by their content, but for the
    results of this program and for what other systems hide there.

    Raises ``UserError`` if an input does not exist or a folder holds nothing to analyze.
    """
    files = InputFiles()
    for text in inputs:
        source = Path(file_named(text))
        if source.is_dir():
            before = len(files.names)
            add_folder(files, source)
            if len(files.names) == before:
                raise UserError(f"{source}: no image and no video in this folder")
        elif source.exists():
            files.names[source] = source.name
            files.kinds[source] = kind_of(source) or "image"
        else:
            raise UserError(f"{source}: no such file or folder")
    make_distinct(files.names)
    return files


def add_folder(files: InputFiles, source: Path) -> None:
    """Add the images and videos in a folder and below."""
    inside = []
    for folder, subfolders, names in os.walk(source):
        subfolders[:] = [name for name in subfolders if not is_hidden(name)]
        inside += [Path(folder, name) for name in names if not is_hidden(name)]
    for path in sorted(inside):
        kind = kind_of(path)
        if kind is None:
            files.left_out.append(path)
        elif not is_result(path):
            files.names[path] = str(path.relative_to(source))
            files.kinds[path] = kind


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that its owner does not see."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def kind_of(path: Path) -> str | None:
    """``file_kind``; of what cannot be read, ``image``, so that reading it gives the reason."""
    if not path.is_file():
        return None  # a socket, a device
    try:
        return file_kind(path)
    except OSError:
        return "image"


def make_distinct(names: dict[Path, str]) -> None:
    """Number results of one name from several folders, so that none overwrites another."""
    used: set[str] = set()
    for path, name in names.items():
        number = 1
        while name in used:
            number += 1
            name = str(Path(names[path]).parent / f"{number}-{path.name}")
        used.add(name)
        names[path] = name
