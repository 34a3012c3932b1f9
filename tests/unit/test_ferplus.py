"""FER+: reading its votes, joining them to faces, and the labels that they give."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_larq import data
from fer_larq.datasets import ferplus, label_schemes, loading, synthetic
from fer_larq.datasets.dataset import NO_LABEL, Faces
from fer_larq.datasets.label_schemes import VOTE_COLUMNS, select
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError, run_command
from helpers import published
from helpers.project import fer2013_or_skip


@pytest.fixture(scope="module")
def splits():
    """Synthetic faces of the three splits."""
    return {
        split: synthetic.draw_faces(count, seed)
        for seed, (split, count) in enumerate(zip(data.SPLITS, (21, 14, 7), strict=True))
    }


@pytest.fixture(scope="module")
def votes(splits):
    return published.random_votes(splits)


@pytest.fixture(autouse=True)
def small_world(tmp_path, monkeypatch, splits):
    """Decoded copies in a folder of their own, and class counts that are no news."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    counts = {split: some.counts for split, some in splits.items()}
    monkeypatch.setattr(loading, "PUBLISHED_COUNTS", counts)


@pytest.fixture
def folder(tmp_path, splits, votes):
    """A folder with a small fer2013.csv and the fer2013new.csv that belongs to it."""
    return published.write_folder(
        tmp_path / "fer2013",
        {"fer2013.csv": published.table(splits), "fer2013new.csv": published.votes_table(votes)},
    )


def command(*arguments: object) -> int:
    """Exit code of ``python -m fer_larq.data arguments``."""
    with pytest.raises(SystemExit) as end:
        run_command(lambda: data.main([str(argument) for argument in arguments]))
    return end.value.code


def by_pixels(some: Faces) -> dict[bytes, list[int]]:
    """Votes of faces that all differ."""
    assert some.votes is not None
    return {
        image.tobytes(): row.tolist() for image, row in zip(some.images, some.votes, strict=True)
    }


# Joining ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["first read", "decoded copy"])
def test_votes_travel_with_their_faces(start, folder, splits, votes):
    if start == "decoded copy":
        data.load(folder)
    dataset = data.load(folder, ferplus=True)
    assert dataset.ferplus == str(folder / "fer2013new.csv")
    for split, some in dataset.splits.items():
        expected = by_pixels(Faces(splits[split].images, splits[split].labels, votes[split]))
        assert by_pixels(some) == expected
        assert some.votes.dtype == np.uint8 and some.votes.shape == (len(some), 10)
        # Rows say which face of the table each one is.
        np.testing.assert_array_equal(some.images, splits[split].images[some.rows])


def test_votes_are_read_only_when_they_are_asked_for(folder):
    (folder / "fer2013new.csv").write_bytes(b"damaged")
    dataset = data.load(folder)
    assert all(some.votes is None for some in dataset.splits.values())
    assert "ferplus" not in dataset.description()


def test_other_votes_change_their_fingerprint_and_not_that_of_the_faces(folder, splits):
    first = data.load(folder, ferplus=True)
    (folder / "fer2013new.csv").write_bytes(
        published.votes_table(published.random_votes(splits, seed=1))
    )
    second = data.load(folder, ferplus=True)
    assert first.fingerprint == second.fingerprint
    one, other = (some.description()["ferplus"]["fingerprint"] for some in (first, second))
    assert one != other and len(one) == 64


