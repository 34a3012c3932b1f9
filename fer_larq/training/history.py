"""The epochs of a run: ``history.csv``, ``curve.png`` and events for TensorBoard."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fer_larq.utils.backend import tf
from fer_larq.utils.files import atomic_write

COLUMNS = (
    "epoch",
    "training_loss",
    "training_accuracy",
    "validation_five",
    "validation_centre",
    "crops_per_second",
    "best",
)
"""Accuracies are shares, 0 to 1; ``best`` marks the epochs that raised the validation accuracy."""


class History:
    """Rows of a run's epochs, on disk after each ``append``."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.rows: list[dict[str, Any]] = []
        self._tensorboard: tf.summary.SummaryWriter | None = None

    def keep_epochs(self, epochs: int) -> None:
        """Read the rows on disk and keep those of the first ``epochs`` epochs."""
        try:
            with (self.run / "history.csv").open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except FileNotFoundError:
            rows = []
        self.rows = [row for row in rows if int(row["epoch"]) <= epochs]

    def best(self) -> dict[str, Any]:
        """Epoch and validation accuracies (0 to 1) of the best weights so far."""
        row = [row for row in self.rows if str(row["best"]) == "True"][-1]
        return {
            "epoch": int(row["epoch"]),
            **{
                name: float(row[name])
                for name in ("validation_five", "validation_centre")
                if row[name] != ""
            },
        }

    def append(self, **row: Any) -> None:
        """Add a row and bring the three files up to date."""
        self.rows.append({name: row.get(name, "") for name in COLUMNS})
        with atomic_write(self.run / "history.csv") as temporary:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(self.rows)
        self._write_events(row)
        self._draw()
        shown = ", ".join(
            f"{name.replace('_', ' ')} {value:.2%}"
            for name, value in row.items()
            if name.startswith("validation") or name == "training_accuracy"
        )
        print(f"epoch {row['epoch']}: {shown}", flush=True)

    def _write_events(self, row: dict[str, Any]) -> None:
        if self._tensorboard is None:
            self._tensorboard = tf.summary.create_file_writer(str(self.run / "tensorboard"))
        with self._tensorboard.as_default(step=row["epoch"]):
            for name, value in row.items():
                if isinstance(value, float):
                    tf.summary.scalar(name, value)
        self._tensorboard.flush()

    def _draw(self) -> None:
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for column, label in (
            ("training_accuracy", "training crops, as they were seen"),
            ("validation_centre", "validation, centre crop"),
            ("validation_five", "validation, five-crop mean"),
        ):
            points = [
                (int(row["epoch"]), 100 * float(row[column]))
                for row in self.rows
                if row[column] != ""
            ]
            if points:
                axes.plot(*zip(*points, strict=True), marker=".", label=label)
        axes.set(xlabel="epoch", ylabel="accuracy (%)", title=self.run.name)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
        with atomic_write(self.run / "curve.png") as temporary:
            figure.savefig(temporary, dpi=120)
