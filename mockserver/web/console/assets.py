"""`/_mock/console/assets/…`: style sheet, scripts and icon of the console. Their URLs change with their content."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping

from flask import Blueprint, Response

from mockserver.errors import ApiError
from mockserver.pages import asset

_TYPES = {
    "style.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "htmx.LICENSE.txt": "text/plain; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files that are served. Only these names are accepted, never a path."""


@functools.cache
def addresses() -> Mapping[str, str]:
    """Name -> URL."""
    return {name: f"/_mock/console/assets/{name}?{_digest(name)}" for name in _TYPES}


def _digest(name: str) -> str:
    return hashlib.sha256(asset(name).encode()).hexdigest()[:12]


def add(pages: Blueprint) -> None:
    """Add the route."""

    @pages.get("/console/assets/<name>")
    def console_asset(name: str) -> Response:
        if name not in _TYPES:
            raise ApiError("unknown_path", detail="There is no such page under /_mock. The console is at /_mock/.")
        response = Response(asset(name), content_type=_TYPES[name])
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return response
