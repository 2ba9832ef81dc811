"""Measures the work of code in function calls, independent of machine, load and whatever else the process does."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Work:
    """The work of the calling thread in a block of `counted`."""

    calls: int = 0
    """Calls of functions, including those in C."""
    names: set[str] = field(default_factory=set)
    """Functions in C that were called, each as its class and name, for example `Pattern.match`."""


@contextlib.contextmanager
def counted() -> Iterator[Work]:
    """Count the work of the block; the yielded value is filled while it runs.

    Not with `cProfile`, which counts the calls of all threads from Python 3.12 on. The garbage collector is off,
    because its callbacks and the finalizers of older garbage would be counted in whichever block it happens to run.
    """
    work, names = Work(), set()

    def note(frame: Any, event: str, function: Any) -> None:
        if event == "c_call":
            names.add(function.__qualname__)
            work.calls += 1
        elif event == "call":
            work.calls += 1

    work.names = names
    collects, before = gc.isenabled(), sys.getprofile()
    gc.disable()
    sys.setprofile(note)
    try:
        yield work
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
