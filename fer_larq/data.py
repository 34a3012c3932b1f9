"""FER2013 as arrays: faces, expressions and the three splits (paper, section 4.1).

``python -m fer_larq.data SOURCE`` prints what a source holds, and with ``--time`` how long reading
it takes. The published shapes are read in ``fer_larq.fer2013``; here they become arrays, and a
decoded copy is kept so that the next start is fast.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from fer_larq import fer2013
from fer_larq.datasets import ferplus as ferplus_votes
from fer_larq.datasets.dataset import SPLITS, Dataset, Faces, fingerprint, in_canonical_order
from fer_larq.datasets.integrity import Finding, examine
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.utils.errors import UserError, run_command, warn
from fer_larq.utils.files import cache_folder, replacing

PUBLISHED_COUNTS = {
    "training": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "validation": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
"""Faces of each expression in each split (paper, Tab. 2)."""

KAGGLE_DATASET = "msambare/fer2013"
"""The public mirror that ``--data kaggle`` fetches."""

CACHE_VERSION = 2
"""Rises with every change of the cache's format, or of what reading a source gives."""


def load(
    source: str | os.PathLike[str] | None,
    cache_directory: Path | None = None,
    *,
    ferplus: str | bool | None = None,
) -> Dataset:
    """Read a data set.

    Args:
        source: a file or folder of any shape that ``fer_larq.fer2013`` lists; ``"kaggle"``, which
            fetches the public mirror; or None for drawn faces, which a loud notice announces.
        cache_directory: where decoded copies lie, by default ``$XDG_CACHE_HOME/fer_larq`` or
            ``~/.cache/fer_larq``.
        ferplus: whether the faces are to have FER+'s votes: True, if ``fer2013new.csv`` lies where
            ``datasets.ferplus.find`` looks for it, or its path.

    Returns:
        Those of the three splits that the source has, each in canonical order (see
        ``in_canonical_order``).

    Raises:
        UserError: the source is absent, damaged, or no FER2013; the message says where and what
            to do; or FER+'s votes are asked for and there are none that belong to it. Lesser
            things, such as an altered copy or class counts other than the paper's, are warnings.
    """
    if source is None and ferplus:
        raise UserError("drawn faces have no votes of FER+: give FER2013's CSV, --data FILE")
    if source is None:
        from fer_larq import faces  # which needs Faces and Dataset from here

        faces.announce()
        return faces.drawn_dataset()
    path = fetch_from_kaggle() if source == "kaggle" else Path(source)
    dataset, remarks = read_or_recall(path, cache_file(path, cache_directory))
    if ferplus:
        given = None if ferplus is True else ferplus
        dataset = ferplus_votes.with_votes(dataset, ferplus_votes.find(path, given))
    for remark in [*remarks, *compare_with_publication(dataset)]:
        warn(remark)
    return dataset


def fetch_from_kaggle() -> Path:
    """Fetch the public mirror with kagglehub, unless it lies here already; return its folder."""
    by_hand = (
        f"download https://www.kaggle.com/datasets/{KAGGLE_DATASET} and name the file: --data FILE"
    )
    try:
        import kagglehub
    except ModuleNotFoundError as missing:
        raise UserError(
            f"`--data kaggle` needs the Python package {missing.name}: "
            f"`pip install 'fer_larq[kaggle]'`, or {by_hand}"
        ) from missing
    try:
        return Path(kagglehub.dataset_download(KAGGLE_DATASET))
    except Exception as error:  # kagglehub's own errors have no common class
        raise UserError(
            f"{KAGGLE_DATASET} could not be fetched from Kaggle ({fer2013.one_line(error)}): try "
            f"again later, or {by_hand}"
        ) from error


def compare_with_publication(dataset: Dataset) -> list[str]:
    """At most one remark: on altered pixels, or on class counts that are not the published ones."""
    if dataset.finding.altered:
        return [
            f"{dataset.source}: {dataset.finding.sentence}; figures on them do not compare with "
            "published ones"
        ]
    differences = [
        f"{split} {'/'.join(map(str, faces.counts))} instead of "
        f"{'/'.join(map(str, PUBLISHED_COUNTS[split]))}"
        for split, faces in dataset.splits.items()
        if faces.counts != PUBLISHED_COUNTS[split]
    ]
    if not differences:
        return []
    return [
        f"{dataset.source}: the class counts ({', '.join(EXPRESSIONS)}) are not those of FER2013: "
        f"{'; '.join(differences)}; figures on it do not compare with published ones"
    ]


# The cache ----------------------------------------------------------------------------------------


