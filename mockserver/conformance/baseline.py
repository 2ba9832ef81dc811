"""Baselines: findings that a team accepts, by rule, operation and reason, in a YAML file.

    accepted:
      - rule: lifecycle.never-deleted
        operation: createConnection     # without it, any operation
        reason: the nightly job owns these connections

An acceptance whose finding no longer occurs is reported, so that the file can only shrink.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mockserver.conformance import rules
from mockserver.conformance.findings import Finding, Level, Report, StaleAcceptance
from mockserver.contract import documents

_MEMBERS = frozenset({"rule", "operation", "reason"})

UNEXPLAINED = "accepted by --write-baseline; say why"
"""The reason that `--write-baseline` writes for a new finding."""


class BaselineError(ValueError):
    """A baseline file is invalid; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One accepted finding."""

    rule: str
    operation: str | None
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether this acceptance covers the finding."""
        return finding.rule == self.rule and self.operation in (None, finding.operation)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The accepted findings of one client."""

    accepted: tuple[Acceptance, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Parse a file. Raises BaselineError."""
        try:
            raw = documents.parse_of_user(path.read_bytes().decode("utf-8-sig"))
        except documents.NotYaml as error:
            raise BaselineError(f"{path}: {error}") from None
        except (OSError, ValueError) as error:
            raise BaselineError(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}") from None
        rows = raw.get("accepted") if isinstance(raw, dict) else None
        if not isinstance(rows, list):
            raise BaselineError(f"{path}: expected 'accepted:' and a list of rule, operation and reason")
        return cls(tuple(_acceptance(path, number, row) for number, row in enumerate(rows, 1)))

    @classmethod
    def of(cls, report: Report, threshold: Level) -> Baseline:
        """A baseline that accepts a report's findings at `threshold` or worse. Earlier reasons are kept."""
        rows = {
            (one.rule, one.operation): Acceptance(one.rule, one.operation, one.accepted or UNEXPLAINED)
            for one in report.findings
            if one.accepted is not None or one.level.reaches(threshold)
        }
        return cls(tuple(rows.values()))

    def as_yaml(self) -> str:
        """The contents of the file, as `read` expects it."""
        rows = [
            {"rule": row.rule, **({"operation": row.operation} if row.operation else {}), "reason": row.reason}
            for row in self.accepted
        ]
        return documents.dump({"accepted": rows})

    def apply(self, report: Report) -> Report:
        """The report with accepted findings marked, and with the acceptances that match no finding."""
        findings = tuple(self._marked(finding) for finding in report.findings)
        stale = tuple(
            StaleAcceptance(row.rule, row.operation, row.reason)
            for row in self.accepted
            if not any(row.covers(finding) for finding in report.findings)
        )
        return replace(report, findings=findings, stale=stale)

    def _marked(self, finding: Finding) -> Finding:
        row = next((row for row in self.accepted if row.covers(finding)), None)
        return replace(finding, accepted=row.reason) if row else finding


def _acceptance(path: Path, number: int, row: Any) -> Acceptance:
    where = f"{path}: entry {number}"
    if not isinstance(row, dict) or row.keys() - _MEMBERS:
        raise BaselineError(f"{where}: expected rule, operation and reason, nothing else")
    if row.get("rule") not in rules.load():
        raise BaselineError(f"{where}: unknown rule; `mockserver rules` lists all")
    reason, operation = row.get("reason"), row.get("operation")
    if not isinstance(reason, str) or not reason.strip():
        raise BaselineError(f"{where}: say in 'reason' why this is accepted")
    if operation is not None and not isinstance(operation, str):
        raise BaselineError(f"{where}: 'operation' is an operation id")
    return Acceptance(row["rule"], operation, reason.strip())
