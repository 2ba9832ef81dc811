"""Converts reports to JSON and back, to pass them between processes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mockserver.conformance.findings import Finding, Level, Report
from mockserver.exchange import Tenant, Violation
from mockserver.journal.entries import Entry


def to_json(report: Report) -> dict[str, Any]:
    """Convert findings and calls. Coverage is left out, because it can be measured again."""
    return {
        "findings": [asdict(finding) for finding in report.findings],
        "calls": [entry.as_json() for entry in report.calls],
    }


def from_json(raw: dict[str, Any]) -> Report:
    """Parse the result of `to_json`. Raises KeyError or TypeError if it is invalid."""
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
