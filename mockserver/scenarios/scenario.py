"""The `@scenario` decorator and the table of all scenarios.

A scenario is an order of faults and a function that judges the client's reaction. The function need not
handle a situation that did not occur: that is decided here, once for all scenarios.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from mockserver.conformance import ScenarioVerdict, Verdict
from mockserver.conformance.traffic import LOOKUPS, Exchange, Traffic
from mockserver.contract import Contract
from mockserver.journal.entries import Entry


@dataclass(frozen=True, slots=True)
class ScenarioOutcome:
    """A verdict, its reason, and the calls that prove it."""

    verdict: Verdict
    detail: str
    calls: tuple[int, ...] = ()


class Played:
    """A played scenario: the client's traffic and, if it was a program that ended, its exit status."""

    def __init__(self, traffic: Traffic, exit_status: int | None = None) -> None:
        self.traffic = traffic
        self.exit_status = exit_status
        """None if the client has not ended or is not a program."""
        self.struck = [call for call in traffic.calls if call.entry.fault]
        """The calls that the scenario interfered with."""

    @property
    def stopped(self) -> bool:
        """Whether the client ended with an error status."""
        return self.exit_status not in (None, 0)

    def struck_by(self, fault: str) -> list[Exchange]:
        """The calls that one of the scenario's faults affected."""
        return [call for call in self.struck if fault in (call.entry.fault or "")]

    def after(self, call: Exchange) -> Iterator[Exchange]:
        """The later calls to Flow Service."""
        return (later for later in self.traffic.calls if later.entry.number > call.entry.number)

    def repeats(self, call: Exchange) -> list[Exchange]:
        """Later calls that repeat the same request."""
        return [later for later in self.after(call) if later.key == call.key]

    def gave_up(self, call: Exchange, else_: str) -> ScenarioOutcome:
        """Passed if the client stopped with an error status; otherwise failed with the text `else_`."""
        if self.stopped:
            return passed(f"it stopped with exit status {self.exit_status}", call)
        return failed(else_, call)

    def unmoved(self, *, by: str) -> ScenarioOutcome:
        """Passed if the client continued normally."""
        first = self.struck[0]
        if self.stopped:
            return failed(f"it stopped with exit status {self.exit_status} because of {by}", first)
        for before, call in pairwise(self.traffic.calls):
            if before.entry.fault and call.key == before.key and call.method not in LOOKUPS:
                return failed(f"it treated {by} as an error and repeated {call.method} {call.template}", before, call)
        if self.exit_status is None and not any(self.after(first)):
            return ScenarioOutcome("untestable", f"it made no call after {by}, so its reaction is unknown")
        return passed(f"it continued despite {by}", first)


Judge: TypeAlias = Callable[[Played], ScenarioOutcome | None]
"""A function that judges a played scenario; it returns None if the situation did not occur."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: what happens, what is judged, the source, and a hint."""

    id: str
    title: str
    happens: str
    judged: str
    source: str
    hint: str
    orders: tuple[dict[str, Any], ...]
    """The orders for `Faults.order`."""
    needs: str
    """Describes the situation that must occur."""
    judge: Judge

    def verdict(self, entries: Iterable[Entry], contract: Contract, exit_status: int | None = None) -> ScenarioVerdict:
        """Judge a client by the journal entries of the scenario."""
        played = Played(Traffic(tuple(entries), contract), exit_status)
        outcome = self.judge(played) if played.struck else None
        if outcome is None:
            outcome = ScenarioOutcome("untestable", f"the situation did not occur: {self.needs}")
        return self.reported(outcome)

    def reported(self, outcome: ScenarioOutcome) -> ScenarioVerdict:
        """The report entry of an outcome."""
        return ScenarioVerdict(self.id, outcome.verdict, outcome.detail, outcome.calls, self.title, self.hint)

    def as_json(self) -> dict[str, Any]:
        """The entry in listings."""
        texts = {name: getattr(self, name) for name in ("id", "title", "happens", "judged", "source", "hint")}
        return {**texts, "faults": list(self.orders)}


def passed(detail: str, *calls: Exchange) -> ScenarioOutcome:
    """The outcome of a correct reaction."""
    return ScenarioOutcome("passed", detail, _numbers(calls))


def failed(detail: str, *calls: Exchange) -> ScenarioOutcome:
    """The outcome of a wrong reaction."""
    return ScenarioOutcome("failed", detail, _numbers(calls))


def _numbers(calls: Iterable[Exchange]) -> tuple[int, ...]:
    return tuple(sorted({call.entry.number for call in calls}))


_REGISTERED: dict[str, Scenario] = {}


def scenario(
    id_: str, title: str, *orders: dict[str, Any], happens: str, source: str, hint: str, needs: str
) -> Callable[[Judge], Judge]:
    """Register a judge as a scenario. The first line of its docstring is the expected reaction."""

    def register(judge: Judge) -> Judge:
        judged = (judge.__doc__ or "").strip().partition("\n")[0]
        _REGISTERED[id_] = Scenario(id_, title, happens, judged, source, hint, orders, needs, judge)
        return judge

    return register


@functools.cache
def load() -> dict[str, Scenario]:
    """Load every module of `families/`; returns id -> scenario."""
    from mockserver.scenarios import families

    for module in _modules(families.__path__):
        importlib.import_module(f"{families.__name__}.{module}")
    return dict(sorted(_REGISTERED.items()))


def _modules(path: Iterable[str]) -> Iterator[str]:
    return (info.name for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name))


def choose(text: str) -> list[Scenario]:
    """Choose scenarios by `all` or comma-separated ids. Raises ValueError for unknown ids."""
    known = load()
    if text == "all":
        return list(known.values())
    ids = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [one for one in ids if one not in known]
    if unknown or not ids:
        raise ValueError(f"unknown scenario: {', '.join(unknown) or text!r}; `mockserver scenarios` lists all")
    return [known[one] for one in ids]
