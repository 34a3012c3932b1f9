"""Which label a face has: FER2013's, or what the votes of FER+ say; for training and for judging.

The votes and their rules are those of Barsoum, Zhang, Canton Ferrer and Zhang (2016), "Training
Deep Networks for Facial Expression Recognition with Crowd-Sourced Label Distribution",
arXiv:1608.01041, and of the code published with it, https://github.com/microsoft/FERPlus.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fer_larq.datasets.dataset import NO_LABEL, Faces
from fer_larq.datasets.labels import EXPRESSIONS, one_hot
from fer_larq.utils.errors import UserError

LABEL_SCHEMES = ("fer2013", "ferplus", "both")
"""What labels a network may be trained with; it is judged by the first two."""

VOTE_COLUMNS = (
    *("neutral", "happiness", "surprise", "sadness", "anger"),
    *("disgust", "fear", "contempt", "unknown", "NF"),
)
"""What people could vote for, in the file's order; NF: there is no face."""

SEVEN = tuple(
    map(
        VOTE_COLUMNS.index,
        ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    )
)
"""The columns of ``EXPRESSIONS``, in their order."""

CONTEMPT, UNKNOWN, NO_FACE = map(VOTE_COLUMNS.index, ("contempt", "unknown", "NF"))


def majority(votes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """What most voters saw, as Barsoum et al. define it in their paper and code.

    A single vote counts as an outlier and is dropped; the winner needs more than half of the votes
    that remain, those for ``unknown`` and ``NF`` among them.

    Args:
        votes: uint8 ``[N, 10]``.

    Returns:
        int64 ``[N]``, columns of ``VOTE_COLUMNS``; -1 where there is no majority.
    """
    counted = np.where(votes > 1, votes, 0).astype(np.int64)
    clear = 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(clear, counted.argmax(axis=1), -1)


def distribution(votes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Shares of the votes for the seven expressions.

    Args:
        votes: uint8 ``[N, 10]``.

    Returns:
        float32 ``[N, 7]``; each row sums to 1, or is 0 where nobody voted for one of the seven.
    """
    seven = votes[:, SEVEN].astype(np.float32)
    total: NDArray[np.float32] = np.maximum(seven.sum(axis=1, keepdims=True), 1)
    return seven / total


class Selection(NamedTuple):
    """Faces that a label scheme has targets for.

    Attributes:
        faces: the N faces that remain.
        targets: for training float32 ``[N, 7]``, rows that sum to 1; for evaluation int64 ``[N]``,
            indices into ``EXPRESSIONS``.
        left_out: how many faces were left out, by reason.
    """

    faces: Faces
    targets: NDArray[Any]
    left_out: dict[str, int]


def select(faces: Faces, scheme: str = "fer2013", purpose: str = "training") -> Selection:
    """The faces of a split that a label scheme can be trained on or judged by, and their targets.

    ``fer2013``: FER2013's label of every face, one-hot for training.

    ``ferplus``, for training: the distribution of the votes over the seven expressions, as Barsoum
    et al. (2016) train with it, but without contempt, which FER2013 lacks. Left out are faces in
    which most voters saw no face, and those with no vote for one of the seven.

    ``ferplus``, for evaluation: the majority as Barsoum et al. define it (see ``majority``). Left
    out are faces without a majority and those whose majority is contempt, unknown or no face, since
    a network of seven expressions has no answer for them.

    ``both``, for training only: half of ``fer2013`` and half of ``ferplus``, for the faces of the
    latter.

    Args:
        faces: of one split, with votes unless the scheme is ``fer2013``.
        scheme: one of ``LABEL_SCHEMES``.
        purpose: ``training`` or ``evaluation``.

    Raises:
        UserError: the faces have no labels of that scheme.
    """
    if purpose not in ("training", "evaluation") or scheme not in LABEL_SCHEMES:
        raise ValueError(f"no label scheme {scheme!r} for {purpose!r}")
    if scheme == "both" and purpose == "evaluation":
        raise ValueError("a mixture of labels is for training only")
    if scheme != "ferplus" and np.any(faces.labels == NO_LABEL):
        raise UserError("FER+'s own images have no labels of FER2013: use --labels ferplus")
    if scheme == "fer2013":
        return Selection(
            faces, one_hot(faces.labels) if purpose == "training" else faces.labels, {}
        )
    if faces.votes is None:
        raise UserError(
            "there are no votes of FER+ for these faces: give FER2013's CSV and --ferplus FILE, or "
            "use --labels fer2013"
        )
    if purpose == "evaluation":
        return _majority_only(faces)

    no_face = 2 * faces.votes[:, NO_FACE].astype(np.int64) > faces.votes.sum(axis=1)
    nobody = ~no_face & (faces.votes[:, SEVEN].sum(axis=1) == 0)
    left_out = {"no face": int(no_face.sum()), "no vote for the seven": int(nobody.sum())}
    kept = faces.take(~(no_face | nobody))
    assert kept.votes is not None
    targets = distribution(kept.votes)
    if scheme == "both":
        targets = (targets + one_hot(kept.labels)) / 2
    return Selection(kept, targets, left_out)


def _majority_only(faces: Faces) -> Selection:
    assert faces.votes is not None
    found = majority(faces.votes)
    reasons = {"no majority": -1, "contempt": CONTEMPT, "unknown": UNKNOWN, "no face": NO_FACE}
    left_out = {reason: int(np.sum(found == column)) for reason, column in reasons.items()}
    clear = np.isin(found, SEVEN)
    labels = np.empty(len(VOTE_COLUMNS), np.int64)
    labels[list(SEVEN)] = np.arange(len(EXPRESSIONS))
    return Selection(faces.take(clear), labels[found[clear]], left_out)


def describe_left_out(left_out: Mapping[str, int]) -> str:
    """The faces that a scheme leaves out, as a reader wants them; empty if there are none."""
    reasons = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    return f"{sum(left_out.values()):,} left out ({', '.join(reasons)})" if reasons else ""
