"""Evaluate a network: ``python -m fer_larq.evaluate RUN --split validation``.

Writes ``report.md`` for readers, ``report.json`` for programs, ``confusion.csv`` and
``confusion.png``. PublicTest (``validation``) is for choosing; PrivateTest (``test``) is for the
one figure that is reported in the end.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fer_larq import data, runs
from fer_larq.datasets import crops
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.datasets.normalisation import normalise
from fer_larq.evaluation.metrics import Predictor, accuracy, crop_scores, mean_over_views
from fer_larq.models import predictor
from fer_larq.tflite.network import TFLiteNetwork
from fer_larq.utils.errors import run_command
from fer_larq.utils.files import replacing
from fer_larq.utils.options import add_data_option, add_split_option


@dataclass(frozen=True)
class Judged:
    """A network that is to be evaluated, whatever it is stored as."""

    name: str
    training: dict[str, Any]
    """What is known of its training."""
    main_views: str
    """The views that it is meant to be judged by."""
    normalisation: str
    """How its faces are prepared before crops are cut."""
    predict: Predictor | None
    """From crops to scores; None for a model that cuts its crops itself, always ``main_views``."""
    read: Callable[[np.ndarray], np.ndarray] | None = None
    """From faces, uint8 ``[N, 48, 48]``, to mean scores, for such a model."""


def judged(source: str) -> Judged:
    """Load a run folder, a weights file, packaged weights or a ``.tflite`` model."""
    if source.endswith(".tflite"):
        model = TFLiteNetwork(source)
        bare = model.crops == "none"
        return Judged(
            name=f"{model.document.get('network', 'network')}, {model.document.get('arithmetic')}",
            training=model.document.get("run", {}),
            main_views="five" if bare else model.crops,
            normalisation=model.normalisation,
            predict=model.classify_crops if bare else None,
            read=lambda faces: model.scores(faces, model.crops),
        )
    loaded = runs.load_network(source)
    recipe = runs.recipe_of(loaded.description)
    known = ("recipe", "settings", "data", "result")
    return Judged(
        name=recipe.network,
        training={key: loaded.description.get(key) for key in known},
        main_views=recipe.validation_views,
        normalisation=recipe.normalisation,
        predict=predictor(loaded.network),
    )


def score_views(network: Judged, faces: np.ndarray, ten: bool = False) -> dict[str, np.ndarray]:
    """Scores float32 ``[N, 7]`` by views, the main ones first.

    From single crops: ``five``, ``centre`` and, if wanted, ``ten``.
    """
    faces = normalise(faces, network.normalisation)
    if network.predict is None:
        assert network.read is not None
        return {network.main_views: network.read(faces)}
    scores = crop_scores(network.predict, faces, "ten" if ten else "five", progress=True)
    five = scores[:, : len(crops.FIVE_CROP_OFFSETS)]
    by_views = {
        "five": mean_over_views(five),
        "centre": five[:, crops.FIVE_CROP_OFFSETS.index(crops.CENTRE_OFFSET)],
    }
    if ten:
        by_views["ten"] = mean_over_views(scores)
    return {network.main_views: by_views[network.main_views]} | by_views


def report(scores: dict[str, np.ndarray], labels: np.ndarray) -> dict[str, Any]:
    """The figures of an evaluation.

    Args:
        scores: float32 ``[N, 7]`` by views; the first views are those of the per-class figures.
        labels: int64 ``[N]``.

    Returns:
        ``accuracy`` (0 to 1) by views with its 95 % interval (Wilson), and for the first views:
        ``classes`` with precision, recall, F1 and the number of faces, ``macro_f1``, and
        ``confusion``, where row r, column c counts the faces of expression r read as c.
    """
    views, first = next(iter(scores.items()))
    predicted = first.argmax(axis=1)
    every_label = np.arange(len(EXPRESSIONS))
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=every_label, zero_division=0.0
    )
    return {
        "accuracy": {
            name: {
                "value": accuracy(values, labels),
                "interval_95": _interval(values, labels),
                "faces": len(labels),
            }
            for name, values in scores.items()
        },
        "per_class_views": views,
        "classes": {
            name: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "faces": int(support[index]),
            }
            for index, name in enumerate(EXPRESSIONS)
        },
        "macro_f1": float(f1.mean()),
        "confusion": confusion_matrix(labels, predicted, labels=every_label).tolist(),
    }


def _interval(scores: np.ndarray, labels: np.ndarray) -> list[float]:
    right = int(np.sum(scores.argmax(axis=1) == labels))
    interval = binomtest(right, len(labels)).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def confusion_figure(confusion: np.ndarray, title: str) -> Figure:
    """Draw a confusion matrix ``[7, 7]``: shares of each row as shades, counts as figures."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(6.4, 5.6), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(EXPRESSIONS))
    axes.set_xticks(ticks, EXPRESSIONS, rotation=45, ha="right")
    axes.set_yticks(ticks, EXPRESSIONS)
    axes.set(xlabel="read as", ylabel="labelled", title=title)
    for row, column in np.ndindex(confusion.shape):
        shade = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, confusion[row, column], ha="center", va="center", color=shade)
    figure.colorbar(image, label="share of the labelled faces")
    return figure


