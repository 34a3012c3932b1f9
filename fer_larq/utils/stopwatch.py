"""Where the time goes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Sums up the seconds spent in each stage of a work, by name.

    Attributes:
        seconds: that passed.
        processor_seconds: of all threads of this process together. On a machine that is shared
            they say more, and they are what the work would take on one core to itself.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.processor_seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the ``with`` block for a stage."""
        start, processor_start = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - start
            self.processor_seconds[name] += time.process_time() - processor_start

    def table(self, count: int, what: str) -> str:
        """Milliseconds of each stage for each of ``count`` things, passed and on a processor."""
        rows = {
            name: (self.seconds[name] / max(count, 1), self.processor_seconds[name] / max(count, 1))
            for name in self.seconds
        }
        passed, processor = (sum(row[i] for row in rows.values()) for i in (0, 1))
        rows["all"] = (passed, processor)
        return "\n".join(
            [
                f"milliseconds for each of {count} {what}s: passed, and on a processor",
                *(f"{name:12}{a * 1e3:9.2f}{b * 1e3:9.2f}" for name, (a, b) in rows.items()),
                f"{what}s a second: {1 / max(passed, 1e-9):.1f} now, "
                f"{1 / max(processor, 1e-9):.1f} on one core to itself",
            ]
        )
