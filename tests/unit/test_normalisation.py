"""The light of faces: normalisation in integers, and what it is worth to a model file."""

import numpy as np
import pytest

from fer_larq.datasets.normalisation import NORMALISATIONS, TAIL, normalise, stretch


def stretched_by_hand(face: np.ndarray) -> np.ndarray:
    """The definition, one pixel after the other, in Python's integers."""
    ordered = sorted(int(p) for p in face.ravel())
    low, high = ordered[TAIL - 1], ordered[-TAIL]
    if low == high:
        return face.copy()
    values = [
        min(255, max(0, ((int(p) - low) * 255 + (high - low) // 2) // (high - low)))
        for p in face.ravel()
    ]
    return np.array(values, np.uint8).reshape(face.shape)


def some_faces() -> np.ndarray:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (4, 48, 48), dtype=np.uint8)
    dim = random.integers(90, 97, (4, 48, 48), dtype=np.uint8)
    two_values = np.where(random.random((2, 48, 48)) < 0.02, 255, 7).astype(np.uint8)
    return np.concatenate([noise, dim, two_values])


def test_stretching_is_its_definition():
    faces = some_faces()
    for face, found in zip(faces, stretch(faces), strict=True):
        np.testing.assert_array_equal(found, stretched_by_hand(face))


def test_both_ends_are_reached_by_at_least_as_many_pixels_as_the_tail():
    found = stretch(some_faces()[:8])
    assert ((found == 0).sum(axis=(1, 2)) >= TAIL).all()
    assert ((found == 255).sum(axis=(1, 2)) >= TAIL).all()


def test_a_face_of_one_value_stays_and_a_stretched_one_too():
    flat = np.full((1, 48, 48), 93, np.uint8)
    np.testing.assert_array_equal(stretch(flat), flat)
    once = stretch(some_faces())
    np.testing.assert_array_equal(stretch(once), once)


def test_less_light_is_undone():
    face = np.random.default_rng(1).integers(0, 256, (1, 48, 48)).astype(np.float64)
    dark = np.rint(0.4 * face).astype(np.uint8)
    difference = stretch(dark).astype(int) - stretch(face.astype(np.uint8)).astype(int)
    # A step of the dark face is two and a half of the bright one's.
    assert np.abs(difference).max() <= 3
    assert np.abs(dark - face).mean() > 50


def test_none_leaves_faces_alone_and_an_unknown_name_is_an_error():
    faces = some_faces()
    assert normalise(faces, "none") is faces
    assert set(NORMALISATIONS) == {"none", "stretch"}
    with pytest.raises(ValueError, match="none of none, stretch"):
        normalise(faces, "equalise")
