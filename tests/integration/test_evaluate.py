"""Evaluation against counts made by hand, and the files that it writes."""

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from helpers import published

pytest.importorskip("fer_larq.utils.backend")

from fer_larq import convert, evaluate
from fer_larq.datasets.integrity import Finding
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.evaluation import report, target
from fer_larq.evaluation.metrics import crop_scores
from fer_larq.models.bdnn import predictor
from fer_larq.training import run_folder
from fer_larq.utils.errors import UserError
from helpers.conversion_networks import random_faces, random_network

pytestmark = pytest.mark.slow


def test_five_crop_accuracy_equals_an_independent_count(finished_run, few_faces):
    faces = few_faces.split("validation")
    network = run_folder.load_network(finished_run).network
    outputs = []
    for top, left in ((0, 0), (0, 6), (6, 0), (6, 6), (3, 3)):
        crop = faces.images[:, top : top + 42, left : left + 42].astype(np.float32)
        outputs.append(network.predict(((2 * crop - 255) / 255)[..., None], verbose=0))
    five = np.mean(outputs, axis=0).argmax(axis=1)
    expected_five = np.count_nonzero(five == faces.labels) / len(faces)
    expected_centre = np.count_nonzero(outputs[4].argmax(axis=1) == faces.labels) / len(faces)

    figures = evaluate.evaluate(str(finished_run), few_faces).figures
    assert figures["accuracy"]["five"]["value"] == expected_five
    assert figures["accuracy"]["centre"]["value"] == expected_centre


def test_ten_crops_average_five_and_their_mirror_images():
    faces = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)

    def left_column(crops):  # a predictor that tells a crop from its mirror image
        return np.tile(crops[:, :1, 0].astype(np.float32), (1, 7))

    scores = crop_scores(left_column, faces, "ten")
    np.testing.assert_array_equal(scores[:, 0, 0], faces[:, 0, 0])
    np.testing.assert_array_equal(scores[:, 5, 0], faces[:, 0, 41])


def test_the_report_counts_what_a_person_would_count():
    labels = np.array([0, 0, 0, 1, 6])
    read_as = np.array([0, 0, 3, 1, 1])
    figures = report.report({"five": np.eye(7, dtype=np.float32)[read_as]}, labels)
    assert figures["accuracy"]["five"]["value"] == 0.6
    low, high = figures["accuracy"]["five"]["interval_95"]
    assert low < 0.6 < high
    assert figures["classes"]["angry"] == pytest.approx(
        {"precision": 1.0, "recall": 2 / 3, "f1": 0.8, "faces": 3}
    )
    assert figures["classes"]["disgust"]["precision"] == 0.5
    assert figures["classes"]["surprise"] == {"precision": 0, "recall": 0, "f1": 0, "faces": 0}
    assert figures["confusion"][0] == [2, 0, 0, 1, 0, 0, 0]
    assert figures["confusion"][6][1] == 1
    assert figures["macro_f1"] == pytest.approx(
        (0.8 + 2 / 3) / 3
    )  # without classes that have no face


def test_the_interval_is_wilsons():
    scores = np.eye(7, dtype=np.float32)[[0] * 60 + [1] * 40]
    figures = report.report({"five": scores}, np.zeros(100, int))
    # Wilson's interval for 60 of 100 at 95 %, worked out from its formula with z = 1.96.
    z = 1.959963984540054
    middle = (0.6 + z * z / 200) / (1 + z * z / 100)
    half = z * np.sqrt(0.6 * 0.4 / 100 + z * z / 40_000) / (1 + z * z / 100)
    assert figures["accuracy"]["five"]["interval_95"] == pytest.approx(
        [middle - half, middle + half]
    )


