"""The paper's table: rows, runs that are picked up, and the files."""

import csv

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fer_larq.utils.backend")

from fer_larq import reproduce
from fer_larq.evaluation.paper_table import PAPER
from fer_larq.training import run_folder
from fer_larq.utils.errors import UserError

pytestmark = pytest.mark.slow


def test_the_papers_rows_are_those_of_its_tables():
    assert [(row.label, row.accuracy) for row in PAPER] == [
        ("BDNN2", 0.6150),
        ("BDNN3", 0.6551),
        ("BDNN4", 0.6615),
        ("BCNN4", 0.6490),
        ("BDNN4, no crops", 0.6131),
    ]


def test_rows_are_trained_then_picked_up_and_shown_beside_the_paper(few_faces, tmp_path, capsys):
    command = [
        "--rows", "bdnn2", "bdnn4-no-crops", "--epochs", "1", "--width", "0.125",
        "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert reproduce.main([*command, "--seeds", "0", "4"]) == 0
    table = (tmp_path / "out/table.md").read_text()
    for row, name, views, paper in (
        ("BDNN2", "bdnn2", "five", "61.50"),
        ("BDNN4, no crops", "bdnn4-no-crops", "centre", "61.31"),
    ):
        line = next(line for line in table.splitlines() if line.startswith(f"| {row} |"))
        first, second = (
            100 * run_folder.read_description(run)["result"]["best"][f"validation_{views}"]
            for run in (tmp_path / f"runs/{name}-width0.125-seed{seed}" for seed in (0, 4))
        )
        assert f"| {views} | {(first + second) / 2:.2f} |" in line
        deviation = abs(first - second) / 2**0.5
        assert f"| 0: {first:.2f}, 4: {second:.2f} | {deviation:.2f} | 1 | {paper} |" in line
    assert "say nothing about people" in table and "Networks of 0.125 of the paper's" in table
    assert Image.open(tmp_path / "out/table.png").size[0] > 500

    assert "McNemar's exact test, p-values after Holm's correction for 1 pairs" in table
    line = next(line for line in table.splitlines() if line.startswith("| BDNN2 and BDNN4, no"))
    difference, only_first, only_second = line.split("|")[2:5]
    with (tmp_path / "out/predictions.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert len(answers) == 128
    right = {
        name: np.array([answer[name] == answer["label"] for answer in answers])
        for name in ("BDNN2, seed 0", "BDNN2, seed 4", "BDNN4, no crops, seed 0")
    }
    one, other = right["BDNN2, seed 0"], right["BDNN4, no crops, seed 0"]
    assert int(only_first) == np.sum(one & ~other) and int(only_second) == np.sum(other & ~one)
    assert float(difference) == pytest.approx(100 * (other.mean() - one.mean()), abs=0.006)

    before = (tmp_path / "runs/bdnn2-width0.125-seed0/last.weights.h5").stat().st_mtime_ns
    capsys.readouterr()
    assert reproduce.main(command) == 0
    assert capsys.readouterr().out.count("finished, taken as it is") == 2
    table = (tmp_path / "out/table.md").read_text()
    assert "0: " in table and "4: " not in table, "one seed was asked for"
    after = (tmp_path / "runs/bdnn2-width0.125-seed0/last.weights.h5").stat().st_mtime_ns
    assert after == before


def test_an_absent_split_is_said_before_anything_is_trained(few_faces, tmp_path):
    with pytest.raises(UserError, match="test"):
        reproduce.main(["--split", "test", "--runs", str(tmp_path / "runs")])
    assert not (tmp_path / "runs").exists()
