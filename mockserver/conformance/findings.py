"""The results of judging: findings, scenario verdicts, coverage, and the report. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from mockserver.journal.entries import TOKEN_OPERATION, Entry

_MAX_CLIENTS, _MAX_CLIENT = 3, 80
"""Maximum names of clients in a report, and characters of each."""


class Level(StrEnum):
    """The severity of a finding."""

    FAIL = "FAIL"
    """The real service would refuse the call, or data would be lost or duplicated."""
    WARN = "WARN"
    """It works by chance, or costs more than necessary."""
    INFO = "INFO"
    """Worth knowing, but harmless."""

    def reaches(self, threshold: Level) -> bool:
        """Whether this level is at least as bad as `threshold`."""
        return _RANK[self] <= _RANK[threshold]

    @classmethod
    def parse(cls, text: str) -> Level:
        """Parse a word, ignoring case. Raises ValueError."""
        try:
            return cls(text.upper())
        except ValueError:
            raise ValueError(f"a level is fail, warn or info, not {text!r}") from None


_NOT_EMULATED, _NOT_JUDGED = 501, "call.not-emulated"
"""Status of calls to services that are not emulated, and the rule that lists them."""
_RANK = {Level.FAIL: 0, Level.WARN: 1, Level.INFO: 2}

Verdict: TypeAlias = Literal["passed", "failed", "untestable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Calls that broke a rule in the same way at one operation."""

    rule: str
    level: Level
    title: str
    detail: str
    """What the client did, without any secret value."""
    calls: tuple[int, ...]
    """The numbers of the journal entries that prove it, ascending."""
    hint: str
    """What to do next."""
    source: str
    """The place in the contract or documentation."""
    operation: str | None
    """The operation id, or None if no operation was called."""
    accepted: str | None = None
    """The baseline's reason for accepting it."""


@dataclass(frozen=True, slots=True)
class ScenarioVerdict:
    """The verdict on a client in one scenario. Untestable means that the situation did not occur; it is not a pass."""

    id: str
    verdict: Verdict
    detail: str
    calls: tuple[int, ...] = ()
    title: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class OperationCoverage:
    """The client's use of one operation."""

    operation: str
    method: str
    path: str
    calls: int
    parameters: Mapping[str, int]
    """Query parameter -> number of calls that sent it, including 0."""
    statuses: Mapping[str, int]
    """Status -> number of responses."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The client's use of the contract."""

    operations: tuple[OperationCoverage, ...] = ()
    auth_specs: Mapping[str, int] = field(default_factory=dict)
    """Name of an auth spec -> number of connections created with it."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """Error code of the service or the gateway -> number of responses."""

    @property
    def used(self) -> int:
        """Number of operations that were called."""
        return sum(operation.calls > 0 for operation in self.operations)


def printable(text: str) -> str:
    """Text without control characters for a terminal; part of it may come from a client."""
    return text if text.isprintable() else "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


@dataclass(frozen=True, slots=True)
class StaleAcceptance:
    """An entry of the baseline whose finding no longer occurs and which should be removed."""

    rule: str
    operation: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The complete judgement on one client."""

    findings: tuple[Finding, ...] = ()
    """Sorted by severity, then by first call."""
    calls: tuple[Entry, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    scenarios: tuple[ScenarioVerdict, ...] = ()
    stale: tuple[StaleAcceptance, ...] = ()
    client_file: str | None = None
    """The client's source file as a URI, for viewers that show findings beside code."""

    @property
    def open(self) -> tuple[Finding, ...]:
        """Findings that the baseline does not accept."""
        return tuple(finding for finding in self.findings if finding.accepted is None)

    @property
    def judged(self) -> bool:
        """Whether there was anything to judge: a call to Flow Service, a refused token request, or a scenario."""
        called = any(call.operation != TOKEN_OPERATION and call.status != _NOT_EMULATED for call in self.calls)
        others = any(finding.rule != _NOT_JUDGED for finding in self.findings)
        return called or others or bool(self.scenarios)

    @property
    def clients(self) -> tuple[str, ...]:
        """What the client calls itself in `User-Agent`, such as `curl/8.5.0`: its first names."""
        named = (call.headers.get("user-agent", "")[:_MAX_CLIENT] for call in self.calls)
        return tuple(dict.fromkeys(filter(None, named)))[:_MAX_CLIENTS]

    def fails(self, threshold: Level = Level.WARN) -> bool:
        """Whether the client fails: an open finding of at least this level, a scenario not passed, a stale baseline."""
        return (
            any(finding.level.reaches(threshold) for finding in self.open)
            or any(scenario.verdict != "passed" for scenario in self.scenarios)
            or bool(self.stale)
        )

    def count(self, level: Level) -> int:
        """Number of open findings of one level."""
        return sum(finding.level is level for finding in self.open)


def listed(words: Iterable[str]) -> str:
    """Join words: `a, b and c`."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
