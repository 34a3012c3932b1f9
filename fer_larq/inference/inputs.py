"""Which files a command is to analyze."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fer_larq.inference.images import IMAGE_SUFFIXES
from fer_larq.inference.video import VIDEO_SUFFIXES
from fer_larq.utils.errors import UserError


def find_files(inputs: Sequence[Path], out: Path) -> dict[Path, str]:
    """The files to analyze, and for each the name, below ``out``, of what is made from it.

    A folder stands for all images and videos in it and below, except those in ``out``.
    """
    files: dict[Path, str] = {}
    for source in inputs:
        if source.is_dir():
            inside = [
                Path(folder, name)
                for folder, _, names in os.walk(source)
                for name in names
                if Path(name).suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES
            ]
            inside = [path for path in inside if out.resolve() not in path.resolve().parents]
            if not inside:
                raise UserError(f"{source}: no image and no video in this folder")
            files |= {path: str(path.relative_to(source)) for path in sorted(inside)}
        elif source.exists():
            files[source] = source.name
        else:
            raise UserError(f"{source}: no such file or folder")
    # Files of one name from several folders must not overwrite each other's results.
    used: set[str] = set()
    for path, name in files.items():
        number = 1
        while name in used:
            number += 1
            name = str(Path(files[path]).parent / f"{number}-{path.name}")
        used.add(name)
        files[path] = name
    return files
