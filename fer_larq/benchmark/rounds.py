"""Interleaved timing: every round measures every candidate once.

Machines are shared and their clocks wander; candidates that are measured in turns wander together,
so their ratio means something where two separate timings would not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

Name = TypeVar("Name", bound=Hashable)


def interleaved(
    candidates: Mapping[Name, Callable[[], object]], rounds: int
) -> dict[Name, NDArray[np.float64]]:
    """Seconds of each candidate in each round, float64 ``[rounds]``, after one call to warm up."""
    for run in candidates.values():
        run()
    seconds = {name: np.empty(rounds) for name in candidates}
    for index in tqdm(range(rounds), desc="rounds", leave=False):
        for name, run in candidates.items():
            start = time.perf_counter()
            run()
            seconds[name][index] = time.perf_counter() - start
    return seconds


def ratio(seconds: NDArray[np.float64], base: NDArray[np.float64]) -> tuple[float, float, float]:
    """How many times as fast as ``base``: median, smallest and largest over the rounds."""
    ratios = base / seconds
    return float(np.median(ratios)), float(ratios.min()), float(ratios.max())
