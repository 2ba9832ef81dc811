"""Merges reports of several runs of a client or of several tests into one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mockserver.conformance.coverage import measure
from mockserver.conformance.findings import Finding, Level, Report, ScenarioVerdict
from mockserver.conformance.traffic import Traffic
from mockserver.contract import Contract
from mockserver.journal.entries import Entry


def merge(reports: Iterable[Report], contract: Contract) -> Report:
    """Merge reports. Calls are renumbered; equal findings become one."""
    calls: list[Entry] = []
    findings: list[Finding] = []
    verdicts: list[ScenarioVerdict] = []
    for report in reports:
        moved = {entry.number: number for number, entry in enumerate(report.calls, len(calls) + 1)}
        findings += [replace(one, calls=tuple(moved[number] for number in one.calls)) for one in report.findings]
        verdicts += [replace(one, calls=tuple(moved[number] for number in one.calls)) for one in report.scenarios]
        calls += [entry._replace(number=moved[entry.number]) for entry in report.calls]
    return Report(
        findings=_united(findings),
        calls=tuple(calls),
        coverage=measure(Traffic(calls, contract)),
        scenarios=tuple(verdicts),
    )


def _united(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Merge equal findings. Sorted by severity, then by first call."""
    united: dict[tuple[str, str | None, str], Finding] = {}
    for finding in findings:
        key = (finding.rule, finding.operation, finding.detail)
        known = united.get(key)
        united[key] = replace(known, calls=(*known.calls, *finding.calls)) if known else finding
    levels = list(Level)
    return tuple(sorted(united.values(), key=lambda one: (levels.index(one.level), one.calls[:1], one.rule)))
