"""From faces to batches of crops.

What an epoch shows is decided beforehand by ``plan_epoch``, a pure function of the seed and the
epoch: a run that was killed goes on in the middle of an epoch with exactly the crops that it would
have seen, and two workers agree without talking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_larq.datasets.crops import CENTRE_OFFSET, CROP_SIZE, FIVE_CROP_OFFSETS, MARGIN, scale
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.backend import tf

AFFINE_DEGREES = 12.0
"""Largest angle by which ``random-affine`` turns a crop, either way. Like the zoom a first guess,
tried once (docs/experiments.md): a head held a little askew, a detector's box a little off."""

AFFINE_ZOOM = 1.15
"""Largest factor by which ``random-affine`` enlarges or shrinks what a crop shows."""


@dataclass(frozen=True)
class EpochPlan:
    """The crops of one epoch in their order; every array has one entry per face."""

    face: np.ndarray
    """int64 ``[N]``, index of the face: a permutation."""
    top: np.ndarray
    """int64 ``[N]``, first row of the crop, 0 to 6."""
    left: np.ndarray
    """int64 ``[N]``, first column of the crop, 0 to 6."""
    mirrored: np.ndarray
    """bool ``[N]``, whether the crop is mirrored left to right."""
    angle: np.ndarray
    """float32 ``[N]``, radians by which the window is turned about its centre; 0 for none."""
    zoom: np.ndarray
    """float32 ``[N]``, size of the crop's window in crops; 1 for 42 x 42 pixels."""

    def windows(self) -> np.ndarray:
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
        return np.stack([a, b, c, d, e, f, nothing, nothing], axis=1).astype(np.float32)


def plan_epoch(count: int, epoch: int, seed: int, augment: str, flip: bool) -> EpochPlan:
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
    return EpochPlan(face, top, left, mirrored, angle, zoom)


def one_hot(labels: np.ndarray) -> np.ndarray:
    """Labels, int64 ``[N]``, as targets: float32 ``[N, 7]`` in {0, 1}."""
    return np.eye(len(EXPRESSIONS), dtype=np.float32)[labels]


def batches(
    images: np.ndarray,
    targets: np.ndarray,
    plan: EpochPlan,
    batch_size: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Batches of scaled crops with their targets, as the plan orders them.

    The last crops that do not fill a batch are left out: they are others in every epoch.

    Args:
        images: uint8 ``[N, 48, 48]``.
        targets: float32 ``[N, 7]``, one-hot labels or a mixture of them with a teacher's.
        first_step: number of batches that are passed over.

    Returns:
        A dataset of ``(crops, targets)``: float32 ``[B, 42, 42, 1]`` in [-1, 1], and float32
        ``[B, 7]``.
    """
    images = tf.constant(images)
    targets = tf.constant(targets)

    def crop(face, windows):
        # Whole windows fall on whole pixels, whose values the interpolation leaves exact.
        pixels = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(tf.gather(images, face), tf.float32)[..., tf.newaxis],
            transforms=windows,
            output_shape=(CROP_SIZE, CROP_SIZE),
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        return scale(pixels), tf.gather(targets, face)

    start = first_step * batch_size
    return (
        tf.data.Dataset.from_tensor_slices((plan.face[start:], plan.windows()[start:]))
        .batch(batch_size, drop_remainder=True)
        .map(crop, num_parallel_calls=1)
        .prefetch(2)
    )
