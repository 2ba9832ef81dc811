"""The HTTP server: uvicorn with httptools and limits of our own. docs/server.md describes its guarantees.

It serves an ASGI application in its own thread. `mockserver.web.bridge` adapts WSGI applications.
"""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path
from typing import Any, TypeAlias

from mockserver.server.limits import Limits, Refuse, refuse
from mockserver.server.service import BACKLOG, RealTimeLoop, Server

__all__ = ["Certificate", "Limits", "RealTimeLoop", "Refuse", "Server", "listen", "make_server", "refuse"]

Certificate: TypeAlias = "ssl.SSLContext | tuple[Path, Path]"
"""For TLS: an SSL context of a server, or the files of its certificate chain and key."""


def make_server(
    app: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limits: Limits | None = None,
    certificate: Certificate | None = None,
    refused: Refuse = refuse,
) -> Server:
    """Create a listening server for an ASGI application. Raises OSError, whose message can be shown to users.

    `refused` creates the responses to requests that never reach the application.
    """
    context = certificate if isinstance(certificate, ssl.SSLContext) else None
    if isinstance(certificate, tuple):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    return Server(app, listen(host, port), limits or Limits(), context, refused)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError, whose message can be shown to users."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while attempting")[0]
        advice = "; port 0 picks a free one" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        raise OSError(f"cannot listen on {host}:{port}: {reason}{advice}") from None
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by accepted sockets; asyncio sets none
    return listener
