"""The report as Markdown, for a job summary or a comment on a pull request."""

from __future__ import annotations

import html
import re

from mockserver.conformance.findings import Report, printable
from mockserver.conformance.traffic import shortened
from mockserver.conformance.writers.terminal import numbered, verdict

_SIGNS = {"FAIL": "❌", "WARN": "⚠️", "INFO": "💡", "passed": "✅", "failed": "❌", "untestable": "❔"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")
_MAX_ROWS = 200


def write(report: Report) -> str:
    """Generate a heading, the verdict, and tables of findings, scenarios and coverage."""
    lines = ["## Flow Service client conformance", "", f"**{_text(verdict(report))}**", ""]
    if report.clients:
        lines += [f"Calls by {_text(', '.join(report.clients))}", ""]
    if report.open:
        lines += ["| | rule | what the client did | calls | what to do |", "|---|---|---|---|---|"]
        for finding in report.open[:_MAX_ROWS]:
            cells = (_text(finding.detail), _text(numbered(finding.calls)), _text(finding.hint))
            lines.append(f"| {_SIGNS[finding.level]} {finding.level} | `{finding.rule}` | {' | '.join(cells)} |")
        if len(report.open) > _MAX_ROWS:
            lines.append(f"\n… and {len(report.open) - _MAX_ROWS} more.")
        lines.append("")
    if report.scenarios:
        lines += ["| | scenario | what happened |", "|---|---|---|"]
        lines += [
            f"| {_SIGNS[row.verdict]} {row.verdict} | {_text(row.id)} | {_text(row.detail)} |"
            for row in report.scenarios
        ]
        lines.append("")
    for row in report.stale:
        lines.append(f"- ❌ the baseline accepts `{row.rule}`, which no longer occurs: remove it")
    used = [row for row in report.coverage.operations if row.calls]
    lines += [f"<details><summary>{len(report.calls)} calls, {len(used)} of {len(report.coverage.operations)} "]
    lines[-1] += "operations</summary>"
    lines += ["", "| operation | calls | responses |", "|---|---|---|"]
    for operation in used:
        answers = ", ".join(f"{count}x {status}" for status, count in operation.statuses.items())
        lines.append(f"| `{operation.method} {shortened(operation.path)}` | {operation.calls} | {answers} |")
    return "\n".join([*lines, "", "</details>", ""])


def _text(text: str) -> str:
    """Escape a text for Markdown, on one line."""
    escaped = html.escape(" ".join(printable(text).split()), quote=False)
    return _SPECIAL.sub(r"\\\1", escaped)
