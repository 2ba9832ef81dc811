"""Formats outcomes as JUnit XML: one test case each; untestable and known ones are skipped."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from contracts.findings.verdicts import FAILED, KNOWN_GAP, NOT_COMPARABLE, UNTESTABLE, Outcome
from contracts.reports.outcomes import SuiteReport
from contracts.secrecy import Mask

FILE = "junit.xml"
SKIPPED = (UNTESTABLE, KNOWN_GAP, NOT_COMPARABLE)


def document(report: SuiteReport, mask: Mask) -> str:
    """Format the whole file."""
    failed = len(report.having(FAILED))
    skipped = sum(len(report.having(verdict)) for verdict in SKIPPED)
    head = (
        f'<testsuite name="Flow Service contract" tests="{len(report.outcomes)}" failures="{failed}" '
        f'skipped="{skipped}" time="{report.seconds:.3f}">'
    )
    cases = "\n".join(_case(outcome, mask) for outcome in report.outcomes)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}\n{cases}\n</testsuite>\n'


def _case(outcome: Outcome, mask: Mask) -> str:
    group = outcome.check.partition(".")[0]
    start = f'  <testcase classname={quoteattr(group)} name={quoteattr(outcome.label)} time="{outcome.seconds:.3f}"'
    message = quoteattr(_clean(mask.text(outcome.message)))
    match outcome.verdict:
        case "failed":
            said = escape(_clean("\n".join(mask.url(str(answer)) for answer in outcome.evidence)))
            return f"{start}><failure message={message}>{said}</failure></testcase>"
        case verdict if verdict in SKIPPED:
            return f"{start}><skipped message={message}/></testcase>"
        case _:
            return f"{start}/>"


def _clean(text: str) -> str:
    """Remove control characters that XML does not allow."""
    return "".join(letter for letter in text if letter in "\t\n" or letter >= " ")
