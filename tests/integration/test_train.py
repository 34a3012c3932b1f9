"""Training: what it leaves behind, how it stops and goes on, and what it refuses."""

import csv
import json
import os
import random
import re
import signal
import socket
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from helpers.project import ROOT, SMALL_RECIPE, start

pytest.importorskip("fer_larq.utils.backend")

from fer_larq import train
from fer_larq.datasets import labels, loading, synthetic
from fer_larq.datasets.label_schemes import SEVEN, VOTE_COLUMNS
from fer_larq.models.registry import build_network
from fer_larq.training import (
    augmentation,
    batch_statistics,
    losses,
    optimizers,
    precision,
    run_folder,
    run_settings,
    trainer,
)
from fer_larq.training.recipes import RECIPES, Recipe
from fer_larq.utils.backend import lq, tf
from fer_larq.utils.errors import UserError

pytestmark = pytest.mark.slow

SMALL = Recipe(blocks=2, width=0.125, batch_size=32, epochs=2)


def digest_in(output: str) -> str:
    return re.search(r"weights sha256 (\w{64})", output)[1]


def test_a_run_leaves_its_whole_account_behind(finished_run, drawn):
    description = json.loads((finished_run / "run.json").read_text())
    assert (
        description["recipe"]["blocks"] == 2 and description["recipe"]["augment"] == "random-crop"
    )
    assert description["settings"]["seed"] == 3
    assert description["data"]["fingerprint"] == drawn.fingerprint and description["data"]["drawn"]
    assert description["versions"]["larq"] == "0.14.0"
    assert description["result"]["finished"] and description["result"]["epochs"] == 2

    with (finished_run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    best = max(float(row["validation_five"]) for row in rows)
    assert description["result"]["best"]["validation_five"] == best
    assert float(rows[1]["training_loss"]) < float(rows[0]["training_loss"])

    assert Image.open(finished_run / "curve.png").size[0] > 500
    assert list((finished_run / "tensorboard").glob("events*"))
    assert not list(finished_run.rglob(".*")), "no temporary file stays behind"


def test_the_best_weights_are_those_of_the_best_figure(finished_run, drawn):
    loaded = run_folder.load_network(finished_run)
    from fer_larq.evaluation.metrics import accuracies
    from fer_larq.models.bdnn import predictor

    found = accuracies(predictor(loaded.network), drawn.split("validation"))
    best = loaded.description["result"]["best"]
    assert found == {"five": best["validation_five"], "centre": best["validation_centre"]}


def test_killed_and_stopped_runs_end_in_the_weights_of_an_undisturbed_one(tmp_path, published_csv):
    recipe = (*SMALL_RECIPE, "--ema-decay", "0.9")  # averages have to survive as well
    arguments = ("--data", published_csv, "--deterministic", "--checkpoint-minutes", "0.001")
    undisturbed = start("fer_larq.train", *recipe, *arguments, "--out", tmp_path / "whole")
    expected, _ = undisturbed.communicate(timeout=300)
    assert undisturbed.returncode == 0, expected

    run = tmp_path / "broken"
    outputs = []
    for number in (signal.SIGKILL, signal.SIGTERM, None):
        begin = ("--resume",) if run.exists() else recipe
        process = start("fer_larq.train", *begin, *arguments, "--out", run)
        if number is not None:
            checkpoints = set((run / "checkpoints").glob("*.index"))
            while process.poll() is None and not (
                set((run / "checkpoints").glob("*.index")) - checkpoints
            ):
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.1))  # a step that nobody chose
            process.send_signal(number)
        outputs.append(process.communicate(timeout=300)[0])
        assert process.returncode == {
            signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 128 + signal.SIGTERM, None: 0,
        }[number], outputs[-1]  # fmt: skip
    assert "go on with: python -m fer_larq.train --resume" in outputs[1]
    assert digest_in(outputs[-1]) == digest_in(expected)
    assert (run / "history.csv").read_text().count("\n") == 3
    weights = [
        run_folder.load_network(folder).network.get_weights()
        for folder in (run, tmp_path / "whole")
    ]
    for broken, whole in zip(*weights, strict=True):
        np.testing.assert_array_equal(broken, whole)


