"""Files beside the code that other programs read: workflows, hooks, the citation."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fer_larq

ROOT = Path(__file__).resolve().parent.parent


def test_the_hooks_are_known_to_pre_commit():
    if importlib.util.find_spec("pre_commit") is None:
        pytest.skip("needs `pip install 'fer_larq[lint]'`")
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


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
