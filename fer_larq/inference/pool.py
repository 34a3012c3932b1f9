"""Objects that threads share, each used by one thread at a time."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Thing = TypeVar("Thing")


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool(Generic[Thing]):
    """Makes objects when they are needed and lends each to one thread at a time.

    Args:
        make: makes one.
        limit: of objects; who comes when all are lent waits. By default the usable cores.
        begun: objects that were made already.

    After ``os.fork`` the child begins with none, and makes its own.
    """

    def __init__(
        self, make: Callable[[], Thing], limit: int | None = None, begun: Iterable[Thing] = ()
    ):
        self.make = make
        self.limit = limit or usable_cores()
        self.forget()
        self.idle += begun
        POOLS.add(self)

    def forget(self) -> None:
        """Begin anew. In a forked child, a lost thread may have what was lent or a lock."""
        self.idle: list[Thing] = []
        # One permit for each object that may be lent. Waiting for one holds up no other thread,
        # which the conditions and semaphores of ``threading``, written in Python, do.
        self.permits: SimpleQueue[None] = SimpleQueue()
        for _ in range(self.limit):
            self.permits.put(None)

    @contextmanager
    def lend(self) -> Iterator[Thing]:
        """Lend an object for the ``with`` block."""
        permits, idle = self.permits, self.idle
        permits.get()
        try:
            try:
                thing = idle.pop()
            except IndexError:
                thing = self.make()
            try:
                yield thing
            finally:
                idle.append(thing)
        finally:
            permits.put(None)


POOLS: weakref.WeakSet[Pool[Any]] = weakref.WeakSet()


def forget_after_fork() -> None:
    """In a forked child: what the parent's threads were lent is not the child's."""
    for pool in list(POOLS):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_after_fork)
