"""Float twins, their soft labels, and runs that start from others."""

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import SMALL_RECIPE

pytest.importorskip("fer_larq.utils.backend")

from fer_larq import data, distill, models, runs, train, weights
from fer_larq.conversion.converter import build_model
from fer_larq.pipeline import one_hot
from fer_larq.recipes import Recipe
from fer_larq.utils.backend import tf
from fer_larq.utils.errors import UserError


@pytest.fixture(scope="module")
def teacher(tmp_path_factory, drawn):
    """The folder of a float twin, trained for two epochs on ``drawn``, with its soft labels."""
    run = tmp_path_factory.mktemp("runs") / "teacher"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "load", lambda source, *_: drawn)
        arguments = ["--recipe", "teacher", *SMALL_RECIPE, "--learning-rate", "0.003"]
        assert train.main([*arguments, "--out", str(run)]) == 0
        assert distill.main([str(run), "--temperature", "2"]) == 0
    return run


def refusal(main, *arguments: object) -> str:
    with pytest.raises(UserError) as error:
        main([str(argument) for argument in arguments])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_float_twin_has_the_same_layers_and_no_signs():
    binary = models.bdnn(2, filters=(8, 16), dense_units=(32, 32))
    twin = models.bdnn(2, binary=False, filters=(8, 16), dense_units=(32, 32))
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


def test_soft_labels_are_the_teachers_probabilities(teacher, drawn):
    labels = distill.read(teacher / distill.FILE_NAME, drawn)
    assert labels.probabilities.shape == (256, 7)
    network = runs.load_network(teacher).network
    predict = models.predictor(network)
    face = drawn.split("training").images[17]
    views = [face[top : top + 42, left : left + 42]
             for top, left in ((0, 0), (0, 6), (6, 0), (6, 6), (3, 3))]  # fmt: skip
    scores = predict(np.stack([*views, *(view[:, ::-1] for view in views)])).mean(axis=0) / 2
    expected = np.exp(scores) / np.exp(scores).sum()
    exact = distill.soft_labels(str(teacher), drawn, temperature=2).probabilities
    np.testing.assert_allclose(exact[17], expected, rtol=1e-4)
    parts = np.rint(255 * exact)  # what a file keeps; their sum becomes 1 again
    np.testing.assert_allclose(
        labels.probabilities, parts / parts.sum(axis=1, keepdims=True), rtol=1e-6
    )
    assert labels.account["teacher"]["recipe"]["binary"] is False
    assert labels.account["temperature"] == 2


def test_a_pupil_learns_from_the_mixture_and_says_of_whom(teacher, drawn, tmp_path, few_faces):
    file = teacher / distill.FILE_NAME
    run = tmp_path / "pupil"
    arguments = ["--recipe", "distilled", *SMALL_RECIPE, "--epochs", "1"]
    assert train.main([*arguments, "--soft-labels", str(file), "--out", str(run)]) == 0
    description = runs.read_description(run)
    assert description["teacher"]["views"] == "ten"
    training = train.Training(
        runs.recipe_of(description), train.Settings(**description["settings"]), drawn,
        tmp_path / "other", tf.distribute.get_strategy(),
    )  # fmt: skip
    soft = distill.read(file, drawn).probabilities
    hard = one_hot(drawn.split("training").labels)
    np.testing.assert_allclose(training.targets, 0.3 * hard + 0.7 * soft, atol=1e-6)
    assert train.main(["--resume", "--epochs", "2", "--out", str(run)]) == 0


def test_what_leaves_the_machine_names_no_file(teacher, drawn, tmp_path, few_faces):
    run, packed = tmp_path / "pupil", tmp_path / "pupil.npz"
    file = teacher / distill.FILE_NAME
    arguments = ["--recipe", "distilled", *SMALL_RECIPE, "--epochs", "1"]
    assert train.main([*arguments, "--soft-labels", str(file), "--out", str(run)]) == 0
    assert weights.main([str(run), "--out", str(packed)]) == 0
    assert str(file) in json.dumps(runs.read_description(run))
    text = json.dumps(runs.load_network(packed).description)
    assert str(teacher) not in text and '"soft_labels"' not in text
    assert '"distillation": 0.7' in text and '"temperature": 2' in text


def test_a_recipe_and_its_teacher_have_to_agree(teacher, tmp_path, few_faces):
    file, out = teacher / distill.FILE_NAME, ("--out", tmp_path / "run")
    small = ("--blocks", "2", "--width", "0.125")
    # The packaged soft labels are FER2013's, and these faces are not.
    assert "was made from other data" in refusal(train.main, "--recipe", "distilled", *small, *out)
    assert "without --distillation" in refusal(train.main, *small, "--soft-labels", file, *out)
    assert "a share" in refusal(
        train.main, *small, "--distillation", "1.5", "--soft-labels", file, *out
    )
    assert not (tmp_path / "run").exists()


