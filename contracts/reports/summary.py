"""Formats the summary of a run: findings by cause, what could not be compared or tested, and kept promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from contracts.findings.causes import SuiteFinding, shortened
from contracts.findings.verdicts import FAILED, KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE
from contracts.reports.outcomes import SuiteReport
from contracts.requirements import LEVELS, WORDS, Requirement, levels
from contracts.secrecy import Mask

MAX_LEFT = 20
"""Maximum entities left behind that are printed."""


def text(report: SuiteReport, rows: Sequence[Requirement], mask: Mask, operations: Sequence[str]) -> str:
    """Format the summary. The verdict comes last, where a terminal shows it."""
    parts = [
        _findings(report, rows, mask),
        _gaps(report, mask),
        _untestable(report, mask),
        _coverage(report, operations),
        _promises(report, rows),
        _ending(report, rows, mask),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(report: SuiteReport, rows: Sequence[Requirement]) -> str:
    """The verdict on the run in one sentence."""
    found = report.findings(levels(rows))
    counts = Counter(WORDS[finding.level(levels(rows))] for finding in found)
    kept = sum(verdict == PASSED for verdict in report.of_promises(rows).values())
    if report.broken_off:
        judged = f"Not finished: {report.ended}"
    elif counts["FAIL"] or counts["WARN"]:
        judged = "Departs from the contract"
    else:
        judged = "Keeps the contract"
    counted = ", ".join(f"{counts[word]} {word}" for word in WORDS.values() if counts[word]) or "no findings"
    return f"{judged}: {counted}; {kept} of {len(rows)} promises kept"


def _findings(report: SuiteReport, rows: Sequence[Requirement], mask: Mask) -> str:
    by_level = levels(rows)
    promised = {check: row for row in reversed(rows) for check in row.checks}
    lines = []
    for finding in report.findings(by_level):
        lines.append(f"{WORDS[finding.level(by_level)]}  {finding.label}\n      {mask.text(finding.first.message)}")
        lines += [f"      {mask.text(line)}" for line in details(finding)]
        row = promised.get(finding.first.check)
        if row:
            lines += [f"      promise: {row.text}", f"      source: {row.origin}"]
    return "\n".join(lines)


def details(finding: SuiteFinding) -> list[str]:
    """The other places of a finding, and the checks it prevents."""
    lines = []
    if finding.elsewhere:
        lines.append(f"also at {shortened(finding.elsewhere)}")
    if finding.hidden:
        hidden = list(dict.fromkeys(outcome.label for outcome in finding.hidden))
        lines.append(f"not comparable because of it ({len(hidden)}): {shortened(hidden)}")
    return lines


def _gaps(report: SuiteReport, mask: Mask) -> str:
    lines = [f"known gap  {outcome.label}: {mask.text(outcome.message)}" for outcome in report.having(KNOWN_GAP)]
    lines += [f"stale gap  {check} passes now: take it out of the known gaps" for check in report.stale_gaps]
    return "\n".join(lines)


def _untestable(report: SuiteReport, mask: Mask) -> str:
    reasons: dict[str, list[str]] = {}
    for outcome in report.having(UNTESTABLE):
        reasons.setdefault(outcome.message, []).append(outcome.label)
    lines = [f"  {mask.text(reason)}: {shortened(labels)}" for reason, labels in reasons.items()]
    return "Untestable here:\n" + "\n".join(lines) if lines else ""


def _coverage(report: SuiteReport, operations: Sequence[str]) -> str:
    width = max((len(name) for name in operations), default=0)
    lines = [f"  {name:<{width}}  {answers(report.statuses.get(name, {}))}" for name in operations]
    return "Operations and the answers they gave:\n" + "\n".join(lines) if lines else ""


def answers(statuses: Mapping[int, int]) -> str:
    """Number of responses by status."""
    shown = [f"{status or 'no response'}: {count}" for status, count in sorted(statuses.items())]
    return "  ".join(shown) or "never called"


def _promises(report: SuiteReport, rows: Sequence[Requirement]) -> str:
    verdicts = report.of_promises(rows)
    columns = {"kept": PASSED, "failed": FAILED, "known gap": KNOWN_GAP} | {
        "not comparable": NOT_COMPARABLE,
        "untestable here": UNTESTABLE,
    }
    lines = ["Promises          " + "  ".join(columns)]
    for level in LEVELS:
        counts = Counter(verdicts[row.id] for row in rows if row.level == level)
        figures = "  ".join(f"{counts[value]:>{len(name)}}" for name, value in columns.items())
        lines.append(f"  {level:<16}{figures}")
    return "\n".join(lines)


def _ending(report: SuiteReport, rows: Sequence[Requirement], mask: Mask) -> str:
    lines = [f"the suite itself had trouble: {mask.text(item)}" for item in report.trouble]
    lines += [f"left behind: {mask.text(item)}" for item in report.left[:MAX_LEFT]]
    if len(report.left) > MAX_LEFT:
        lines.append(f"left behind: {len(report.left) - MAX_LEFT} more, all in --json")
    lines += [f"may be left behind: {mask.text(item)}" for item in report.unverified]
    lines += [report.waited] if report.waited else []
    if report.ended:
        lines.append(f"ended early: {mask.text(report.ended)}")
    lines.append(
        f"{len(report.outcomes)} checks, {report.exchanges} exchanges, {report.made} entities made, "
        f"{len(report.left)} left behind, {report.seconds:.1f} s, seed {report.seed}"
    )
    lines.append(mask.text(verdict(report, rows)))
    return "\n".join(lines)
