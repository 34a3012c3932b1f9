"""fer_larq.inference: from a face to named scores, without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_larq.conversion.lce import lce_runner
from fer_larq.datasets.crops import FACE_SIZE
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.inference.classifier import FaceClassifier
from fer_larq.tflite import delegate
from fer_larq.utils.errors import UserError
from helpers.delegate_build import build
from helpers.project import ROOT


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory):
    """Lets ``fer_larq.tflite`` use a fresh build of the delegate."""
    directory = build(tmp_path_factory.mktemp("lce_delegate"), "-DLCE_BUILD_TESTS=OFF")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(delegate.LIBRARY_VARIABLE, str(directory / delegate.NAME))
        yield


@pytest.fixture(scope="module")
def packed_model(tmp_path_factory) -> Path:
    """An untrained BDNN2 an eighth as wide, converted with its five crops inside."""
    pytest.importorskip("fer_larq.utils.backend")
    from fer_larq.conversion.converter import build_model
    from fer_larq.models.bdnn import bdnn

    network = bdnn(2, filters=(32, 32), dense_units=(32, 32))
    path = tmp_path_factory.mktemp("models") / "small.tflite"
    path.write_bytes(build_model(network, {}, "five"))
    return path


@pytest.fixture
def faces() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, FACE_SIZE, FACE_SIZE)).astype(np.uint8)


def test_a_face_gives_seven_named_scores_that_are_those_of_lce(packed_model, faces):
    classifier = FaceClassifier(packed_model)
    run = lce_runner(packed_model.read_bytes())
    for face in faces:
        scores = classifier.predict(face)
        assert tuple(scores) == EXPRESSIONS
        expected = run(face[np.newaxis, ..., np.newaxis])[0][0]
        assert np.array_equal(np.float32(list(scores.values())), expected)


def test_many_faces_give_the_same_scores_as_one_by_one_on_any_number_of_threads(
    packed_model, faces
):
    one, three = FaceClassifier(packed_model), FaceClassifier(packed_model, num_threads=3)
    scores = three.scores(faces)
    assert scores.shape == (len(faces), len(EXPRESSIONS))
    assert [dict(zip(EXPRESSIONS, row, strict=True)) for row in scores.tolist()] == [
        one.predict(face) for face in faces
    ]


@pytest.mark.parametrize(
    "face",
    [
        np.zeros((42, 42), np.uint8),
        np.zeros((48, 48), np.float32),
        np.zeros((48, 48, 3), np.uint8),
        np.zeros(48, np.uint8),
    ],
    ids=lambda face: f"{face.dtype}{list(face.shape)}",
)
def test_what_is_no_face_is_refused_in_one_line(packed_model, face):
    with pytest.raises(UserError) as refusal:
        FaceClassifier(packed_model).predict(face)
    assert "\n" not in str(refusal.value)


def test_a_model_that_takes_crops_is_refused_with_the_remedy(tmp_path):
    pytest.importorskip("fer_larq.utils.backend")
    from fer_larq.conversion.converter import build_model
    from fer_larq.models.bdnn import bdnn

    path = tmp_path / "crops.tflite"
    path.write_bytes(build_model(bdnn(2, filters=(32, 32), dense_units=(32, 32)), {}, "none"))
    with pytest.raises(UserError, match="--crops five"):
        FaceClassifier(path)


def test_damaged_and_absent_files_are_refused_in_one_line_that_names_them(packed_model, tmp_path):
    content = packed_model.read_bytes()
    flipped = content[:2000] + bytes([content[2000] ^ 1]) + content[2001:]
    for damaged in (b"", b"nothing", content[:1000], content[:8] + b"\xff" * 2000, flipped):
        path = tmp_path / "damaged.tflite"
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"damaged\.tflite"):
            FaceClassifier(path)
    with pytest.raises(UserError, match=r"absent\.tflite"):
        FaceClassifier(tmp_path / "absent.tflite")


def test_without_a_built_delegate_one_line_says_what_to_install(
    monkeypatch, packed_model, tmp_path
):
    monkeypatch.delenv(delegate.LIBRARY_VARIABLE)
    monkeypatch.setattr(delegate, "INSTALLED", ())
    monkeypatch.setattr(delegate, "BUILT", tmp_path / "absent")
    with pytest.raises(UserError, match="C compiler") as refusal:
        FaceClassifier(packed_model)
    assert "\n" not in str(refusal.value)


def test_a_new_process_classifies_a_face_without_importing_tensorflow(packed_model):
    program = f"""
import sys
import numpy as np
from fer_larq.inference.classifier import FaceClassifier
scores = FaceClassifier({str(packed_model)!r}).predict(np.zeros((48, 48), np.uint8))
assert len(scores) == 7
print(sorted({{"tensorflow", "larq", "pandas", "matplotlib", "sklearn"}} & set(sys.modules)))
"""
    finished = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert finished.stdout.strip() == "[]"


def test_the_command_names_the_library_and_its_kernels():
    command = [sys.executable, "-m", "fer_larq.tflite"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0
    assert str(delegate.library_path()) in finished.stdout
    assert "portable" in finished.stdout
    assert finished.stderr == ""
