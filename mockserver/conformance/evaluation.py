"""Evaluates recorded traffic: every rule runs once over the whole record."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.conformance import coverage, rules
from mockserver.conformance.findings import Finding, Level, Report, ScenarioVerdict
from mockserver.conformance.traffic import Traffic
from mockserver.contract import Contract
from mockserver.journal.entries import Entry


def evaluate(entries: Iterable[Entry], contract: Contract, scenarios: Iterable[ScenarioVerdict] = ()) -> Report:
    """Judge journal entries, oldest first. This may take long: do not call it while a client waits."""
    kept = tuple(entries)
    traffic = Traffic(kept, contract)
    ordered = sorted(rules.load().values(), key=lambda row: row.comes_last)
    found = [finding for row in ordered for finding in row.findings(traffic)]
    return Report(
        findings=tuple(sorted(found, key=_order)),
        calls=kept,
        coverage=coverage.measure(traffic),
        scenarios=tuple(scenarios),
    )


def _order(finding: Finding) -> tuple[int, int, str]:
    return list(Level).index(finding.level), finding.calls[0] if finding.calls else 0, finding.rule