def test_two_workers_on_loopback_end_with_identical_weights(tmp_path, published_csv):
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    workers = [
        start(
            "fer_larq.train", *SMALL_RECIPE, "--data", published_csv, "--out", tmp_path / "run",
            "--strategy", "multi-worker",
            environment={
                "TF_CONFIG": json.dumps(
                    {"cluster": cluster, "task": {"type": "worker", "index": index}}
                )
            },
        )
        for index in range(2)
    ]  # fmt: skip
    outputs = [worker.communicate(timeout=300)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert digest_in(outputs[0]) == digest_in(outputs[1])
    assert run_folder.read_description(tmp_path / "run")["result"]["finished"]


def test_bop_keeps_every_binary_weight_a_sign_and_learns(tmp_path):
    recipe = replace(RECIPES["bop"], blocks=2, width=0.25, epochs=6)
    dataset = synthetic.synthetic_dataset(training=2048, validation=256, test=0, seed=0)
    training = trainer.Training(
        recipe, run_settings.Settings(), dataset, tmp_path / "run", tf.distribute.get_strategy()
    )
    kernels = [
        layer.kernel
        for layer in training.network.layers
        if isinstance(layer, (lq.layers.QuantConv2D, lq.layers.QuantDense))
    ]
    begin = [kernel.numpy() for kernel in kernels]
    one_step = training.network.make_train_function()

    def checked_step(iterator):
        logs = one_step(iterator)
        for kernel in kernels:
            assert (np.abs(kernel.numpy()) == 1).all()
        return logs

    training.network.make_train_function = lambda: checked_step
    training.train()
    assert any((kernel.numpy() != old).any() for kernel, old in zip(kernels, begin, strict=True))
    # Chance is 14.3 %, and its standard deviation over 256 faces 2.2 points.
    first, best = training.history.rows[0], training.history.best()
    assert best["validation_five"] >= 0.25
    assert best["validation_five"] > float(first["validation_five"])


def test_an_average_of_the_latent_weights_is_kept_in_their_place(drawn, tmp_path):
    recipe = replace(SMALL, ema_decay=0.75)
    training = trainer.Training(
        recipe, run_settings.Settings(), drawn, tmp_path, tf.distribute.get_strategy()
    )
    faces = drawn.split("training").images[:32, 3:45, 3:45, None] / np.float32(127.5) - 1
    average = training.network.get_weights()[0]
    for _ in range(4):
        training.network.train_on_batch(faces, training.targets[:32])
        average = 0.75 * average + 0.25 * training.network.get_weights()[0]
    latent = training.network.get_weights()[0]
    np.testing.assert_allclose(training._weights_to_keep()[0], average, rtol=1e-5)
    np.testing.assert_array_equal(training.network.get_weights()[0], latent)
    assert np.abs(latent - average).max() > 1e-4
    with pytest.raises(UserError, match="from 0 to below 1"):
        optimizers.make_optimizer(replace(recipe, ema_decay=1.0), 1)
    with pytest.raises(UserError, match="have no average"):
        optimizers.make_optimizer(replace(recipe, optimizer="bop"), 1)


def test_squared_hinge_is_the_papers_and_smoothing_shrinks_its_targets():
    scores = np.array([[2.0, -0.5, 0.3, -3, 0, 1, -1]], np.float32)
    label = np.eye(7, dtype=np.float32)[[1]]
    signs = 2 * label - 1
    expected = np.mean(np.maximum(0, 1 - signs * scores) ** 2)
    loss = losses.make_loss(Recipe())
    assert float(loss(label, scores)) == pytest.approx(expected)
    assert float(tf.keras.losses.SquaredHinge()(signs, scores)) == pytest.approx(expected)
    right, wrong = (np.maximum(0, 1 - sign * scores) ** 2 for sign in (signs, -signs))
    loss = losses.make_loss(Recipe(label_smoothing=0.2))
    assert float(loss(label, scores)) == pytest.approx(np.mean(0.9 * right + 0.1 * wrong))


def test_soft_targets_ask_for_the_score_that_their_probability_deserves():
    loss = losses.make_loss(Recipe())
    probabilities = tf.constant([[0.0, 0.1, 0.5, 0.8, 1.0]])
    scores = tf.Variable(2 * probabilities - 1)
    with tf.GradientTape() as tape:
        value = loss(probabilities, scores)
    np.testing.assert_allclose(tape.gradient(value, scores), 0, atol=1e-6)


def test_fresh_statistics_are_the_mean_over_batches(drawn):
    network = build_network(SMALL)
    faces = drawn.split("training")
    batch_statistics.refresh_batch_statistics(network, faces, SMALL, seed=5)
    first = next(
        layer for layer in network.layers if isinstance(layer, tf.keras.layers.BatchNormalization)
    )
    plan = augmentation.plan_epoch(len(faces), 0, 5, SMALL.augment, SMALL.flip)
    before = tf.keras.Model(network.input, first.input)
    order = augmentation.batches(faces.images, labels.one_hot(faces.labels), plan, SMALL.batch_size)
    batches = [before(crops).numpy() for crops, _ in order]
    expected = np.mean([batch.mean(axis=(0, 1, 2)) for batch in batches], axis=0)
    np.testing.assert_allclose(first.moving_mean, expected, rtol=1e-4, atol=1e-4)
    assert first.momentum == SMALL.momentum


def test_bfloat16_trains_in_bfloat16_and_is_judged_in_float32(tmp_path, drawn):
    training = trainer.Training(
        SMALL, run_settings.Settings(precision="bfloat16"), drawn, tmp_path / "run",
        tf.distribute.get_strategy(),
    )  # fmt: skip
    assert {layer.compute_dtype for layer in training.exact.layers} == {"float32"}
    convolution = training.network.layers[1]
    assert convolution.compute_dtype == "bfloat16" and convolution.dtype == "float32"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu avx2 avx512_bf16", "bfloat16"), ("fpu avx2 avx512f", "float32"), ("fpu", "float32")],
)
def test_auto_precision_follows_the_processor(monkeypatch, flags, expected):
    monkeypatch.setattr(precision.Path, "read_text", lambda *_, **__: f"flags : {flags}\n")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(precision.kernels, "available", lambda: False)
    assert precision.choose_precision("auto", SMALL) == expected
    assert precision.choose_precision("float32", SMALL) == "float32"
    monkeypatch.setattr(precision.kernels, "available", lambda: True)
    assert precision.choose_precision("auto", SMALL) == "int8"
    assert precision.choose_precision("float32", SMALL) == "float32"


