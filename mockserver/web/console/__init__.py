"""The console below `/_mock/`: calls, records, the verdict on the client, and settings."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from mockserver import __version__
from mockserver.emulator import Emulator
from mockserver.web import admin, guard
from mockserver.web.accepting import wants_html
from mockserver.web.console import (
    assets,
    calls,
    control_pages,
    fidelity_pages,
    flow_pages,
    now,
    resource_pages,
    setting_pages,
    source_pages,
    spec_pages,
)
from mockserver.web.console.frame import Frame
from mockserver.web.scenario_pages import Stage

_PATHS = ("health", "report", "journal", "state", "faults", "scenarios", "clock", "quirks", "connectors", "reset")


def blueprint(emulator: Emulator, stage: Stage) -> Blueprint:
    """The routes. `/_mock/` and `/_mock/report` return HTML to browsers, JSON to programs, or what `?format=` names."""
    pages = Blueprint("console", __name__, url_prefix="/_mock")
    pages.before_request(guard.admin_check(emulator.config))
    frame = Frame(emulator)

    @pages.get("/")
    def index() -> Response:
        if wants_html():
            return now.page(frame)
        body: Any = {"product": "Mock Flow Service", "version": __version__, "sources": frame.sources()}
        return admin.answer(emulator, {**body, "paths": [f"/_mock/{path}" for path in _PATHS]})

    @pages.get("/report")
    def report() -> Response:
        from mockserver import conformance

        form = request.args.get("format") or ("html" if wants_html() else "json")
        if form not in conformance.FORMATS:
            raise admin.wrong("Unknown format. Expected one of " + ", ".join(conformance.FORMATS) + ".")
        since = request.args.get("since", 0, type=int)
        text = conformance.render(frame.judged(since), form)
        return _report(emulator, text, conformance.FORMATS[form].media_type)

    assets.add(pages)
    control_pages.add(pages, frame, stage)
    for part in (now, calls, resource_pages, flow_pages, source_pages, spec_pages, setting_pages, fidelity_pages):
        part.add(pages, frame)
    return pages


def _report(emulator: Emulator, text: str, media_type: str) -> Response:
    from mockserver.pages import policy

    response = Response(text, content_type=media_type)
    response.headers["Content-Security-Policy"] = f"{policy()}; frame-ancestors 'none'"
    response.headers["x-request-id"] = emulator.runtime.request_id("page")
    return response
