"""Convolutions of binary training on NumPy arrays, in integers of eight bits.

A 3x3 convolution of the signs of activations, padded with +1, with the signs of weights, and its
two gradients; or a 1x1 convolution, which on images of one pixel is a dense layer. The sign of 0 is
+1.

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

import ctypes
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fer_larq.models.int8.library import address, available, checked, library, parallel_for
from fer_larq.models.int8.memory import ALIGNMENT, empty

__all__ = ["CHANNELS", "NotFiniteError", "available", "convolution", "gradients"]

CHANNELS = 32
"""Numbers of channels have to be multiples of it."""

TILE = 32
"""Rows and columns of a tile: that many sums are computed at once."""

PACKED_CHANNELS = 64
"""Channels that a thread packs at once."""

Work = tuple[int, Callable[[int, int], None]]
"""A piece of work for ``parallel_for``."""


class NotFiniteError(ArithmeticError):
    """A gradient holds infinity or NaN, which no integer stands for."""


def convolution(
    activations: NDArray[np.float32], kernel: NDArray[np.float32], side: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.uint32], NDArray[np.uint8]]:
    """Convolve the signs of activations with the signs of a kernel; exact.

    Args:
        activations: float32 ``[N, height, width, inputs]``.
        kernel: float32 ``[size, size, inputs, outputs]``, size 3 or 1.
        side: 2 for max pooling of the sums by 2x2, whose remaining line and column are left out; 1
            for none.

    Returns:
        The sums, float32 ``[N, height / side, width / side, outputs]``, and what ``gradients``
        needs: the signs as bits with the padding, uint32
        ``[N, height + 2, width + 2, inputs / 32]`` for size 3, and from which of the four pixels
        each sum comes, the first of several, uint8 of the shape of the sums; without pooling
        ``[0]``.
    """
    images, height, width, inputs = activations.shape
    size, _, _, outputs = kernel.shape
    border = size // 2
    packed = empty((library().packed_words(size, inputs, outputs),), np.uint32)
    signs = empty((images, height + 2 * border, width + 2 * border, inputs // 32), np.uint32)
    result = empty((images, height // side, width // side, outputs), np.float32)
    places = empty(result.shape if side == 2 else (0,), np.uint8)

    def pack(first: int, last: int) -> None:
        checked(
            library().pack(address(kernel), first, last, size, inputs, outputs, address(packed))
        )

    def take_signs(first: int, last: int) -> None:
        library().signs(
            address(activations), first, last, height, width, inputs, size, address(signs)
        )

    def convolve(first: int, last: int) -> None:
        checked(
            library().convolution(
                address(signs), first, last, height, width, size, inputs, address(packed), outputs,
                side, address(result), address(places),
            )
        )  # fmt: skip

    parallel_for((-(-outputs // PACKED_CHANNELS), pack), (images, take_signs))
    parallel_for((images, convolve))
    return result, signs, places


def side_of(places: NDArray[np.uint8]) -> int:
    """Side of the windows of max pooling to which places belong; 1 for no pooling."""
    return 2 if places.size else 1


def gradients(
    activations: NDArray[np.float32],
    signs: NDArray[np.uint32],
    places: NDArray[np.uint8],
    kernel: NDArray[np.float32],
    gradient: NDArray[np.float32],
    limit: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
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
    images, rows, columns, outputs = gradient.shape
    maxima = np.empty((images, outputs), np.float32)

    def find_maxima(first: int, last: int) -> None:
        library().maxima(address(gradient), first, last, rows * columns, outputs, address(maxima))

    for_activations = _ActivationGradient(activations, places, kernel, gradient)
    for_kernel = _KernelGradient(activations.shape, signs, places, kernel, gradient, limit)
    parallel_for((images, find_maxima), for_activations.packing(), for_kernel.packing())
    if not np.isfinite(maxima).all():
        raise NotFiniteError("a gradient is not finite")
    parallel_for(
        for_activations.rounding(maxima.max(axis=1)),
        for_kernel.rounding(maxima.max(axis=0)),
    )
    parallel_for(for_activations.product(), for_kernel.product())
    return for_activations.result, for_kernel.result


def _scales(maxima: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scales that let values up to ``maxima`` fit into -127 to 127, and their inverses."""
    # Not below the smallest normal number, also for a gradient of zeros: the inverse stays finite.
    scales = np.maximum(maxima, np.finfo(np.float32).tiny * 256) / np.float32(127)
    # A little less than the inverse, so that rounding cannot lead past 127.
    return scales, np.float32(1 - 1e-6) / scales