def refusal(*arguments: object) -> str:
    with pytest.raises(UserError) as error:
        train.main([str(argument) for argument in arguments])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_finished_run_is_never_overwritten(finished_run, few_faces):
    before = (finished_run / "run.json").read_bytes()
    assert "already holds a run" in refusal("--out", finished_run)
    assert (finished_run / "run.json").read_bytes() == before


def test_resume_refuses_other_settings_and_other_data(finished_run, few_faces, monkeypatch):
    resume = ("--resume", "--out", finished_run)
    assert "was begun with seed 3, so it cannot go on with 4" in refusal(*resume, "--seed", "4")
    assert "was begun with blocks 2" in refusal(*resume, "--blocks", "4")
    other = replace(few_faces, fingerprint="0" * 64)
    monkeypatch.setattr(loading, "load", lambda source, **_: other)
    assert "was begun on other data" in refusal(*resume)


def test_resume_without_a_run_is_refused(tmp_path, few_faces):
    assert "no run folder" in refusal("--resume", "--out", tmp_path / "nothing")


def test_a_damaged_checkpoint_is_named(finished_run, few_faces, tmp_path):
    import shutil

    run = tmp_path / "damaged"
    shutil.copytree(finished_run, run)
    for file in (run / "checkpoints").glob("*.data*"):
        os.truncate(file, 100)
    assert "damaged checkpoint" in refusal("--resume", "--out", run)


