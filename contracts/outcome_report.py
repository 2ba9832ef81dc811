"""What a run found: outcomes, what each promise came to, how well each operation was met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.causes import Causes, SuiteFinding
from contracts.document import Document
from contracts.reports.record import Record
from contracts.requirements import LEVELS, Requirement
from contracts.verdicts import FAILED, KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE, Outcome
from contracts.wire import Answer


@dataclass(slots=True)
class SuiteReport:
    """Everything the outputs are made from."""

    server: str
    seed: int
    outcomes: list[Outcome] = field(default_factory=list)
    causes: Causes = field(default_factory=Causes)
    """The failures among them, by their cause."""
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    """Operation id -> how often each status came."""
    record: Record = field(default_factory=Record)
    exchanges: int = 0
    made: int = 0
    left: list[str] = field(default_factory=list)
    """What could not be deleted, in words."""
    stale_gaps: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """What went wrong in the suite itself; a run with trouble has not passed."""
    ended: str = ""
    """Why the run ended before its end; empty when it did not."""
    broken_off: bool = False
    """Whether a signal, or the server's silence, ended it: such a run has not passed."""
    seconds: float = 0.0

    def hear(self, document: Document, answer: Answer) -> None:
        """Count an exchange."""
        self.exchanges += 1
        self.record.hear(document, answer)
        operation = document.match(answer.sent.method, answer.sent.target)
        if operation is not None:
            self.statuses.setdefault(operation.id, Counter())[answer.status] += 1

    def having(self, verdict: str) -> list[Outcome]:
        """The outcomes with a verdict."""
        return [outcome for outcome in self.outcomes if outcome.verdict == verdict]

    def of_promises(self, requirements: Iterable[Requirement]) -> dict[str, str]:
        """Promise -> the worst verdict of its checks; `untestable` too when none of them ran."""
        worst: dict[str, str] = {}
        by_check: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            by_check.setdefault(outcome.check, []).append(outcome.verdict)
        for row in requirements:
            verdicts = {verdict for check in row.checks for verdict in by_check.get(check, [UNTESTABLE])}
            # Where a check ran for some collections and could not for others, it did run.
            order = (FAILED, KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE)
            worst[row.id] = next(verdict for verdict in order if verdict in verdicts)
        return worst

    def findings(self, levels: Mapping[str, str], least: str = "may") -> list[SuiteFinding]:
        """One for each cause, the firmest first: those at this level or above that are no known gap."""
        wanted = LEVELS[: LEVELS.index(least) + 1]
        known = {outcome.check for outcome in self.having(KNOWN_GAP)}
        found = [one for one in self.causes.findings if one.first.check not in known and one.level(levels) in wanted]
        return sorted(found, key=lambda finding: LEVELS.index(finding.level(levels)))
