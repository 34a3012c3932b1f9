"""Where files are kept, and how they are written so that nobody ever meets half of one."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST_ARRAYS = 64 << 20
"""Bytes that a file of ``save_arrays`` may unpack to: a bomb unpacks to more. BDNN4's weights are
1.5 million."""


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is renamed onto ``path``.

    If the body raises, ``path`` stays as it was and the temporary file is removed. The name keeps
    the suffixes of ``path``, because many writers choose their format by them.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    suffixes = "".join(target.suffixes)
    prefix = f".{target.name.removesuffix(suffixes)}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=suffixes, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes the file private; give it the mode that an ordinary open() would have.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where decoded data sets and fetched models are kept; it need not exist yet.

    ``$XDG_CACHE_HOME/fer_larq``, or ``~/.cache/fer_larq`` (XDG Base Directory Specification). A
    user without a home, as in some containers, has it among the temporary files.
    """
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen) / "fer_larq"
    try:
        return Path.home() / ".cache" / "fer_larq"
    except RuntimeError:  # HOME is unset and the user's id has no entry
        return Path(tempfile.gettempdir()) / f"fer_larq-{getattr(os, 'getuid', int)()}"


def save_arrays(file: Path, description: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Write arrays and what there is to say of them into an ``.npz`` file, whole or not at all."""
    text = np.frombuffer(json.dumps(description).encode("utf-8"), np.uint8)
    with atomic_write(file) as temporary:
        np.savez_compressed(temporary, description=text, **arrays)


def load_arrays(file: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description and the arrays of a file of ``save_arrays``; ``ValueError`` if it is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_ARRAYS:
                raise ValueError(f"unpacks to more than {LARGEST_ARRAYS >> 20} MiB")
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return json.loads(arrays.pop("description").tobytes()), arrays
    except (OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(str(error)) from error
