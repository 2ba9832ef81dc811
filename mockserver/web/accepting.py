"""Content negotiation: HTML or JSON."""

from __future__ import annotations

from flask import request


def wants_html() -> bool:
    """Whether the request prefers HTML, as browsers do. `Accept: */*` means JSON."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
