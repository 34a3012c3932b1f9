"""The synthetic faces: reproducible, balanced, different, and learnable."""

import numpy as np
import pytest
from PIL import Image

from fer_larq.datasets import synthetic
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import run_command


def test_a_seed_gives_the_same_bytes_whatever_the_count():
    few, more = synthetic.draw_faces(5, 7), synthetic.draw_faces(12, 7)
    np.testing.assert_array_equal(few.images, more.images[:5])
    np.testing.assert_array_equal(few.labels, more.labels[:5])


def test_faces_differ_within_a_seed_and_between_seeds():
    some = np.concatenate([synthetic.draw_faces(21, seed).images for seed in (0, 1, 2)])
    assert len({face.tobytes() for face in some}) == 63


def test_expressions_are_equally_frequent():
    drawn = synthetic.draw_faces(35, 0)
    assert drawn.counts == (5,) * 7
    assert drawn.images.shape == (35, 48, 48) and drawn.images.dtype == np.uint8
    assert drawn.labels.dtype == np.int64


def test_no_face_is_blank():
    assert synthetic.draw_faces(70, 3).images.std(axis=(1, 2)).min() > 4


def test_splits_have_the_sizes_asked_for_and_share_no_face():
    dataset = synthetic.synthetic_dataset(28, 14, 0, seed=1)
    assert {name: len(split) for name, split in dataset.splits.items()} == {
        "training": 28,
        "validation": 14,
    }
    assert dataset.split("training").counts == (4,) * 7
    everything = [face.tobytes() for split in dataset.splits.values() for face in split.images]
    assert len(set(everything)) == 42
    assert dataset.synthetic and dataset.source == "seed 1"
    assert dataset.fingerprint == synthetic.synthetic_dataset(28, 14, 0, seed=1).fingerprint
    assert dataset.fingerprint != synthetic.synthetic_dataset(28, 14, 0, seed=2).fingerprint


def test_the_expression_can_be_learnt_from_the_pixels_but_not_trivially():
    def pixels(drawn):
        coarse = drawn.images.reshape(-1, 12, 4, 12, 4).mean(axis=(2, 4)).reshape(-1, 144)
        coarse -= coarse.mean(axis=1, keepdims=True)
        return np.c_[coarse / (coarse.std(axis=1, keepdims=True) + 1), np.ones(len(coarse))]

    training, validation = synthetic.draw_faces(700, 0), synthetic.draw_faces(350, 1)
    known, asked = pixels(training), pixels(validation)
    # Ridge regression on the one-hot labels.
    targets = np.eye(7)[training.labels]
    weights = np.linalg.solve(known.T @ known + 30 * np.eye(145), known.T @ targets)
    accuracy = np.mean((asked @ weights).argmax(axis=1) == validation.labels)
    assert 0.25 < accuracy < 0.75, "chance is 0.14"


def test_the_command_writes_a_sheet_with_every_expression(tmp_path, capsys):
    path = tmp_path / "new" / "sheet.png"
    assert synthetic.main(["--out", str(path), "--seed", "2", "--columns", "3"]) == 0
    with Image.open(path) as sheet:
        sheet = np.asarray(sheet)
    assert sheet.shape == (len(EXPRESSIONS) * 96, 84 + 3 * 96)
    labels = sheet[:, :84].reshape(len(EXPRESSIONS), 96, 84)
    assert all(label.min() < 64 for label in labels), "a name stands before every row"
    assert str(path) in capsys.readouterr().out


def test_a_sheet_that_is_no_png_is_refused_and_nothing_lost(tmp_path, capsys):
    path = tmp_path / "notes.txt"
    path.write_text("keep me")
    with pytest.raises(SystemExit) as end:
        run_command(lambda: synthetic.main(["--out", str(path)]))
    assert end.value.code == 2
    assert (
        "notes.txt is no PNG file: give --out a name that ends in .png" in capsys.readouterr().err
    )
    assert path.read_text() == "keep me"
