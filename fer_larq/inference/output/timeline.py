"""The seven scores of a face over the time of a video, as an image.

Drawn with Pillow, since whoever only classifies faces shall not need a plotting library; the
figures themselves are in the table that the command writes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fer_larq.inference.face import Face, score_to_bar
from fer_larq.inference.output.annotate import colour, font
from fer_larq.inference.output.text import plural, printable

WIDTH, LANE, MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 1200, 84, 110, 36, 64, 58
"""Sizes in pixels; a lane is the strip of one expression."""

INK, FAINT = (40, 44, 52), (225, 228, 232)


class ScoreTimeline:
    """Collects the scores of a video's faces over time."""

    def __init__(self, labels: Sequence[str]):
        self.labels = labels
        self.seconds: list[float] = []
        self.faces: dict[int, dict[int, list[float]]] = {}  # number -> frame -> scores

    def add(self, seconds: float, faces: Sequence[Face]) -> None:
        """Note a frame."""
        for face in faces:
            # Where the model knows probabilities, a curve's height is one: the bar of 2 p - 1.
            shares = face.probabilities
            scores = [
                2 * shares[label] - 1 if shares else face.scores[label] for label in self.labels
            ]
            self.faces.setdefault(face.number, {})[len(self.seconds)] = scores
        self.seconds.append(seconds)

    def describe(self, name: str) -> str:
        """One line on how many faces were in sight, and their most frequent expressions."""
        if not self.faces:
            return f"{printable(name)}: no face found in {len(self.seconds)} frames"
        rows = np.array([row for frames in self.faces.values() for row in frames.values()])
        counts = np.bincount(rows.argmax(axis=1), minlength=len(self.labels))
        most = ", ".join(
            f"{self.labels[i]} {counts[i] / counts.sum():.0%}"
            for i in np.argsort(-counts, kind="stable")[:3]
            if counts[i]
        )
        return (
            f"{printable(name)}: {plural(len(self.seconds), 'frame')}, "
            f"{plural(len(self.faces), 'face')}: {most}"
        )

    def plot(self, name: str) -> Image.Image:
        """The curves of the face that was in sight longest."""
        number = max(self.faces, key=lambda face: len(self.faces[face]))
        scores = np.full((len(self.seconds), len(self.labels)), np.nan, np.float32)
        for frame, row in self.faces[number].items():
            scores[frame] = row
        title = printable(Path(name).name)
        if len(self.faces) > 1:
            title += f": face {number} of {len(self.faces)}, the longest in sight"
        return draw_timeline(np.array(self.seconds), scores, self.labels, title)


def draw_timeline(
    seconds: NDArray[np.float64], scores: NDArray[np.float32], labels: Sequence[str], title: str
) -> Image.Image:
    """Draw scores over time, one lane for each expression.

    Args:
        seconds: float64 ``[T]``, rising.
        scores: float32 ``[T, E]``; NaN where the face was not in sight.
        labels: the E names of the scores.
        title: stands on top.

    Returns:
        An image in which the height of a curve is ``score_to_bar`` of the score. The largest
        score of each moment is filled.
    """
    height = MARGIN_TOP + LANE * len(labels) + MARGIN_BOTTOM
    picture = Image.new("RGB", (WIDTH, height), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN_LEFT, 30), title, INK, font=font(20), anchor="lm")

    first, last = float(seconds[0]), max(float(seconds[-1]), float(seconds[0]) + 1e-3)
    # One column of pixels may stand for many frames: their mean is drawn.
    columns = MARGIN_LEFT + np.floor(
        (seconds - first) / (last - first) * (WIDTH - MARGIN_LEFT - MARGIN_RIGHT - 1)
    ).astype(int)
    bottom = MARGIN_TOP + LANE * len(labels)
    for tick in ticks(first, last):
        x = MARGIN_LEFT + (tick - first) / (last - first) * (WIDTH - MARGIN_LEFT - MARGIN_RIGHT - 1)
        draw.line((x, MARGIN_TOP, x, bottom), FAINT)
        draw.text((x, bottom + 8), f"{tick:g}", INK, font=font(15), anchor="mt")
    draw.text(
        ((WIDTH + MARGIN_LEFT - MARGIN_RIGHT) / 2, height - 14), "seconds", INK, font=font(15),
        anchor="mm",
    )  # fmt: skip

    seen = ~np.isnan(scores).any(axis=1)
    points = {}  # of each column: the mean of its scores
    for column in np.unique(columns[seen]):
        points[int(column)] = scores[seen & (columns == column)].mean(axis=0)
    step = max(1, math.ceil(np.diff(np.unique(columns)).max(initial=1)))  # between two frames
    for lane, label in enumerate(labels):
        base = MARGIN_TOP + LANE * (lane + 1)
        draw.line((MARGIN_LEFT, base, WIDTH - MARGIN_RIGHT, base), FAINT)
        draw.text((MARGIN_LEFT - 12, base - LANE / 2), label, INK, font=font(17), anchor="rm")
        top = {x: base - score_to_bar(float(row[lane])) * (LANE - 12) for x, row in points.items()}
        for x, row in points.items():
            if int(row.argmax()) == lane:
                right = min(x + step, WIDTH - MARGIN_RIGHT) - 1
                draw.rectangle((x, top[x], right, base), fill=colour(label))
        for x, following in zip(points, list(points)[1:], strict=False):
            if following - x <= 2 * step:  # no line over a gap
                draw.line((x, top[x], following, top[following]), colour(label), width=3)
    return picture


def ticks(first: float, last: float) -> list[float]:
    """Round numbers from ``first`` to ``last``, about ten of them."""
    rough = (last - first) / 10
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
    return [round(n * step, 6) for n in range(math.ceil(first / step), math.floor(last / step) + 1)]
