"""The report as one HTML page that needs nothing else: no request leaves it, and its policy forbids any.

Text reaches the page through templates that escape it; styles and script are ours, named by hash in the policy.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mockserver.conformance.findings import Finding, Level, Report
from mockserver.conformance.traffic import shortened
from mockserver.conformance.writers import timeline
from mockserver.conformance.writers.terminal import verdict
from mockserver.journal.entries import Entry

_PAGES = Path(__file__).parent / "pages"
_MAX_CALLS = 1_000
"""Calls shown in full; those with findings come before others are left out."""


def write(report: Report) -> str:
    """The page."""
    broken = _broken(report)
    shown = _worth_showing(report, broken)
    parts = _parts()
    page: str = template(_PAGES / "report.html").render(
        report=report,
        verdict=verdict(report),
        headline=headline(report),
        failed=report.fails(),
        levels=[(level.value, report.count(level)) for level in Level],
        accepted=[finding for finding in report.findings if finding.accepted is not None],
        passed=sum(scenario.verdict == "passed" for scenario in report.scenarios),
        calls=shown,
        by_number={entry.number: entry for entry in report.calls},
        in_full={entry.number for entry in shown},
        broken=broken,
        timeline=timeline.lay_out(report.calls),
        policy=policy(),
        css=style(),
        script=parts["report.js"],
    )
    return page


@functools.cache
def policy() -> str:
    """The page's Content-Security-Policy: its own style and script, nothing else. For a header, add frame-ancestors."""
    parts = _parts()
    return (
        f"default-src 'none'; style-src '{_hash(parts['report.css'])}'; script-src '{_hash(parts['report.js'])}'; "
        "base-uri 'none'; form-action 'none'"
    )


def style() -> str:
    """The style sheet, for other pages of ours."""
    return _parts()["report.css"]


@functools.cache
def _parts() -> Mapping[str, str]:
    return {name: (_PAGES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")}


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def template(path: Path) -> Any:
    """A page template of ours: everything put into it is escaped. Filters: moment, pretty, answered, shortened."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    pages.filters.update(moment=_moment, pretty=_pretty, shortened=shortened, answered=timeline.answered)
    return pages.get_template(path.name)


def headline(report: Report) -> str:
    """The verdict in a few words."""
    if not report.judged:
        return "Nothing to judge"
    if report.count(Level.FAIL):
        return "Breaks the contract"
    if any(scenario.verdict != "passed" for scenario in report.scenarios):
        return "Does not pass every scenario"
    if report.count(Level.WARN):
        return "Works by luck"
    return "Accepts what no longer occurs" if report.stale else "Keeps the contract"


def _broken(report: Report) -> dict[int, list[Finding]]:
    """Call number -> open findings it proves."""
    broken: dict[int, list[Finding]] = {}
    for finding in report.open:
        for number in finding.calls:
            broken.setdefault(number, []).append(finding)
    return broken


def _worth_showing(report: Report, broken: Mapping[int, object]) -> list[Entry]:
    by_weight = sorted(report.calls, key=lambda entry: (entry.number not in broken, entry.number))
    return sorted(by_weight[:_MAX_CALLS], key=lambda entry: entry.number)


def _moment(at_ms: int) -> str:
    """Time of day, UTC."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return str(at_ms)


def _pretty(text: str) -> str:
    """JSON indented; what is no JSON, or was cut, as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text