def test_a_run_that_goes_on_keeps_its_result_meanwhile(finished_run, few_faces, tmp_path):
    import shutil

    run = tmp_path / "longer"
    shutil.copytree(finished_run, run)
    before = run_folder.read_description(run)["result"]
    training = trainer.Training(
        replace(SMALL, augment="random-crop", flip=True, epochs=5), run_settings.Settings(seed=3),
        few_faces, run, tf.distribute.get_strategy(),
    )  # fmt: skip
    training.resume()
    training._train_epoch = lambda *_: (_ for _ in ()).throw(trainer.Stopped(signal.SIGTERM))
    with pytest.raises(trainer.Stopped):
        training.train()
    after = run_folder.read_description(run)["result"]
    assert after["best"] == before["best"] and after["epochs"] == 2 and not after["finished"]


def test_a_checkpoint_of_other_layers_is_refused(finished_run, few_faces, tmp_path, monkeypatch):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    compiled_network = trainer.compiled_network

    def with_one_layer_more(recipe, precision, steps):
        network = compiled_network(recipe, precision, steps)
        scores = tf.keras.layers.BatchNormalization()(network.output)
        longer = tf.keras.Model(network.input, scores, name=network.name)
        longer.compile(optimizers.make_optimizer(recipe, steps), loss=losses.make_loss(recipe))
        return longer

    monkeypatch.setattr(trainer, "compiled_network", with_one_layer_more)
    refused = refusal("--resume", "--epochs", "3", "--out", run)
    assert "the checkpoint of another network than bdnn2" in refused


def test_a_batch_larger_than_the_data_is_refused(tmp_path, few_faces):
    assert "smaller --batch-size" in refusal("--batch-size", "512", "--out", tmp_path / "run")


def test_more_epochs_can_be_added_to_a_finished_run(finished_run, few_faces, tmp_path, capsys):
    import shutil

    run = tmp_path / "longer"
    shutil.copytree(finished_run, run)
    assert train.main(["--resume", "--epochs", "3", "--out", str(run)]) == 0
    with (run / "history.csv").open(newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2", "3"]
    assert run_folder.read_description(run)["recipe"]["epochs"] == 3


def test_epochs_between_validations_are_logged_without_figures(tmp_path, few_faces):
    run = tmp_path / "run"
    every = ["--epochs", "4", "--validate-every", "2", "--out", str(run)]
    assert train.main([*SMALL_RECIPE, *every]) == 0
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["validation_five"] != "" for row in rows] == [True, False, True, True]
    assert rows[1]["best"] == "False" and rows[1]["training_accuracy"] != ""
    assert run_folder.read_description(run)["result"]["epochs"] == 4


TRAINED = {
    "bdnn2": ("bdnn2", "Adam", "SoftSquaredHinge", 0),
    "bdnn3": ("bdnn3", "Adam", "SoftSquaredHinge", 0),
    "bdnn4": ("bdnn4", "Adam", "SoftSquaredHinge", 0),
    "bcnn4": ("bcnn4", "Adam", "SoftSquaredHinge", 0),
    "bdnn4-no-crops": ("bdnn4", "Adam", "SoftSquaredHinge", 0),
    "augmented": ("bdnn4", "Adam", "SoftSquaredHinge", 0),
    "photographs": ("bdnn4", "Adam", "SoftSquaredHinge", 0),
    "distilled": ("bdnn4", "Adam", "CategoricalCrossentropy", 0.7),
    "bop": ("bdnn4", "CaseOptimizer", "SoftSquaredHinge", 0),
    "teacher": ("residual", "SGD", "CategoricalCrossentropy", 0),
}
"""Network, optimizer, loss and share of a teacher's answers of every recipe."""


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_the_network_that_it_names(name):
    recipe = RECIPES[name]
    network, optimizer, loss, share = TRAINED[name]
    assert build_network(replace(recipe, width=0.125)).name == recipe.network == network
    assert type(optimizers.make_optimizer(recipe, 100)).__name__ == optimizer
    assert type(losses.make_loss(recipe)).__name__ == loss
    assert recipe.distillation_weight == share


