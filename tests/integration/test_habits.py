"""Files beside the code that other programs read: workflows, hooks, the citation."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys

import pytest

import fer_larq
from helpers.project import ROOT


def test_the_hooks_are_known_to_pre_commit():
    if importlib.util.find_spec("pre_commit") is None:
        pytest.skip("needs `pip install 'fer_larq[lint]'`")
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    for package in ("material", "mkdocstrings"):
        if importlib.util.find_spec(package) is None:
            pytest.skip("needs `pip install 'fer_larq[docs]'`")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {path.parent.name for path in tmp_path.rglob("index.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} <= pages
    assert "FaceClassifier" in (tmp_path / "reference" / "index.html").read_text(encoding="utf-8")


def test_the_chart_shows_every_form_of_the_network():
    pytest.importorskip("matplotlib", reason="needs `pip install 'fer_larq[train]'`")
    specification = importlib.util.spec_from_file_location("chart", ROOT / "docs" / "chart.py")
    chart = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(chart)
    rows = json.loads((chart.INFERENCE / "inference.json").read_text(encoding="utf-8"))["rows"]
    size, time = chart.draw(rows).axes
    assert [label.get_text() for label in time.get_yticklabels()] == ["float32", "int8", "1 bit"]
    for axes in (size, time):
        widths = [bar.get_width() for bar in axes.patches]
        assert widths == sorted(widths, reverse=True) and widths[-1] > 0
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for bar in [*size.patches, *time.patches]:
        assert f"{bar.get_width():.1f} M" in readme or f"{bar.get_width():.1f} ms" in readme


@pytest.mark.network
def test_the_workflows_are_sound():
    done = subprocess.run(["sh", ".ci/actionlint"], cwd=ROOT, capture_output=True, text=True)
    if "warning: the workflows are not checked" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_place_that_states_the_version_states_the_same():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.M)[1] == fer_larq.__version__
    assert f"\n## {fer_larq.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_ci_runs_all_tests_and_nothing_else():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "make test" and len(lines) == 4
