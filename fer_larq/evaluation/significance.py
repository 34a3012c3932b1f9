"""Whether one network is better than another on the same faces: McNemar's test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

SIGNIFICANCE_LEVEL = 0.05
"""Chance that any of the compared pairs is called different although none is."""


@dataclass(frozen=True)
class Comparison:
    """Two networks' answers to the same faces.

    Attributes:
        first, second: names of the networks.
        only_first, only_second: faces that only this one of the two classifies correctly.
        faces: number of all faces.
        p_value: of McNemar's exact test, two-sided: how probable so uneven a split of the faces on
            which they differ would be, if both were right equally often.
        adjusted: the same after Holm's correction for the number of pairs.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    faces: int
    p_value: float
    adjusted: float

    @property
    def difference(self) -> float:
        """Accuracy of the second less that of the first, in percentage points."""
        return 100 * (self.only_second - self.only_first) / self.faces

    @property
    def real(self) -> bool:
        """Whether the difference is more than chance at ``SIGNIFICANCE_LEVEL``."""
        return self.adjusted < SIGNIFICANCE_LEVEL


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """P-value of McNemar's exact test (McNemar 1947), two-sided.

    Args:
        first, second: bool ``[N]``, whether each network is right on each face.
    """
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    if only_first == only_second:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def holm(p_values: list[float]) -> list[float]:
    """P-values after Holm's correction (1979) for their number."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def compare_all(right: Mapping[str, NDArray[np.bool_]]) -> list[Comparison]:
    """Compare every network with every other.

    Args:
        right: bool ``[N]`` by network, whether it is right on each face; the same faces for all.
    """
    pairs = list(combinations(right, 2))
    p_values = [mcnemar(right[first], right[second]) for first, second in pairs]
    return [
        Comparison(
            first,
            second,
            int(np.sum(right[first] & ~right[second])),
            int(np.sum(right[second] & ~right[first])),
            len(right[first]),
            p_value,
            adjusted,
        )
        for (first, second), p_value, adjusted in zip(pairs, p_values, holm(p_values), strict=True)
    ]
