"""The paper's tables 3 and 4 beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fer_larq.models.bdnn import network_name
from fer_larq.training.recipes import RECIPES


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
    """A row of the paper's tables and the reports of its runs, one for each seed."""

    paper: PaperRow
    reports: tuple[dict[str, Any], ...]

    @property
    def crops(self) -> str:
        """Crops that the row is evaluated with."""
        return RECIPES[self.paper.recipe].validation_crops

    @property
    def accuracies(self) -> np.ndarray:
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
    if figures["data"]["drawn"]:
        lines.insert(0, "**Drawn faces: these figures say nothing about people.**\n")
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