def views_name(views: str) -> str:
    """Views as a reader calls them, such as ``five-crop mean``."""
    return "centre crop" if views == "centre" else f"{views}-crop mean"


def markdown(figures: dict[str, Any]) -> str:
    """The figures of ``evaluate`` as a page to be read, with all that they depend on."""
    source, training = figures["data"], figures["training"]
    settings, result = training.get("settings") or {}, training.get("result") or training
    lines = [
        f"# {figures['network']} on {source['name']}, {figures['split']} split",
        "",
        f"Seed {settings.get('seed', 'unknown')}, {result.get('epochs', 'unknown')} epochs, data "
        f"fingerprint `{source['fingerprint'][:12]}`.",
        "",
        "| views | accuracy (%) | 95 % interval (Wilson) | faces |",
        "|---|---|---|---|",
    ]
    if source["drawn"]:
        lines.insert(1, "\n**Drawn faces: these figures say nothing about people.**")
    for views, found in figures["accuracy"].items():
        low, high = found["interval_95"]
        lines.append(
            f"| {views_name(views)} | {100 * found['value']:.2f} | {100 * low:.2f} to "
            f"{100 * high:.2f} | {found['faces']} |"
        )
    per_class = views_name(figures["per_class_views"])
    lines += [
        "",
        f"By expression, {per_class}, macro F1 {100 * figures['macro_f1']:.2f} %:",
        "",
        "| expression | precision (%) | recall (%) | F1 (%) | faces |",
        "|---|---|---|---|---|",
    ]
    for name, row in figures["classes"].items():
        percent = " | ".join(f"{100 * row[key]:.1f}" for key in ("precision", "recall", "f1"))
        lines.append(f"| {name} | {percent} | {row['faces']} |")
    lines += [
        "",
        "Labelled (rows), read as (columns):",
        "",
        "| | " + " | ".join(EXPRESSIONS) + " |",
        "|---" * (len(EXPRESSIONS) + 1) + "|",
    ]
    for name, row in zip(EXPRESSIONS, figures["confusion"], strict=True):
        lines.append(f"| {name} | " + " | ".join(map(str, row)) + " |")
    made_with = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    return "\n".join([*lines, "", f"Computed with {made_with}."]) + "\n"


def write_report(folder: Path, figures: dict[str, Any], title: str) -> None:
    """Write the report's four files, each whole or not at all."""
    with replacing(folder / "report.md") as temporary:
        temporary.write_text(markdown(figures), encoding="utf-8")
    confusion = np.array(figures["confusion"])
    table = pd.DataFrame(confusion, index=EXPRESSIONS, columns=EXPRESSIONS)
    with replacing(folder / "confusion.csv") as temporary:
        table.to_csv(temporary, index_label="labelled \\ read as")
    with replacing(folder / "confusion.png") as temporary:
        confusion_figure(confusion, title).savefig(temporary, dpi=120)
    with replacing(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def evaluate(
    source: str, dataset: data.Dataset, split: str = "validation", ten: bool = False
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
    network = judged(source)
    scores = score_views(network, faces.images, ten)
    return {
        "network": network.name,
        "source": str(source),
        "split": split,
        "data": dataset.description(),
        "training": network.training,
        **report(scores, faces.labels),
        "versions": runs.versions(),
    }


def report_folder(source: Path, split: str) -> Path:
    """Where a report goes by default: into the run, or for other networks under ``reports``."""
    if source.is_dir():
        return source / f"evaluation-{split}"
    return Path("reports") / f"{source.name.split('.')[0]}-{split}"


def print_report(figures: dict[str, Any]) -> None:
    """Print the figures that a reader looks for first."""
    print(f"{figures['network']} on {figures['data']['name']}, {figures['split']} split")
    if figures["data"]["drawn"]:
        print("  These are drawn faces: the figures say nothing about people.")
    for views, found in figures["accuracy"].items():
        low, high = found["interval_95"]
        print(
            f"  {views_name(views):14s} {found['value']:7.2%}   95 % interval {low:.2%} to "
            f"{high:.2%}, {found['faces']} faces"
        )
    print(f"  {'':14s} precision   recall       F1    faces")
    for name, row in figures["classes"].items():
        print(
            f"  {name:14s} {row['precision']:9.2%} {row['recall']:8.2%} {row['f1']:8.2%} "
            f"{row['faces']:8d}"
        )
    print(f"  {'macro F1':14s} {'':18s} {figures['macro_f1']:8.2%}")


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
    parser.add_argument("--ten", action="store_true", help="average over ten crops, too")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder of the report (default: evaluation-SPLIT in the run, or in reports/)",
    )
    options = parser.parse_args(arguments)
    dataset = data.load(options.data)
    figures = evaluate(options.network, dataset, options.split, options.ten)
    folder = options.out or report_folder(Path(options.network), options.split)
    write_report(
        folder,
        figures,
        f"{figures['network']} on {figures['data']['name']}, {figures['split']}, "
        f"{figures['per_class_views']} view{'s' * (figures['per_class_views'] != 'centre')}",
    )
    print_report(figures)
    print(f"report: {folder / 'report.md'}, confusion matrix: {folder / 'confusion.png'}")
    return 0


if __name__ == "__main__":
    run_command(main)
