"""The figures of an evaluation, and the files and lines that show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fer_larq.datasets.dataset import Faces
from fer_larq.datasets.integrity import ALTERED
from fer_larq.datasets.label_schemes import describe_left_out
from fer_larq.datasets.labels import EXPRESSIONS
from fer_larq.evaluation.metrics import accuracy
from fer_larq.utils.files import atomic_write

LABEL_NAMES = {"fer2013": "labels of FER2013", "ferplus": "majority of FER+'s votes"}
"""What the labels of an evaluation are called."""


class Evaluation(NamedTuple):
    """A network's figures, as in ``report.json``, and its answers, as in ``predictions.csv``."""

    figures: dict[str, Any]
    answers: pd.DataFrame


def report(scores: dict[str, NDArray[np.float32]], labels: NDArray[np.int64]) -> dict[str, Any]:
    """The figures of an evaluation.

    Args:
        scores: float32 ``[N, 7]`` by crops; the first ones are those of the per-class figures.
        labels: int64 ``[N]``.

    Returns:
        ``accuracy`` (0 to 1) by crops with its 95 % interval (Wilson), and for the first:
        ``classes`` with precision, recall, F1 and the number of faces, ``macro_f1``, and
        ``confusion``, where row r, column c counts the faces of expression r read as c.
    """
    crops, first = next(iter(scores.items()))
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
        "per_class_views": crops,
        "classes": {
            name: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "faces": int(support[index]),
            }
            for index, name in enumerate(EXPRESSIONS)
        },
        "macro_f1": float(f1[support > 0].mean()),  # a class without faces has none
        "confusion": confusion_matrix(labels, predicted, labels=every_label).tolist(),
    }


def _interval(scores: NDArray[np.float32], labels: NDArray[np.int64]) -> list[float]:
    right = int(np.sum(scores.argmax(axis=1) == labels))
    interval = binomtest(right, len(labels)).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def answer_table(
    scores: dict[str, NDArray[np.float32]], faces: Faces, labels: NDArray[np.int64]
) -> pd.DataFrame:
    """What a network answers to each face, for comparing networks on the same faces.

    Args:
        scores: float32 ``[N, 7]`` by crops.
        faces: the N faces; their rows, where the source has them, stand in the table.
        labels: int64 ``[N]``, what the answers are compared with.

    Returns:
        A row for each face: ``row`` in the published order of its split, ``label``, and an answer
        for each choice of crops, all expressions by name.
    """
    names = np.array(EXPRESSIONS)
    columns = {} if faces.rows is None else {"row": faces.rows}
    columns["label"] = names[labels]
    columns |= {crops: names[values.argmax(axis=1)] for crops, values in scores.items()}
    return pd.DataFrame(columns)


def confusion_figure(confusion: NDArray[np.int64], title: str) -> Figure:
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


def crops_name(crops: str) -> str:
    """Crops as a reader calls them, such as ``five-crop mean``."""
    return "centre crop" if crops == "centre" else f"{crops}-crop mean"


def title_of(figures: dict[str, Any]) -> str:
    """What was evaluated on what, as the heading of every form of the report."""
    return (
        f"{figures['network']} on {figures['data']['name']}, {figures['split']} split, "
        f"{LABEL_NAMES[figures['labels']]}"
    )


def caveats(figures: dict[str, Any]) -> list[str]:
    """What a reader has to know before any figure, one sentence each."""
    source, left_out = figures["data"], describe_left_out(figures["left_out"])
    sentences = []
    if source["drawn"]:
        sentences.append("These are synthetic faces: the figures say nothing about people.")
    if source["pixels"] in ALTERED:
        finding = source["finding"]
        sentences.append(
            f"{finding[0].upper()}{finding[1:]}. These figures do not compare with published ones."
        )
    if ((figures["training"] or {}).get("data") or {}).get("pixels") in ALTERED:
        sentences.append(
            f"The network was trained on altered pixels: {figures['training']['data']['finding']}."
        )
    if left_out:
        sentences.append(f"Faces without such a label: {left_out}.")
    return sentences


