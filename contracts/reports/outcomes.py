"""The results of a run: outcomes, the verdict on each promise, and the coverage of each operation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.findings.causes import Causes, SuiteFinding
from contracts.findings.verdicts import FAILED, KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE, Outcome
from contracts.reports.record import Record
from contracts.requirements import LEVELS, Requirement
from contracts.schema.document import Document
from contracts.wire import Answer


@dataclass(slots=True)
class SuiteReport:
    """The results of a run, from which all reports are made."""

    server: str
    seed: int
    outcomes: list[Outcome] = field(default_factory=list)
    causes: Causes = field(default_factory=Causes)
    """The failures, grouped by cause."""
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """Operation id -> status -> number of responses."""
    record: Record | None = None
    """The forms of the responses; None if nobody asked for a report."""
    exchanges: int = 0
    made: int = 0
    left: list[str] = field(default_factory=list)
    """What could not be deleted, as text."""
    unverified: list[str] = field(default_factory=list)
    """Where more may be left, as text."""
    stale_gaps: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """Errors of the suite itself. A run with any has not passed."""
    ended: str = ""
    """Why the run ended early; empty if it did not."""
    broken_off: bool = False
    """Whether a signal or an unresponsive server ended it. Such a run has not passed."""
    waited: str = ""
    """How long the run has waited because the server limits its rate; empty if it does not."""
    seconds: float = 0.0

    def hear(self, document: Document, answer: Answer) -> None:
        """Count an exchange."""
        self.exchanges += 1
        if self.record is not None:
            self.record.hear(document, answer)
        operation = document.match(answer.sent.method, answer.sent.target)
        if operation is not None:
            self.statuses[operation.id][answer.status] += 1

    def having(self, verdict: str) -> list[Outcome]:
        """The outcomes with a given verdict."""
        return [outcome for outcome in self.outcomes if outcome.verdict == verdict]

    def of_promises(self, requirements: Iterable[Requirement]) -> dict[str, str]:
        """Promise -> the worst verdict of its checks; `untestable` if none ran."""
        worst: dict[str, str] = {}
        by_check: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            by_check.setdefault(outcome.check, []).append(outcome.verdict)
        for row in requirements:
            verdicts = {verdict for check in row.checks for verdict in by_check.get(check, [UNTESTABLE])}
            # A check that ran for some collections counts as run.
            order = (FAILED, KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE)
            worst[row.id] = next(verdict for verdict in order if verdict in verdicts)
        return worst

    def findings(self, levels: Mapping[str, str], least: str = "may") -> list[SuiteFinding]:
        """One finding per cause, the highest level first: those at this level or above that are no known gap."""
        wanted = LEVELS[: LEVELS.index(least) + 1]
        known = {outcome.check for outcome in self.having(KNOWN_GAP)}
        found = [one for one in self.causes.findings if one.first.check not in known and one.level(levels) in wanted]
        return sorted(found, key=lambda finding: LEVELS.index(finding.level(levels)))
