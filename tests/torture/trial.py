"""A trial repeats a disturbance and counts broken promises."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """What was done, and which promises were broken."""

    figures: dict[str, Any] = field(default_factory=dict)
    """Words -> count, for the table."""
    wrong: list[str] = field(default_factory=list)
    """Broken promises."""

    def demand(self, kept: bool, complaint: str) -> None:
        """Record a broken promise unless the condition holds."""
        if not kept:
            self.wrong.append(complaint)


Say = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """`run(size, say)` repeats it `size` times and reports progress."""

    name: str
    promise: str
    full: int
    short: int
    run: Callable[[int, Say], Outcome]


TRIALS: dict[str, Trial] = {}


def trial(name: str, promise: str, *, full: int, short: int) -> Callable[[Any], Any]:
    """Register a function as a trial."""

    def add(run: Callable[[int, Say], Outcome]) -> Callable[[int, Say], Outcome]:
        TRIALS[name] = Trial(name, promise, full, short, run)
        return run

    return add


def all_trials() -> dict[str, Trial]:
    """Every trial of every module here."""
    package = importlib.import_module("tests.torture")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.name.startswith(("__", "test_")):
            importlib.import_module(f"tests.torture.{module.name}")
    return TRIALS
