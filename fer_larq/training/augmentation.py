"""From faces to batches of crops.

What an epoch shows is decided beforehand by ``plan_epoch``, a pure function of the seed and the
epoch: a run that was killed goes on in the middle of an epoch with exactly the crops that it would
have seen, and two workers agree without talking.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.crops import CENTRE_OFFSET, CROP_SIZE, FIVE_CROP_OFFSETS, MARGIN, scale
from fer_larq.utils.backend import tf

AFFINE_DEGREES = 12.0
"""Largest angle by which ``random-affine`` turns a crop, either way. Like the zoom a first guess,
tried once (docs/experiments.md): a head held a little askew, a detector's box a little off."""

AFFINE_ZOOM = 1.15
"""Largest factor by which ``random-affine`` enlarges or shrinks what a crop shows."""

LIGHT_GAMMA = 2.0
"""Largest gamma, and its inverse the smallest, at ``light`` 1."""

LIGHT_SPAN = 0.25
"""Most by which contrast and brightness change at ``light`` 1; pixels go from 0 to 1."""

ERASED_SIZE = (6, 17)
"""Smallest and largest height and width of an erased rectangle, in pixels: 2 to 16 % of a crop."""


@dataclass(frozen=True)
class EpochPlan:
    """The crops of one epoch in their order; every array has one entry per face."""

    face: NDArray[np.int64]
    """int64 ``[N]``, index of the face: a permutation."""
    top: NDArray[np.int64]
    """int64 ``[N]``, first row of the crop, 0 to 6."""
    left: NDArray[np.int64]
    """int64 ``[N]``, first column of the crop, 0 to 6."""
    mirrored: NDArray[np.bool_]
    """bool ``[N]``, whether the crop is mirrored left to right."""
    angle: NDArray[np.float32]
    """float32 ``[N]``, radians by which the window is turned about its centre; 0 for none."""
    zoom: NDArray[np.float32]
    """float32 ``[N]``, size of the crop's window in crops; 1 for 42 x 42 pixels."""
    light: NDArray[np.float32]
    """float32 ``[N, 3]``: gamma, contrast and brightness; 1, 1 and 0 leave a crop as it is."""
    erased: NDArray[np.int32]
    """int32 ``[N, 4]``: top, left, bottom and right of a rectangle that is made grey, or zeros."""

    def windows(self) -> NDArray[np.float32]:
        """Where the pixels of a crop lie in its face, float32 ``[N, 8]``.

        The crop's pixel in column x and row y is the face's in column a x + b y + c and row
        d x + e y + f; the eight numbers are a, b, c, d, e, f, 0, 0, as TensorFlow's
        ``ImageProjectiveTransformV3`` takes them.
        """
        middle = (CROP_SIZE - 1) / 2
        cosine, sine = self.zoom * np.cos(self.angle), self.zoom * np.sin(self.angle)
        sign = np.where(self.mirrored, -1.0, 1.0)
        a, b, d, e = sign * cosine, -sine, sign * sine, cosine
        c = self.left + middle - (a + b) * middle
        f = self.top + middle - (d + e) * middle
        nothing = np.zeros_like(a)
        windows = np.stack([a, b, c, d, e, f, nothing, nothing], axis=1)
        return np.asarray(windows, np.float32)


def plan_epoch(
    count: int,
    epoch: int,
    seed: int,
    augment: str,
    flip: bool,
    light: float = 0.0,
    erasing: float = 0.0,
) -> EpochPlan:
    """Decide which crop of which face comes when.

    Args:
        count: number of faces.
        epoch: 0 for the first epoch.
        seed: of the run.
        augment: ``five-crop``: one of the paper's five crops, so that five consecutive epochs
            (0 to 4, 5 to 9, ...) show all five crops of every face; ``random-crop``: any of the
            7 x 7 positions; ``random-affine``: those, with windows turned by up to
            ``AFFINE_DEGREES`` and ``AFFINE_ZOOM`` times as large or small; ``none``: the centre.
        flip: mirror every crop with probability one half.
        light: 0 to 1, how far gamma, contrast and brightness move, see ``LIGHT_GAMMA`` and
            ``LIGHT_SPAN``.
        erasing: probability with which a rectangle of a crop is made grey (Zhong et al. 2020,
            arXiv:1708.04896).
    """
    random = np.random.default_rng([seed, epoch])
    face = random.permutation(count)
    if augment == "five-crop":
        cycle, turn = divmod(epoch, len(FIVE_CROP_OFFSETS))
        # The generator of the cycle, not of the epoch: each face gets an order of its five crops.
        orders = np.random.default_rng([seed, cycle, 5]).permuted(
            np.tile(np.arange(len(FIVE_CROP_OFFSETS)), (count, 1)), axis=1
        )
        top, left = np.asarray(FIVE_CROP_OFFSETS)[orders[face, turn]].T
    elif augment in ("random-crop", "random-affine"):
        top, left = random.integers(0, MARGIN, size=(2, count), endpoint=True)
    elif augment == "none":
        top, left = np.tile(np.asarray(CENTRE_OFFSET)[:, None], (1, count))
    else:
        raise ValueError(
            f"augment {augment!r} is none of five-crop, random-crop, random-affine, none"
        )
    mirrored = random.random(count) < 0.5 if flip else np.zeros(count, bool)
    angle, zoom = np.zeros(count, np.float32), np.ones(count, np.float32)
    if augment == "random-affine":
        turn, stretch = random.uniform(-1, 1, size=(2, count)).astype(np.float32)
        angle, zoom = np.float32(np.radians(AFFINE_DEGREES)) * turn, AFFINE_ZOOM**stretch
    # Generators of their own, so that these leave the order and the crops of a seed as they are.
    return EpochPlan(
        face,
        top,
        left,
        mirrored,
        angle,
        zoom,
        random_light(np.random.default_rng([seed, epoch, 1]), count, light),
        random_rectangles(np.random.default_rng([seed, epoch, 2]), count, erasing),
    )


