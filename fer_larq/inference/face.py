"""The result: a face, where it is and what it expresses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Face:
    """A face in an image.

    Attributes:
        number: 1, 2, 3 ... from the left; in a video, the same as long as the face is in sight.
        left, top, side: the box that was classified, in pixels of the image as it stands upright.
            It frames the face as FER2013 does and may reach beyond the image.
        confidence: of the detector, 0 to 1; OpenCV's cascade has none and says 1.
        scores: of each expression, the mean over five crops. They are margins, not probabilities:
            training asks for +1 or more from the right expression and -1 or less from the others.
        probabilities: of each expression, 0 to 1, they add up to 1; None if the model does not
            say its temperature.
        angle: degrees, clockwise, by which the box is turned about its centre, since the face is;
            0 for a face that is upright or nearly so.
        quality: reasons why the answer may be wrong, among ``QUALITY_REASONS``; empty if there
            is none.
    """

    number: int
    left: int
    top: int
    side: int
    confidence: float
    scores: dict[str, float]
    probabilities: dict[str, float] | None = None
    angle: float = 0.0
    quality: tuple[str, ...] = ()

    @property
    def expression(self) -> str:
        """The expression with the largest score."""
        return max(self.scores, key=self.scores.__getitem__)

    def bars(self) -> dict[str, tuple[float, str]]:
        """Of each expression the length of its bar, 0 to 1, and the text beside it: the
        probability, or, of a model without a temperature, the score.
        """
        if self.probabilities is not None:
            return {label: (share, f"{share:.0%}") for label, share in self.probabilities.items()}
        return {
            label: (score_to_bar(score), f"{score:+.2f}") for label, score in self.scores.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """The face as a JSON object: numbers, texts, lists and objects only."""
        return {
            "face": self.number,
            "box": {"left": self.left, "top": self.top, "width": self.side, "height": self.side},
            "angle": round(self.angle, 1),
            "confidence": round(self.confidence, 3),
            "quality": list(self.quality),
            "expression": self.expression,
            "scores": {label: round(score, 6) for label, score in self.scores.items()},
            "probabilities": self.probabilities
            and {label: round(share, 6) for label, share in self.probabilities.items()},
        }


def softmax(scores: Sequence[float], temperature: float) -> list[float]:
    """Probabilities of scores divided by a temperature (Guo et al. 2017)."""
    largest = max(scores)
    powers = [math.exp((score - largest) / temperature) for score in scores]
    return [power / sum(powers) for power in powers]


def score_to_bar(score: float) -> float:
    """The length of a score's bar, 0 to 1: (score + 1) / 2, clipped.

    The score that minimises the expected squared hinge loss, with targets -1 and +1, is
    2 p - 1, where p is the probability of the expression; solved for p, that is this. A network is
    not at that minimum, and nothing makes the seven bars add up to 1: they are for the eye.
    """
    return min(max((score + 1) / 2, 0.0), 1.0)
