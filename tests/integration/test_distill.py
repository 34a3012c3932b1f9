"""Float networks, teachers, and runs that start from others."""

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.project import SMALL_RECIPE

pytest.importorskip("fer_larq.utils.backend")

from fer_larq import train
from fer_larq.conversion.converter import build_model
from fer_larq.datasets import loading
from fer_larq.datasets.labels import one_hot
from fer_larq.models.bdnn import bdnn
from fer_larq.training import distillation, recipes, run_folder, run_settings, trainer
from fer_larq.training.augmentation import batches
from fer_larq.training.recipes import RECIPES, Recipe
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError
from fer_larq.weights import __main__ as pack_weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, drawn):
    """The folder of a small residual network, trained for two epochs on ``drawn``."""
    run = tmp_path_factory.mktemp("runs") / "teacher"
    small = ["--width", "0.125", "--batch-size", "32", "--epochs", "2", "--seed", "3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", lambda source, **_: drawn)
        assert train.main(["--recipe", "teacher", *small, "--out", str(run)]) == 0
    return run


@pytest.fixture(scope="module")
def float_twin(tmp_path_factory, drawn):
    """The folder of a BDNN2 with real weights, trained for two epochs on ``drawn``."""
    run = tmp_path_factory.mktemp("runs") / "float_twin"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", lambda source, **_: drawn)
        assert train.main([*SMALL_RECIPE, "--no-binary", "--out", str(run)]) == 0
    return run


def refusal(main, *arguments: object) -> str:
    with pytest.raises(UserError) as error:
        main([str(argument) for argument in arguments])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_float_twin_has_the_same_layers_and_no_signs():
    binary = bdnn(2, filters=(8, 16), dense_units=(32, 32))
    twin = bdnn(2, binary=False, filters=(8, 16), dense_units=(32, 32))
    assert [(type(a), a.output.shape) for a in twin.layers] == [
        (type(b), b.output.shape) for b in binary.layers
    ]
    crops = tf.random.uniform((4, 42, 42, 1), -1, 1, seed=1)
    before = twin(crops).numpy()
    convolution = next(layer for layer in twin.layers if layer.weights)
    convolution.set_weights([1.01 * convolution.get_weights()[0]])
    after = twin(crops).numpy()
    # Signs would not notice a factor of 1.01; a float network follows it.
    assert 0 < np.abs(after - before).max() < 0.1 * np.abs(before).max()


def test_targets_hold_the_teachers_answer_for_the_very_crop(teacher, drawn):
    recipe = replace(
        RECIPES["distilled"],
        temperature=2.0,
        augment="random-affine",
    )
    teach, provenance = distillation.teacher(str(teacher), recipe, "float32")
    faces = trainer.normalised(drawn.split("training"), recipe)
    plan = recipes.plan_of(recipe, len(faces), epoch=0, seed=5)
    hard = one_hot(faces.labels)
    crops, targets = next(iter(batches(faces.images, hard, plan, 16, teach=teach)))
    scores = run_folder.load_network(teacher).network(crops).numpy().astype(np.float64) / 2
    answer = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = 0.3 * hard[plan.face[:16]] + 0.7 * answer
    np.testing.assert_allclose(targets, expected, atol=1e-5)
    assert provenance["recipe"]["topology"] == "residual"
    assert len(provenance["weights_sha256"]) == 64

    teach_in_bfloat16, provenance = distillation.teacher(str(teacher), recipe, "bfloat16")
    rounded = teach_in_bfloat16(crops, hard[plan.face[:16]])
    np.testing.assert_allclose(rounded, expected, atol=0.02)
    assert np.abs(rounded - targets).max() > 0 and provenance["precision"] == "bfloat16"


def test_a_pupil_learns_and_names_its_teacher_but_no_file(teacher, drawn, tmp_path, few_faces):
    run, packed = tmp_path / "pupil", tmp_path / "pupil.npz"
    arguments = ["--recipe", "distilled", *SMALL_RECIPE, "--epochs", "1"]
    assert train.main([*arguments, "--teacher", str(teacher), "--out", str(run)]) == 0
    description = run_folder.read_description(run)
    assert description["settings"]["teacher_run"] == str(teacher)
    assert description["teacher"]["network"] == "residual-width0.125"
    assert train.main(["--resume", "--epochs", "2", "--out", str(run)]) == 0
    assert pack_weights.main([str(run), "--out", str(packed)]) == 0
    text = json.dumps(run_folder.load_network(packed).description)
    assert str(teacher) not in text and '"teacher_run"' not in text
    assert '"distillation_weight": 0.7' in text and "residual-width0.125" in text


