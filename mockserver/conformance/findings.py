"""What judging yields: findings, scenario verdicts, coverage, and the report that holds them. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from mockserver.journal.entries import TOKEN_OPERATION, Entry


class Level(StrEnum):
    """How bad a finding is."""

    FAIL = "FAIL"
    """The real service would refuse the call, or data would be lost or doubled."""
    WARN = "WARN"
    """It works by luck, or costs more than it must."""
    INFO = "INFO"
    """Worth knowing; nobody is hurt."""

    def reaches(self, threshold: Level) -> bool:
        """Whether this level is at least as bad as `threshold`."""
        return _RANK[self] <= _RANK[threshold]

    @classmethod
    def parse(cls, text: str) -> Level:
        """From a word in any case. Raises ValueError."""
        try:
            return cls(text.upper())
        except ValueError:
            raise ValueError(f"a level is fail, warn or info, not {text!r}") from None


_RANK = {Level.FAIL: 0, Level.WARN: 1, Level.INFO: 2}

Verdict: TypeAlias = Literal["passed", "failed", "untestable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that some calls broke in one way at one operation."""

    rule: str
    level: Level
    title: str
    detail: str
    """What the client did, in words that hold no value it sent as a secret."""
    calls: tuple[int, ...]
    """Numbers of the journal entries that prove it, in order."""
    hint: str
    """What to do next."""
    source: str
    """Where the contract or the documentation says so."""
    operation: str | None
    """The operation id, or None where no operation of the contract was called."""
    accepted: str | None = None
    """The reason the baseline gives for living with it."""


@dataclass(frozen=True, slots=True)
class ScenarioVerdict:
    """How a client took one scenario. Untestable: its situation never arose, and that is no pass."""

    id: str
    verdict: Verdict
    detail: str
    calls: tuple[int, ...] = ()
    title: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class OperationCoverage:
    """What of one operation the client used."""

    operation: str
    method: str
    path: str
    calls: int
    parameters: Mapping[str, int]
    """Query parameter of the contract -> calls that sent it; 0 for those never sent."""
    statuses: Mapping[str, int]
    """Status -> answers with it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of the contract the client met."""

    operations: tuple[OperationCoverage, ...] = ()
    auth_specs: Mapping[str, int] = field(default_factory=dict)
    """Name of an auth spec -> connections created with it."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """Error code of the service or the gateway -> times the client met it."""

    @property
    def used(self) -> int:
        """How many operations were called at all."""
        return sum(operation.calls > 0 for operation in self.operations)


def printable(text: str) -> str:
    """Text without what could steer a terminal; part of it may be a client's."""
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


@dataclass(frozen=True, slots=True)
class StaleAcceptance:
    """A line of the baseline whose finding no longer occurs: take it out."""

    rule: str
    operation: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything judging found out about one client."""

    findings: tuple[Finding, ...] = ()
    """Worst first, then in the order of their first call."""
    calls: tuple[Entry, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    scenarios: tuple[ScenarioVerdict, ...] = ()
    stale: tuple[StaleAcceptance, ...] = ()
    client_file: str | None = None
    """The client's own source file as a URI, for viewers that show findings beside code."""

    @property
    def open(self) -> tuple[Finding, ...]:
        """Findings that no baseline accepts."""
        return tuple(finding for finding in self.findings if finding.accepted is None)

    @property
    def judged(self) -> bool:
        """Whether there is anything to judge: a call to Flow Service, a refused token request, a scenario."""
        called = any(call.operation != TOKEN_OPERATION for call in self.calls)
        return called or bool(self.findings) or bool(self.scenarios)

    def fails(self, threshold: Level = Level.WARN) -> bool:
        """Whether the client fails: an open finding of that level or worse, a scenario not passed, a stale baseline."""
        return (
            any(finding.level.reaches(threshold) for finding in self.open)
            or any(scenario.verdict != "passed" for scenario in self.scenarios)
            or bool(self.stale)
        )

    def count(self, level: Level) -> int:
        """Open findings of one level."""
        return sum(finding.level is level for finding in self.open)
