"""The chart of README.md: size and speed of BDNN4 in float32, int8 and 1 bit.

    python docs/chart.py    # reads docs/inference/inference.json, writes the chart beside it

Sizes are those of docs/conversion.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from matplotlib.figure import Figure

INFERENCE = Path(__file__).resolve().parent / "inference"

FORMS = {
    "float32": ("float32, LiteRT with XNNPACK", 45.95, "#7f8c9b"),
    "int8": ("int8, LiteRT with XNNPACK", 11.63, "#4f81bd"),
    "1 bit": ("bit-packed, LiteRT with lce_delegate", 1.47, "#e8710a"),
}
"""Label: name of the row, megabytes of the model file, colour."""


def draw(rows: list[dict]) -> Figure:
    """Two panels of bars: megabytes, and milliseconds a face (five crops, one thread)."""
    times = {
        row["name"]: row["milliseconds"] for row in rows if (row["crops"], row["threads"]) == (5, 1)
    }
    figure = Figure(figsize=(8, 2.1), layout="constrained")
    panels = figure.subplots(1, 2)
    colours = [colour for _, _, colour in FORMS.values()]
    for axes, title, values in (
        (panels[0], "size (MB)", [size for _, size, _ in FORMS.values()]),
        (panels[1], "time for a face (ms)", [times[name] for name, _, _ in FORMS.values()]),
    ):
        bars = axes.barh(list(FORMS), values, color=colours)
        axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=4)
        axes.set_title(title, loc="left")
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.xaxis.set_visible(False)
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    return figure


def main() -> None:
    rows = json.loads((INFERENCE / "inference.json").read_text(encoding="utf-8"))["rows"]
    path = INFERENCE / "speed_and_size.png"
    draw(rows).savefig(path, dpi=120)
    print(path)


if __name__ == "__main__":
    main()
