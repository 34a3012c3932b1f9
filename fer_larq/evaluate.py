"""Evaluate a network: ``python -m fer_larq.evaluate RUN --split validation``.

Writes ``report.md`` for readers, ``report.json`` for programs, ``confusion.csv`` and
``confusion.png``. PublicTest (``validation``) is for choosing; PrivateTest (``test``) is for the
one figure that is reported in the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fer_larq.datasets import loading
from fer_larq.datasets.dataset import Dataset
from fer_larq.evaluation.calibration import calibrate
from fer_larq.evaluation.report import print_report, report, write_report
from fer_larq.evaluation.target import load_target, score_target
from fer_larq.models import packed_weights
from fer_larq.training.run_folder import read_description, versions, write_description
from fer_larq.utils.errors import UserError, run_command
from fer_larq.utils.files import save_arrays
from fer_larq.utils.options import add_data_option, add_split_option


def evaluate(
    source: str, dataset: Dataset, split: str = "validation", ten: bool = False
) -> dict[str, Any]:
    """Evaluate a network on a split and say where every part of the figure comes from.

    Args:
        source: a run folder, a weights file, packaged weights or a ``.tflite`` model.
        dataset: has to contain ``split``.
        ten: also average over ten crops, five and their mirror images.

    Returns:
        ``report`` with the network, its training, the data and the versions beside it.
    """
    faces = dataset.split(split)
    network = load_target(source)
    scores = score_target(network, faces.images, ten)
    calibration = calibrate(next(iter(scores.values())), faces.labels).as_dict()
    return {
        "network": network.name,
        "source": str(source),
        "split": split,
        "data": dataset.description(),
        "training": network.training,
        **report(scores, faces.labels),
        "calibration": {**calibration, "split": split, "data": dataset.name},
        "versions": versions(),
    }


def record_calibration(source: str, calibration: dict[str, Any]) -> None:
    """Write a calibration into the description of a run or of packed weights.

    Raises ``UserError`` for a converted model, whose bytes are final.
    """
    path = Path(source)
    if path.suffix == ".tflite":
        raise UserError(f"{source}: calibrate its run or its packed weights and convert it again")
    file = path if path.exists() else packed_weights.packaged(source)
    if file is not None and file.suffix == ".npz":
        description, arrays = packed_weights.read(file)
        save_arrays(file, {**description, "calibration": calibration}, arrays)
    else:
        run = path if path.is_dir() else path.parent
        write_description(run, {**read_description(run), "calibration": calibration})


def report_folder(source: Path, split: str) -> Path:
    """Where a report goes by default: into the run, or for other networks under ``reports``."""
    if source.is_dir():
        return source / f"evaluation-{split}"
    return Path("reports") / f"{source.name.split('.')[0]}-{split}"


def main(arguments: list[str] | None = None) -> int:
    """Evaluate a network and write the report."""
    parser = argparse.ArgumentParser(
        prog="python -m fer_larq.evaluate",
        description=__doc__.split("\n\n")[0],
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
        help="keep the temperature that makes probabilities of the scores with the run or the "
        "packed weights; models that are converted afterwards have it",
    )
    parser.add_argument("--ten", action="store_true", help="average over ten crops, too")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of the report (default: evaluation-SPLIT in the run, or in reports/)",
    )
    options = parser.parse_args(arguments)
    if options.calibrate and options.split == "test":
        parser.error("--calibrate goes with validation: PrivateTest is for reporting alone")
    dataset = loading.load(options.data)
    figures = evaluate(options.network, dataset, options.split, options.ten)
    folder = options.out or report_folder(Path(options.network), options.split)
    write_report(
        folder,
        figures,
        f"{figures['network']} on {figures['data']['name']}, {figures['split']}, "
        f"{figures['per_class_views']} crop{'s' * (figures['per_class_views'] != 'centre')}",
    )
    print_report(figures)
    if options.calibrate:
        record_calibration(options.network, figures["calibration"])
    print(f"report: {folder / 'report.md'}, confusion matrix: {folder / 'confusion.png'}")
    return 0


if __name__ == "__main__":
    run_command(main)
