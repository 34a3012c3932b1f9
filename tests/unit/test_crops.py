"""Crops and scaling against the same thing done by hand."""

import numpy as np
import pytest

from fer_larq.datasets import crops


@pytest.fixture
def two_faces():
    return np.random.default_rng(0).integers(0, 256, (2, 48, 48), dtype=np.uint8)


def test_five_crops_are_the_corners_and_the_centre(two_faces):
    cut = crops.cut(two_faces, "five")
    assert cut.shape == (2, 5, 42, 42) and cut.dtype == np.uint8
    for face, (top_left, top_right, bottom_left, bottom_right, centre) in zip(
        two_faces, cut, strict=True
    ):
        np.testing.assert_array_equal(top_left, face[:42, :42])
        np.testing.assert_array_equal(top_right, face[:42, 6:])
        np.testing.assert_array_equal(bottom_left, face[6:, :42])
        np.testing.assert_array_equal(bottom_right, face[6:, 6:])
        np.testing.assert_array_equal(centre, face[3:-3, 3:-3])


def test_ten_crops_are_five_and_their_mirror_images(two_faces):
    ten, five = crops.cut(two_faces, "ten"), crops.cut(two_faces, "five")
    np.testing.assert_array_equal(ten[:, :5], five)
    np.testing.assert_array_equal(ten[:, 5:], np.flip(five, axis=-1))


def test_the_centre_view_is_one_crop(two_faces):
    np.testing.assert_array_equal(crops.cut(two_faces, "centre")[:, 0], two_faces[:, 3:45, 3:45])


def test_unknown_crops_are_refused(two_faces):
    with pytest.raises(ValueError, match="none of five, ten, centre"):
        crops.cut(two_faces, "six")


def test_scaling_spans_minus_one_to_one_and_inverts_exactly():
    pixels = np.arange(256, dtype=np.float32)
    scaled = crops.scale(pixels)
    assert scaled.dtype == np.float32
    assert scaled[0] == -1 and scaled[255] == 1
    np.testing.assert_array_equal(np.round(scaled * 255), 2 * pixels - 255)
