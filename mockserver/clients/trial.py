"""Trials: run a client once undisturbed and once in every scenario, each time with a fresh server.

Rules judge the undisturbed run. A scenario judges its own run; of the rules' findings in it, only those count
that involve a call the scenario interfered with: an interrupted client is expected to leave work undone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from mockserver.clients.program import Ending, PrivateServer, run, variables
from mockserver.config import Config
from mockserver.conformance import Report, ScenarioVerdict, evaluate
from mockserver.conformance.merging import merge
from mockserver.contract import Contract
from mockserver.journal.entries import Entry
from mockserver.scenarios.scenario import Scenario, ScenarioOutcome

SERVER = Config(log="none", journal_entries=10_000, journal_bytes=64 * 1_048_576)
"""Settings of a trial's server: its journal keeps every call of one run."""

Lead: TypeAlias = Callable[[PrivateServer, Mapping[str, str]], AbstractContextManager[Mapping[str, str]]]
"""Context manager that turns our environment into one that leads a client to a server."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run of the client."""

    scenario: Scenario | None
    """None for the undisturbed run."""
    verdict: ScenarioVerdict | None
    ending: Ending
    entries: tuple[Entry, ...]
    took_seconds: float


@contextmanager
def by_variables(server: PrivateServer, environ: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Lead a client by FLOW_SERVICE_URL."""
    yield variables(server.url, environ)


@dataclass(frozen=True, slots=True)
class Trial:
    """A client and the conditions of its trial."""

    command: Sequence[str]
    environ: Mapping[str, str]
    seconds: float = 60
    """Time limit of one run."""
    show: bool = False
    """Whether to show the client's output."""
    config: Config = SERVER
    lead: Lead = field(default=by_variables)

    def play(self, scenario: Scenario | None) -> Step:
        """Play one run. Raises NotStarted."""
        with PrivateServer(self.config, self.environ) as server:
            emulator = server.emulator
            if scenario is not None:
                emulator.faults.order(list(scenario.orders))
            with self.lead(server, self.environ) as environment:
                begun = time.monotonic()
                ending = run(self.command, environment, seconds=self.seconds, show=self.show)
                took = time.monotonic() - begun
        # after the server has stopped, all hung-up connections are recorded
        entries = tuple(emulator.journal.entries())
        verdict = self._verdict(scenario, entries, emulator.contract, ending) if scenario else None
        return Step(scenario, verdict, ending, entries, took)

    def _verdict(
        self, scenario: Scenario, entries: tuple[Entry, ...], contract: Contract, ending: Ending
    ) -> ScenarioVerdict:
        if ending.status is None:
            numbers = tuple(entry.number for entry in entries if entry.fault)
            return scenario.reported(ScenarioOutcome("failed", f"it had not ended after {self.seconds:g} s", numbers))
        return scenario.verdict(entries, contract, ending.status)


def report(steps: Iterable[Step], contract: Contract) -> Report:
    """One report on all runs, with calls numbered consecutively."""
    return merge((_judged(step, contract) for step in steps), contract)


def _judged(step: Step, contract: Contract) -> Report:
    whole = evaluate(step.entries, contract, [step.verdict] if step.verdict else ())
    if step.scenario is None:
        return whole
    struck = {entry.number for entry in step.entries if entry.fault}
    return replace(whole, findings=tuple(one for one in whole.findings if struck.intersection(one.calls)))
