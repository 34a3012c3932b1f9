"""The compiled kernels, and the threads that they run in."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

NAME = "libinteger_training.so"

PARTS = 2
"""Parts of a piece of work for each thread: more than one, since threads are not equally fast."""


class Library:
    """The compiled kernels of a file, for one instruction set: ``library.maxima(...)``."""

    def __init__(self, file: Path | str) -> None:
        self._loaded = ctypes.CDLL(str(file))
        self._loaded.integer_select.restype = ctypes.c_char_p
        self._level: str | None = None

    def select(self, instruction_set: str | None = None) -> bool:
        """Choose an instruction set, or the fastest. Returns whether this processor has it.

        Not while another thread computes.
        """
        level = self._loaded.integer_select(instruction_set and instruction_set.encode())
        if level is not None:
            self._level = level.decode()
            self.packed_words.restype = ctypes.c_size_t
        return level is not None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loaded, f"integer_{name}__{self._level}")


@cache
def compiled() -> Library | None:
    """The compiled kernels, or None where there are none or the processor cannot run them."""
    for folder in sys.modules[__package__].__path__:
        if (file := Path(folder) / NAME).is_file():
            loaded = Library(file)
            return loaded if loaded.select() else None
    return None


def available() -> bool:
    """Whether the kernels are there and run on this processor."""
    return compiled() is not None


def library() -> Library:
    """The compiled kernels; ``available`` says beforehand whether there are any."""
    found = compiled()
    if found is None:
        raise RuntimeError("fer_larq.models.int8 has no kernels for this machine")
    return found


@cache
def threads() -> ThreadPoolExecutor:
    """As many threads as this process may use processors; kernels run without Python's lock."""
    return ThreadPoolExecutor(processors())


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parallel_for(*works: tuple[int, Callable[[int, int], None]]) -> None:
    """Call each ``work(first, last)`` for ranges that make up 0 to its count, in all threads."""
    calls = []
    for count, work in works:
        parts = min(count, PARTS * processors())
        bounds = [count * part // parts for part in range(parts + 1)]
        calls += [(work, first, last) for first, last in pairwise(bounds)]
    list(threads().map(lambda call: call[0](*call[1:]), calls))


def address(array: NDArray[Any]) -> ctypes.c_void_p:
    """Where a contiguous array begins."""
    return ctypes.c_void_p(array.ctypes.data)


def checked(status: int) -> None:
    """Raise what a kernel's status stands for."""
    if status != 0:
        raise MemoryError("no memory for a convolution in integers")
