"""The table of runs."""

import json
import shutil

import pytest

pytest.importorskip("fer_larq.utils.backend")

from fer_larq import runs
from fer_larq.utils.errors import UserError


def test_every_run_has_a_line_with_its_settings_and_its_best_figures(
    finished_run, tmp_path, capsys
):
    for folder in ("a", "deeper/b", "damaged"):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy(finished_run / "run.json", tmp_path / folder)
    description = json.loads((tmp_path / "a/run.json").read_text())
    description["recipe"] |= {
        "loss": "cross-entropy",
        "flip": False,
        "clip_value": 1.25,
        "bop_gamma": 1,
    }
    description["recipe"]["epochs"] = 9
    description["result"]["finished"] = False
    (tmp_path / "a/run.json").write_text(json.dumps(description))
    (tmp_path / "damaged/run.json").write_text("{")

    assert runs.main([str(tmp_path)]) == 0
    output = capsys.readouterr()
    first, second = output.out.splitlines()[2:]
    best = description["result"]["best"]
    figures = f"{100 * best['validation_five']:.2f} | {100 * best['validation_centre']:.2f}"
    assert first.startswith("| a | bdnn2-width0.125 |") and figures in first
    assert "--no-flip" in first and "--loss cross-entropy" in first and "--clip-value 1.25" in first
    assert "bop" not in first, "it trains with Adam"
    assert "| 3 | 2 of 9 |" in first and "synthetic faces" in first
    assert "| 3 | 2 |" in second and "--clip-value" not in second and "--batch-size 32" in second
    assert "damaged/run.json" in output.err and output.err.count("\n") == 1


def test_a_folder_without_runs_is_named(tmp_path):
    with pytest.raises(UserError, match="no runs in it"):
        runs.main([str(tmp_path)])
