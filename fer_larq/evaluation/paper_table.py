"""The paper's tables 3 and 4 beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_larq.evaluation.report import Evaluation, caveats
from fer_larq.evaluation.significance import SIGNIFICANCE_LEVEL, compare_all
from fer_larq.models.bdnn import network_name
from fer_larq.training.recipes import RECIPES
from fer_larq.utils.files import atomic_write


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's tables."""

    recipe: str
    accuracy: float
    """PrivateTest, 0 to 1."""

    @property
    def label(self) -> str:
        """As the row is called in tables and pictures."""
        recipe = RECIPES[self.recipe]
        without = "" if recipe.validation_crops == "five" else ", no crops"
        return network_name(recipe.blocks, recipe.dense).upper() + without


PAPER = (
    PaperRow("bdnn2", 0.6150),
    PaperRow("bdnn3", 0.6551),
    PaperRow("bdnn4", 0.6615),
    PaperRow("bcnn4", 0.6490),
    PaperRow("bdnn4-no-crops", 0.6131),
)
"""Tab. 3 and 4 of the paper, in their order."""


@dataclass(frozen=True)
class MeasuredRow:
    """A row of the paper's tables and the evaluations of its runs, one for each seed."""

    paper: PaperRow
    evaluations: tuple[Evaluation, ...]

    @property
    def reports(self) -> list[dict[str, Any]]:
        """The figures of each seed's run."""
        return [one.figures for one in self.evaluations]

    @property
    def answers(self) -> dict[str, pd.Series]:
        """The answers of each seed's run to each face, by row and seed."""
        return {
            f"{self.paper.label}, seed {one.figures['training']['settings']['seed']}": (
                one.answers[self.crops]
            )
            for one in self.evaluations
        }

    @property
    def crops(self) -> str:
        """Crops that the row is evaluated with."""
        return RECIPES[self.paper.recipe].validation_crops

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """Accuracy in per cent of each seed's run."""
        return np.array([100 * one["accuracy"][self.crops]["value"] for one in self.reports])

    @property
    def interval(self) -> tuple[float, float]:
        """Mean over seeds of the 95 % intervals for the choice of faces, in per cent."""
        bounds = [one["accuracy"][self.crops]["interval_95"] for one in self.reports]
        low, high = 100 * np.mean(bounds, axis=0)
        return float(low), float(high)


def paper_markdown(rows: Sequence[MeasuredRow], width: float) -> str:
    """The measured rows as a Markdown table."""
    figures = rows[0].reports[0]
    lines = [
        f"{figures['data']['name']}, {figures['split']} split of "
        f"{figures['accuracy']['centre']['faces']} faces, data fingerprint "
        f"`{figures['data']['fingerprint'][:12]}`. The paper's column is its PrivateTest figure. "
        "The interval is that of choosing so many faces, the deviation that of choosing a seed.",
        "",
        "| network | dense connections | crops | accuracy (%) | 95 % interval | seeds "
        "| standard deviation | epochs | paper (%) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    if width != 1:
        lines.insert(0, f"**Networks of {width:g} of the paper's filters and units.**\n")
    lines[:0] = [f"**{sentence}**\n" for sentence in caveats(figures)]
    for row in rows:
        low, high = row.interval
        found = row.accuracies
        seeds = ", ".join(
            f"{one['training']['settings']['seed']}: {value:.2f}"
            for one, value in zip(row.reports, found, strict=True)
        )
        deviation = f"{found.std(ddof=1):.2f}" if len(found) > 1 else ""
        dense = "yes" if RECIPES[row.paper.recipe].dense else "no"
        lines.append(
            f"| {row.paper.label} | {dense} | {row.crops} | {found.mean():.2f} "
            f"| {low:.2f} to {high:.2f} | {seeds} | {deviation} "
            f"| {row.reports[0]['training']['result']['epochs']} "
            f"| {100 * row.paper.accuracy:.2f} |"
        )
    return "\n".join(lines) + "\n"


def comparison_markdown(rows: Sequence[MeasuredRow]) -> str:
    """Whether the rows differ on the same faces, as a Markdown table."""
    labels = rows[0].evaluations[0].answers["label"]
    right = {
        row.paper.label: (row.evaluations[0].answers[row.crops] == labels).to_numpy()
        for row in rows
    }
    found = compare_all(right)
    seed = rows[0].reports[0]["training"]["settings"]["seed"]
    lines = [
        f"Differences between the rows on the same {len(labels):,} faces, networks of seed {seed}: "
        f"McNemar's exact test, p-values after Holm's correction for {len(found)} pairs. Real: "
        f"p below {SIGNIFICANCE_LEVEL:g}, more than this choice of faces explains. Another seed "
        "may differ by more, see the deviation above.",
        "",
        "| rows | difference (points) | only the first is right | only the second | p | real |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.first} and {one.second} | {one.difference:+.2f} | {one.only_first} "
        f"| {one.only_second} | {one.adjusted:.2g} | {'yes' if one.real else 'not shown'} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def prediction_table(rows: Sequence[MeasuredRow]) -> pd.DataFrame:
    """Every run's answer to each face, beside the face's row in the published order and label."""
    first = rows[0].evaluations[0].answers
    known = first[[name for name in ("row", "label") if name in first]]
    return known.assign(**{name: some for row in rows for name, some in row.answers.items()})


def paper_figure(rows: Sequence[MeasuredRow], width: float) -> Figure:
    """The measured rows with their intervals and seeds, and the paper's figures, as a picture."""
    picture = Figure(figsize=(7, 3.6), layout="constrained")
    axes = picture.subplots()
    for place, row in enumerate(rows):
        first = place == 0
        found, (low, high) = row.accuracies, row.interval
        axes.errorbar(
            found.mean(), place, xerr=[[found.mean() - low], [high - found.mean()]], fmt="none",
            ecolor="tab:blue", capsize=4, label="95 % interval" if first else None,
        )  # fmt: skip
        axes.plot(
            found, np.full(len(found), place), "o", color="tab:blue", alpha=0.7,
            label="measured, one for each seed" if first else None,
        )  # fmt: skip
        axes.plot(
            100 * row.paper.accuracy, place, "D", color="tab:orange", fillstyle="none",
            label="paper, PrivateTest" if first else None,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), [row.paper.label for row in rows])
    axes.invert_yaxis()
    figures = rows[0].reports[0]
    axes.set(
        xlabel="accuracy (%)",
        title=f"{figures['data']['name']}, {figures['split']}"
        + (f", {width:g} of the width" if width != 1 else "")
        + (" (drawings, not people)" if figures["data"]["drawn"] else ""),
    )
    axes.grid(axis="x", alpha=0.3)
    picture.legend(loc="outside lower center", ncols=3)
    return picture


def write_paper_table(folder: Path, rows: Sequence[MeasuredRow], width: float) -> str:
    """Write ``table.md``, ``table.png`` and ``predictions.csv``; returns the text of the first."""
    page = paper_markdown(rows, width)
    if len(rows) > 1:
        page += "\n" + comparison_markdown(rows)
    with atomic_write(folder / "table.md") as temporary:
        temporary.write_text(page, encoding="utf-8")
    with atomic_write(folder / "predictions.csv") as temporary:
        prediction_table(rows).to_csv(temporary, index_label="face")
    with atomic_write(folder / "table.png") as temporary:
        paper_figure(rows, width).savefig(temporary, dpi=120)
    return page
