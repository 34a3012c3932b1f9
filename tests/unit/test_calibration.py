"""Temperature scaling, the calibration error, and where the temperature goes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from fer_larq.evaluation.calibration import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
    probabilities,
)
from fer_larq.inference.face import Face, softmax
from fer_larq.tflite.metadata import model_document, temperature_of
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.utils.errors import UserError


def drawn_scores(temperature: float, count: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose labels are drawn from softmax at a temperature."""
    random = np.random.default_rng(0)
    scores = random.normal(0, 1, (count, 7)).astype(np.float32)
    shares = probabilities(scores, temperature)
    labels = (shares.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return scores, labels


@pytest.mark.parametrize("temperature", [0.2, 0.6, 1.0, 3.0])
def test_the_temperature_that_drew_the_labels_is_found(temperature):
    scores, labels = drawn_scores(temperature)
    assert fit_temperature(scores, labels) == pytest.approx(temperature, rel=0.12)


def test_a_fit_on_one_half_is_calibrated_on_the_other_and_no_fit_is_not():
    found = calibrate(*drawn_scores(0.3))
    assert found.expected_calibration_error < 0.03 < 0.1 < found.uncalibrated_error
    assert (found.faces, found.bins) == (6000, 15)


def test_the_error_is_that_of_the_definition():
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.55, 0.45]])
    labels = np.array([0, 1, 1, 1])
    # In the bins of 0.9, 0.8 and 0.55: half right, all right, none right.
    expected = (2 * abs(0.5 - 0.9) + abs(1 - 0.8) + abs(0 - 0.55)) / 4
    assert expected_calibration_error(shares, labels) == pytest.approx(expected)
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0


def test_probabilities_add_up_to_one_whatever_the_scores():
    for scores in ([800.0, -900.0, 3.0], [0.0] * 7, [-1e30, 1.0]):
        shares = softmax(scores, 0.4)
        assert sum(shares) == pytest.approx(1) and min(shares) >= 0
        assert shares == pytest.approx(probabilities(np.array([scores]), 0.4)[0].tolist())


def test_a_face_as_json_has_its_probabilities_or_null():
    scores = {"happy": 0.5, "sad": -0.5}
    face = Face(1, 2, 3, 4, 0.9, scores, {"happy": 0.9, "sad": 0.1}, 12.34, ("small",))
    assert json.loads(json.dumps(face.as_dict())) == {
        "face": 1,
        "box": {"left": 2, "top": 3, "width": 4, "height": 4},
        "angle": 12.3,
        "confidence": 0.9,
        "quality": ["small"],
        "expression": "happy",
        "scores": scores,
        "probabilities": {"happy": 0.9, "sad": 0.1},
    }
    assert Face(1, 2, 3, 4, 0.9, scores).as_dict()["probabilities"] is None
    assert face.bars()["happy"] == (0.9, "90%")
    assert Face(1, 2, 3, 4, 0.9, scores).bars()["sad"] == (0.25, "-0.50")


def test_a_models_metadata_hold_the_temperature_of_its_run():
    document = model_document("bdnn4", 1, "five", "one-bit", {"calibration": {"temperature": 0.4}})
    assert temperature_of(document, "m") == 0.4
    assert temperature_of(model_document("bdnn4", 1, "five", "one-bit", {}), "m") is None
    for bad in (0, -1, "warm", True, float("nan"), float("inf")):
        with pytest.raises(UserError, match="m: its temperature is"):
            temperature_of({"temperature": bad}, "m")


def test_evaluate_calibrates_a_run_and_packed_weights(finished_run, few_faces, tmp_path, capsys):
    from fer_larq import evaluate
    from fer_larq.models import packed_weights
    from fer_larq.training import run_folder
    from fer_larq.training.run_folder import load_network
    from fer_larq.weights.__main__ import main as pack

    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    assert evaluate.main([str(run), "--calibrate", "--out", str(tmp_path / "report")]) == 0
    assert "temperature" in capsys.readouterr().out
    written = json.loads((run / "run.json").read_text())["calibration"]
    assert written["temperature"] > 0 and written["split"] == "validation"

    packed = tmp_path / "packed.npz"
    assert pack([str(finished_run), "--out", str(packed)]) == 0
    arrays = packed_weights.read(packed)[1]
    assert evaluate.main([str(packed), "--calibrate", "--out", str(tmp_path / "report")]) == 0
    description, again = packed_weights.read(packed)
    assert description["calibration"]["temperature"] == pytest.approx(written["temperature"])
    assert arrays.keys() == again.keys() and arrays
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    assert load_network(packed).description["calibration"] == description["calibration"]
    for source in (run, packed):
        kept = run_folder.model_provenance(load_network(source))
        document = model_document("bdnn2", 1, "five", "one-bit", kept)
        assert temperature_of(document, "m") == pytest.approx(written["temperature"])
    with pytest.raises(UserError, match="convert it again"):
        run_folder.record_calibration("model.tflite", {})


def test_the_packaged_model_for_photographs_has_a_temperature():
    from fer_larq.inference.analyzer import PACKAGED_MODEL

    assert TFLiteNetwork(PACKAGED_MODEL).temperature is not None
