"""`GET /`: leads a browser to the console, and tells a program where everything is."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mockserver import __version__
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH, Result
from mockserver.web import adapter
from mockserver.web.accepting import wants_html

_CONSOLE = "/_mock/"
_PATHS = {
    "api": BASE_PATH,
    "token": "/ims/token/v3",
    "openapi": "/openapi.yaml",
    "health": "/_mock/health",
    "console": _CONSOLE,
}


def blueprint(emulator: Emulator) -> Blueprint:
    """The page. It exists on our own host names only: on Adobe's, the API answers."""
    pages = Blueprint("front", __name__)
    browsers_may_enter = emulator.config.admin_open and emulator.config.admin_token is None

    @pages.get("/")
    def index() -> Response:
        if browsers_may_enter and wants_html():
            result = Result(303, headers=(("Location", _CONSOLE), ("Vary", "Accept")))
        else:
            origin = request.host_url.rstrip("/")
            links = {name: f"{origin}{path}" for name, path in _PATHS.items()}
            body = {"name": "Mock Flow Service", "version": __version__, "links": links}
            result = Result(200, {**body}, headers=(("Vary", "Accept"),))
        return adapter.write(result, emulator.runtime.request_id("page"))

    return pages
