"""Protects the pages from other web pages and other users: Origin check, admin token, security headers."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from flask import Response, request

from mockserver.config import Config
from mockserver.errors import ApiError
from mockserver.web.accepting import wants_html
from mockserver.web.hosts import PAGE_HEADERS

_ORIGIN = re.compile(r"(https?)://(.+)")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_CHALLENGE = (("WWW-Authenticate", 'Basic realm="Mock Flow Service", charset="UTF-8"'),)
"""Makes a browser ask for the password. Sent only to requests for HTML, so that no script opens the dialog."""


def demand_own_origin() -> None:
    """Refuse changes by web pages of another origin, which browsers name in `Origin`. Raises ApiError."""
    if request.method in _SAFE:
        return
    origin = request.headers.get("Origin")
    if (origin and not _is_own(origin)) or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise ApiError("forbidden_origin", detail="A page of another origin cannot change this server.")


def admin_check(config: Config) -> Callable[[], None]:
    """A check of every `/_mock` request: same origin, and the admin token if one is set."""

    def check() -> None:
        demand_own_origin()
        if request.path.rstrip("/") == "/_mock/health":
            return
        if not config.admin_open:
            raise ApiError(
                "admin_token",
                detail="/_mock is closed, because others can reach this server. Set MOCKSERVER_ADMIN_TOKEN to open it.",
            )
        if config.admin_token is None:
            return
        _demand_token(config.admin_token.encode())

    return check


def _demand_token(token: bytes) -> None:
    """Require the admin token: in its header, or as the password of HTTP Basic, which browsers ask for.

    Browsers attach the password to requests caused by pages of other sites too. Such a page cannot read the
    response, and cannot change anything: with a password, a change must name this server as its `Origin`.
    """
    if hmac.compare_digest(request.headers.get("x-mock-admin-token", "").encode(), token):
        return
    signed_in = request.authorization
    if signed_in is None or signed_in.type != "basic" or not _is_token(signed_in.password, token):
        detail = "Send the admin token in the header x-mock-admin-token, or sign in with it as the password."
        raise ApiError("admin_token", detail=detail, headers=_CHALLENGE if wants_html() else ())
    if request.method not in _SAFE and "Origin" not in request.headers:
        raise ApiError("forbidden_origin", detail="A program that changes this server sends x-mock-admin-token.")


def _is_token(password: str | None, token: bytes) -> bool:
    return password is not None and hmac.compare_digest(password.encode("utf-8", "surrogatepass"), token)


def page_headers(response: Response) -> Response:
    """Add security headers: no content sniffing, no use by other sites."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.path.startswith("/_mock"):
        for name, value in PAGE_HEADERS:
            response.headers.setdefault(name, value)
    return response


def _is_own(origin: str) -> bool:
    """Whether a page has the host, port and scheme of the request.

    A proxy that ends TLS says so in `X-Forwarded-Proto`. Without it, the page may have either scheme.
    """
    found = _ORIGIN.fullmatch(origin.lower())
    if found is None:
        return False
    scheme, place = found.groups()
    if scheme == "http" and "https" in (request.scheme, request.headers.get("X-Forwarded-Proto", "").strip().lower()):
        return False  # without TLS, anybody on the network can change the page
    host: str = request.environ.get("HTTP_HOST", "").lower()
    return place.removesuffix(_DEFAULT_PORT[scheme]) == host.removesuffix(_DEFAULT_PORT[scheme])
