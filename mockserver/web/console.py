"""`/_mock/` and `/_mock/report`: what the server sees, and its verdict on the client, for people and programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from mockserver import __version__
from mockserver.emulator import Emulator
from mockserver.faults import FAULTS
from mockserver.quirks import QUIRKS
from mockserver.web import admin, guard

_PAGE = Path(__file__).parent / "pages" / "console.html"
_PATHS = ("health", "report", "journal", "state", "faults", "scenarios", "clock", "quirks", "connectors", "reset")
_LATEST = 50
_MAX_JUDGED = 2_000
"""Calls that the console judges; `/_mock/report` judges all there are."""


def blueprint(emulator: Emulator) -> Blueprint:
    """Both pages. JSON unless a browser asks, or `?format=` says otherwise."""
    pages = Blueprint("console", __name__, url_prefix="/_mock")
    pages.before_request(guard.admin_check(emulator.config))

    @pages.get("/")
    def index() -> Response:
        if wants_html():
            return _page(emulator, _console(emulator), "text/html; charset=utf-8")
        body: Any = {"product": "Mock Flow Service", "version": __version__, "sources": _sources(emulator)}
        return admin.answer(emulator, {**body, "paths": [f"/_mock/{path}" for path in _PATHS]})

    @pages.get("/report")
    def report() -> Response:
        from mockserver import conformance

        form = request.args.get("format") or ("html" if wants_html() else "json")
        if form not in conformance.FORMATS:
            raise admin.wrong("format is one of " + ", ".join(conformance.FORMATS))
        since = request.args.get("since", 0, type=int)
        judged = conformance.evaluate(emulator.journal.entries(since), emulator.contract)
        return _page(emulator, conformance.render(judged, form), conformance.FORMATS[form].media_type)

    return pages


def wants_html() -> bool:
    """Whether a browser asks: programs that take anything get JSON."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


def _page(emulator: Emulator, text: str, media_type: str) -> Response:
    from mockserver.conformance.writers import html

    response = Response(text, content_type=media_type)
    response.headers["Content-Security-Policy"] = f"{html.policy()}; frame-ancestors 'none'"
    response.headers["x-request-id"] = emulator.runtime.request_id("page")
    return response


def _sources(emulator: Emulator) -> dict[str, Any]:
    """Where records are kept, and what stands behind connections."""
    sources = emulator.world.sources
    return {
        "records": emulator.world.store.place,
        "live": [str(listed) for listed in sources.listed],
        "declared": [str(source) for source in sources.declared],
        "file": emulator.config.sources,
    }


def _console(emulator: Emulator) -> str:
    from mockserver import conformance
    from mockserver.conformance.writers import html

    recorded = emulator.journal.on
    entries = emulator.journal.entries() if recorded else []
    judged = conformance.evaluate(entries[-_MAX_JUDGED:], emulator.contract)
    clock = emulator.runtime.clock
    page: str = html.template(_PAGE).render(
        version=__version__,
        policy=html.policy(),
        css=html.style(),
        live=request.args.get("live") == "1",
        recorded=recorded,
        headline=html.headline(judged) if recorded else "Nothing is recorded",
        failed=judged.fails(),
        report=judged,
        levels=[(level.value, judged.count(level)) for level in conformance.Level],
        entries=entries[: -_LATEST - 1 : -1],
        total=len(entries),
        now_ms=clock.now_ms(),
        frozen=clock.frozen,
        quirks=[(row, emulator.quirks[row.name]) for row in QUIRKS.values()],
        faults=[one.as_json() for one in emulator.faults.active()],
        known_faults=len(FAULTS),
        paths=_PATHS,
        sources=_sources(emulator),
    )
    return page
