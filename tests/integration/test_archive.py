"""The example for archives: a worker is killed on the way, every image is once in the result."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.field_inputs import need_detector
from helpers.project import ROOT

IMAGES = int(os.environ.get("ARCHIVE_IMAGES", "200"))
"""The documented run has 2,000."""


@pytest.fixture
def archive(monkeypatch):
    """The example as a module that workers can import."""
    for package in ("dask.distributed", "pyarrow.parquet", "fsspec"):
        pytest.importorskip(package, reason="the extra `archive` is not installed")
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module("archive")


@pytest.mark.slow
def test_every_image_is_once_in_the_result_though_a_worker_is_killed(tmp_path, archive):
    need_detector()
    from dask.distributed import Client
    from pyarrow import parquet

    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    names = [str(tmp_path / "in" / f"{n}.png") for n in range(IMAGES)]
    for name in names:
        Image.fromarray(random.integers(0, 256, (48, 48)).astype(np.uint8)).save(name)
    Path(names[7]).write_bytes(b"damaged")
    out, options = str(tmp_path / "out"), {"detector": "none"}

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        killed = threading.Event()

        def kill_one() -> None:
            while not list(Path(out).glob("*.parquet")):
                time.sleep(0.02)
            victim = next(iter(client.run(os.getpid).values()))
            os.kill(victim, signal.SIGKILL)
            killed.set()

        thread = threading.Thread(target=kill_one)
        thread.start()
        assert archive.run(client, names, out, 10, options) == IMAGES / 10
        thread.join()
        assert killed.is_set()
        # A second start has nothing to do, and with a part lost only that one.
        assert archive.run(client, names, out, 10, options) == 0
        next(Path(out).glob("*.parquet")).unlink()
        assert archive.run(client, names, out, 10, options) == 1

    rows = parquet.read_table(out).to_pylist()
    assert sorted(row["file"] for row in rows) == sorted(names)
    assert [row["file"] for row in rows if row["error"]] == [names[7]]
    assert all(row["happy"] is not None for row in rows if not row["error"])
    assert not list(Path(out).glob("*.tmp"))
