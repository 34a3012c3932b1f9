"""Objects that threads share, each used by one thread at a time."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
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
        self.made = len(self.idle)
        POOLS.add(self)

    def forget(self) -> None:
        """Begin anew. In a forked child, the lock may be one that a lost thread holds."""
        self.changed = threading.Condition()
        self.idle: list[Thing] = []
        self.made = 0

    @contextmanager
    def lend(self) -> Iterator[Thing]:
        """Lend an object for the ``with`` block."""
        thing = self.take()
        try:
            yield thing
        finally:
            with self.changed:
                self.idle.append(thing)
                self.changed.notify()

    def take(self) -> Thing:
        """An object that no other thread has."""
        with self.changed:
            while not self.idle and self.made >= self.limit:
                self.changed.wait()
            if self.idle:
                return self.idle.pop()
            self.made += 1
        try:
            return self.make()
        except BaseException:
            with self.changed:
                self.made -= 1
                self.changed.notify()
            raise


POOLS: weakref.WeakSet[Pool[Any]] = weakref.WeakSet()


def forget_after_fork() -> None:
    """In a forked child: what the parent's threads were lent is not the child's."""
    for pool in list(POOLS):
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_after_fork)
