"""The `@rule` decorator and the table of all rules.

A rule is a function from traffic to sightings: what a client did, in which calls. Its registration adds the severity
and what to do.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from mockserver.conformance.findings import Finding, Level, printable
from mockserver.conformance.traffic import Sighting, Traffic

Judge: TypeAlias = Callable[[Traffic], Iterable[Sighting]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it detects, its severity, its source, and a hint."""

    id: str
    level: Level
    title: str
    source: str
    hint: str
    explanation: str
    judge: Judge
    comes_last: bool = False
    """Whether it runs after the other rules, because it needs their findings (`Traffic.named`)."""

    @property
    def family(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]

    def findings(self, traffic: Traffic) -> Iterator[Finding]:
        """Run the rule. Equal sightings at one operation become one finding."""
        grouped: dict[tuple[str | None, str], list[int]] = {}
        for sighting in self.judge(traffic):
            grouped.setdefault((sighting.operation, printable(sighting.detail)), []).extend(sighting.calls)
        for (operation, detail), calls in grouped.items():
            numbers = tuple(sorted(set(calls)))
            for number in numbers:
                traffic.named.setdefault(number, set()).add(self.id)
            yield Finding(self.id, self.level, self.title, detail, numbers, self.hint, self.source, operation)


_REGISTERED: dict[str, Rule] = {}


def rule(
    rule_id: str, level: Level, title: str, *, source: str, hint: str, comes_last: bool = False
) -> Callable[[Judge], Judge]:
    """Register a function as a rule. Its docstring is the explanation `mockserver rules ID` prints."""

    def register(judge: Judge) -> Judge:
        if rule_id in _REGISTERED:
            raise ValueError(f"two rules are called {rule_id}")
        explanation = " ".join((judge.__doc__ or "").split())
        _REGISTERED[rule_id] = Rule(rule_id, level, title, source, hint, explanation, judge, comes_last)
        return judge

    return register


@functools.cache
def load() -> dict[str, Rule]:
    """Load every module of `families/`; returns id -> rule, in the order of the modules."""
    from mockserver.conformance import families

    for module in sorted(info.name for info in pkgutil.iter_modules(families.__path__)):
        importlib.import_module(f"{families.__name__}.{module}")
    return dict(sorted(_REGISTERED.items()))
