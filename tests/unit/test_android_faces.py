"""How the app cuts out a face, in NumPy: close to the desktop, and what its tests compare with."""

import sys

import numpy as np
import pytest
from PIL import Image

from fer_larq.inference.geometry import Box, cut_face
from helpers.project import ROOT

sys.path.insert(0, str(ROOT / "android_demo"))

import golden


def photograph_like(size=400):
    """Smooth grey of all values, uint8 ``[size, size]``, with edges and some noise."""
    random = np.random.default_rng(2)
    coarse = Image.fromarray(random.integers(0, 256, (40, 40), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC), np.float64)
    smooth[120:150] *= 0.5
    return np.clip(smooth + random.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("angle", [0, 9, 45, -68, 120, 180])
def test_a_face_is_cut_out_as_on_the_desktop(angle):
    image = photograph_like()
    for left, top, side in ((120, 100, 151), (150, 140, 98), (130, 120, 160)):
        ours = golden.cut(image, left, top, side, angle).astype(int)
        desktop = cut_face(image, Box(left, top, side, angle=float(angle))).astype(int)
        difference = np.abs(ours - desktop)
        # The square around a turned one is rounded to whole pixels in two ways.
        assert difference.max() <= (1 if angle == 0 else 12)
        assert difference.mean() < 1


def test_a_face_beyond_the_edge_is_cut_out_as_on_the_desktop():
    image = photograph_like()
    for left, top, angle in ((-30, 100, 0), (320, 330, 0), (-30, 100, 30), (320, 330, 100)):
        ours = golden.cut(image, left, top, 120, angle).astype(int)
        desktop = cut_face(image, Box(left, top, 120, angle=float(angle))).astype(int)
        assert np.abs(ours - desktop).mean() < 4


def test_the_golden_faces_are_what_the_definition_gives(tmp_path, monkeypatch):
    kept = {path.name: path.read_bytes() for path in golden.GOLDEN.iterdir()}
    monkeypatch.setattr(golden, "GOLDEN", tmp_path / "golden")
    golden.make()
    made = {path.name: path.read_bytes() for path in (tmp_path / "golden").iterdir()}
    assert made == kept
