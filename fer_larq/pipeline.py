"""From faces to batches of crops.

What an epoch shows is decided beforehand by ``plan_epoch``, a pure function of the seed and the
epoch: a run that was killed goes on in the middle of an epoch with exactly the crops that it would
have seen, and two workers agree without talking.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_larq.backend import tf
from fer_larq.crops import CENTRE_OFFSET, CROP_SIZE, FIVE_CROP_OFFSETS, MARGIN, scale
from fer_larq.expressions import EXPRESSIONS


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


def plan_epoch(count: int, epoch: int, seed: int, augment: str, flip: bool) -> EpochPlan:
    """Decide which crop of which face comes when.

    Args:
        count: number of faces.
        epoch: 0 for the first epoch.
        seed: of the run.
        augment: ``five-crop``: one of the paper's five crops, so that five consecutive epochs
            (0 to 4, 5 to 9, ...) show all five crops of every face; ``random-crop``: any of the
            7 x 7 positions; ``none``: the centre.
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
    elif augment == "random-crop":
        top, left = random.integers(0, MARGIN, size=(2, count), endpoint=True)
    elif augment == "none":
        top, left = np.tile(np.asarray(CENTRE_OFFSET)[:, None], (1, count))
    else:
        raise ValueError(f"augment {augment!r} is none of five-crop, random-crop, none")
    mirrored = random.random(count) < 0.5 if flip else np.zeros(count, bool)
    return EpochPlan(face, top, left, mirrored)


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

    def crop(face, top, left, mirrored):
        pixels = images[face, top : top + CROP_SIZE, left : left + CROP_SIZE]
        pixels = tf.where(mirrored, pixels[:, ::-1], pixels)
        pixels = tf.ensure_shape(pixels, (CROP_SIZE, CROP_SIZE))
        return (
            scale(tf.cast(pixels, tf.float32))[..., tf.newaxis],
            targets[face],
        )

    start = first_step * batch_size
    order = (plan.face, plan.top, plan.left, plan.mirrored)
    return (
        tf.data.Dataset.from_tensor_slices(tuple(column[start:] for column in order))
        .map(crop, num_parallel_calls=1)
        .batch(batch_size, drop_remainder=True)
        .prefetch(2)
    )