def test_damaged_or_foreign_soft_labels_are_refused(teacher, drawn, tmp_path):
    file = teacher / distill.FILE_NAME
    short = tmp_path / "short.npz"
    short.write_bytes(file.read_bytes()[:200])
    with pytest.raises(UserError, match="no soft labels, or damaged"):
        distill.read(short, drawn)
    labels = distill.read(file, drawn)
    distill.save(short, replace(labels, probabilities=labels.probabilities / 3))
    with pytest.raises(UserError, match="no soft labels, or damaged"):
        distill.read(short, drawn)
    with pytest.raises(UserError, match="was made from other data"):
        distill.read(file, replace(drawn, fingerprint="0" * 64))
    with pytest.raises(UserError, match="no soft labels"):
        distill.read(tmp_path / "absent.npz", drawn)


def test_the_packaged_soft_labels_are_of_the_faces_that_the_packaged_network_learnt_from(drawn):
    learnt_from = weights.read(weights.packaged("bdnn4"))[0]["data"]
    count = learnt_from["faces"]["training"]
    images = np.broadcast_to(np.uint8(0), (count, 48, 48))
    faces = data.Faces(images, np.zeros(count, np.int64))
    fer2013 = replace(
        drawn, fingerprint=learnt_from["fingerprint"], splits={**drawn.splits, "training": faces}
    )
    labels = distill.read(distill.PACKAGED, fer2013)
    assert labels.probabilities.shape == (28709, 7)
    # FER2013's most frequent expression, a quarter of the training faces, is happy.
    assert 0.2 < np.mean(labels.probabilities.argmax(axis=1) == 3) < 0.3


def test_a_teacher_of_other_data_is_refused(teacher, drawn, monkeypatch):
    monkeypatch.setattr(data, "load", lambda *_: replace(drawn, fingerprint="0" * 64))
    assert "was trained on other data" in refusal(distill.main, teacher)
    assert "has to be above 0" in refusal(distill.main, teacher, "--temperature", "0")


def test_a_float_network_is_neither_packed_nor_converted(teacher, tmp_path):
    assert "no bits" in refusal(weights.main, teacher, "--out", tmp_path / "x.npz")
    with pytest.raises(UserError, match="weights other than -1 and"):
        build_model(runs.load_network(teacher).network, {}, "none")
    assert not (tmp_path / "x.npz").exists()


def test_a_run_starts_from_the_weights_of_another(finished_run, drawn, tmp_path, few_faces):
    recipe = replace(runs.recipe_of(runs.read_description(finished_run)), learning_rate=1e-4)
    settings = train.Settings(start_from=str(finished_run))
    begun = train.Training(
        recipe, settings, drawn, tmp_path / "second", tf.distribute.get_strategy()
    )
    first = runs.load_network(finished_run).network.get_weights()
    for mine, theirs in zip(begun.network.get_weights(), first, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_run_starts_from_packed_weights_as_the_network_that_they_were(
    finished_run, drawn, tmp_path, few_faces
):
    packed = tmp_path / "packed.npz"
    weights.main([str(finished_run), "--out", str(packed)])
    recipe = runs.recipe_of(runs.read_description(finished_run))
    settings = train.Settings(start_from=str(packed))
    begun = train.Training(recipe, settings, drawn, tmp_path / "run", tf.distribute.get_strategy())
    crops = np.random.default_rng(0).uniform(-1, 1, (4, 42, 42, 1)).astype(np.float32)
    expected = runs.load_network(finished_run).network(crops)
    np.testing.assert_array_equal(begun.network(crops), expected)
    kernel = begun.network.layers[1].get_weights()[0]
    np.testing.assert_array_equal(np.abs(kernel), np.float32(train.LATENT_SIZE))


def test_a_run_starts_only_from_the_same_network(finished_run, tmp_path, few_faces):
    out = ("--out", tmp_path / "run")
    start = ("--start-from", finished_run)
    assert "cannot start" in refusal(train.main, "--blocks", "3", "--width", "0.125", *start, *out)
    packaged = ("--width", "0.125", "--start-from", "bdnn4")
    assert "holds bdnn4 trained with adam, from which" in refusal(train.main, *packaged, *out)
    assert "no such run folder" in refusal(train.main, "--start-from", "absent", *out)


def test_old_runs_without_the_newer_settings_can_still_be_read():
    assert Recipe(**{"blocks": 3}).binary and train.Settings(**{"seed": 1}).soft_labels is None
