"""Soft labels: ``python -m fer_larq.distill runs/teacher --data fer2013.csv``.

A label says one expression; a teacher's probabilities also say what else a face looks like, and
many labels of FER2013 are wrong. A binary network can learn from a mixture of both (Hinton, Vinyals
and Dean, "Distilling the Knowledge in a Neural Network", 2015)::

    python -m fer_larq.train --recipe teacher --data fer2013.csv
    python -m fer_larq.distill runs/bdnn4-float-width0.3125-teacher-seed0 --data fer2013.csv
    python -m fer_larq.train --recipe distilled --soft-labels FILE --data fer2013.csv

The teacher reads each training face once, before the training of the binary network begins, so
that it costs that training nothing. What the teacher of the packaged weights says about FER2013 is
packaged too: ``--recipe distilled`` takes it unless ``--soft-labels`` names a file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from fer_larq import data, runs
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.evaluation.metrics import accuracy, crop_scores, mean_over_views
from fer_larq.models import predictor
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import load_arrays, save_arrays
from fer_larq.utils.options import add_data_option

FILE_NAME = "soft_labels.npz"

PACKAGED = Path(__file__).parent / "soft_labels" / "fer2013.npz"
"""Soft labels of FER2013's training split, as published; docs/experiments.md names the teacher."""

PARTS = 255
"""A file keeps probabilities as whole numbers of 255ths, one byte each."""


@dataclass(frozen=True)
class SoftLabels:
    """What a teacher says about the training split of a data set."""

    probabilities: np.ndarray
    """float32 ``[N, 7]``, each row of sum 1, in the order of the training split."""
    account: dict[str, Any]
    """``teacher`` (its ``run.json``), ``fingerprint`` of the data, ``views``, ``temperature``."""


def save(file: Path, labels: SoftLabels) -> None:
    """Write soft labels, rounded to ``PARTS``, whole or not at all."""
    parts = np.rint(labels.probabilities * PARTS).astype(np.uint8)
    save_arrays(file, labels.account, {"probabilities": parts})


def read(file: Path, dataset: data.Dataset) -> SoftLabels:
    """Read soft labels; ``UserError`` if the file is damaged or of other data than ``dataset``."""
    try:
        account, arrays = load_arrays(file)
        parts, fingerprint = arrays["probabilities"], account["fingerprint"]
        shape = (len(dataset.split("training")), len(EXPRESSIONS))
        sums = parts.sum(axis=1, dtype=np.float32, keepdims=True)
        if fingerprint == dataset.fingerprint and (
            parts.shape != shape
            or parts.dtype != np.uint8
            or np.abs(sums - PARTS).max() > len(EXPRESSIONS) / 2  # as far as rounding leads
        ):
            raise ValueError(f"its probabilities are none of {shape[0]} faces")
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file}: no soft labels, or damaged ({error}); make them with "
            "`python -m fer_larq.distill`"
        ) from None
    if fingerprint != dataset.fingerprint:
        raise UserError(
            f"{file}: was made from other data (fingerprint {str(fingerprint)[:12]}, not "
            f"{dataset.fingerprint[:12]}); let a teacher read these faces (`python -m "
            "fer_larq.distill`) and name its file with --soft-labels"
        )
    return SoftLabels(parts / sums, account)


def soft_labels(
    teacher: str, dataset: data.Dataset, views: str = "ten", temperature: float = 1.0
) -> SoftLabels:
    """Let a teacher read the training faces.

    Args:
        teacher: a run folder or weights file; any network that the training command makes.
        views: over which its scores are averaged, one of ``crops.VIEWS``.
        temperature: by which scores are divided before the softmax; above 1 it flattens.
    """
    loaded = runs.load_network(teacher)
    trained_on = loaded.description.get("data", {}).get("fingerprint")
    if trained_on != dataset.fingerprint:
        # A teacher that has seen other data may have seen the validation faces as well.
        raise UserError(
            f"{teacher}: was trained on other data (fingerprint {str(trained_on)[:12]}, not "
            f"{dataset.fingerprint[:12]}); train a teacher on the data that its pupil learns from"
        )
    faces = dataset.split("training").images
    scores = mean_over_views(crop_scores(predictor(loaded.network), faces, views, progress=True))
    return SoftLabels(
        softmax(scores / temperature, axis=1).astype(np.float32),
        {
            "teacher": {
                **runs.account(loaded.description),
                "weights_sha256": runs.weights_digest(loaded.network),
            },
            "fingerprint": dataset.fingerprint,
            "views": views,
            "temperature": temperature,
        },
    )


def main(arguments: list[str] | None = None) -> int:
    """Write a teacher's soft labels."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.distill",
        description="Write what a teacher says about the training faces, for --soft-labels of "
        "fer_larq.train.",
    )
    parser.add_argument("teacher", help="run folder or one of its .weights.h5 files")
    add_data_option(parser)
    parser.add_argument(
        "--views",
        choices=("centre", "five", "ten"),
        default="ten",
        help="crops over which the teacher's scores are averaged (default: ten)",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="divides the scores; above 1 the probabilities become flatter (default: 1)",
    )
    parser.add_argument("--out", type=Path, help=f"file to write (default: {FILE_NAME} in the run)")
    options = parser.parse_args(arguments)
    if not options.temperature > 0:
        raise UserError(f"--temperature {options.temperature:g}: has to be above 0")
    dataset = data.load(options.data)
    labels = soft_labels(options.teacher, dataset, options.views, options.temperature)
    folder = Path(options.teacher)
    file = options.out or (folder if folder.is_dir() else folder.parent) / FILE_NAME
    save(file, labels)
    agreement = accuracy(labels.probabilities, dataset.split("training").labels)
    print(
        f"{file}: {len(labels.probabilities)} training faces of {dataset.name}; the teacher agrees "
        f"with {agreement:.1%} of the labels, and gives its first choice a probability of "
        f"{labels.probabilities.max(axis=1).mean():.1%} on average"
    )
    return 0


if __name__ == "__main__":
    run_command(main)
