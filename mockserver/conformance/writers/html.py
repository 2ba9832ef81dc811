"""The report as one self-contained HTML page. Its Content-Security-Policy forbids all requests.

Templates escape all text. The policy allows only our style and script, by hash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from mockserver import pages
from mockserver.conformance.findings import Finding, Level, Report
from mockserver.conformance.traffic import shortened
from mockserver.conformance.writers import timeline
from mockserver.conformance.writers.terminal import verdict
from mockserver.journal.entries import Entry
from mockserver.runtime import day

_MAX_CALLS = 1_000
"""Maximum number of calls shown. Those without findings are left out first."""


_WORST_FIRST = ("failed", "untestable", "passed")


class RuleFindings(NamedTuple):
    """The open findings of one rule."""

    first: Finding
    all: list[Finding]
    calls: list[int]
    """Those that prove any of them."""


def write(report: Report) -> str:
    """Generate the page."""
    broken = broken_by(report)
    shown = _worth_showing(report, broken)
    return pages.render(
        "report.html",
        report=report,
        verdict=verdict(report),
        headline=headline(report),
        failed=report.fails(),
        levels=[(level.value, report.count(level)) for level in Level],
        groups=by_rule(report),
        accepted=[finding for finding in report.findings if finding.accepted is not None],
        scenarios=sorted(report.scenarios, key=lambda scenario: _WORST_FIRST.index(scenario.verdict)),
        verdicts=Counter(scenario.verdict for scenario in report.scenarios),
        days=sorted({day(entry.at_ms) for entry in report.calls}),
        calls=shown,
        by_number={entry.number: entry for entry in report.calls},
        in_full={entry.number for entry in shown},
        broken=broken,
        timeline=timeline.lay_out(report.calls),
        shortened=shortened,
    )


def headline(report: Report) -> str:
    """The verdict in a few words."""
    if not report.judged:
        return "Nothing to judge"
    if report.count(Level.FAIL):
        return "Breaks the contract"
    if any(scenario.verdict != "passed" for scenario in report.scenarios):
        return "Does not pass every scenario"
    if report.count(Level.WARN):
        return "Works by chance"
    return "Accepts findings that no longer occur" if report.stale else "Keeps the contract"


def broken_by(report: Report) -> dict[int, list[Finding]]:
    """Call number -> open findings with this call."""
    broken: dict[int, list[Finding]] = {}
    for finding in report.open:
        for number in finding.calls:
            broken.setdefault(number, []).append(finding)
    return broken


def by_rule(report: Report) -> list[RuleFindings]:
    """Open findings by rule, worst first."""
    rules: dict[str, list[Finding]] = {}
    for finding in report.open:
        rules.setdefault(finding.rule, []).append(finding)
    return [
        RuleFindings(found[0], found, sorted({number for one in found for number in one.calls}))
        for found in rules.values()
    ]


def _worth_showing(report: Report, broken: Mapping[int, object]) -> list[Entry]:
    by_weight = sorted(report.calls, key=lambda entry: (entry.number not in broken, entry.number))
    return sorted(by_weight[:_MAX_CALLS], key=lambda entry: entry.number)
