"""What several tests need: small data sets, a trained run; and the parts that tests belong to."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_larq import data
from fer_larq.datasets import loading, synthetic
from helpers import published
from helpers.parts import PARTS
from helpers.parts import pytest_terminal_summary as pytest_terminal_summary
from helpers.project import SMALL_RECIPE


def pytest_collection_modifyitems(items) -> None:
    """A folder that is named like a part holds its tests; what trains a network is slow."""
    for item in items:
        if item.path.parent.name in PARTS:
            item.add_marker(item.path.parent.name)
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
