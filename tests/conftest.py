"""What several tests need: small data sets, a trained run, and a way to type a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import published
import pytest
from parts import pytest_terminal_summary as pytest_terminal_summary

from fer_larq import data
from fer_larq.datasets import loading, synthetic

ROOT = Path(__file__).resolve().parent.parent

SMALL_RECIPE = (
    "--blocks", "2", "--width", "0.125", "--batch-size", "32", "--epochs", "2", "--seed", "3",
)  # fmt: skip
"""Flags of a training that takes seconds: an eighth of BDNN2's filters and units."""


def pytest_collection_modifyitems(items) -> None:
    """What trains a network is slow."""
    for item in items:
        if "finished_run" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def drawn() -> data.Dataset:
    """256 training and 128 validation faces; no test split."""
    return synthetic.synthetic_dataset(training=256, validation=128, test=0, seed=0)


@pytest.fixture
def few_faces(monkeypatch, drawn) -> data.Dataset:
    """Makes every command that is called in this process find ``drawn``."""
    monkeypatch.setattr(loading, "load", lambda source, **_: drawn)
    return drawn


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, drawn) -> Path:
    """The folder of a finished training of ``SMALL_RECIPE`` on ``drawn``; not to be changed."""
    pytest.importorskip("fer_larq.utils.backend")
    from fer_larq import train

    run = tmp_path_factory.mktemp("runs") / "finished"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "load", lambda source, **_: drawn)
        assert train.main([*SMALL_RECIPE, "--out", str(run)]) == 0
    return run


@pytest.fixture(scope="session")
def published_csv(tmp_path_factory, drawn) -> Path:
    """``drawn`` as a file in the form of fer2013.csv, for commands in processes of their own."""
    path = tmp_path_factory.mktemp("data") / "fer2013.csv"
    path.write_bytes(published.table(drawn.splits))
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
