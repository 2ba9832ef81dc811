"""**Now**: the verdict, findings by rule, and the latest calls. Updates itself if scripts are allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from mockserver import pages as rendering
from mockserver.web.console import first_steps
from mockserver.web.console.frame import MAX_JUDGED, Frame, link

if TYPE_CHECKING:
    from mockserver.conformance import Report

_LATEST = 18


def add(pages: Blueprint, frame: Frame) -> None:
    """Add the part of the page that is polled."""

    @pages.get("/console/now")
    def console_now() -> Response:
        """Return the part, or 204 if it has not changed since the `mark` in the query."""
        if request.args.get("mark") == _mark(frame):
            return Response(status=204)
        return frame.answer(rendering.render("console/live.html", **_values(frame)))


def page(frame: Frame) -> Response:
    """Render the whole page."""
    paused = request.args.get("live") == "0"
    return frame.page("now.html", "now", forms=False, paused=paused, **_values(frame))


def _mark(frame: Frame) -> str:
    """A text that changes whenever the page would change."""
    emulator = frame.emulator
    journal, faults = emulator.journal, emulator.faults.active()
    seen = f"{journal.latest}.{journal.count()}" if journal.on else "off"
    struck = sum(one.struck for one in faults)
    return f"{seen}-{len(faults)}.{struck}-{int(emulator.runtime.clock.frozen)}"


def _values(frame: Frame) -> dict[str, Any]:
    journal = frame.emulator.journal
    common = {
        "mark": _mark(frame),
        "recorded": journal.on,
        "faults": [one for one in frame.emulator.faults.active() if not one.exhausted],
        "frozen": frame.emulator.runtime.clock.frozen,
        "link": link,
        "max_judged": MAX_JUDGED,
        "first": first_steps.connection(frame, frame.tenant(frame.tenants())),
    }
    if not journal.on:
        return {**common, "headline": "Nothing is recorded", "failed": False, "total": 0, "figures": [], "groups": [],
                "entries": [], "broken": {}}  # fmt: skip
    from mockserver.conformance.writers import html

    judged = frame.judged()
    total = journal.count()
    return {
        **common,
        "headline": html.headline(judged) if total else "Waiting for the first call",
        "failed": judged.fails(),
        "total": total,
        "figures": _figures(judged, total),
        "groups": html.by_rule(judged),
        "entries": journal.newest(_LATEST),
        "broken": html.broken_by(judged),
    }


def _figures(judged: Report, total: int) -> list[tuple[str, Any, str]]:
    from mockserver.conformance import Level

    levels = [(level.value, judged.count(level), level.value) for level in Level]
    used = f"{judged.coverage.used} / {len(judged.coverage.operations)}"
    return [*levels, ("calls", rendering.grouped(total), ""), ("operations used", used, "")]
