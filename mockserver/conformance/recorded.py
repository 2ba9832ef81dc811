"""A report as plain JSON values and back: how processes hand each other what they have judged."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mockserver.conformance.findings import Finding, Level, Report
from mockserver.exchange import Tenant, Violation
from mockserver.journal.entries import Entry


def to_json(report: Report) -> dict[str, Any]:
    """Findings and calls; coverage can be measured again."""
    return {
        "findings": [asdict(finding) for finding in report.findings],
        "calls": [entry.as_json() for entry in report.calls],
    }


def from_json(raw: dict[str, Any]) -> Report:
    """What `to_json` made. Raises KeyError and TypeError for anything else."""
    return Report(
        findings=tuple(map(_finding, raw["findings"])),
        calls=tuple(map(_entry, raw["calls"])),
    )


def _finding(raw: dict[str, Any]) -> Finding:
    return Finding(**{**raw, "level": Level(raw["level"]), "calls": tuple(raw["calls"])})


def _entry(raw: dict[str, Any]) -> Entry:
    tenant = Tenant(**raw["tenant"]) if raw["tenant"] else None
    violations = tuple(Violation(**violation) for violation in raw["violations"])
    return Entry(**{**raw, "tenant": tenant, "violations": violations})
