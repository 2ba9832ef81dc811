"""The `@scenario` decorator and the table of all scenarios.

A scenario is an order of faults and a function that judges what the client made of them. It says nothing
of an outcome where its situation never arose: that is told apart here, once for all of them.
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
    """What a judge says: a verdict, why, and the calls that prove it."""

    verdict: Verdict
    detail: str
    calls: tuple[int, ...] = ()


class Played:
    """How a client took a scenario: its traffic, and its exit status where it was a program that ended."""

    def __init__(self, traffic: Traffic, exit_status: int | None = None) -> None:
        self.traffic = traffic
        self.exit_status = exit_status
        """None: it has not ended, or is no program."""
        self.struck = [call for call in traffic.calls if call.entry.fault]
        """Calls that the scenario interfered with."""

    @property
    def stopped(self) -> bool:
        """Whether it ended and said that something was wrong."""
        return self.exit_status not in (None, 0)

    def struck_by(self, fault: str) -> list[Exchange]:
        """Calls that one of the scenario's faults struck."""
        return [call for call in self.struck if fault in (call.entry.fault or "")]

    def after(self, call: Exchange) -> Iterator[Exchange]:
        """The calls to Flow Service that came later."""
        return (later for later in self.traffic.calls if later.entry.number > call.entry.number)

    def repeats(self, call: Exchange) -> list[Exchange]:
        """Later calls that are the same."""
        return [later for later in self.after(call) if later.key == call.key]

    def gave_up(self, call: Exchange, else_: str) -> ScenarioOutcome:
        """Right if the client said so by its exit status; otherwise it `else_`."""
        if self.stopped:
            return passed(f"it stopped and said so: exit status {self.exit_status}", call)
        return failed(else_, call)

    def unmoved(self, *, by: str) -> ScenarioOutcome:
        """Right if the client went on as if nothing were unusual."""
        first = self.struck[0]
        if self.stopped:
            return failed(f"it stopped at {by}: exit status {self.exit_status}", first)
        for before, call in pairwise(self.traffic.calls):
            if before.entry.fault and call.key == before.key and call.method not in LOOKUPS:
                return failed(f"it took {by} for a failure and repeated {call.method} {call.template}", before, call)
        if self.exit_status is None and not any(self.after(first)):
            return ScenarioOutcome("untestable", f"it made no call after {by}, so nobody can tell what it made of it")
        return passed(f"it went on in spite of {by}", first)


Judge: TypeAlias = Callable[[Played], ScenarioOutcome | None]
"""None where the situation did not arise after all."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: what happens to the client, what is judged, who says so and what helps."""

    id: str
    title: str
    happens: str
    judged: str
    source: str
    hint: str
    orders: tuple[dict[str, Any], ...]
    """What `Faults.order` puts in force."""
    needs: str
    """Words for the situation that must arise."""
    judge: Judge

    def verdict(self, entries: Iterable[Entry], contract: Contract, exit_status: int | None = None) -> ScenarioVerdict:
        """Judge a client by what the journal has of the time the scenario was on."""
        played = Played(Traffic(tuple(entries), contract), exit_status)
        outcome = self.judge(played) if played.struck else None
        if outcome is None:
            outcome = ScenarioOutcome("untestable", f"the situation never arose: {self.needs}")
        return self.told(outcome)

    def told(self, outcome: ScenarioOutcome) -> ScenarioVerdict:
        """An outcome as reports have it."""
        return ScenarioVerdict(self.id, outcome.verdict, outcome.detail, outcome.calls, self.title, self.hint)

    def as_json(self) -> dict[str, Any]:
        """As listings show it."""
        texts = {name: getattr(self, name) for name in ("id", "title", "happens", "judged", "source", "hint")}
        return {**texts, "faults": list(self.orders)}


def passed(detail: str, *calls: Exchange) -> ScenarioOutcome:
    """The client did the right thing."""
    return ScenarioOutcome("passed", detail, _numbers(calls))


def failed(detail: str, *calls: Exchange) -> ScenarioOutcome:
    """It did not."""
    return ScenarioOutcome("failed", detail, _numbers(calls))


def _numbers(calls: Iterable[Exchange]) -> tuple[int, ...]:
    return tuple(sorted({call.entry.number for call in calls}))


_REGISTERED: dict[str, Scenario] = {}


def scenario(
    id_: str, title: str, *orders: dict[str, Any], happens: str, source: str, hint: str, needs: str
) -> Callable[[Judge], Judge]:
    """Register a judge as a scenario. The first line of its docstring says what is judged."""

    def register(judge: Judge) -> Judge:
        judged = (judge.__doc__ or "").strip().partition("\n")[0]
        _REGISTERED[id_] = Scenario(id_, title, happens, judged, source, hint, orders, needs, judge)
        return judge

    return register


@functools.cache
def load() -> dict[str, Scenario]:
    """Id -> scenario: every module of `families/` counts."""
    from mockserver.scenarios import families

    for module in _modules(families.__path__):
        importlib.import_module(f"{families.__name__}.{module}")
    return dict(sorted(_REGISTERED.items()))


def _modules(path: Iterable[str]) -> Iterator[str]:
    return (info.name for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name))


def choose(text: str) -> list[Scenario]:
    """`all`, or ids with commas between them. Raises ValueError naming what is unknown."""
    known = load()
    if text == "all":
        return list(known.values())
    ids = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [one for one in ids if one not in known]
    if unknown or not ids:
        raise ValueError(f"unknown scenario: {', '.join(unknown) or text!r}; `mockserver scenarios` lists all")
    return [known[one] for one in ids]