def test_help_names_every_recipe_and_every_value_of_the_default(capsys):
    with pytest.raises(SystemExit) as leaving:
        train.main(["--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in RECIPES)
    assert "--learning-rate" in text and "0.002" in text


@pytest.mark.parametrize("found", ["3.9", "3.13"])
def test_an_unsuitable_python_gets_one_line_that_says_why(tmp_path, found):
    import subprocess

    python = tmp_path / "python"
    # Answers the version check as Python 3.9 or 3.13 would: with exit code 1.
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / ".ci/environment", tmp_path / "venv", python], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Python 3.10, 3.11 or 3.12 is needed" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "venv").exists()


@pytest.fixture
def with_votes(monkeypatch, drawn):
    """``drawn`` with votes: nine for the label, one for neutral; every eighth is no face."""
    splits = {}
    for name, split in drawn.splits.items():
        votes = np.zeros((len(split), len(VOTE_COLUMNS)), np.uint8)
        votes[:, VOTE_COLUMNS.index("neutral")] += 1
        votes[np.arange(len(split)), np.array(SEVEN)[split.labels]] += 9
        votes[::8] = 0
        votes[::8, VOTE_COLUMNS.index("NF")] = 10
        splits[name] = replace(split, votes=votes)
    dataset = replace(drawn, splits=splits)
    asked_for = []

    def load(source, *, ferplus=None):
        asked_for.append(ferplus)
        return dataset if ferplus else drawn

    monkeypatch.setattr(loading, "load", load)
    return asked_for


@pytest.mark.parametrize("labels", ["ferplus", "both"])
def test_a_network_learns_from_votes_and_leaves_out_what_is_no_face(labels, with_votes, tmp_path):
    run = tmp_path / "run"
    arguments = [*SMALL_RECIPE, "--epochs", "1", "--labels", labels, "--out", str(run)]
    assert train.main(arguments) == 0
    assert with_votes == [True]
    description = run_folder.read_description(run)
    assert description["recipe"]["labels"] == labels
    assert description["left_out"]["training"]["no face"] == 32
    assert description["left_out"]["validation"].get("no face", 0) == (labels == "ferplus") * 16
    assert len(description["data"]["ferplus"]["fingerprint"]) == 64
    assert train.main(["--resume", "--epochs", "2", "--out", str(run)]) == 0
    assert with_votes == [True, True]


def test_votes_are_not_read_where_nobody_asks_for_them(with_votes, tmp_path):
    arguments = [*SMALL_RECIPE, "--epochs", "1", "--out", str(tmp_path / "run")]
    assert train.main(arguments) == 0
    assert with_votes == [False]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_training_that_diverges_stops_with_one_line(optimizer, few_faces, tmp_path):
    run = tmp_path / "run"
    arguments = ["--topology", "residual", "--no-binary", "--width", "0.125", "--epochs", "4"]
    with pytest.raises(UserError, match=r"not finite in epoch \d, step \d+: .*--learning-rate"):
        train.main([*arguments, "--optimizer", optimizer, "--learning-rate", "1e38",
                    "--loss", "cross-entropy", "--out", str(run)])  # fmt: skip
    assert run_folder.read_description(run)["recipe"]["learning_rate"] == 1e38
