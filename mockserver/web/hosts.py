"""Which hosts may be named by requests, and the security headers of pages. Does not need Flask."""

from __future__ import annotations

import re
from collections.abc import Callable

from mockserver.config import LOOPBACK, Config
from mockserver.errors import ApiError
from mockserver.exchange import adobe_site

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{0,5})?")

PAGE_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Headers of every `/_mock` response. A page with its own style sets its own policy."""


def host_check(config: Config) -> Callable[[str, str], None]:
    """A check of the Host header, by its value and the HTTP version (`1.0` or `1.1`).

    It stops web pages whose host name was rebound to 127.0.0.1.
    """
    allowed = LOOPBACK | {config.host.lower(), *(name.lower() for name in config.allow_host)}
    seen: set[str] = set()

    def check(host: str, version: str) -> None:
        if host in seen or "*" in allowed:
            return
        if not host and version == "1.0":
            return  # HTTP/1.0 does not require a Host, and no browser uses it
        name = _hostname(host)
        if name not in allowed and not adobe_site(name):
            raise ApiError(
                "wrong_host",
                detail="This Host is not allowed. To allow it, start the server with --allow-host.",
            )
        if len(seen) < 64:
            seen.add(host)

    return check


def _hostname(host: str) -> str:
    """The name in a Host header, in lower case and without a trailing dot; empty if it is not a valid host."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]).lower().removesuffix(".") if match else ""
