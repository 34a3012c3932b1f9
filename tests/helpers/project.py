"""Where the project and FER2013 are, and how a test starts one of its commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent

SMALL_RECIPE = (
    "--blocks", "2", "--width", "0.125", "--batch-size", "32", "--epochs", "2", "--seed", "3",
)  # fmt: skip
"""Flags of a training that takes seconds: an eighth of BDNN2's filters and units."""


def fer2013_or_skip() -> Path:
    """Where FER2013 lies; skips the test that asks where it does not."""
    path = Path(os.environ.get("FER2013") or ROOT.parent / "shared" / "fer2013")
    if not path.exists():
        pytest.skip(f"FER2013 is not at {path}; the environment variable FER2013 may name it")
    return path


def start(module: str, *arguments: object, environment: dict[str, str] | None = None):
    """Start ``python -m module arguments`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
