"""The work that a piece of code does, counted in calls: no machine's speed and no load changes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from cProfile import Profile
from dataclasses import dataclass


@dataclass
class Work:
    """What the calling thread did in a block of `counted`."""

    calls: int = 0
    """Of functions, those written in C included."""
    names: frozenset[str] = frozenset()
    """Of the functions written in C."""


@contextlib.contextmanager
def counted() -> Iterator[Work]:
    """Count the work of the block; what is yielded is filled when it ends."""
    work, profile = Work(), Profile()
    profile.enable()
    try:
        yield work
    finally:
        profile.disable()
        stats = profile.getstats()
        work.calls = sum(row.callcount for row in stats)
        work.names = frozenset(row.code for row in stats if isinstance(row.code, str))
