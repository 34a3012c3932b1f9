"""Convolutions of binary training on NumPy arrays, in integers of eight bits.

A 3x3 convolution of the signs of activations, padded with +1, with the signs of weights, and its
two gradients. The sign of 0 is +1.

The convolution is exact, and that of ``lce_delegate``: bits and popcount. For the gradients, that
of the result is rounded to 8 bits: up or down, with the probabilities that leave its mean as it is
(stochastic rounding; Banner et al., 2018, arXiv:1805.11046, train with such gradients). It has one
scale for each image where channels are summed up, and one for each channel where images are, so
that a scale can be taken out of every sum. The noise is a hash of the rounded values: the same
input gives the same result.

The gradients are products of unsigned by signed bytes, which processors multiply fastest, hence two
forms of an operand:

- offset: unsigned bytes, 1 too large for signs (0 or 2), 128 too large for gradients. The offset
  times the sum of the other operand is subtracted from every result.
- panels: signed bytes, 32 columns side by side with four of the products' terms each, as
  tile.h describes them.

The gradient for the kernel sums over images and pixels, with the images of a pixel side by side, in
lanes: then a tap of the kernel is a shift by whole pixels, and no border gets into the sums.

Channels have to be multiples of ``CHANNELS``.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

CHANNELS = 32
"""Numbers of channels have to be multiples of it."""

TILE = 32
"""Rows and columns of a tile: that many sums are computed at once."""

PACKED_CHANNELS = 64
"""Channels that a thread packs at once."""

ALIGNMENT = 64
"""Bytes at whose multiples TensorFlow wants tensors to begin, and AVX-512 loads them fastest."""

NAME = "libinteger_training.so"


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
        raise RuntimeError("fer_larq.integer_training has no kernels for this machine")
    return found


@cache
def threads() -> ThreadPoolExecutor:
    """As many threads as this process may use processors; kernels run without Python's lock."""
    return ThreadPoolExecutor(processors())


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(count: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(first, last)`` for ranges that together are 0 to ``count``, in all threads."""
    parts = min(count, processors())
    bounds = [count * part // parts for part in range(parts + 1)]
    list(threads().map(work, bounds[:-1], bounds[1:]))


def address(array: np.ndarray) -> ctypes.c_void_p:
    """Where a contiguous array begins."""
    return ctypes.c_void_p(array.ctypes.data)


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
        self._blocks: list[np.ndarray] = []
        self._lock = threading.Lock()

    def take(self, size: int) -> np.ndarray:
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


def empty(shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """An uninitialised array, aligned so that TensorFlow takes it over without a copy."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size >= MEMORY.SMALLEST:
        return MEMORY.take(size).view(dtype).reshape(shape)
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def checked(status: int) -> None:
    """Raise what a kernel's status stands for."""
    if status != 0:
        raise MemoryError("no memory for a convolution in integers")


class NotFiniteError(ArithmeticError):
    """A gradient holds infinity or NaN, which no integer stands for."""


def convolution(
    activations: np.ndarray, kernel: np.ndarray, side: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Convolve the signs of activations with the signs of a kernel; exact.

    Args:
        activations: float32 ``[N, height, width, inputs]``.
        kernel: float32 ``[3, 3, inputs, outputs]``.
        side: 2 for max pooling of the sums by 2x2, whose remaining line and column are left out; 1
            for none.

    Returns:
        The sums, float32 ``[N, height / side, width / side, outputs]``, and what ``gradients``
        needs: the signs as bits, uint32 ``[N, height + 2, width + 2, inputs / 32]``, and from which
        of the four pixels each sum comes, the first of several, uint8 of the shape of the sums;
        without pooling ``[0]``.
    """
    images, height, width, inputs = activations.shape
    outputs = kernel.shape[3]
    packed = empty((library().packed_words(inputs, outputs),), np.uint32)
    signs = empty((images, height + 2, width + 2, inputs // 32), np.uint32)
    result = empty((images, height // side, width // side, outputs), np.float32)
    places = empty(result.shape if side == 2 else (0,), np.uint8)

    def pack(first: int, last: int) -> None:
        checked(library().pack(address(kernel), first, last, inputs, outputs, address(packed)))

    def convolve(first: int, last: int) -> None:
        library().signs(address(activations), first, last, height, width, inputs, address(signs))
        checked(
            library().convolution(
                address(signs), first, last, height, width, inputs, address(packed), outputs, side,
                address(result), address(places),
            )
        )  # fmt: skip

    share(-(-outputs // PACKED_CHANNELS), pack)
    share(images, convolve)
    return result, signs, places


def gradients(
    activations: np.ndarray,
    signs: np.ndarray,
    places: np.ndarray,
    kernel: np.ndarray,
    gradient: np.ndarray,
    limit: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of ``convolution`` for activations and kernel, given that of its sums.

    That of a sign is taken to be 1 where the activation is in [-1, 1], or the weight in
    [-limit, limit], and 0 elsewhere, as Larq's ``ste_sign`` does (paper, eq. 4).

    Args:
        activations, kernel: as for ``convolution``.
        signs, places: second and third result of ``convolution``.
        gradient: float32, of the shape of the first result.
        limit: weights beyond it get no gradient; infinity for weights that have no latent value.

    Returns:
        float32 arrays of the shapes of ``activations`` and ``kernel``.

    Raises ``NotFiniteError`` if the gradient holds infinity or NaN.
    """
    images, height, width, outputs = gradient.shape
    maxima = np.empty((images, outputs), np.float32)

    def find_maxima(first: int, last: int) -> None:
        library().maxima(address(gradient), first, last, height * width, outputs, address(maxima))

    share(images, find_maxima)
    if not np.isfinite(maxima).all():
        raise NotFiniteError("a gradient is not finite")
    return (
        _activation_gradient(activations, places, kernel, gradient, maxima.max(axis=1)),
        _kernel_gradient(
            activations.shape, signs, places, kernel, gradient, maxima.max(axis=0), limit
        ),
    )


def _scales(maxima: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales that let values up to ``maxima`` fit into -127 to 127, and their inverses."""
    # Not below the smallest normal number, also for a gradient of zeros: the inverse stays finite.
    scales = np.maximum(maxima, np.finfo(np.float32).tiny * 256) / np.float32(127)
    # A little less than the inverse, so that rounding cannot lead past 127.
    return scales, np.float32(1 - 1e-6) / scales


def _activation_gradient(
    activations: np.ndarray,
    places: np.ndarray,
    kernel: np.ndarray,
    gradient: np.ndarray,
    maxima: np.ndarray,
) -> np.ndarray:
    images, height, width, inputs = activations.shape
    outputs, side = kernel.shape[3], 2 if places.size else 1
    scales, inverse_scales = _scales(maxima)
    panels = empty((kernel.size,), np.int8)
    sums = empty((inputs,), np.int32)
    rows = empty((images, height + 2, width + 2, outputs), np.uint8)
    result = empty(activations.shape, np.float32)

    def pack(first: int, last: int) -> None:
        library().kernel_panels(
            address(kernel), first, last, inputs, outputs, address(panels), address(sums)
        )

    def round_rows(first: int, last: int) -> None:
        library().gradient_rows(
            address(gradient), address(places), side, first, last, height, width, outputs,
            address(inverse_scales), address(rows),
        )  # fmt: skip

    def multiply(first: int, last: int) -> None:
        checked(
            library().activation_gradient(
                address(rows), first, last, images, height, width, outputs, address(panels), inputs,
                address(sums), address(scales), address(activations), address(result),
            )
        )  # fmt: skip

    share(inputs // TILE, pack)
    share(images, round_rows)
    share(-(-images * height * width // TILE), multiply)
    return result


def _kernel_gradient(
    shape: tuple[int, ...],
    signs: np.ndarray,
    places: np.ndarray,
    kernel: np.ndarray,
    gradient: np.ndarray,
    maxima: np.ndarray,
    limit: float,
) -> np.ndarray:
    images, height, width, inputs = shape
    outputs, side = kernel.shape[3], 2 if places.size else 1
    rows, columns = gradient.shape[1:3]
    lanes = -(-images // 4) * 4
    padded_pixels = (height + 2) * (width + 2)
    # An odd number of cache lines: rows of a tile do not compete for the same places in a cache.
    pitch = ALIGNMENT * (-(-padded_pixels * lanes // ALIGNMENT) | 1)
    scales, inverse_scales = _scales(maxima)
    planes = empty((inputs, pitch), np.uint8)
    panels = empty((outputs // TILE, side * rows, side * columns, lanes // 4, TILE, 4), np.int8)
    sums = empty((rows * columns, outputs), np.int32)
    result = empty(kernel.shape, np.float32)

    def unpack(first: int, last: int) -> None:
        library().planes(
            address(signs), first, last, images, padded_pixels, inputs, lanes,
            ctypes.c_ssize_t(pitch), address(planes),
        )  # fmt: skip

    def round_panels(first: int, last: int) -> None:
        library().gradient_panels(
            address(gradient), address(places), side, first, last, images, rows, columns, outputs,
            address(inverse_scales), lanes, address(panels), address(sums),
        )  # fmt: skip

    def multiply(first: int, last: int) -> None:
        library().kernel_gradient(
            address(planes), first, last, width + 2, side * rows, side * columns, lanes, inputs,
            ctypes.c_ssize_t(pitch), address(panels), outputs, address(column_sums),
            address(scales), address(kernel), ctypes.c_float(limit), address(result),
        )  # fmt: skip

    share(padded_pixels, unpack)
    share(rows * columns, round_panels)
    column_sums = sums.sum(axis=0, dtype=np.int32)
    share(inputs // TILE * (outputs // TILE), multiply)
    return result
