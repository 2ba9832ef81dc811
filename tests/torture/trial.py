"""A trial: something terrible is done so many times, and what must not be is counted."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Outcome:
    """What was done and what was wrong about it."""

    figures: dict[str, Any] = field(default_factory=dict)
    """Words -> count, for the table."""
    wrong: list[str] = field(default_factory=list)
    """Broken promises; none is the aim."""

    def demand(self, kept: bool, complaint: str) -> None:
        """Note a broken promise."""
        if not kept:
            self.wrong.append(complaint)


Say = Callable[[str], None]


@dataclass(frozen=True)
class Trial:
    """`run(size, say)` does it `size` times and tells how far it is."""

    name: str
    promise: str
    full: int
    short: int
    run: Callable[[int, Say], Outcome]


TRIALS: dict[str, Trial] = {}


def trial(name: str, promise: str, *, full: int, short: int) -> Callable[[Any], Any]:
    """Add a function to the trials."""

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
