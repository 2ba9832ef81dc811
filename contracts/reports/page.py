"""Formats the outcomes as one HTML page: verdict, findings by cause with exchanges, promises, operations.

It uses the templates and the style sheet of the emulator's console and reports.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contracts.findings.causes import SuiteFinding
from contracts.findings.verdicts import KNOWN_GAP, NOT_COMPARABLE, PASSED, UNTESTABLE, Outcome
from contracts.reports import summary
from contracts.reports.outcomes import SuiteReport
from contracts.requirements import WORDS, Requirement, levels
from contracts.secrecy import Mask
from contracts.wire import Answer

FILE = "index.html"
_MAX_BODY = 4000
"""Maximum characters of a body."""


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding as shown on the page."""

    word: str
    label: str
    message: str
    details: list[str]
    promise: Requirement | None
    exchanges: list[str]


def document(report: SuiteReport, rows: Sequence[Requirement], mask: Mask, operations: Sequence[str]) -> str:
    """Format the whole page."""
    findings = [_shown(finding, rows, mask) for finding in report.findings(levels(rows))]
    headline, _, counts = mask.text(summary.verdict(report, rows)).partition(": ")
    verdicts = report.of_promises(rows)
    page: str = (
        _templates()
        .get_template("contract.html")
        .render(
            server=mask.text(report.server),
            headline=headline,
            counts=counts,
            serious=bool(report.broken_off) or any(finding.word != "NOTE" for finding in findings),
            figures=_figures(report, list(verdicts.values()), findings),
            notes=[mask.text(text) for text in _notes(report)],
            findings=findings,
            others=list(_others(report, mask)),
            promises=[(row, verdicts[row.id]) for row in rows],
            operations=[(name, summary.answers(report.statuses.get(name, Counter()))) for name in operations],
        )
    )
    return page


@functools.cache
def _templates() -> Any:
    """The emulator's templates, with everything inserted escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = _folder()

    @functools.cache
    def asset(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    def policy() -> str:
        style, script = _hash(asset("style.css")), _hash(asset("report.js"))
        return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'"

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(asset=asset, policy=policy)
    return made


def _folder() -> Path:
    """The folder of the templates: beside the suite in a checkout, inside the emulator's package if installed."""
    beside = Path(__file__).parents[2] / "mockserver" / "pages"
    if beside.is_dir():
        return beside
    found = find_spec("mockserver")
    if found is None or found.origin is None:
        raise FileNotFoundError("the HTML report needs the templates of mockserver: install it beside the suite")
    return Path(found.origin).parent / "pages"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _figures(
    report: SuiteReport, verdicts: Sequence[str], findings: Sequence[ShownFinding]
) -> list[tuple[str, object, str]]:
    counts, kept = Counter(finding.word for finding in findings), Counter(verdicts)
    figures: list[tuple[str, object, str]] = [(word, counts[word], word) for word in WORDS.values()]
    figures += [("promises kept", f"{kept[PASSED]} / {len(verdicts)}", "")]
    figures += [("not comparable", kept[NOT_COMPARABLE], ""), ("exchanges", report.exchanges, "")]
    figures += [("entities made", report.made, ""), ("left behind", len(report.left), "")]
    return [*figures, ("seconds", f"{report.seconds:.1f}", ""), ("seed", str(report.seed), "")]


def _notes(report: SuiteReport) -> list[str]:
    ended = [f"Ended early: {report.ended}"] if report.ended else []
    left = [f"Left behind: {item}" for item in report.left]
    left += [f"May be left behind: {item}" for item in report.unverified]
    stale = [f"Stale gap: {check} passes now" for check in report.stale_gaps]
    waited = [report.waited.capitalize()] if report.waited else []
    return ended + waited + left + stale + [f"The suite itself had trouble: {item}" for item in report.trouble]


def _shown(finding: SuiteFinding, rows: Sequence[Requirement], mask: Mask) -> ShownFinding:
    return ShownFinding(
        WORDS[finding.level(levels(rows))],
        finding.label,
        mask.text(finding.first.message),
        [mask.text(line) for line in summary.details(finding)],
        next((row for row in rows if finding.first.check in row.checks), None),
        _evidence(finding.first, mask),
    )


def _others(report: SuiteReport, mask: Mask) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Outcomes that are not findings: known gaps, not comparable, untestable."""
    for verdict in (KNOWN_GAP, NOT_COMPARABLE, UNTESTABLE):
        found = [(outcome.label, mask.text(outcome.message)) for outcome in report.having(verdict)]
        if found:
            yield verdict, found


def _evidence(outcome: Outcome, mask: Mask) -> list[str]:
    return [_exchange(answer, mask) for answer in outcome.evidence]


def _exchange(answer: Answer, mask: Mask) -> str:
    sent = answer.sent
    lines = [
        f"{sent.method} {mask.url(sent.target)}",
        *(f"{name}: {value}" for name, value in mask.headers(sent.headers)),
    ]
    lines += ["", mask.body(sent.body)[:_MAX_BODY], ""]
    lines += [answer.silence or f"HTTP {answer.status}"]
    lines += [f"{name}: {value}" for name, value in mask.headers(answer.headers)]
    return mask.text("\n".join([*lines, "", mask.body(answer.body)[:_MAX_BODY]]))
