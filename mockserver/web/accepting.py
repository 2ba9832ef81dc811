"""What a request accepts in answer."""

from __future__ import annotations

from flask import request


def wants_html() -> bool:
    """Whether a browser asks: programs that take anything get JSON."""
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