def random_light(random: np.random.Generator, count: int, strength: float) -> NDArray[np.float32]:
    """Gamma, contrast and brightness for each crop, float32 ``[count, 3]``; see ``EpochPlan``."""
    moves = strength * random.uniform(-1, 1, size=(count, 3))
    gamma, contrast, brightness = moves.T
    columns = (LIGHT_GAMMA**gamma, 1 + LIGHT_SPAN * contrast, LIGHT_SPAN * brightness)
    return np.asarray(np.stack(columns, axis=1), np.float32)


def random_rectangles(random: np.random.Generator, count: int, share: float) -> NDArray[np.int32]:
    """A rectangle in a share of the crops, int32 ``[count, 4]``; see ``EpochPlan``."""
    size = random.integers(*ERASED_SIZE, size=(count, 2), endpoint=True)
    start = random.integers(0, CROP_SIZE - size, endpoint=True)
    there = random.random((count, 1)) < share
    return np.where(there, np.concatenate([start, start + size], axis=1), 0).astype(np.int32)


def relight(pixels: tf.Tensor, light: tf.Tensor) -> tf.Tensor:
    """Change the light of crops: 255 clip(contrast ((p / 255)^gamma - 1/2) + 1/2 + brightness).

    Args:
        pixels: float32 ``[B, 42, 42, 1]``, 0 to 255.
        light: float32 ``[B, 3]``, see ``EpochPlan``.

    Returns:
        float32 of the shape of ``pixels``, 0 to 255.
    """
    gamma, contrast, brightness = (light[:, i, None, None, None] for i in range(3))
    changed = contrast * ((pixels / 255.0) ** gamma - 0.5) + 0.5 + brightness
    return 255.0 * tf.clip_by_value(changed, 0.0, 1.0)


def erase(crops: tf.Tensor, erased: tf.Tensor) -> tf.Tensor:
    """Make a rectangle of each scaled crop, float32 ``[B, 42, 42, 1]``, grey, that is 0."""
    places = tf.range(CROP_SIZE, dtype=tf.int32)[None]
    rows = (places >= erased[:, 0:1]) & (places < erased[:, 2:3])
    columns = (places >= erased[:, 1:2]) & (places < erased[:, 3:4])
    hidden = rows[:, :, None, None] & columns[:, None, :, None]
    return tf.where(hidden, 0.0, crops)


def batches(
    images: NDArray[np.uint8],
    targets: NDArray[np.float32],
    plan: EpochPlan,
    batch_size: int,
    first_step: int = 0,
    teach: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
) -> tf.data.Dataset:
    """Batches of scaled crops with their targets, as the plan orders them.

    The last crops that do not fill a batch are left out: they are others in every epoch.

    Args:
        images: uint8 ``[N, 48, 48]``, normalised.
        targets: float32 ``[N, 7]``, of sum 1.
        first_step: number of batches that are passed over.
        teach: from scaled crops and targets to the targets with a teacher's answer in them.

    Returns:
        A dataset of ``(crops, targets)``: float32 ``[B, 42, 42, 1]`` in [-1, 1], and float32
        ``[B, 7]``.
    """
    images = tf.constant(images)
    targets = tf.constant(targets)
    # What is off costs nothing, and leaves the pixels exact.
    relit, erasing = bool(np.any(plan.light != (1, 1, 0))), bool(np.any(plan.erased))

    def crop(
        face: tf.Tensor, windows: tf.Tensor, light: tf.Tensor, erased: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # Whole windows fall on whole pixels, whose values the interpolation leaves exact.
        pixels = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(tf.gather(images, face), tf.float32)[..., tf.newaxis],
            transforms=windows,
            output_shape=(CROP_SIZE, CROP_SIZE),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        crops = scale(relight(pixels, light) if relit else pixels)
        if erasing:
            crops = erase(crops, erased)
        wanted = tf.gather(targets, face)
        return crops, wanted if teach is None else teach(crops, wanted)

    start = first_step * batch_size
    parts = (plan.face, plan.windows(), plan.light, plan.erased)
    return (
        tf.data.Dataset.from_tensor_slices(tuple(part[start:] for part in parts))
        .batch(batch_size, drop_remainder=True)
        .map(crop, num_parallel_calls=1)
        .prefetch(2)
    )
