"""A client put to the test: run once undisturbed and once in every scenario, each time with a fresh server.

Rules judge what it does undisturbed. In a scenario the scenario judges, and of the rules' findings those count
that rest on a call the scenario interfered with: whatever else an interrupted client leaves undone is no news.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from mockserver.clients import Ending, PrivateServer, run, variables
from mockserver.config import Config
from mockserver.conformance import Finding, Level, Report, ScenarioVerdict, evaluate
from mockserver.contract import Contract
from mockserver.journal import Entry
from mockserver.scenarios.scenario import Outcome, Scenario

SERVER = Config(log="none", journal_entries=10_000, journal_bytes=64 * 1_048_576)
"""The client's own server: it remembers every call of one run."""

Lead: TypeAlias = Callable[[PrivateServer, Mapping[str, str]], Mapping[str, str]]
"""Makes of our environment the one that leads a client to a server."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run of the client."""

    scenario: Scenario | None
    """None: undisturbed."""
    verdict: ScenarioVerdict | None
    ending: Ending
    entries: tuple[Entry, ...]
    took_seconds: float


def by_variables(server: PrivateServer, environ: Mapping[str, str]) -> Mapping[str, str]:
    """For a client that takes its base URL from FLOW_SERVICE_URL."""
    return variables(server.url, environ)


@dataclass(frozen=True, slots=True)
class Trial:
    """Who is tested, and under which conditions."""

    command: Sequence[str]
    environ: Mapping[str, str]
    seconds: float = 60
    """How long one run may take."""
    show: bool = False
    """Whether the client's output goes where ours goes."""
    config: Config = SERVER
    lead: Lead = field(default=by_variables)

    def play(self, scenario: Scenario | None) -> Step:
        """One run. Raises OSError when the command cannot be started."""
        with PrivateServer(self.config) as server:
            emulator = server.emulator
            if scenario is not None:
                emulator.faults.add(scenario.faults(emulator.contract))
            begun = time.monotonic()
            environment = self.lead(server, self.environ)
            ending = run(self.command, environment, seconds=self.seconds, show=self.show)
            took = time.monotonic() - begun
            entries = tuple(emulator.journal.entries())
            verdict = self._verdict(scenario, entries, emulator.contract, ending) if scenario else None
            return Step(scenario, verdict, ending, entries, took)

    def _verdict(
        self, scenario: Scenario, entries: tuple[Entry, ...], contract: Contract, ending: Ending
    ) -> ScenarioVerdict:
        if ending.status is None:
            numbers = tuple(entry.number for entry in entries if entry.fault)
            return scenario.told(Outcome("failed", f"it had not ended after {self.seconds:g} s", numbers))
        return scenario.verdict(entries, contract, ending.status)


def report(steps: Iterable[Step], contract: Contract) -> Report:
    """All runs in one report; calls are numbered through."""
    calls: list[Entry] = []
    findings: list[Finding] = []
    verdicts: list[ScenarioVerdict] = []
    for step in steps:
        offset = len(calls)
        struck = {entry.number for entry in step.entries if entry.fault}
        for finding in evaluate(step.entries, contract).findings:
            if step.scenario is None or struck.intersection(finding.calls):
                findings.append(replace(finding, calls=_moved(finding.calls, offset)))
        if step.verdict is not None:
            verdicts.append(replace(step.verdict, calls=_moved(step.verdict.calls, offset)))
        calls += [replace(entry, number=entry.number + offset) for entry in step.entries]
    whole = evaluate(calls, contract, verdicts)
    return replace(whole, findings=_merged(findings))


def _moved(numbers: tuple[int, ...], offset: int) -> tuple[int, ...]:
    return tuple(number + offset for number in numbers)


def _merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The same finding of several runs is one; worst first, then in the order of their first call."""
    merged: dict[tuple[str, str | None, str], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.operation, finding.detail)
        known = merged.get(key)
        merged[key] = replace(known, calls=(*known.calls, *finding.calls)) if known else finding
    levels = list(Level)
    return tuple(sorted(merged.values(), key=lambda one: (levels.index(one.level), one.calls[:1], one.rule)))