def report_markdown(figures: dict[str, Any]) -> str:
    """The figures of ``evaluate`` as a page to be read, with all that they depend on."""
    source, training = figures["data"], figures["training"]
    settings, result = training.get("settings") or {}, training.get("result") or training
    lines = [
        f"# {title_of(figures)}",
        "",
        *(f"**{sentence}**\n" for sentence in caveats(figures)),
        f"Seed {settings.get('seed', 'unknown')}, {result.get('epochs', 'unknown')} epochs, data "
        f"fingerprint `{source['fingerprint'][:12]}`, pixels {source['pixels']}.",
        "",
        "| crops | accuracy (%) | 95 % interval (Wilson) | faces |",
        "|---|---|---|---|",
    ]
    for crops, found in figures["accuracy"].items():
        low, high = found["interval_95"]
        lines.append(
            f"| {crops_name(crops)} | {100 * found['value']:.2f} | {100 * low:.2f} to "
            f"{100 * high:.2f} | {found['faces']} |"
        )
    per_class = crops_name(figures["per_class_views"])
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
    lines += ["", f"Computed by {figures['computed_by']}, with {made_with}."]
    return "\n".join(lines) + "\n"


def report_folder(source: Path, split: str, labels: str) -> Path:
    """Where a report goes by default: into the run, or for other networks under ``reports``."""
    name = split if labels == "fer2013" else f"{split}-{labels}"
    if source.is_dir():
        return source / f"evaluation-{name}"
    return Path("reports") / f"{source.name.split('.')[0]}-{name}"


def write_report(folder: Path, figures: dict[str, Any], answers: pd.DataFrame) -> None:
    """Write the report's five files, each whole or not at all.

    Args:
        figures: of ``evaluate``.
        answers: of ``answer_table``.
    """
    with atomic_write(folder / "report.md") as temporary:
        temporary.write_text(report_markdown(figures), encoding="utf-8")
    confusion = np.array(figures["confusion"])
    table = pd.DataFrame(confusion, index=EXPRESSIONS, columns=EXPRESSIONS)
    with atomic_write(folder / "confusion.csv") as temporary:
        table.to_csv(temporary, index_label="labelled \\ read as")
    with atomic_write(folder / "predictions.csv") as temporary:
        answers.to_csv(temporary, index_label="face")
    title = f"{title_of(figures)}\n{crops_name(figures['per_class_views'])}"
    with atomic_write(folder / "confusion.png") as temporary:
        confusion_figure(confusion, title).savefig(temporary, dpi=120)
    with atomic_write(folder / "report.json") as temporary:
        temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def print_report(figures: dict[str, Any]) -> None:
    """Print the figures that a reader looks for first."""
    print(title_of(figures))
    for sentence in caveats(figures):
        print(f"  {sentence}")
    if votes := figures["data"].get("ferplus"):
        print(f"  votes: {votes['source']}")
    for crops, found in figures["accuracy"].items():
        low, high = found["interval_95"]
        print(
            f"  {crops_name(crops):14s} {found['value']:7.2%}   95 % interval {low:.2%} to "
            f"{high:.2%}, {found['faces']} faces"
        )
    print(f"  {'':14s} precision   recall       F1    faces")
    for name, row in figures["classes"].items():
        print(
            f"  {name:14s} {row['precision']:9.2%} {row['recall']:8.2%} {row['f1']:8.2%} "
            f"{row['faces']:8d}"
        )
    print(f"  {'macro F1':14s} {'':18s} {figures['macro_f1']:8.2%}")
    absent = [name for name, row in figures["classes"].items() if not row["faces"]]
    if absent:
        print(f"  without {', '.join(absent)}: the split has no such face")
    found = figures["calibration"]
    print(
        f"  temperature {found['temperature']:.3f}; expected calibration error "
        f"{found['expected_calibration_error']:.2%} on one half, by a fit on the other "
        f"({found['uncalibrated_error']:.2%} without; {found['bins']} bins)"
    )
