"""What an epoch shows: which crop of which face, in which order."""

import numpy as np
import pytest

pytest.importorskip("fer_larq.utils.backend")

from fer_larq.data import Faces
from fer_larq.datasets.crops import FIVE_CROP_OFFSETS
from fer_larq.datasets.labels import one_hot
from fer_larq.training.augmentation import (
    AFFINE_DEGREES,
    AFFINE_ZOOM,
    batches,
    plan_epoch,
    relight,
)


@pytest.fixture
def noise() -> Faces:
    random = np.random.default_rng(0)
    return Faces(random.integers(0, 256, (50, 48, 48), dtype=np.uint8), random.integers(0, 7, 50))


def test_five_epochs_show_all_five_crops_of_every_face_once():
    seen = set()
    for epoch in range(5, 10):
        plan = plan_epoch(30, epoch, seed=4, augment="five-crop", flip=False)
        assert sorted(plan.face) == list(range(30))
        seen |= set(zip(plan.face, plan.top, plan.left, strict=True))
    assert seen == {(face, *offset) for face in range(30) for offset in FIVE_CROP_OFFSETS}


def test_random_crops_reach_all_positions_and_no_others():
    plan = plan_epoch(5000, 0, seed=0, augment="random-crop", flip=True)
    assert set(zip(plan.top, plan.left, strict=True)) == {
        (top, left) for top in range(7) for left in range(7)
    }
    assert 0.45 < plan.mirrored.mean() < 0.55


def test_without_augmentation_every_crop_is_the_centre():
    plan = plan_epoch(20, 3, seed=0, augment="none", flip=False)
    assert set(plan.top) == set(plan.left) == {3}
    assert not plan.mirrored.any()


def test_a_plan_depends_on_seed_and_epoch_alone():
    def faces(seed, epoch):
        return plan_epoch(100, epoch, seed, "random-crop", True).face.tolist()

    assert faces(1, 2) == faces(1, 2)
    assert faces(1, 2) != faces(1, 3) != faces(2, 3)


def test_batches_hold_the_planned_crops_scaled(noise):
    plan = plan_epoch(len(noise), 0, seed=1, augment="random-crop", flip=True)
    index = 0
    for crops, targets in batches(noise.images, one_hot(noise.labels), plan, batch_size=16):
        assert crops.shape == (16, 42, 42, 1) and targets.shape == (16, 7)
        for crop, target in zip(crops.numpy(), targets.numpy(), strict=True):
            face, top, left = plan.face[index], plan.top[index], plan.left[index]
            pixels = noise.images[face][top : top + 42, left : left + 42].astype(np.float32)
            if plan.mirrored[index]:
                pixels = np.fliplr(pixels)
            np.testing.assert_array_equal(crop[..., 0], (2 * pixels - 255) / np.float32(255))
            assert target.argmax() == noise.labels[face] and target.sum() == 1
            index += 1
    assert index == 48  # the last two of 50 crops do not fill a batch


def test_affine_windows_turn_and_resize_up_to_their_bounds():
    plan = plan_epoch(5000, 0, seed=0, augment="random-affine", flip=True)
    degrees = np.degrees(plan.angle)
    assert -AFFINE_DEGREES <= degrees.min() < -0.95 * AFFINE_DEGREES
    assert 0.95 * AFFINE_DEGREES < degrees.max() <= AFFINE_DEGREES
    assert 1 / AFFINE_ZOOM <= plan.zoom.min() < 1 / AFFINE_ZOOM + 0.01
    assert AFFINE_ZOOM - 0.01 < plan.zoom.max() <= AFFINE_ZOOM * 1.000001
    assert set(plan.top) == set(plan.left) == set(range(7))


def test_affine_crops_show_what_lies_under_their_windows():
    # In a face whose pixels grow with the column or the row, a value tells a place.
    columns = np.tile(np.arange(48, dtype=np.uint8), (48, 1))
    faces = np.stack([columns, columns.T] * 20)
    plan = plan_epoch(len(faces), 0, seed=1, augment="random-affine", flip=True)
    assert plan.mirrored.any() and not plan.mirrored.all()
    ((crops, _),) = batches(faces, one_hot(np.zeros(len(faces), int)), plan, len(faces))
    found = crops.numpy()[..., 0] * 127.5 + 127.5
    across, down = np.meshgrid(np.arange(42) - 20.5, np.arange(42) - 20.5)
    for index, face in enumerate(plan.face):
        places = (-across if plan.mirrored[index] else across) + 1j * down
        places = places * plan.zoom[index] * np.exp(1j * plan.angle[index])
        places += plan.left[index] + 20.5 + 1j * (plan.top[index] + 20.5)
        expected = places.imag if face % 2 else places.real
        # Beyond the face its last pixels go on.
        np.testing.assert_allclose(found[index], expected.clip(0, 47), atol=1e-3)


def test_an_epoch_can_be_entered_in_the_middle(noise):
    plan = plan_epoch(len(noise), 0, seed=1, augment="five-crop", flip=True)
    targets = one_hot(noise.labels)
    whole = list(batches(noise.images, targets, plan, 8))
    rest = list(batches(noise.images, targets, plan, 8, first_step=4))
    assert len(whole) == 6 and len(rest) == 2
    for (expected, _), (found, _) in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(expected, found)


def test_light_changes_every_crop_within_its_bounds_and_leaves_the_order_alone():
    without = plan_epoch(3000, 2, seed=1, augment="random-crop", flip=True)
    plan = plan_epoch(3000, 2, seed=1, augment="random-crop", flip=True, light=1.0)
    np.testing.assert_array_equal(plan.face, without.face)
    np.testing.assert_array_equal(plan.windows(), without.windows())
    gamma, contrast, brightness = plan.light.T
    assert 0.5 <= gamma.min() < 0.52 and 1.9 < gamma.max() <= 2.0
    assert 0.75 <= contrast.min() < 0.77 and 1.23 < contrast.max() <= 1.25
    assert -0.25 <= brightness.min() < -0.23 and 0.23 < brightness.max() <= 0.25
    np.testing.assert_array_equal(without.light, np.tile(np.float32([1, 1, 0]), (3000, 1)))


def test_a_crop_is_lit_as_its_plan_says():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 42, 42, 1)).astype(np.float32)
    light = np.float32([[2, 1, 0], [0.5, 1.2, 0.1], [1, 1, 0]])
    found = relight(pixels, light).numpy()
    for crop, (gamma, contrast, brightness), result in zip(pixels, light, found, strict=True):
        value = contrast * ((crop.astype(np.float64) / 255) ** gamma - 0.5) + 0.5 + brightness
        np.testing.assert_allclose(result, 255 * np.clip(value, 0, 1), atol=1e-3)
    np.testing.assert_allclose(found[2], pixels[2], atol=1e-4)


def test_rectangles_are_erased_in_a_share_of_the_crops():
    faces = np.full((2000, 48, 48), 255, np.uint8)
    plan = plan_epoch(2000, 0, seed=3, augment="none", flip=False, erasing=0.3)
    ((crops, _),) = batches(faces, one_hot(np.zeros(2000, int)), plan, 2000)
    grey = crops.numpy()[..., 0] == 0
    erased = grey.any(axis=(1, 2))
    assert 0.26 < erased.mean() < 0.34
    for mask, (top, left, bottom, right) in zip(grey[erased], plan.erased[erased], strict=True):
        assert mask[top:bottom, left:right].all() and mask.sum() == (bottom - top) * (right - left)
        assert 6 <= bottom - top <= 17 and 6 <= right - left <= 17
        assert 0 <= top and bottom <= 42 and 0 <= left and right <= 42
