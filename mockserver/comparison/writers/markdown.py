"""A comparison as Markdown, for a job summary or a pull request."""

from __future__ import annotations

from mockserver.comparison.replay import ReplayOutcome, reasons
from mockserver.comparison.writers.terminal import numbered, verdict

_SIGNS = {"high": "❌", "medium": "⚠️", "low": "💡"}
_MAX_ROWS = 200


def write(outcome: ReplayOutcome) -> str:
    """The verdict and a table of causes."""
    lines = ["## Flow Service comparison", "", f"**{verdict(outcome)}**", ""]
    if outcome.causes:
        lines += ["| | operation | difference | place | recorded | here | where |", "|---|---|---|---|---|---|---|"]
        for cause in outcome.causes[:_MAX_ROWS]:
            sign = "✅ accepted" if cause.accepted else f"{_SIGNS[cause.grade]} {cause.grade}"
            found = cause.difference
            cells = (sign, f"`{cause.operation}`", found.kind, f"`{found.pointer or '/'}`", found.recorded, found.ours)
            lines.append("| " + " | ".join((*cells, numbered(cause.exchanges))) + " |")
        lines.append("")
    lines += [f"- not compared: {count} × {why}" for why, count in reasons(outcome.compared).most_common()]
    lines += [f"- accepted difference that no longer occurs: {row}" for row in outcome.stale]
    lines += [f"- {note}" for note in outcome.notes]
    return "\n".join([*lines, ""])