def test_the_command_writes_json_csv_and_a_picture(finished_run, few_faces, tmp_path, capsys):
    assert evaluate.main([str(finished_run), "--out", str(tmp_path / "report"), "--ten"]) == 0
    figures = json.loads((tmp_path / "report/report.json").read_text())
    assert set(figures["accuracy"]) == {"five", "centre", "ten"}
    assert figures["split"] == "validation" and figures["data"]["drawn"]
    assert figures["training"]["settings"]["seed"] == 3
    assert figures["training"]["result"]["epochs"] == 2
    with (tmp_path / "report/confusion.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header[1:]) == EXPRESSIONS
    assert [[int(count) for count in row[1:]] for row in rows] == figures["confusion"]
    assert sum(map(sum, figures["confusion"])) == 128
    assert Image.open(tmp_path / "report/confusion.png").size[0] > 500
    assert "say nothing about people" in capsys.readouterr().out
    with (tmp_path / "report/predictions.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert list(answers[0]) == ["face", "label", "five", "centre", "ten"]
    for views in ("five", "centre", "ten"):
        right = sum(answer[views] == answer["label"] for answer in answers)
        assert right / 128 == figures["accuracy"][views]["value"]
    page = (tmp_path / "report/report.md").read_text()
    assert "say nothing about people" in page and "Seed 3, 2 epochs" in page
    assert f"| five-crop mean | {100 * figures['accuracy']['five']['value']:.2f} |" in page
    for name, row in zip(EXPRESSIONS, figures["confusion"], strict=True):
        assert f"| {name} | {' | '.join(map(str, row))} |" in page


def test_an_absent_split_is_named(finished_run, few_faces):
    with pytest.raises(UserError, match="test"):
        evaluate.main([str(finished_run), "--split", "test"])


def test_damaged_and_missing_networks_are_named(finished_run, few_faces, tmp_path):
    with pytest.raises(UserError, match="no such run folder or weights file"):
        evaluate.main([str(tmp_path / "nothing")])
    with pytest.raises(UserError, match="no run folder"):
        evaluate.main([str(tmp_path)])
    copy = tmp_path / "copy"
    shutil.copytree(finished_run, copy)
    (copy / "best.weights.h5").write_bytes(b"no weights")
    with pytest.raises(UserError, match="damaged"):
        evaluate.main([str(copy)])
    (copy / "run.json").write_text('{"recipe": {"blocks": 2, "colour": "red"}}')
    with pytest.raises(UserError, match="not written by fer_larq"):
        evaluate.main([str(copy)])


def test_a_converted_network_is_evaluated_like_the_one_it_came_from(
    finished_run, few_faces, tmp_path, capsys
):
    expected = evaluate.evaluate(str(finished_run), few_faces).figures
    # An eighth of BDNN2's channels cannot be packed into words; int8 computes the same function.
    for crops in ("none", "five"):
        model = tmp_path / f"{crops}.tflite"
        convert.main([str(finished_run), "--out", str(model), "--format", "int8", "--crops", crops])
        figures = evaluate.evaluate(str(model), few_faces).figures
        views = {"five", "centre"} if crops == "none" else {"five"}
        assert set(figures["accuracy"]) == views
        for name in views:
            assert figures["accuracy"][name] == expected["accuracy"][name]
        assert figures["confusion"] == expected["confusion"]
        assert figures["training"]["settings"]["seed"] == 3
    assert evaluate.main([str(model), "--out", str(tmp_path / "report")]) == 0
    assert "five-crop mean" in capsys.readouterr().out
    assert (tmp_path / "report/confusion.png").exists()


def test_a_file_that_is_no_model_is_named(few_faces, tmp_path):
    (tmp_path / "no.tflite").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"no\.tflite"):
        evaluate.main([str(tmp_path / "no.tflite")])


# Labels -------------------------------------------------------------------------------------------


@pytest.fixture
def faces_with_votes(few_faces):
    """The few faces with ten votes each, every fourth of them split in halves."""
    splits = dict(few_faces.splits)
    for split, some in splits.items():
        votes = published.random_votes({split: some})[split]
        votes[::4] = 0
        votes[::4, :2] = 5
        splits[split] = replace(some, votes=votes)
    return replace(few_faces, splits=splits, ferplus="votes.csv")


def test_the_majority_of_the_votes_judges_only_faces_that_have_one(finished_run, faces_with_votes):
    by_label = evaluate.evaluate(str(finished_run), faces_with_votes).figures
    by_votes = evaluate.evaluate(str(finished_run), faces_with_votes, labels="ferplus").figures
    assert by_label["labels"] == "fer2013" and by_label["left_out"] == {}
    assert by_votes["labels"] == "ferplus" and by_votes["left_out"]["no majority"] == 32
    assert by_votes["accuracy"]["five"]["faces"] == 96
    assert sum(map(sum, by_votes["confusion"])) == 96
    assert by_votes["data"]["ferplus"]["source"] == "votes.csv"
    assert "32 left out (32 no majority)" in report.report_markdown(by_votes)
    assert "majority of FER+'s votes" in report.title_of(by_votes)


def test_reports_by_other_labels_lie_apart(finished_run, tmp_path):
    folders = [report.report_folder(tmp_path, "validation", one) for one in ("fer2013", "ferplus")]
    assert [folder.name for folder in folders] == [
        "evaluation-validation",
        "evaluation-validation-ferplus",
    ]


def test_votes_that_are_not_there_are_one_line(finished_run, few_faces):
    with pytest.raises(UserError, match="no votes of FER"):
        evaluate.main([str(finished_run), "--labels", "ferplus"])


def test_the_command_finds_the_votes_and_says_which(
    finished_run, tmp_path, drawn, capsys, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    votes = published.random_votes(drawn.splits)
    folder = published.write_folder(
        tmp_path / "f",
        {
            "fer2013.csv": published.table(drawn.splits),
            "fer2013new.csv": published.votes_table(votes),
        },
    )
    arguments = ["--data", str(folder), "--labels", "ferplus", "--out", str(tmp_path / "out")]
    assert evaluate.main([str(finished_run), *arguments]) == 0
    out = capsys.readouterr().out
    assert "majority of FER+'s votes" in out and str(folder / "fer2013new.csv") in out
    figures = json.loads((tmp_path / "out/report.json").read_text())
    assert figures["labels"] == "ferplus" and figures["data"]["pixels"] == "unknown"


def test_altered_pixels_are_said_first(finished_run, few_faces):
    altered = replace(few_faces, finding=Finding("equalised", "these are not FER2013's pixels"))
    figures = evaluate.evaluate(str(finished_run), altered).figures
    page = report.report_markdown(figures)
    assert page.index("These are not FER2013's pixels.") < page.index("five-crop mean")
    assert "do not compare with published ones" in page


# The packed network -------------------------------------------------------------------------------


def test_a_network_that_can_be_packed_gives_the_same_scores_packed():
    network = random_network(blocks=2)
    crops = random_faces(12)[:, :42, :42]
    packed = target.packed_predictor(network)
    assert packed is not None, "the delegate is not built"
    found, expected = packed(crops), predictor(network)(crops)
    assert np.abs(found - expected).max() < 1e-5
    np.testing.assert_array_equal(found.argmax(axis=1), expected.argmax(axis=1))


def test_the_report_says_what_ran_the_network(finished_run, few_faces, monkeypatch):
    # An eighth of BDNN2's channels does not fill words of bits.
    figures = evaluate.evaluate(str(finished_run), few_faces).figures
    assert figures["computed_by"] == "TensorFlow, float32"
    monkeypatch.setattr(target, "packed_predictor", lambda network: predictor(network))
    other = evaluate.evaluate(str(finished_run), few_faces).figures
    assert other["computed_by"] == "TensorFlow Lite, bit-packed"
    assert other["accuracy"] == figures["accuracy"]


def test_without_the_delegate_tensorflow_computes(monkeypatch):
    def absent():
        raise UserError("the delegate was not built")

    monkeypatch.setattr(target, "library_path", absent)
    assert target.packed_predictor(random_network(blocks=2)) is None


def test_ten_crops_of_a_model_that_cuts_five_are_one_line(finished_run, few_faces, tmp_path):
    model = tmp_path / "five.tflite"
    convert.main([str(finished_run), "--out", str(model), "--format", "int8"])
    with pytest.raises(UserError, match="--ten: the model averages over five crops itself"):
        evaluate.main([str(model), "--ten"])
