"""Interleaved timing: every round measures every candidate once.

Machines are shared and their clocks wander; candidates that are measured in turns wander together,
so their ratio means something where two separate timings would not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np
from tqdm import tqdm

Name = TypeVar("Name", bound=Hashable)


def interleaved(
    candidates: Mapping[Name, Callable[[], object]], rounds: int
) -> dict[Name, np.ndarray]:
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


def ratio(seconds: np.ndarray, base: np.ndarray) -> tuple[float, float, float]:
    """How many times as fast as ``base``: median, smallest and largest over the rounds."""
    ratios = base / seconds
    return float(np.median(ratios)), float(ratios.min()), float(ratios.max())
