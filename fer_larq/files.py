"""Where files are kept, and how they are written so that nobody ever meets half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
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

    ``$XDG_CACHE_HOME/fer_larq``, or ``~/.cache/fer_larq`` (XDG Base Directory Specification).
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fer_larq"
