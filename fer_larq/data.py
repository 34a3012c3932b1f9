"""What a data set holds: ``python -m fer_larq.data SOURCE``.

Prints splits, class counts and fingerprint, and whether the pixels are FER2013's as published; with
``--time`` how long reading takes. Without a source it is synthetic faces.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fer_larq.datasets import cache
from fer_larq.datasets.dataset import SPLITS, Dataset, Faces
from fer_larq.datasets.label_schemes import describe_left_out, select
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.loading import fetch_from_kaggle, load, read_dataset
from fer_larq.utils.errors import run_command
from fer_larq.utils.options import add_label_options, ferplus_of

__all__ = ["SPLITS", "Dataset", "Faces", "load"]


def main(arguments: list[str] | None = None) -> int:
    """Print what a source holds."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.data",
        description="Print splits, class counts and fingerprint of FER2013 or of synthetic faces, "
        "and whether the pixels are those that were published.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="a file or folder with FER2013, or `kaggle` to fetch it (default: synthetic faces)",
    )
    add_label_options(parser, ("fer2013", "ferplus"))
    parser.add_argument(
        "--time",
        action="store_true",
        help="measure the first read and the one from the decoded copy, in an empty cache",
    )
    options = parser.parse_args(arguments)
    if options.source is None:
        if options.time:
            parser.error("--time needs a SOURCE: synthetic faces are not read from anywhere")
        print(dataset_table(load(None, ferplus=ferplus_of(options))))
        return 0

    path = fetch_from_kaggle() if options.source == "kaggle" else Path(options.source)
    ferplus = ferplus_of(options)
    if options.time:
        with tempfile.TemporaryDirectory() as directory:
            first, again = (timed(read_dataset, path, Path(directory)) for _ in range(2))
            print(dataset_table(load(path, Path(directory), ferplus=ferplus), options.labels))
        print(f"{'first read':13}{first}\n{'decoded copy':13}{again}")
    else:
        print(dataset_table(load(path, ferplus=ferplus), options.labels))
        print(f"{'decoded copy':13}{cache.cache_file(path)}")
    return 0


def timed(function: Callable[..., object], *arguments: object) -> str:
    """The time that a function takes: by the clock, and on the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    function(*arguments)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return f"{clock:.2f} s ({processor:.2f} s of processor time)"


def dataset_table(dataset: Dataset, scheme: str = "fer2013") -> str:
    """Class counts of the three splits by a label scheme, the pixels, and the fingerprint."""
    rows: list[tuple[str, ...]] = [("", *SPLITS)]
    selected = {
        split: select(faces, scheme, "evaluation")
        for split, faces in dataset.splits.items()
        if scheme == "fer2013" or faces.votes is not None
    }
    counts = {
        split: np.bincount(some.targets, minlength=len(EXPRESSIONS)).tolist()
        for split, some in selected.items()
    }
    for label, expression in enumerate((*EXPRESSIONS, "all")):
        cells = (
            f"{[*counts[split], sum(counts[split])][label]:,}"
            if split in counts
            else "absent"
            if split not in dataset.splits
            else "no votes"
            for split in SPLITS
        )
        rows.append((expression, *cells))
    left_out = [
        f"{split}: {text}"
        for split, some in selected.items()
        if (text := describe_left_out(some.left_out))
    ]
    return "\n".join(
        [
            f"{dataset.name} from {dataset.source}",
            *(f"{row[0]:13}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows),
            *left_out,
            *([f"{'votes':13}{dataset.ferplus}"] if dataset.ferplus else []),
            f"{'pixels':13}{dataset.finding.kind}: {dataset.finding.sentence}",
            f"{'fingerprint':13}{dataset.fingerprint}",
        ]
    )


if __name__ == "__main__":
    run_command(main)