def cache_file(path: Path, cache_directory: Path | None = None) -> Path:
    """Where the decoded copy of a source lies; each source has one."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()
    return (cache_directory or cache_folder()) / f"fer2013-{name[:16]}.npz"


def read_or_recall(path: Path, cache: Path) -> tuple[Dataset, list[str]]:
    """Read a source, or its decoded copy if that is of the source as it is now."""
    state = source_state(path)
    try:
        splits, about = recall(cache, state)
        stated, remarks, finding = (
            about["fingerprint"],
            about["remarks"],
            Finding(**about["finding"]),
        )
    except Exception:  # absent, stale or damaged in whatever way: the source is at hand
        stated = None
    # The fingerprint is computed either way, so that a damaged copy can never pass.
    if stated is not None and fingerprint(splits) == stated:
        return Dataset("FER2013", str(path), stated, False, splits, finding), remarks

    contents = fer2013.read(path)
    splits = {}
    for split, listed in contents.faces.items():
        if listed:
            faces, places = in_canonical_order(listed)
            # Only tables list the faces in their published order.
            splits[split] = replace(faces, rows=places) if contents.md5 else faces
    finding = examine(
        {split: faces.images for split, faces in splits.items()},
        published_counts={split: sum(counts) for split, counts in PUBLISHED_COUNTS.items()},
        md5=contents.md5,
        resized=contents.resized,
        names=contents.names,
    )
    dataset = Dataset("FER2013", str(path), fingerprint(splits), False, splits, finding)
    try:
        keep(cache, state, dataset, contents.remarks)
    except OSError as error:
        warn(
            f"no decoded copy could be kept in {cache.parent} ({error.strerror or error}): the "
            "next start reads the source again; set XDG_CACHE_HOME to a folder that can be written"
        )
    return dataset, contents.remarks


def source_state(path: Path) -> str:
    """What changes when a source does: its path, and size and time of change of its files."""
    root = os.path.realpath(path)
    names = (os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names)
    digest = hashlib.sha256(f"{CACHE_VERSION}\n{root}".encode(errors="surrogateescape"))
    # Reading refuses a folder with more files, so there is no need to look at them here.
    for name in [root, *sorted(islice(names, fer2013.MAX_MEMBERS))]:
        try:
            status = os.stat(name)
        except OSError:
            continue  # reading the source says better what is wrong
        digest.update(f"\n{name}\0{status.st_size} {status.st_mtime_ns}".encode("utf-8", "replace"))
    return digest.hexdigest()


def keep(cache: Path, state: str, dataset: Dataset, remarks: list[str]) -> None:
    """Write the decoded copy."""
    about = {
        "state": state,
        "fingerprint": dataset.fingerprint,
        "remarks": remarks,
        "finding": asdict(dataset.finding),
    }
    arrays = {"about": np.array(json.dumps(about))}
    for split, faces in dataset.splits.items():
        arrays[f"{split}_images"] = faces.images
        arrays[f"{split}_labels"] = faces.labels.astype(np.uint8)
        if faces.rows is not None:
            arrays[f"{split}_rows"] = faces.rows.astype(np.int32)
    with replacing(cache) as temporary:
        np.savez(temporary, **arrays)


def recall(cache: Path, state: str) -> tuple[dict[str, Faces], dict[str, Any]]:
    """Read the decoded copy: splits, and what ``keep`` wrote about them.

    Raises:
        Exception: of any kind, if there is no copy or a damaged one; a ``ValueError`` if it is
            of another state of the source.
    """
    with np.load(cache, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        if about["state"] != state:
            raise ValueError("stale")
        splits = {}
        for split in SPLITS:
            if f"{split}_images" in arrays:
                images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
                rows = None
                if f"{split}_rows" in arrays:
                    rows = arrays[f"{split}_rows"].astype(np.int64)
                    if not np.array_equal(np.sort(rows), np.arange(len(labels))):
                        raise ValueError("damaged")
                splits[split] = Faces(images, labels.astype(np.int64), rows=rows)
    return splits, about


# The command --------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Print what a source holds."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.data",
        description="Print splits, class counts and fingerprint of FER2013 or of the drawn faces.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="a file or folder with FER2013, or `kaggle` to fetch it (default: drawn faces)",
    )
    parser.add_argument(
        "--time",
        action="store_true",
        help="measure the first read and the one from the decoded copy, in an empty cache",
    )
    options = parser.parse_args(arguments)
    if options.source is None:
        if options.time:
            parser.error("--time needs a SOURCE: drawn faces are not read from anywhere")
        print(table(load(None)))
        return 0

    path = fetch_from_kaggle() if options.source == "kaggle" else Path(options.source)
    if options.time:
        with tempfile.TemporaryDirectory() as directory:
            dataset, first = timed(load, path, Path(directory))
            _, again = timed(read_or_recall, path, cache_file(path, Path(directory)))
        print(table(dataset))
        print(f"{'first read':13}{first}\n{'decoded copy':13}{again}")
    else:
        print(table(load(path)))
        print(f"{'decoded copy':13}{cache_file(path)}")
    return 0


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What a function returns, and the time it took: by the clock, and on the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    result = function(*arguments)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return result, f"{clock:.2f} s ({processor:.2f} s of processor time)"


def table(dataset: Dataset) -> str:
    """Class counts of the three splits, and the fingerprint."""
    rows: list[tuple[str, ...]] = [("", *SPLITS)]
    for label, expression in enumerate((*EXPRESSIONS, "all")):
        cells = (
            f"{(*faces.counts, len(faces))[label]:,}" if faces else "absent"
            for faces in map(dataset.splits.get, SPLITS)
        )
        rows.append((expression, *cells))
    return "\n".join(
        [
            f"{dataset.name} from {dataset.source}",
            *(f"{row[0]:13}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows),
            f"{'fingerprint':13}{dataset.fingerprint}",
        ]
    )


if __name__ == "__main__":
    run_command(main)
