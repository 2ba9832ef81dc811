"""Starts and stops the HTTP server: `make_server` for any WSGI application, `run` for the command line.

Two servers keep one promise. The default reads HTTP with httptools in one event loop; waitress, pure
Python, takes over where httptools cannot be imported. Why these two: docs/server.md.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol, TypeAlias

from mockserver.server.limits import BACKLOG, Limits, raise_descriptors
from mockserver.server.wsgi import Application

__all__ = ["Certificate", "Limits", "Server", "make_server", "run"]

_WAKE_SECONDS = 1.0
"""The main thread looks up this often, for platforms where waiting cannot be interrupted by a signal."""

Certificate: TypeAlias = "ssl.SSLContext | tuple[Path, Path]"
"""For TLS: a server's context, or the files of its certificate chain and key."""


class Server(Protocol):
    """A server whose port is taken when it is made, and which answers from `start` on."""

    url: str
    """Scheme, host and the real port, without a slash at the end."""

    def start(self) -> None:
        """Serve in the background."""

    def stop(self) -> None:
        """Take no more requests, answer what has begun, close. Stopping again does nothing."""


def make_server(
    app: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    kind: str = "auto",
    max_body: int | None = None,
    larger_bodies: Mapping[str, int] | None = None,
    limits: Limits | None = None,
    certificate: Certificate | None = None,
) -> Server:
    """A server for a WSGI application, listening; `kind` is asyncio, waitress or auto.

    `max_body` and `larger_bodies` are members of `Limits` that callers set most often.
    Raises OSError, whose text is fit to show, when it cannot listen.
    """
    limits = limits or Limits()
    if max_body is not None:
        limits = dataclasses.replace(limits, max_body=max_body)
    if larger_bodies is not None:
        limits = dataclasses.replace(limits, larger_bodies=larger_bodies)
    if kind == "auto":
        kind = "asyncio" if importlib.util.find_spec("httptools") else "waitress"
    if kind == "asyncio":
        from mockserver.server.asyncio_server import AsyncioServer

        return AsyncioServer(app, _listen(host, port), limits, _context(certificate))
    if certificate is not None:
        raise OSError("waitress cannot speak TLS; use the asyncio server, which needs httptools")
    from mockserver.server.waitress_server import WaitressServer

    return WaitressServer(app, _listen(host, port), limits)


def run(server: Server, on_ready: Callable[[Server], None]) -> int:
    """Serve until SIGINT or SIGTERM, then finish what has begun; the exit status. A second signal ends at once."""
    stopping = threading.Event()
    raise_descriptors()

    def begin_stop(number: int, frame: FrameType | None) -> None:
        del frame
        signal.signal(number, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, begin_stop)
    server.start()
    on_ready(server)
    while not stopping.wait(_WAKE_SECONDS):
        pass
    server.stop()
    return 0


def _context(certificate: Certificate | None) -> ssl.SSLContext | None:
    if certificate is None or isinstance(certificate, ssl.SSLContext):
        return certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError that says in one line what is wrong."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"cannot listen on {host}:{port}: {reason}; --port 0 picks a free port") from None
    listener.setblocking(False)
    return listener
