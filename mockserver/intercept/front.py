"""Restricts intercepted clients to Adobe's hosts: they cannot reach `/_mock`."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from mockserver import json_input
from mockserver.intercept.hosts import EMULATED, without_port
from mockserver.web import adapter

if TYPE_CHECKING:
    from mockserver.web.bridge import HttpAnswer, Turn
    from mockserver.web.received import Received
    from mockserver.web.served import Served

_OF_NAMES = frozenset(string.ascii_letters + string.digits + ".-_:[]")


class EmulatedHostsOnly:
    """A wrapper that passes only calls to Adobe's hosts, and none to `/_mock`.

    Adobe's hosts have no `/_mock`. Otherwise a client could be tricked into a URL that controls the emulator
    (compare CVE-2025-23217).
    """

    def __init__(self, app: Served) -> None:
        self._app = app
        self.refuse_unread = app.refuse_unread

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        host = without_port(environ.get("HTTP_HOST", ""))
        if host not in EMULATED:
            return _refuse(start_response, "403 Forbidden", refusal(host))
        if _is_ours(environ["PATH_INFO"]):
            return _refuse(start_response, "404 Not Found", "Adobe's hosts have no /_mock; use MOCKSERVER_URL for it")
        return self._app(environ, start_response)

    def plan(self, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]] | None:
        """See `bridge`: the plan of the application for what passes, None for what `__call__` refuses."""
        host = without_port(received.headers.get("host", ""))
        passes = host in EMULATED and not _is_ours(adapter.decoded(received.path))
        return self._app.plan(received) if passes else None


def _is_ours(path: str) -> bool:
    return path.lstrip("/").lower().startswith("_mock")


def refusal(host: str) -> str:
    """The message for a host that is not emulated."""
    return f"{printable(host)} is not emulated, and mockserver passes nothing on to other hosts"


def printable(host: str) -> str:
    """A host name reduced to characters allowed in one."""
    return "".join(letter for letter in host[:100] if letter in _OF_NAMES) or "no host"


def _refuse(start_response: Any, status: str, message: str) -> list[bytes]:
    body = json_input.dumps({"error_code": status[:3], "message": message})
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
