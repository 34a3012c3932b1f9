"""Evaluate a network: ``python -m fer_larq.evaluate RUN --split validation``.

Writes ``report.md`` for readers, ``report.json`` for programs, ``predictions.csv`` with the answer
to each face, ``confusion.csv`` and ``confusion.png``. PublicTest (``validation``) is for choosing;
PrivateTest (``test``) is for the one figure that is reported in the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fer_larq.datasets import loading
from fer_larq.datasets.dataset import Dataset
from fer_larq.datasets.label_schemes import select
from fer_larq.evaluation.calibration import calibrate
from fer_larq.evaluation.report import (
    Evaluation,
    answer_table,
    print_report,
    report,
    report_folder,
    write_report,
)
from fer_larq.evaluation.target import load_target, score_target
from fer_larq.training.run_folder import record_calibration, versions
from fer_larq.utils.errors import run_command
from fer_larq.utils.options import add_data_option, add_label_options, add_split_option, ferplus_of


def evaluate(
    source: str,
    dataset: Dataset,
    split: str = "validation",
    ten: bool = False,
    labels: str = "fer2013",
) -> Evaluation:
    """Evaluate a network on a split and say where every part of the figure comes from.

    Args:
        source: a run folder, a weights file, packaged weights or a ``.tflite`` model.
        dataset: has to contain ``split``.
        ten: also average over ten crops, five and their mirror images.
        labels: ``fer2013``, or ``ferplus``, for which the faces need votes: their majority, see
            ``datasets.label_schemes.select``.

    Returns:
        ``report`` with the network, its training, the data, what runs it and the versions beside
        it; and ``answer_table``.
    """
    chosen = select(dataset.split(split), labels, "evaluation")
    network = load_target(source)
    scores = score_target(network, chosen.faces.images, ten)
    calibration = calibrate(next(iter(scores.values())), chosen.targets).as_dict()
    figures = {
        "network": network.name,
        "source": str(source),
        "split": split,
        "labels": labels,
        "left_out": chosen.left_out,
        "data": dataset.description(),
        "training": network.training,
        **report(scores, chosen.targets),
        "calibration": {
            **calibration,
            "split": split,
            "labels": labels,
            "data": dataset.name,
        },
        "computed_by": network.computed_by,
        "versions": versions(),
    }
    return Evaluation(figures, answer_table(scores, chosen.faces, chosen.targets))


def main(arguments: list[str] | None = None) -> int:
    """Evaluate a network and write the report."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.evaluate",
        description="Measure a network on a split of FER2013 and write a report.",
    )
    parser.add_argument(
        "network",
        help="run folder, one of its .weights.h5 files, packaged weights such as bdnn4, or a "
        ".tflite model of fer_larq.convert",
    )
    add_split_option(parser)
    add_data_option(parser)
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="fit the temperature that turns scores into probabilities and keep it in the run or "
        "the packed weights, for models that are converted afterwards",
    )
    add_label_options(parser, ("fer2013", "ferplus"))
    parser.add_argument("--ten", action="store_true", help="also average over ten crops")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of the report (default: evaluation-SPLIT in the run, or in reports/)",
    )
    options = parser.parse_args(arguments)
    if options.calibrate and options.split == "test":
        parser.error("--calibrate goes with validation: PrivateTest is for reporting alone")
    dataset = loading.load(options.data, ferplus=ferplus_of(options))
    figures, answers = evaluate(
        options.network, dataset, options.split, options.ten, options.labels
    )
    folder = options.out or report_folder(Path(options.network), options.split, options.labels)
    write_report(folder, figures, answers)
    print_report(figures)
    if options.calibrate:
        record_calibration(options.network, figures["calibration"])
    print(f"report: {folder / 'report.md'}, confusion matrix: {folder / 'confusion.png'}")
    return 0


if __name__ == "__main__":
    run_command(main)
