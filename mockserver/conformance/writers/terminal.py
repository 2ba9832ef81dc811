"""The summary for the terminal: findings by severity, each with what to do."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import click

from mockserver.conformance.findings import Finding, Level, Report, ScenarioVerdict, printable

Style: TypeAlias = dict[str, Any]
"""Keyword arguments of `click.style`."""

Paint: TypeAlias = Callable[[str, Style], str]
"""Applies a style to a text."""

_DIM: Style = {"dim": True}
_BOLD: Style = {"bold": True}
_PAINT: dict[str, Style] = {
    "FAIL": {"fg": "red", "bold": True},
    "WARN": {"fg": "yellow", "bold": True},
    "INFO": {"fg": "cyan"},
    "passed": {"fg": "green"},
    "failed": {"fg": "red", "bold": True},
    "untestable": {"fg": "yellow", "bold": True},
}

NOTHING_JUDGED = "Nothing to judge: the client made no call to Flow Service."


def summary(report: Report, *, threshold: Level = Level.WARN, colour: bool = False, width: int = 100) -> str:
    """The report as text, ending with the verdict: passed, or failed and why.

    `threshold` is the level from which findings fail the client. `colour` adds ANSI colours.
    """
    paint = _painted if colour else _plain
    lines = [paint(_headline(report), _BOLD), ""]
    for finding in report.open:
        lines += _finding(finding, paint, width)
    for scenario in report.scenarios:
        lines += _scenario(scenario, paint, width)
    accepted = [finding for finding in report.findings if finding.accepted is not None]
    if accepted:
        lines.append(paint(f"  {len(accepted)} accepted by the baseline", _DIM))
    lines += [
        paint("  STALE", _PAINT["FAIL"]) + f"  {row.rule}: this accepted finding no longer occurs; remove it"
        for row in report.stale
    ]
    if lines[-1]:
        lines.append("")
    lines.append(paint(_outcome(report, threshold), _BOLD))
    return "\n".join(lines) + "\n"


def verdict(report: Report) -> str:
    """One line: number of findings per level, and of scenarios that passed."""
    if not report.judged:
        return NOTHING_JUDGED
    parts = [f"{report.count(level)} {level}" for level in Level if report.count(level)]
    found = ", ".join(parts) if parts else "no findings"
    if report.scenarios:
        count = Counter(scenario.verdict for scenario in report.scenarios)
        found += f" · {count['passed']} of {len(report.scenarios)} scenarios passed"
        short = [f"{count[one]} {one}" for one in ("failed", "untestable") if count[one]]
        found += f", {' and '.join(short)}" if short else ""
    if report.stale:
        found += f" · {len(report.stale)} stale in the baseline"
    return found


def _outcome(report: Report, threshold: Level) -> str:
    """The last line: passed or failed, as the exit status, and the verdict."""
    if not report.judged:
        return NOTHING_JUDGED
    return f"{'Failed' if report.fails(threshold) else 'Passed'}: {verdict(report)}"


def _headline(report: Report) -> str:
    calls, coverage = len(report.calls), report.coverage
    used = f"{coverage.used} of {len(coverage.operations)} operations"
    return f"Client conformance: {calls} call{'s' * (calls != 1)}, {used}"


def _finding(finding: Finding, paint: Paint, width: int) -> Iterator[str]:
    times = f"{len(finding.calls)}x" if len(finding.calls) > 1 else ""
    numbers = numbered(finding.calls)
    mark = paint(f"  {finding.level:<4}", _PAINT[finding.level])
    yield f"{mark}  {paint(finding.rule, _BOLD)}  {paint(' '.join(filter(None, (times, numbers))), _DIM)}"
    yield from _wrapped(finding.detail, width)
    yield from (paint(line, _DIM) for line in _wrapped("→ " + finding.hint, width))


def _scenario(scenario: ScenarioVerdict, paint: Paint, width: int) -> Iterator[str]:
    mark = paint(f"  {scenario.verdict}", _PAINT[scenario.verdict])
    proof = "  " + paint(numbered(scenario.calls), _DIM) if scenario.calls else ""
    yield f"{mark}  {paint('scenario ' + scenario.id, _BOLD)}{proof}"
    if scenario.verdict != "passed":
        yield from _wrapped(scenario.detail, width)
        if scenario.hint:
            yield from (paint(line, _DIM) for line in _wrapped("→ " + scenario.hint, width))


def numbered(calls: tuple[int, ...], limit: int = 6) -> str:
    """`call 9, 11`; beyond the limit, calls are only counted."""
    if not calls:
        return ""
    shown = ", ".join(map(str, calls[:limit]))
    return f"call {shown}" + (f" and {len(calls) - limit} more" if len(calls) > limit else "")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(text), width, initial_indent=" " * 8, subsequent_indent=" " * 8, break_long_words=False
    )


def _painted(text: str, style: Style) -> str:
    return click.style(text, **style)


def _plain(text: str, style: Style) -> str:
    return text
