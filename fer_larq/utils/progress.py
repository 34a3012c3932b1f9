"""Progress bars, and lines above them.

tqdm takes longer to load than a photograph to decode, so it is loaded with the first bar.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any, TextIO


def progress_bar(items: Iterable[Any] | None = None, **options: Any) -> Any:
    """A bar of ``tqdm``, which takes the options; to be iterated over if there are items."""
    return import_module("tqdm").tqdm(items, **options)


def write_line(text: str, file: TextIO) -> None:
    """Print a line, above the bar if there is one."""
    if "tqdm" in sys.modules:
        import_module("tqdm").tqdm.write(text, file=file)
    else:
        print(text, file=file)