PLACES = {
    "beside the file": ("fer2013/fer2013.csv", "fer2013"),
    "in the folder": ("fer2013", "fer2013"),
    "beside the folder": ("fer2013", "."),
    "in a folder ferplus beside the file": ("fer2013/fer2013.csv", "fer2013/ferplus"),
    "in a folder ferplus beside the file's folder": ("fer2013/fer2013.csv", "ferplus"),
    "in a folder ferplus beside the folder": ("fer2013", "ferplus"),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_file_is_found_where_it_lies(place, tmp_path, splits, votes):
    source, where = PLACES[place]
    published.write_folder(tmp_path / "fer2013", {"fer2013.csv": published.table(splits)})
    published.write_folder(tmp_path / where, {"fer2013new.csv": published.votes_table(votes)})
    dataset = data.load(tmp_path / source, ferplus=True)
    assert Path(dataset.ferplus).samefile(tmp_path / where / "fer2013new.csv")


def test_the_given_file_is_taken(folder, tmp_path, splits):
    other = tmp_path / "other.csv"
    other.write_bytes(published.votes_table(published.random_votes(splits, seed=1)))
    assert data.load(folder, ferplus=str(other)).ferplus == str(other)


@pytest.mark.parametrize("shape", ["csv.gz", "zip", "icml", "train.csv"])
def test_every_table_has_rows(shape, tmp_path, splits, votes):
    (tmp_path / "fer2013new.csv").write_bytes(published.votes_table(votes))
    table = published.table(splits)
    training = {"training": splits["training"]}
    if shape == "csv.gz":
        path = published.write_gzip(tmp_path / "fer2013.csv.gz", table)
    elif shape == "zip":
        path = published.write_zip(tmp_path / "fer2013.zip", {"fer2013.csv": table})
    elif shape == "icml":
        path = tmp_path / "icml_face_data.csv"
        path.write_bytes(published.table(splits, "emotion, Usage, pixels"))
    else:
        path = tmp_path / "train.csv"
        path.write_bytes(published.table(training, "emotion,pixels"))
    some = data.load(path, ferplus=True).split("training")
    expected = Faces(splits["training"].images, splits["training"].labels, votes["training"])
    assert by_pixels(some) == by_pixels(expected)


def test_a_compressed_table_beside_the_votes_is_still_found(tmp_path, splits, votes):
    folder = published.write_folder(
        tmp_path / "f", {"fer2013new.csv": published.votes_table(votes)}
    )
    published.write_gzip(folder / "fer2013.csv.gz", published.table(splits))
    assert data.load(folder, ferplus=True).split("test").votes is not None


def test_a_split_without_votes_is_no_error_until_it_is_needed(folder, votes):
    without = {split: rows for split, rows in votes.items() if split != "test"}
    (folder / "fer2013new.csv").write_bytes(published.votes_table(without))
    dataset = data.load(folder, ferplus=True)
    assert dataset.split("validation").votes is not None
    with pytest.raises(UserError, match="no votes of FER"):
        select(dataset.split("test"), "ferplus", "evaluation")


def test_votes_of_an_absent_split_do_not_matter(folder, splits):
    del (fewer := dict(splits))["test"]
    (folder / "fer2013.csv").write_bytes(published.table(fewer))
    assert list(data.load(folder, ferplus=True).splits) == ["training", "validation"]


# What does not belong -----------------------------------------------------------------------------


def with_line(folder: Path, number: int, change) -> None:
    """Change the cells of one line of the folder's fer2013new.csv."""
    file = folder / "fer2013new.csv"
    lines = file.read_text().splitlines()
    lines[number] = ",".join(change(lines[number].split(",")))
    file.write_text("\n".join(lines) + "\n")


def cell(index: int, value: str):
    return lambda cells: [*cells[:index], value, *cells[index + 1 :]]


FAULTS = {
    "a row too few": (
        lambda f: (f / "fer2013new.csv").write_bytes(
            (f / "fer2013new.csv").read_bytes().replace(b"PublicTest,fer0000003", b"Training,x", 1)
        ),
        r"fer2013new\.csv does not belong to .*: it has 22 rows of Training for 21 faces; give",
    ),
    "only another split": (
        lambda f: (
            (f / "fer2013.csv").write_bytes(
                b"\n".join(
                    line
                    for line in (f / "fer2013.csv").read_bytes().splitlines()
                    if b"PublicTest" not in line and b"PrivateTest" not in line
                )
            )
            and (f / "fer2013new.csv").write_bytes(
                re.sub(rb"\nTraining[^\n]*", b"", (f / "fer2013new.csv").read_bytes())
            )
        ),
        r"does not belong to .*: it has votes for validation and test only; give",
    ),
    "eleven votes": (
        lambda f: with_line(f, 3, cell(4, "11")),
        r"fer2013new\.csv: line 4 has '11' votes, not a whole number from 0 to 10: fetch",
    ),
    "half a vote": (lambda f: with_line(f, 3, cell(2, "0.5")), r"line 4 has '0\.5' votes"),
    "votes that clear the screen": (
        lambda f: with_line(f, 3, cell(2, "\x1b[2J")),
        r"line 4 has '\\x1b\[2J' votes",
    ),
    "another usage": (
        lambda f: with_line(f, 3, cell(0, "Exam")),
        r"line 4 has Usage 'Exam', not one of Training, PublicTest, PrivateTest: fetch",
    ),
    "a column too few": (
        lambda f: with_line(f, 3, lambda cells: cells[:-1]),
        r"line 4 has 11 columns instead of 12.*: fetch",
    ),
    "no such column": (
        lambda f: with_line(f, 0, cell(9, "scorn")),
        r"line 1 has no column contempt, so it is not FER\+'s fer2013new\.csv: fetch",
    ),
    "an empty file": (
        lambda f: (f / "fer2013new.csv").write_bytes(b""),
        r"has no column usage, so it is not FER\+'s fer2013new\.csv: fetch",
    ),
    "no rows": (
        lambda f: (f / "fer2013new.csv").write_bytes(published.votes_table({})),
        r"fer2013new\.csv holds no votes: fetch",
    ),
    "a line without end": (
        lambda f: (f / "fer2013new.csv").write_bytes(b"Usage," * 10**5),
        r"fer2013new\.csv: line 1 ",
    ),
    "no file": (
        lambda f: (f / "fer2013new.csv").unlink(),
        r"there is no fer2013new\.csv beside it or in .*ferplus; get it from https://.*--ferplus",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_does_not_belong_gets_one_line_and_exit_code_2(fault, folder, capsys):
    change, expected = FAULTS[fault]
    change(folder)
    assert command(folder, "--labels", "ferplus") == 2
    streams = capsys.readouterr()
    (line,) = [line for line in streams.err.splitlines() if not line.startswith("warning")]
    assert streams.out == "" and line.isprintable()
    assert re.match("error: .*" + expected, line), line


def test_rows_in_another_order_are_noticed(folder, monkeypatch):
    monkeypatch.setattr(ferplus, "FACES_TO_AGREE", 20)
    assert data.load(folder, ferplus=True).split("training").votes is not None
    lines = (folder / "fer2013.csv").read_text().splitlines()
    # Expressions take turns in synthetic faces, so moving all by one row makes every label another.
    lines[1:22] = [*lines[2:22], lines[1]]
    (folder / "fer2013.csv").write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"agree with the labels of 0% of the training faces"):
        data.load(folder, ferplus=True)


def test_images_of_a_mirror_have_no_rows(tmp_path, splits, votes, capsys):
    path = published.write_folder(tmp_path / "f", published.images(splits))
    (path / "fer2013new.csv").write_bytes(published.votes_table(votes))
    assert command(path) == 0
    assert command(path, "--labels", "ferplus") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "have no row numbers" in line and "give fer2013.csv" in line


def test_synthetic_faces_have_no_votes(capsys):
    assert command("--labels", "ferplus") == 2
    assert "synthetic faces have no votes of FER+" in capsys.readouterr().err


def test_a_given_file_that_is_not_there(folder, capsys):
    assert command(folder, "--ferplus", folder / "absent.csv") == 2
    assert "absent.csv: no such file" in capsys.readouterr().err


# FER+'s own images --------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["first read", "decoded copy"])
@pytest.mark.parametrize("shape", ["folder", "zip", "folder in a folder", "with boxes"])
def test_its_own_layout_has_votes_and_no_labels(shape, start, tmp_path, splits, votes, capsys):
    files = published.ferplus_images(splits, votes, box=shape == "with boxes")
    if shape == "zip":
        path = published.write_zip(tmp_path / "a.zip", files)
    elif shape == "folder in a folder":
        path = published.write_folder(tmp_path / "f" / "data", files).parent
        (path / "fer2013new.csv").write_bytes(published.votes_table(votes))
    else:
        path = published.write_folder(tmp_path / "f", files)
    if start == "decoded copy":
        data.load(path, ferplus=True)
    dataset = data.load(path, ferplus=True)
    for split, some in dataset.splits.items():
        expected = Faces(splits[split].images, splits[split].labels, votes[split])
        assert by_pixels(some) == by_pixels(expected)
        assert np.all(some.labels == NO_LABEL)
        assert len(select(some, "ferplus", "training").targets)
        with pytest.raises(UserError, match="use --labels ferplus"):
            select(some, "both", "training")
    assert capsys.readouterr().err == ""


def test_its_own_layout_without_votes_asked_for_is_one_line(tmp_path, splits, votes, capsys):
    path = published.write_folder(tmp_path / "f", published.ferplus_images(splits, votes))
    assert command(path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no labels of FER2013: use --labels ferplus, or give fer2013.csv" in line
    assert command(path, "--labels", "ferplus") == 0
    assert command(path, "--labels", "ferplus", "--ferplus", path / "x.csv") == 2
    assert "leave --ferplus out" in capsys.readouterr().err


def test_equal_faces_have_their_votes_in_the_same_order(tmp_path, splits, votes):
    twice = {"training": splits["training"].take(np.array([3, 3, 4]))}
    one = published.ferplus_images(twice, {"training": votes["training"][[0, 1, 2]]})
    other = published.ferplus_images(twice, {"training": votes["training"][[1, 0, 2]]})
    found = [
        data.load(published.write_folder(tmp_path / name, files), ferplus=True)
        for name, files in (("one", one), ("other", other))
    ]
    assert (
        found[0].description()["ferplus"]["fingerprint"]
        == (found[1].description()["ferplus"]["fingerprint"])
    )


def test_images_without_votes_and_votes_without_images_are_counted(tmp_path, splits, votes, capsys):
    files = published.ferplus_images(splits, votes)
    files["FER2013Train/fer9999999.png"] = files.pop("FER2013Train/fer0000000.png")
    dataset = data.load(published.write_folder(tmp_path / "f", files), ferplus=True)
    assert len(dataset.split("training")) == 20
    assert "1 images that label.csv names are not there, and 1 that are" in capsys.readouterr().err


def test_a_clone_without_images_is_one_line(tmp_path, splits, votes, capsys):
    files = published.ferplus_images(splits, votes)
    files = {name: content for name, content in files.items() if name.endswith(".csv")}
    path = published.write_folder(tmp_path / "f", files)
    assert command(path, "--labels", "ferplus") == 2
    assert "images that label.csv names are not there; make them" in capsys.readouterr().err


@pytest.mark.parametrize("line", [b"fer0000000.png,1,2", b"fer0000000.png" + b",x" * 10])
def test_a_damaged_label_file_is_one_line(line, tmp_path, splits, votes, capsys):
    files = published.ferplus_images(splits, votes)
    files["FER2013Valid/label.csv"] = line
    path = published.write_zip(tmp_path / "a.zip", files)
    assert command(path, "--labels", "ferplus") == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert re.match(r"error: .*a\.zip: FER2013Valid/label\.csv: line 1 .*: make it again", error)


# Labels -------------------------------------------------------------------------------------------


def votes_for(**counts: int) -> np.ndarray:
    """Votes ``[1, 10]``, by the file's names of the columns."""
    return np.array([[counts.get(column, 0) for column in VOTE_COLUMNS]], np.uint8)


MAJORITIES = [
    (votes_for(happiness=6, neutral=4), "happiness"),
    (votes_for(happiness=5, neutral=5), None),
    (votes_for(happiness=5, neutral=4, fear=1), "happiness"),  # the single vote is an outlier
    (votes_for(happiness=4, neutral=2, fear=2, sadness=2), None),
    (votes_for(happiness=4, neutral=2, fear=1, sadness=1, anger=1, disgust=1), "happiness"),
    (votes_for(contempt=6, anger=4), "contempt"),
    (votes_for(unknown=7, anger=3), "unknown"),
    (votes_for(unknown=3, anger=5, fear=2), None),  # votes for `unknown` count among the rest
    (votes_for(NF=10), "NF"),
    (votes_for(**dict.fromkeys(VOTE_COLUMNS, 1)), None),
    (votes_for(), None),
]


@pytest.mark.parametrize(("votes_of_one", "expected"), MAJORITIES)
def test_the_majority_is_that_of_barsoum_et_al(votes_of_one, expected):
    (found,) = label_schemes.majority(votes_of_one)
    assert found == (-1 if expected is None else VOTE_COLUMNS.index(expected))


def judged(*rows: np.ndarray, labels=None) -> Faces:
    """Faces with these votes."""
    images = np.arange(len(rows), dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    labels = np.zeros(len(rows), np.int64) if labels is None else np.array(labels, np.int64)
    return Faces(images, labels, np.concatenate(rows))


def test_evaluation_keeps_faces_with_a_clear_majority_for_one_of_the_seven():
    some = judged(*(row for row, _ in MAJORITIES))
    found = select(some, "ferplus", "evaluation")
    assert found.left_out == {"no majority": 5, "contempt": 1, "unknown": 1, "no face": 1}
    assert found.targets.dtype == np.int64
    assert [EXPRESSIONS[label] for label in found.targets] == ["happy"] * 3
    assert found.faces.images[:, 0, 0].tolist() == [0, 2, 4]
    assert label_schemes.describe_left_out(found.left_out) == (
        "8 left out (5 no majority, 1 contempt, 1 unknown, 1 no face)"
    )


def test_every_expression_has_its_own_column():
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    some = judged(*(votes_for(**{name: 10}) for name in names))
    assert select(some, "ferplus", "evaluation").targets.tolist() == list(range(7))
    np.testing.assert_array_equal(select(some, "ferplus", "training").targets, np.eye(7))


def test_training_takes_the_shares_of_the_votes_for_the_seven():
    some = judged(
        votes_for(happiness=5, neutral=3, contempt=2),
        votes_for(contempt=9, unknown=1),
        votes_for(NF=6, anger=4),
        votes_for(NF=5, anger=5),
        votes_for(fear=1, unknown=9),
        labels=[3, 0, 0, 0, 6],
    )
    found = select(some, "ferplus", "training")
    assert found.left_out == {"no face": 1, "no vote for the seven": 1}
    assert found.targets.dtype == np.float32
    expected = np.zeros((3, 7))
    expected[0, [3, 6]] = 5 / 8, 3 / 8
    expected[1, 0] = expected[2, 2] = 1
    np.testing.assert_allclose(found.targets, expected, rtol=1e-6)
    assert found.faces.images[:, 0, 0].tolist() == [0, 3, 4]

    both = select(some, "both", "training")
    assert both.left_out == found.left_out
    labels = np.eye(7)[[3, 0, 6]]
    np.testing.assert_allclose(both.targets, (expected + labels) / 2, rtol=1e-6)
    np.testing.assert_allclose(both.targets.sum(axis=1), 1, rtol=1e-6)


def test_fer2013_s_labels_need_no_votes():
    some = replace(judged(*(votes_for(NF=10),) * 3, labels=[1, 0, 6]), votes=None)
    assert select(some).targets.tolist() == np.eye(7)[[1, 0, 6]].tolist()
    found = select(some, "fer2013", "evaluation")
    assert found.targets.tolist() == [1, 0, 6] and found.left_out == {}
    assert label_schemes.describe_left_out(found.left_out) == ""
    with pytest.raises(UserError, match="give FER2013's CSV and --ferplus FILE"):
        select(some, "ferplus")


@pytest.mark.parametrize(
    ("scheme", "purpose"), [("majority", "training"), ("both", "evaluation"), ("fer2013", "test")]
)
def test_other_schemes_are_a_programmer_s_mistake(scheme, purpose):
    with pytest.raises(ValueError, match="label"):
        select(judged(votes_for(fear=10)), scheme, purpose)


# Real votes ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_real_votes_belong_to_the_real_faces():
    path = fer2013_or_skip()
    try:
        ferplus.find(path)
    except UserError as absent:
        pytest.skip(str(absent))
    dataset = data.load(path, ferplus=True)
    validation = dataset.split("validation")
    found = select(validation, "ferplus", "evaluation")
    assert len(found.faces) == 3186
    assert found.left_out == {"no majority": 367, "contempt": 13, "unknown": 13, "no face": 10}
    assert ferplus.agreement_with_labels(validation) == pytest.approx(0.669, abs=0.001)
    assert ferplus.agreement_with_labels(dataset.split("training")) == pytest.approx(
        0.680, abs=0.001
    )
    turned = replace(validation, votes=np.roll(validation.votes, 1, axis=0))
    assert ferplus.agreement_with_labels(turned) < ferplus.AGREEMENT_AT_LEAST / 1.5
