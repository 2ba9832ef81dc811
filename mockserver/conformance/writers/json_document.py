"""The report as JSON. `docs/report.schema.json` describes it."""

from __future__ import annotations

from typing import Any

from mockserver.conformance.findings import Coverage, Finding, Level, Report, ScenarioVerdict
from mockserver.conformance.writers.terminal import verdict
from mockserver.json_input import indented

FORMAT = 1
"""Version of the format. Increased when a member is removed or changes its meaning, not for new members."""


def write(report: Report) -> str:
    """The document as text."""
    return indented(document(report)) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The document as a value."""
    return {
        "format": FORMAT,
        "verdict": verdict(report),
        "counts": {level.lower(): report.count(level) for level in Level},
        "findings": [_finding(finding) for finding in report.findings],
        "scenarios": [_scenario(scenario) for scenario in report.scenarios],
        "staleBaseline": [{"rule": row.rule, "operation": row.operation, "reason": row.reason} for row in report.stale],
        "coverage": _coverage(report.coverage),
        "calls": [entry.as_json() for entry in report.calls],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level.value,
        "title": finding.title,
        "detail": finding.detail,
        "operation": finding.operation,
        "calls": list(finding.calls),
        "hint": finding.hint,
        "source": finding.source,
        "accepted": finding.accepted,
    }


def _scenario(scenario: ScenarioVerdict) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "verdict": scenario.verdict,
        "title": scenario.title,
        "detail": scenario.detail,
        "calls": list(scenario.calls),
        "hint": scenario.hint,
    }


def _coverage(coverage: Coverage) -> dict[str, Any]:
    return {
        "operationsUsed": coverage.used,
        "operations": [
            {
                "operation": row.operation,
                "method": row.method,
                "path": row.path,
                "calls": row.calls,
                "parameters": dict(row.parameters),
                "statuses": dict(row.statuses),
            }
            for row in coverage.operations
        ],
        "authSpecs": dict(coverage.auth_specs),
        "errors": dict(coverage.errors),
    }
