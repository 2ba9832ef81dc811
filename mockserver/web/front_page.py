"""`GET /`: redirects browsers to the console and returns links as JSON to programs."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mockserver import __version__
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH, Result
from mockserver.web import responses
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
    """The route. On Adobe's host names, the API answers instead."""
    pages = Blueprint("front", __name__)
    console_is_open = emulator.config.admin_open

    @pages.get("/")
    def index() -> Response:
        if console_is_open and wants_html():
            result = Result(303, headers=(("Location", _CONSOLE), ("Vary", "Accept")))
        else:
            origin = request.host_url.rstrip("/")
            links = {name: f"{origin}{path}" for name, path in _PATHS.items()}
            body = {"name": "Mock Flow Service", "version": __version__, "links": links}
            result = Result(200, {**body}, headers=(("Vary", "Accept"),))
        return responses.write(result, emulator.runtime.request_id("page"))

    return pages
