"""A comparison for the terminal: verdict, one paragraph per cause, and exchanges that were not compared."""

from __future__ import annotations

import click

from mockserver.comparison.replay import VERDICTS, Cause, ReplayOutcome, reasons

_MAX_CAUSES = 100
_COLOURS = {"high": "red", "medium": "yellow", "low": "cyan"}


def verdict(outcome: ReplayOutcome) -> str:
    """The result on one line, as counts per verdict without a total."""
    counts = [f"{outcome.count(name)} {name}" for name in VERDICTS if outcome.count(name)]
    findings = len(outcome.open)
    found = f" · {findings} {'finding' if findings == 1 else 'findings'}" if findings else ""
    incomplete = "" if outcome.complete else " · the recording is incomplete"
    return f"{' · '.join(counts) or 'nothing recorded'}{found}{incomplete}"


def summary(outcome: ReplayOutcome, *, colour: bool = False) -> str:
    """The whole comparison as text."""
    lines = [_paragraph(cause, colour) for cause in outcome.causes[:_MAX_CAUSES]]
    if len(outcome.causes) > _MAX_CAUSES:
        lines.append(f"and {len(outcome.causes) - _MAX_CAUSES} more findings: see the report")
    skipped = reasons(outcome.compared)
    if skipped:
        lines.append("Not compared:")
        lines += [f"  {count} × {why}" for why, count in skipped.most_common()]
    lines += [f"Accepted difference that no longer occurs: {row}" for row in outcome.stale]
    lines += [f"Note: {note}" for note in outcome.notes]
    if outcome.ambiguous:
        lines.append(f"Ambiguous: {outcome.ambiguous} recorded values correspond to two values here")
    return "\n".join([*lines, verdict(outcome), ""])


def numbered(numbers: tuple[int, ...]) -> str:
    """`exchange 3`, `exchanges 3, 5 and 7 more`."""
    shown = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"{'exchange' if len(numbers) == 1 else 'exchanges'} {shown}{more}"


def _paragraph(cause: Cause, colour: bool) -> str:
    grade = "accepted" if cause.accepted else cause.grade
    badge = (
        click.style(f"{grade:<8}", fg=None if cause.accepted else _COLOURS[cause.grade]) if colour else f"{grade:<8}"
    )
    accepted = f"\n         accepted: {cause.accepted}" if cause.accepted else ""
    return f"{badge} {cause.operation}: {cause.difference} ({numbered(cause.exchanges)}){accepted}"
