"""Measures the work of code in function calls, independent of machine, load and whatever else the process does."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass
class Work:
    """The work of the calling thread in a block of `counted`."""

    calls: int = 0
    """Calls of functions, including those in C."""


@contextlib.contextmanager
def counted() -> Iterator[Work]:
    """Count the work of the block; the yielded value is filled while it runs."""
    work = Work()

    def note(frame: Any, event: str, function: Any) -> None:
        if event == "c_call" or event == "call":
            work.calls += 1

    with _profiled(note):
        yield work


@contextlib.contextmanager
def named() -> Iterator[set[str]]:
    """Names of the functions in C that the block calls, such as `Pattern.match`. They take as long as the counting."""
    names: set[str] = set()

    def note(frame: Any, event: str, function: Any) -> None:
        if event == "c_call":
            names.add(function.__qualname__)

    with _profiled(note):
        yield names


@contextlib.contextmanager
def _profiled(note: Callable[[Any, str, Any], None]) -> Iterator[None]:
    """Report each call of this thread.

    Not with `cProfile`, which counts the calls of all threads from Python 3.12 on. The garbage collector is off,
    because its callbacks and the finalizers of older garbage would be counted in whichever block it happens to run.
    """
    collects, before = gc.isenabled(), sys.getprofile()
    gc.disable()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