def test_a_recipe_and_its_teacher_have_to_agree(teacher, tmp_path, few_faces):
    out = ("--out", tmp_path / "run")
    small = ("--blocks", "2", "--width", "0.125")
    assert "needs a teacher" in refusal(train.main, "--recipe", "distilled", *small, *out)
    assert "without --distillation-weight" in refusal(
        train.main, *small, "--teacher", teacher, *out
    )
    share = ("--distillation-weight", "1.5", "--teacher", teacher)
    assert "a share" in refusal(train.main, *small, *share, *out)
    unlike = (
        "--recipe",
        "distilled",
        "--normalisation",
        "none",
        "--teacher",
        teacher,
    )
    assert "--normalisation stretch" in refusal(train.main, *unlike, *small, *out)
    assert "no such run folder" in refusal(
        train.main,
        "--recipe",
        "distilled",
        "--teacher",
        tmp_path / "absent",
        *small,
        *out,
    )
    assert not (tmp_path / "run").exists()


def test_a_residual_network_is_no_binary_one(teacher, tmp_path):
    assert "no bits" in refusal(pack_weights.main, teacher, "--out", tmp_path / "x.npz")
    with pytest.raises(UserError, match="residual"):
        build_model(run_folder.load_network(teacher).network, {}, "none")


def test_a_float_network_is_neither_packed_nor_converted(float_twin, tmp_path):
    assert "no bits" in refusal(pack_weights.main, float_twin, "--out", tmp_path / "x.npz")
    with pytest.raises(UserError, match="weights other than -1 and"):
        build_model(run_folder.load_network(float_twin).network, {}, "none")
    assert not (tmp_path / "x.npz").exists()


def test_a_run_starts_from_the_weights_of_another(finished_run, drawn, tmp_path, few_faces):
    recipe = replace(
        run_folder.recipe_of(run_folder.read_description(finished_run)), learning_rate=1e-4
    )
    settings = run_settings.Settings(start_from=str(finished_run))
    begun = trainer.Training(
        recipe, settings, drawn, tmp_path / "second", tf.distribute.get_strategy()
    )
    first = run_folder.load_network(finished_run).network.get_weights()
    for mine, theirs in zip(begun.network.get_weights(), first, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_starts_from_packed_weights_as_the_network_that_they_were(
    finished_run, drawn, tmp_path, few_faces
):
    packed = tmp_path / "packed.npz"
    pack_weights.main([str(finished_run), "--out", str(packed)])
    recipe = run_folder.recipe_of(run_folder.read_description(finished_run))
    settings = run_settings.Settings(start_from=str(packed))
    begun = trainer.Training(
        recipe, settings, drawn, tmp_path / "run", tf.distribute.get_strategy()
    )
    crops = np.random.default_rng(0).uniform(-1, 1, (4, 42, 42, 1)).astype(np.float32)
    expected = run_folder.load_network(finished_run).network(crops)
    np.testing.assert_array_equal(begun.network(crops), expected)
    kernel = begun.network.layers[1].get_weights()[0]
    np.testing.assert_array_equal(np.abs(kernel), np.float32(trainer.LATENT_SIZE))


def test_a_run_starts_only_from_the_same_network(finished_run, tmp_path, few_faces):
    out = ("--out", tmp_path / "run")
    start = ("--start-from", finished_run)
    assert "cannot start" in refusal(train.main, "--blocks", "3", "--width", "0.125", *start, *out)
    packaged = ("--width", "0.125", "--start-from", "bdnn4")
    assert "holds bdnn4 trained with adam, from which" in refusal(train.main, *packaged, *out)
    assert "no such run folder" in refusal(train.main, "--start-from", "absent", *out)


def test_old_runs_without_the_newer_settings_can_still_be_read(tmp_path):
    old = {
        "recipe": {"blocks": 3, "averaging": 0.9, "distillation": 0.25},
        "settings": {"seed": 1, "precision": "float32", "deterministic": False},
    }
    (tmp_path / "run.json").write_text(json.dumps(old), encoding="utf-8")
    parser = argparse.ArgumentParser()
    train.add_options(parser)
    options = parser.parse_args(["--resume", "--out", str(tmp_path)])
    recipe, settings, run = run_settings.prepare(options)
    assert recipe == Recipe(blocks=3, ema_decay=0.9, distillation_weight=0.25)
    assert (settings, run) == (run_settings.Settings(seed=1), tmp_path)
