"""The result: a face, where it is and what it expresses."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    number: int
    left: int
    top: int
    side: int
    confidence: float
    scores: dict[str, float]

    @property
    def expression(self) -> str:
        """The expression with the largest score."""
        return max(self.scores, key=self.scores.__getitem__)


def score_to_bar(score: float) -> float:
    """The length of a score's bar, 0 to 1: (score + 1) / 2, clipped.

    The score that minimises the expected squared hinge loss, with targets -1 and +1, is
    2 p - 1, where p is the probability of the expression; solved for p, that is this. A network is
    not at that minimum, and nothing makes the seven bars add up to 1: they are for the eye.
    """
    return min(max((score + 1) / 2, 0.0), 1.0)
