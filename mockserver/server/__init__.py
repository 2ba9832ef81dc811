"""The HTTP server: uvicorn with httptools, held to limits of ours. What it promises: docs/server.md.

It serves an ASGI application in a thread of its own; `mockserver.web.bridge` makes one of a WSGI application.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any, TypeAlias

from mockserver.server.limits import Limits, Refuse, refuse
from mockserver.server.service import BACKLOG, RealTimeLoop, Server

__all__ = ["Certificate", "Limits", "RealTimeLoop", "Refuse", "Server", "make_server", "refuse"]

Certificate: TypeAlias = "ssl.SSLContext | tuple[Path, Path]"
"""For TLS: a server's context, or the files of its certificate chain and key."""


def make_server(
    app: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    certificate: Certificate | None = None,
    refused: Refuse = refuse,
) -> Server:
    """A server for an ASGI application, listening. Raises OSError, whose text is fit to show, when it cannot.

    `refused` makes the responses to requests that never reach the application, and so learns of them.
    """
    context = certificate if isinstance(certificate, ssl.SSLContext) else None
    if isinstance(certificate, tuple):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    return Server(app, _listen(host, port), limits or Limits(), context, refused)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"cannot listen on {host}:{port}: {reason}; --port 0 picks a free port") from None
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for what it accepts; asyncio misses these
    return listener
