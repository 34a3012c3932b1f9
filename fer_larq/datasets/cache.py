"""Decoded copies of data sets, so that the next start is fast."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets import sources
from fer_larq.datasets.dataset import SPLITS, Dataset, Faces, fingerprint
from fer_larq.datasets.integrity import Finding
from fer_larq.utils.files import atomic_write, cache_folder

CACHE_VERSION = 2
"""Rises with every change of the cache's format, or of what reading a source gives."""


def cache_file(path: Path, cache_directory: Path | None = None) -> Path:
    """Where the decoded copy of a source lies; each source has one."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    return (cache_directory or cache_folder()) / f"fer2013-{name[:16]}.npz"


def source_state(path: Path) -> str:
    """What changes when a source does: its path, and size and time of change of its files."""
    root = os.path.realpath(path)
    names = (os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
    digest = hashlib.sha256(f"{CACHE_VERSION}\n{root}".encode(errors="surrogateescape"))
    # Reading refuses a folder with more files, so there is no need to look at them here.
    for name in [root, *sorted(islice(names, sources.MAX_MEMBERS))]:
        try:
            status = os.stat(name)
        except OSError:
            continue  # reading the source says better what is wrong
        digest.update(f"\n{name}\0{status.st_size} {status.st_mtime_ns}".encode("utf-8", "replace"))
    return digest.hexdigest()


def write_cache(copy: Path, state: str, dataset: Dataset, warnings: list[str]) -> None:
    """Write the decoded copy of a source in a ``state``."""
    about = {
        "state": state,
        "fingerprint": dataset.fingerprint,
        "warnings": warnings,
        "finding": asdict(dataset.finding),
        "ferplus": dataset.ferplus,
    }
    arrays = {"about": np.array(json.dumps(about))}
    for split, faces in dataset.splits.items():
        arrays[f"{split}_images"] = faces.images
        arrays[f"{split}_labels"] = faces.labels.astype(np.int8)
        if faces.rows is not None:
            arrays[f"{split}_rows"] = faces.rows.astype(np.int32)
        if faces.votes is not None:
            arrays[f"{split}_votes"] = faces.votes
    with atomic_write(copy) as temporary:
        np.savez(temporary, **arrays)


def read_cache(copy: Path, state: str, source: str) -> tuple[Dataset, list[str]] | None:
    """Read the decoded copy: the data set and the warnings it was written with.

    None if there is no copy, a damaged one, or one of another state of the source.
    """
    try:
        with np.load(copy, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if about["state"] != state:
                return None
            splits = {
                split: read_split(arrays, split) for split in SPLITS if f"{split}_images" in arrays
            }
            finding = Finding(**about["finding"])
            stated, warnings, ferplus = (
                about[key] for key in ("fingerprint", "warnings", "ferplus")
            )
    except Exception:  # absent or damaged in whatever way: the source is at hand
        return None
    # The fingerprint is computed anew, so that a damaged copy can never pass.
    if fingerprint(splits) != stated:
        return None
    return Dataset("FER2013", source, stated, False, splits, finding, ferplus), warnings


def read_split(arrays: Mapping[str, NDArray[Any]], split: str) -> Faces:
    """One split of a decoded copy; ``ValueError`` if its rows are no permutation."""
    labels = arrays[f"{split}_labels"].astype(np.int64)
    rows = arrays[f"{split}_rows"].astype(np.int64) if f"{split}_rows" in arrays else None
    if rows is not None and not np.array_equal(np.sort(rows), np.arange(len(labels))):
        raise ValueError("rows")
    votes = arrays[f"{split}_votes"] if f"{split}_votes" in arrays else None
    return Faces(arrays[f"{split}_images"], labels, votes, rows)
