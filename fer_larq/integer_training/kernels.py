"""Convolutions of binary training on NumPy arrays, in integers of eight bits.

A 3x3 convolution of the signs of activations, padded with +1, with weights in {-1, +1}, and its two
gradients. The convolution is exact. For the gradients, that of the result is rounded to 8 bits: up
or down, with the probabilities that leave its mean as it is (stochastic rounding; Banner et al.,
2018, arXiv:1805.11046, train with such gradients). It has one scale for each image where channels
are summed up, and one for each channel where images are, so that a scale can be taken out of every
sum. The noise is a hash of the rounded values: the same input gives the same result.

Unsigned times signed bytes is what processors multiply fastest, hence two forms of an operand:

- offset: unsigned bytes, 1 too large for activations (0 or 2), 128 too large for gradients. The
  offset times the sum of the other operand is subtracted from every result.
- panels: signed bytes, sixteen columns side by side with four of the products' terms each, as
  kernels.c describes them.

Channels have to be multiples of ``CHANNELS``.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

CHANNELS = 16
"""Numbers of channels have to be multiples of it."""

ALIGNMENT = 64
"""Bytes at whose multiples TensorFlow wants tensors to begin."""

NAME = "libinteger_training.so"

ACTIVATION_OFFSET, GRADIENT_OFFSET = 1, 128


@cache
def compiled() -> ctypes.CDLL | None:
    """The compiled kernels, or None where there are none or the processor cannot run them."""
    for folder in sys.modules[__package__].__path__:
        if (file := Path(folder) / NAME).is_file():
            loaded = ctypes.CDLL(str(file))
            return loaded if loaded.integer_supported() else None
    return None


def available() -> bool:
    """Whether the kernels are there and run on this processor."""
    return compiled() is not None


def library() -> ctypes.CDLL:
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


def empty(shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """An uninitialised array that TensorFlow takes over without a copy, since it is aligned."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def weight_panels(kernel: np.ndarray, *, of_gradient: bool) -> tuple[np.ndarray, np.ndarray]:
    """Panels of a kernel, for the convolution or for its gradient, and the sums of its columns.

    Args:
        kernel: float32 ``[3, 3, inputs, outputs]`` in {-1, +1}.
    """
    inputs, outputs = kernel.shape[2:]
    panels = np.empty(kernel.size, np.int8)
    sums = np.empty(inputs if of_gradient else outputs, np.int32)

    def work(first: int, last: int) -> None:
        library().integer_weights(
            address(kernel), first, last, inputs, outputs, int(of_gradient), address(panels),
            address(sums),
        )  # fmt: skip

    share(sums.size // CHANNELS, work)
    return panels, sums


def convolution(activations: np.ndarray, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convolve the signs of activations with a kernel; exact.

    Args:
        activations: float32 ``[N, height, width, inputs]``; the sign of 0 is +1.
        kernel: float32 ``[3, 3, inputs, outputs]`` in {-1, +1}.

    Returns:
        The sums, float32 ``[N, height, width, outputs]``, and what ``gradients`` needs: the
        activations' signs in offset form.
    """
    images, height, width, inputs = activations.shape
    signs = empty((images, height + 2, width + 2, inputs), np.uint8)

    def work(first: int, last: int) -> None:
        library().integer_activations(
            address(activations), first, last, height, width, inputs, address(signs)
        )

    share(images, work)
    panels = weight_panels(kernel, of_gradient=False)
    return convolve(signs, panels, ACTIVATION_OFFSET, np.ones(images, np.float32)), signs


def gradients(
    activations: np.ndarray, signs: np.ndarray, kernel: np.ndarray, gradient: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of ``convolution`` for activations and kernel, given that of its sums.

    That of a sign is taken to be 1 where the activation is in [-1, 1] and 0 elsewhere, as Larq's
    ``ste_sign`` does (paper, eq. 4).

    Args:
        activations, kernel: as for ``convolution``.
        signs: second result of ``convolution``.
        gradient: float32 ``[N, height, width, outputs]``.

    Returns:
        float32 arrays of the shapes of ``activations`` and ``kernel``.
    """
    images, height, width, outputs = gradient.shape
    maxima = np.empty((images, outputs), np.float32)

    def find_maxima(first: int, last: int) -> None:
        library().integer_maxima(
            address(gradient), first, last, height * width, outputs, address(maxima)
        )

    share(images, find_maxima)
    return (
        _activation_gradient(activations, kernel, gradient, maxima.max(axis=1)),
        _kernel_gradient(signs, gradient, maxima.max(axis=0)),
    )


def convolve(
    rows: np.ndarray,
    panels: tuple[np.ndarray, np.ndarray],
    offset: int,
    scales: np.ndarray,
    activations: np.ndarray | None = None,
) -> np.ndarray:
    """Convolve bytes in offset form, ``[N, height + 2, width + 2, depth]``, with a kernel's panels.

    Args:
        scales: float32 ``[N]``, by which the sums are multiplied.
        activations: float32 of the result's shape; where they leave [-1, 1], the result is zero.

    Returns:
        float32 ``[N, height, width, columns]``.
    """
    images, height, width, depth = rows.shape
    values, sums = panels
    result = empty((images, height - 2, width - 2, sums.size), np.float32)

    def work(first: int, last: int) -> None:
        library().integer_convolution(
            address(rows), first, last, height - 2, width - 2, depth, address(values), sums.size,
            address(sums), offset, address(scales),
            None if activations is None else address(activations), address(result),
        )  # fmt: skip

    share(images, work)
    return result


def _scales(maxima: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales that let values up to ``maxima`` fit into -127 to 127, and their inverses."""
    scales = np.maximum(maxima, np.finfo(np.float32).tiny * 256) / np.float32(127)
    # A little less than the inverse, so that rounding cannot lead past 127.
    return scales, np.float32(1 - 1e-6) / scales


def _activation_gradient(
    activations: np.ndarray, kernel: np.ndarray, gradient: np.ndarray, maxima: np.ndarray
) -> np.ndarray:
    images, height, width, outputs = gradient.shape
    scales, inverse_scales = _scales(maxima)
    rows = np.empty((images, height + 2, width + 2, outputs), np.uint8)

    def work(first: int, last: int) -> None:
        library().integer_gradient_rows(
            address(gradient), first, last, height, width, outputs, address(inverse_scales),
            address(rows),
        )  # fmt: skip

    share(images, work)
    panels = weight_panels(kernel, of_gradient=True)
    return convolve(rows, panels, GRADIENT_OFFSET, scales, activations)


def _kernel_gradient(signs: np.ndarray, gradient: np.ndarray, maxima: np.ndarray) -> np.ndarray:
    images, height, width, outputs = gradient.shape
    inputs = signs.shape[3]
    pixels = (height + 2) * (width + 2)
    # Pixels of all rows in one line, with the two columns of the border between them.
    steps = -(-(height * (width + 2) - 2) // 4)
    pitch = -(-max(pixels, 4 * steps + 2 * (width + 2) + 2) // 16) * 16
    scales, inverse_scales = _scales(maxima)
    planes = np.empty((images, inputs, pitch), np.uint8)
    panels = np.empty((outputs // CHANNELS, images, steps, CHANNELS, 4), np.int8)
    sums = np.empty((images, outputs), np.int32)

    def prepare(first: int, last: int) -> None:
        library().integer_planes(
            address(signs), first, last, pixels, inputs, ctypes.c_ssize_t(pitch), address(planes)
        )
        library().integer_gradient_columns(
            address(gradient), first, last, images, height, width, outputs,
            address(inverse_scales), steps, address(panels), address(sums),
        )  # fmt: skip

    share(images, prepare)
    result = empty((3, 3, inputs, outputs), np.float32)
    column_sums = sums.sum(axis=0, dtype=np.int32)

    def work(first: int, last: int) -> None:
        status = library().integer_kernel_gradient(
            address(planes), first, last, images, width, inputs, ctypes.c_ssize_t(pitch),
            address(panels), steps, outputs, address(column_sums), address(scales),
            address(result),
        )  # fmt: skip
        if status != 0:
            raise MemoryError

    share(outputs // CHANNELS, work)
    return result
