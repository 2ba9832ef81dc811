"""Keeps web pages and strangers out: Host allow-list, Origin check and the admin token."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import request

from mockserver.config import LOOPBACK, Config
from mockserver.errors import ApiError

_ADOBE = re.compile(r"platform(-[a-z0-9]+)?\.adobe\.io|ims-na1(-[a-z0-9]+)?\.adobelogin\.com")
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def host_check(config: Config) -> Callable[[Mapping[str, Any]], None]:
    """A check of a request's environ: a page whose name was rebound to 127.0.0.1 gets no further."""
    allowed = LOOPBACK | {config.host.lower(), *(name.lower() for name in config.allow_host)}
    seen: set[str] = set()

    def check(environ: Mapping[str, Any]) -> None:
        host = environ.get("HTTP_HOST", "")
        if host in seen or "*" in allowed:
            return
        name = _hostname(host)
        if name not in allowed and not _ADOBE.fullmatch(name):
            raise ApiError(
                "wrong_host",
                detail="This server does not answer to that Host: start it with --allow-host to allow the name.",
            )
        if len(seen) < 64:
            seen.add(host)

    return check


def admin_check(config: Config) -> Callable[[], None]:
    """A check before every `/_mock` call: same origin, and the token when strangers can reach us."""

    def check() -> None:
        origin = request.headers.get("Origin")
        if request.method in _CHANGING and origin and urlsplit(origin).netloc != request.host:
            raise ApiError("forbidden_origin", detail="Another origin may not change this server.")
        if request.path.rstrip("/") == "/_mock/health":
            return
        if not config.admin_open:
            raise ApiError(
                "admin_token", detail="Others can reach this server: set MOCKSERVER_ADMIN_TOKEN to open /_mock."
            )
        if config.admin_token is None:
            return
        sent = request.headers.get("x-mock-admin-token", "")
        if not hmac.compare_digest(sent.encode(), config.admin_token.encode()):
            raise ApiError("admin_token", detail="Send the admin token in the header x-mock-admin-token.")

    return check


def _hostname(host: str) -> str:
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name.lower()
