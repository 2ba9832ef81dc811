"""Protects the server from web pages and other users: Host allow-list, Origin check, admin token, security headers."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request

from mockserver.config import LOOPBACK, Config
from mockserver.errors import ApiError
from mockserver.exchange import PLATFORM_HOST, TOKEN_HOST
from mockserver.web.accepting import wants_html

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?")
_ORIGIN = re.compile(r"https?://(.+)")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every `/_mock` response. A page with its own style sets its own policy."""

_CHALLENGE = (("WWW-Authenticate", 'Basic realm="Mock Flow Service", charset="UTF-8"'),)
"""Makes a browser ask for the password. Sent only to requests for HTML, so that no script opens the dialog."""


def host_check(config: Config) -> Callable[[Mapping[str, Any]], None]:
    """A check of the Host header. It stops web pages whose host name was rebound to 127.0.0.1."""
    allowed = LOOPBACK | {config.host.lower(), *(name.lower() for name in config.allow_host)}
    seen: set[str] = set()

    def check(environ: Mapping[str, Any]) -> None:
        if "HTTP_HOST" not in environ and environ.get("SERVER_PROTOCOL") == "HTTP/1.0":
            return  # HTTP/1.0 does not require a Host, and no browser uses it
        host = environ.get("HTTP_HOST", "")
        if host in seen or "*" in allowed:
            return
        name = _hostname(host)
        if name not in allowed and not (PLATFORM_HOST.fullmatch(name) or TOKEN_HOST.fullmatch(name)):
            raise ApiError(
                "wrong_host",
                detail="This Host is not allowed. To allow it, start the server with --allow-host.",
            )
        if len(seen) < 64:
            seen.add(host)

    return check


def demand_own_origin() -> None:
    """Refuse changes by web pages of another origin. Raises ApiError."""
    origin = request.headers.get("Origin")
    if origin and request.method not in _SAFE and not _same(origin, request.environ.get("HTTP_HOST", "")):
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
        for name, value in _PAGE_HEADERS.items():
            response.headers.setdefault(name, value)
    return response


def _hostname(host: str) -> str:
    """The name in a Host header, in lower case and without a trailing dot; empty if it is not a valid host."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower().removesuffix(".") if match else ""


def _same(origin: str, host: str) -> bool:
    match = _ORIGIN.fullmatch(origin)
    return match is not None and match[1].lower() == host.lower()
