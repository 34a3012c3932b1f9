"""The paper's table: rows, runs that are picked up, and the files."""

import pytest
from PIL import Image

from fer_larq import reproduce, runs
from fer_larq.errors import UserError


@pytest.fixture
def small_rows(monkeypatch):
    """The paper's recipes, an eighth as wide, so that a row takes seconds."""
    from dataclasses import replace

    from fer_larq import recipes

    small = {
        name: replace(recipe, width=0.125, batch_size=64)
        for name, recipe in recipes.RECIPES.items()
    }
    monkeypatch.setattr(reproduce, "RECIPES", small)
    monkeypatch.setattr(recipes, "RECIPES", small)


def test_the_papers_rows_are_those_of_its_tables():
    assert [(row.label, row.accuracy) for row in reproduce.PAPER] == [
        ("BDNN2", 0.6150),
        ("BDNN3", 0.6551),
        ("BDNN4", 0.6615),
        ("BCNN4", 0.6490),
        ("BDNN4, no crops", 0.6131),
    ]


def test_rows_are_trained_then_picked_up_and_shown_beside_the_paper(
    small_rows, few_faces, tmp_path, capsys
):
    command = [
        "--rows", "bdnn2", "bdnn4-no-crops", "--epochs", "1",
        "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert reproduce.main(command) == 0
    table = (tmp_path / "out/table.md").read_text()
    for row, paper in (("BDNN2", "61.50"), ("BDNN4, no crops", "61.31")):
        line = next(line for line in table.splitlines() if line.startswith(f"| {row} |"))
        name = "bdnn2" if row == "BDNN2" else "bdnn4-no-crops"
        best = runs.read_description(tmp_path / f"runs/{name}-seed0")["result"]["best"]
        views = "five" if row == "BDNN2" else "centre"
        assert f"| {views} | {100 * best[f'validation_{views}']:.2f} |" in line
        assert f"| {paper} | 1 | 0 |" in line
    assert "say nothing about people" in table
    assert Image.open(tmp_path / "out/table.png").size[0] > 500

    before = (tmp_path / "runs/bdnn2-seed0/last.weights.h5").stat().st_mtime_ns
    capsys.readouterr()
    assert reproduce.main(command) == 0
    assert capsys.readouterr().out.count("finished, taken as it is") == 2
    assert (tmp_path / "runs/bdnn2-seed0/last.weights.h5").stat().st_mtime_ns == before


def test_an_absent_split_is_said_before_anything_is_trained(few_faces, tmp_path):
    with pytest.raises(UserError, match="test"):
        reproduce.main(["--split", "test", "--runs", str(tmp_path / "runs")])
    assert not (tmp_path / "runs").exists()
