"""The end of a run, readable: what failed and why, what could not be tested, what was promised and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contracts import requirements
from contracts.outcome_report import Report
from contracts.requirements import LEVELS, Requirement
from contracts.secrecy import Mask
from contracts.verdicts import FAILED, KNOWN_GAP, PASSED, UNTESTABLE

_WORDS = {"must": "FAIL", "should": "WARN", "may": "NOTE"}


def text(report: Report, rows: Sequence[Requirement], mask: Mask, operations: Sequence[str]) -> str:
    """The whole summary."""
    parts = [_findings(report, rows, mask), _untestable(report), _coverage(report, operations), _promises(report, rows)]
    parts.append(_ending(report))
    return "\n\n".join(part for part in parts if part) + "\n"


def _findings(report: Report, rows: Sequence[Requirement], mask: Mask) -> str:
    levels = requirements.levels(rows)
    promised = {check: row for row in reversed(rows) for check in row.checks}
    lines = []
    for level in LEVELS:
        for outcome in report.having(FAILED):
            if levels.get(outcome.check, "must") == level:
                lines.append(f"{_WORDS[level]}  {outcome.label}\n      {mask.text(outcome.message)}")
                row = promised.get(outcome.check)
                if row:
                    lines.append(f"      promise: {row.text} ({row.source})")
    lines += [f"known gap  {outcome.label}: {mask.text(outcome.message)}" for outcome in report.having(KNOWN_GAP)]
    lines += [f"stale gap  {check} passes now: take it out of the known gaps" for check in report.stale_gaps]
    return "\n".join(lines)


def _untestable(report: Report) -> str:
    reasons: dict[str, list[str]] = {}
    for outcome in report.having(UNTESTABLE):
        reasons.setdefault(outcome.message, []).append(outcome.label)
    lines = []
    for reason, labels in reasons.items():
        shown = ", ".join(labels[:6]) + (f" and {len(labels) - 6} more" if len(labels) > 6 else "")
        lines.append(f"  {reason}: {shown}")
    return "Untestable here:\n" + "\n".join(lines) if lines else ""


def _coverage(report: Report, operations: Sequence[str]) -> str:
    width = max((len(name) for name in operations), default=0)
    lines = []
    for name in operations:
        statuses = report.statuses.get(name, Counter())
        shown = "  ".join(f"{status}: {count}" for status, count in sorted(statuses.items())) or "never called"
        lines.append(f"  {name:<{width}}  {shown}")
    return "Operations and the answers they gave:\n" + "\n".join(lines) if lines else ""


def _promises(report: Report, rows: Sequence[Requirement]) -> str:
    verdicts = report.of_promises(rows)
    lines = ["Promises          kept  failed  known gap  untestable here"]
    for level in LEVELS:
        counts = Counter(verdicts[row.id] for row in rows if row.level == level)
        lines.append(
            f"  {level:<14} {counts[PASSED]:>5} {counts[FAILED]:>7} {counts[KNOWN_GAP]:>10} {counts[UNTESTABLE]:>16}"
        )
    return "\n".join(lines)


def _ending(report: Report) -> str:
    lines = [
        f"{len(report.outcomes)} checks, {report.exchanges} exchanges, {report.made} entities made, "
        f"{len(report.left)} left behind, {report.seconds:.1f} s, seed {report.seed}"
    ]
    if report.ended:
        lines.insert(0, f"ended early: {report.ended}")
    lines += [f"left behind: {item}" for item in report.left]
    lines += [f"the suite itself had trouble: {item}" for item in report.trouble]
    return "\n".join(lines)