class _ActivationGradient:
    """Three pieces of work for ``parallel_for``: the gradient for activations, one by one."""

    def __init__(
        self,
        activations: NDArray[np.float32],
        places: NDArray[np.uint8],
        kernel: NDArray[np.float32],
        gradient: NDArray[np.float32],
    ) -> None:
        self.activations, self.places, self.kernel = activations, places, kernel
        self.gradient = gradient
        images, height, width, inputs = activations.shape
        size, _, _, outputs = kernel.shape
        self.border = size // 2
        self.panels = empty((kernel.size,), np.int8)
        self.sums = empty((inputs,), np.int32)
        padded = height + 2 * self.border, width + 2 * self.border
        self.rows = empty((images, *padded, outputs), np.uint8)
        self.result = empty(activations.shape, np.float32)

    def packing(self) -> Work:
        """Pack the kernel."""
        return self.kernel.shape[2] // TILE, self._pack

    def rounding(self, maxima: NDArray[np.float32]) -> Work:
        """Round the gradient, whose largest size in every image is known."""
        self.scales, self.inverse_scales = _scales(maxima)
        return len(self.activations), self._round

    def product(self) -> Work:
        """Multiply, into ``result``."""
        images, height, width, _ = self.activations.shape
        return -(-images * height * width // TILE), self._multiply

    def _pack(self, first: int, last: int) -> None:
        library().kernel_panels(
            address(self.kernel), first, last, len(self.kernel) ** 2, *self.kernel.shape[2:],
            address(self.panels), address(self.sums),
        )  # fmt: skip

    def _round(self, first: int, last: int) -> None:
        _, height, width, _ = self.activations.shape
        library().gradient_rows(
            address(self.gradient), address(self.places), side_of(self.places), first, last, height,
            width, self.border, self.kernel.shape[3], address(self.inverse_scales),
            address(self.rows),
        )  # fmt: skip

    def _multiply(self, first: int, last: int) -> None:
        images, height, width, inputs = self.activations.shape
        checked(
            library().activation_gradient(
                address(self.rows), first, last, images, height, width, len(self.kernel),
                self.kernel.shape[3], address(self.panels), inputs, address(self.sums),
                address(self.scales), address(self.activations), address(self.result),
            )
        )  # fmt: skip


class _KernelGradient:
    """Three pieces of work for ``parallel_for``: the gradient for the kernel, one by one."""

    def __init__(
        self,
        shape: tuple[int, ...],
        signs: NDArray[np.uint32],
        places: NDArray[np.uint8],
        kernel: NDArray[np.float32],
        gradient: NDArray[np.float32],
        limit: float,
    ) -> None:
        self.signs, self.places, self.kernel, self.gradient = signs, places, kernel, gradient
        self.limit = limit
        images, height, width, inputs = shape
        size, _, _, outputs = kernel.shape
        side = side_of(places)
        _, rows, columns, _ = gradient.shape
        self.lanes = -(-images // 4) * 4
        self.width = width + size // 2 * 2
        self.pixels = (height + size // 2 * 2) * self.width
        # An odd number of cache lines: rows of a tile do not compete for places in a cache.
        self.pitch = ALIGNMENT * (-(-self.pixels * self.lanes // ALIGNMENT) | 1)
        self.planes = empty((inputs, self.pitch), np.uint8)
        self.panels = empty(
            (outputs // TILE, side * rows, side * columns, self.lanes // 4, TILE, 4), np.int8
        )
        self.sums = empty((rows * columns, outputs), np.int32)
        self.result = empty(kernel.shape, np.float32)

    def packing(self) -> Work:
        """Unpack the signs of the activations."""
        return self.pixels, self._unpack

    def rounding(self, maxima: NDArray[np.float32]) -> Work:
        """Round the gradient, whose largest size in every channel is known."""
        self.scales, self.inverse_scales = _scales(maxima)
        return len(self.sums), self._round

    def product(self) -> Work:
        """Multiply, into ``result``."""
        self.column_sums = self.sums.sum(axis=0, dtype=np.int32)
        _, _, inputs, outputs = self.kernel.shape
        return inputs // TILE * (outputs // TILE), self._multiply

    def _unpack(self, first: int, last: int) -> None:
        library().planes(
            address(self.signs), first, last, len(self.signs), self.pixels, self.kernel.shape[2],
            self.lanes, ctypes.c_ssize_t(self.pitch), address(self.planes),
        )  # fmt: skip

    def _round(self, first: int, last: int) -> None:
        library().gradient_panels(
            address(self.gradient), address(self.places), side_of(self.places), first, last,
            *self.gradient.shape, address(self.inverse_scales), self.lanes, address(self.panels),
            address(self.sums),
        )  # fmt: skip

    def _multiply(self, first: int, last: int) -> None:
        _, height, width, _, _, _ = self.panels.shape
        size, _, inputs, outputs = self.kernel.shape
        library().kernel_gradient(
            address(self.planes), first, last, size, self.width, height, width, self.lanes, inputs,
            ctypes.c_ssize_t(self.pitch), address(self.panels), outputs, address(self.column_sums),
            address(self.scales), address(self.kernel), ctypes.c_float(self.limit),
            address(self.result),
        )  # fmt: skip
