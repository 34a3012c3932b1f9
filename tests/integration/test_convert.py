"""``python -m fer_larq.convert``: what it writes, what it prints, and what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fer_larq import convert
from fer_larq.conversion import converter
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.training import run_folder
from fer_larq.utils.errors import UserError
from helpers.conversion_networks import random_network, with_shifted_threshold
from helpers.project import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def packable_run(monkeypatch, tmp_path, finished_run) -> str:
    """A run whose network is narrow, but wide enough to be packed."""
    description = run_folder.read_description(finished_run)
    weights = tmp_path / run_folder.BEST_WEIGHTS
    loaded = run_folder.LoadedNetwork(random_network(2), description, weights)
    monkeypatch.setattr(run_folder, "load_network", lambda source: loaded)
    return str(finished_run)


def test_a_run_becomes_a_model_that_knows_its_training(packable_run, tmp_path, capsys) -> None:
    file = tmp_path / "models" / "bdnn2.tflite"
    assert convert.main([packable_run, "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "verified: the same expression on all 120 faces, five crops each" in printed
    assert f"{file.stat().st_size:,} bytes" in printed

    model = TFLiteNetwork(file)
    account = model.document["run"]
    description = run_folder.read_description(Path(packable_run))
    assert account["recipe"] == description["recipe"]
    assert account["settings"]["seed"] == 3
    assert account["epochs"] == 2
    assert account["data"]["drawn"] is True
    assert account["accuracy"]["split"] == "validation (PublicTest)"
    assert account["accuracy"]["five crops"] == description["result"]["best"]["validation_five"]

    assert convert.main(["--show", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "seed: 3" in shown
    assert "labels: angry, disgust" in shown
    assert "LceBconv2d" in shown

    content = file.read_bytes()
    for path in (ROOT, tmp_path, Path("/tmp")):  # no path of this machine is told
        assert str(path).encode() not in content


def test_weights_that_are_not_the_best_carry_no_accuracy(finished_run, tmp_path) -> None:
    last, best = tmp_path / "last.tflite", tmp_path / "best.tflite"
    for weights, file in ((finished_run / run_folder.LAST_WEIGHTS, last), (finished_run, best)):
        convert.main([str(weights), "--out", str(file), "--format", "int8", "--crops", "none"])
    assert "accuracy" not in TFLiteNetwork(last).document["run"]
    assert "accuracy" in TFLiteNetwork(best).document["run"]


def test_a_model_that_is_not_the_network_is_not_written(
    packable_run, tmp_path, monkeypatch
) -> None:
    file = tmp_path / "bdnn2.tflite"
    file.write_bytes(b"what was there before")
    integer_network = converter.integer_network
    monkeypatch.setattr(
        converter,
        "integer_network",
        lambda network: with_shifted_threshold(integer_network(network)),
    )
    with pytest.raises(UserError, match="the first layer that differs is block 2, second conv"):
        convert.main([packable_run, "--out", str(file)])
    assert file.read_bytes() == b"what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["bdnn2.tflite"]


def test_all_faces_and_more_random_ones_take_part_in_a_full_verification(
    packable_run, tmp_path, few_faces, capsys
) -> None:
    file = tmp_path / "bdnn2.tflite"
    arguments = [packable_run, "--out", str(file), "--format", "float32"]
    with pytest.raises(UserError, match="give --data as well"):
        convert.main([*arguments, "--prove", "full"])  # the flag's former name
    assert convert.main([*arguments, "--verify", "full", "--data", "somewhere"]) == 0
    faces = len(few_faces.split("validation"))
    printed = capsys.readouterr().out
    assert (
        f"{faces} faces of synthetic faces, validation and 400 images of random pixels" in printed
    )
    assert f"on all {faces + 400} faces" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["RUN"], "give a run and --out FILE, or --show FILE"),
        (["--out", "x.tflite"], "give a run and --out FILE, or --show FILE"),
        (["RUN", "--out", "FOLDER"], "is a folder; --out takes the name of a file"),
        (["RUN", "--out", "RUN/run.json/x.tflite", "--format", "int8"], "cannot be written"),
        (["absent", "--out", "x.tflite"], "no such run folder"),
        (["RUN", "--out", "x.tflite"], "8 channels do not fill words of 32 bits"),
        (["--show", "absent.tflite"], "cannot be read"),
        (["--show", "RUN/run.json"], "no TFLite model"),
        (["--show", "FOLDER"], "cannot be read"),
    ],
)
def test_mistakes_are_answered_in_one_line(
    finished_run, tmp_path, capsys, arguments, message
) -> None:
    for name, path in (("RUN", finished_run), ("FOLDER", tmp_path)):
        arguments = [argument.replace(name, str(path)) for argument in arguments]
    with pytest.raises((UserError, SystemExit)) as caught:
        convert.main(arguments)
    if isinstance(caught.value, SystemExit):  # argparse has printed the line itself
        assert caught.value.code == 2
        assert message in capsys.readouterr().err
    else:
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_showing_needs_no_tensorflow_and_ends_with_two_for_what_is_no_model() -> None:
    script = (
        "import sys\n"
        "from fer_larq.convert import main\n"
        "from fer_larq.utils.errors import run_command\n"
        "sys.argv = ['convert', '--show', 'pyproject.toml']\n"
        "try:\n"
        "    run_command(main)\n"
        "finally:\n"
        "    print('tensorflow' in sys.modules)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 2
    assert process.stdout == "False\n"
    assert process.stderr.startswith("error: pyproject.toml: no TFLite model")
    assert process.stderr.count("\n") == 1
