"""Writes a report to its destinations: terminal, JSON, folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TextIO

from contracts.findings.causes import SuiteFinding
from contracts.reports import files, junit, known_gaps, page, record, summary
from contracts.reports.outcomes import SuiteReport
from contracts.requirements import WORDS, Requirement, levels
from contracts.schema.document import Document
from contracts.secrecy import Mask
from contracts.settings import Settings


def everywhere(
    report: SuiteReport,
    rows: Sequence[Requirement],
    settings: Settings,
    mask: Mask,
    *,
    out: TextIO,
    as_json: bool,
    least: str,
) -> None:
    """Write the summary (or JSON) to the stream, and the files to the report folder."""
    document = Document.load(settings.contract)
    names = [operation.id for operation in (*document.operations, *document.neighbours)]
    operations = [name for name in names if not settings.operations or name in settings.operations]
    if settings.report:
        folder = settings.report
        files.write(folder / junit.FILE, junit.document(report, mask))
        seen = {
            "server": mask.text(report.server),
            "seed": report.seed,
            "operations": report.record.values() if report.record else {},
        }
        files.write(folder / record.FILE, mask.text(json.dumps(seen, indent=1)) + "\n")
        files.write(folder / page.FILE, page.document(report, rows, mask, operations))
    if settings.write_known_gaps and not report.broken_off:
        files.write(settings.write_known_gaps, known_gaps.document(report, levels(rows), mask))
    if as_json:
        out.write(json.dumps(for_programs(report, rows, mask, least), indent=2) + "\n")
    else:
        out.write(summary.text(report, rows, mask, operations))
        if settings.report:
            out.write(f"report: {settings.report / page.FILE} · {junit.FILE} · exchanges.har · {record.FILE}\n")


def for_programs(report: SuiteReport, rows: Sequence[Requirement], mask: Mask, least: str) -> dict[str, object]:
    """The report as JSON values."""
    level = levels(rows)
    found = report.findings(level, least)
    return {
        "server": mask.text(report.server),
        "seed": report.seed,
        "seconds": round(report.seconds, 3),
        "endedEarly": report.ended or None,
        "waited": report.waited or None,
        "exchanges": report.exchanges,
        "made": report.made,
        "left": report.left,
        "unverified": report.unverified,
        "staleGaps": report.stale_gaps,
        "trouble": report.trouble,
        "verdict": mask.text(summary.verdict(report, rows)),
        "failures": [o.label for finding in found for o in (finding.first, *finding.same)],
        "findings": [_finding(finding, level, mask) for finding in report.findings(level)],
        "promises": report.of_promises(rows),
        "operations": {
            name: {str(status): count for status, count in sorted(counts.items())}
            for name, counts in sorted(report.statuses.items())
        },
        "outcomes": [
            {
                "check": outcome.check,
                "subject": outcome.subject or None,
                "level": level.get(outcome.check, "must"),
                "verdict": outcome.verdict,
                "message": mask.text(outcome.message) or None,
                "evidence": [mask.url(str(answer)) for answer in outcome.evidence],
                "seconds": round(outcome.seconds, 3),
            }
            for outcome in report.outcomes
        ],
    }


def _finding(finding: SuiteFinding, level: Mapping[str, str], mask: Mask) -> dict[str, object]:
    """One cause, with what it hides."""
    return {
        "check": finding.first.check,
        "level": finding.level(level),
        "shownAs": WORDS[finding.level(level)],
        "message": mask.text(finding.first.message),
        "subjects": [outcome.subject for outcome in (finding.first, *finding.same) if outcome.subject],
        "places": dict(finding.places),
        "notComparable": list(dict.fromkeys(outcome.label for outcome in finding.hidden)),
    }
