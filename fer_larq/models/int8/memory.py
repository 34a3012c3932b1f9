"""Memory for large arrays, used again and again."""

from __future__ import annotations

import contextlib
import mmap
import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64
"""Bytes at whose multiples TensorFlow wants tensors to begin, and AVX-512 loads them fastest."""


class Memory:
    """Large arrays that are used again once nobody holds them.

    Fresh memory costs a page fault for every 4 KiB, a tenth of a training step. Here pages are as
    large as the system allows, and stay.
    """

    SMALLEST = 1 << 20
    """Bytes from which on an array comes from here."""

    LIMIT = 1 << 30
    """Bytes of unused arrays that are kept."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> NDArray[np.uint8]:
        """Uninitialised bytes ``[size]``, aligned to a page."""
        with self._lock:
            unused = [block for block in self._blocks if sys.getrefcount(block) == self._IDLE]
            fitting = [block for block in unused if size <= block.size <= 2 * size]
            if fitting:
                return min(fitting, key=len)[:size]
            if sum(block.size for block in unused) > self.LIMIT:
                kept = {id(block) for block in unused}
                self._blocks = [block for block in self._blocks if id(block) not in kept]
            pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            if hasattr(mmap, "MADV_HUGEPAGE"):
                with contextlib.suppress(OSError):  # a kernel without them
                    pages.madvise(mmap.MADV_HUGEPAGE)
            block = np.frombuffer(pages, np.uint8)
            self._blocks.append(block)
            return block[:]

    _IDLE = 3  # references to a block: the list, the loop's variable, and getrefcount's argument


MEMORY = Memory()


def empty(shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """An uninitialised array, aligned so that TensorFlow takes it over without a copy."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size >= MEMORY.SMALLEST:
        return MEMORY.take(size).view(dtype).reshape(shape)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
