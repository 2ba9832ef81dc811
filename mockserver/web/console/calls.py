"""**Calls**: the journal in pages, and a page for each call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from mockserver.journal.entries import CallFilter, Entry
from mockserver.web.console.frame import Frame

if TYPE_CHECKING:
    from mockserver.conformance import Finding

SIZE = 100
"""Calls per page."""

KINDS: Mapping[str, tuple[str, CallFilter]] = {
    "": ("All", CallFilter()),
    "ok": ("Answered", CallFilter(statuses=(100, 400))),
    "refused": ("Refused, 4xx", CallFilter(statuses=(400, 500))),
    "failed": ("Failed, 5xx", CallFilter(statuses=(500, 600))),
    "none": ("No response", CallFilter(statuses=(0, 1))),
    "fault": ("Injected fault", CallFilter(faulty=True)),
}


def add(pages: Blueprint, frame: Frame) -> None:
    """Add both pages."""
    journal = frame.emulator.journal

    @pages.get("/console/calls")
    def console_calls() -> Response:
        kind = request.args.get("kind", "")
        text = request.args.get("text", "").strip()[:200]
        before = request.args.get("before", type=int)
        wanted = KINDS.get(kind, KINDS[""])[1]._replace(text=text)
        entries = journal.newest(SIZE + 1, wanted, before) if journal.on else []
        more = len(entries) > SIZE
        return frame.page(
            "calls.html",
            "calls",
            recorded=journal.on,
            kinds=[(name, title) for name, (title, _) in KINDS.items()],
            kind=kind,
            text=text,
            before=before,
            entries=entries[:SIZE],
            older=entries[SIZE - 1].number if more else None,
            total=journal.count(),
            broken=_broken(frame),
        )

    @pages.get("/console/calls/<int:number>")
    def console_call(number: int) -> Response:
        entry = next(iter(journal.newest(1, before=number + 1)), None)
        if entry is None or entry.number != number:
            return frame.missing("calls", f"Call {number} is not in the journal: it was dropped or never made.")
        return frame.page(
            "call.html",
            "calls",
            entry=entry,
            findings=_broken(frame).get(number, []),
            before=next(iter(journal.newest(1, before=number)), None),
            after=_next(frame, number),
        )


def _broken(frame: Frame) -> dict[int, list[Finding]]:
    """Call number -> findings with this call."""
    from mockserver.conformance.writers import html

    return html.broken_by(frame.judged()) if frame.emulator.journal.on else {}


def _next(frame: Frame, number: int) -> Entry | None:
    """The call after this one. Numbers have gaps only where calls were dropped."""
    found = frame.emulator.journal.newest(1, before=number + 2)
    return found[0] if found and found[0].number > number else None
