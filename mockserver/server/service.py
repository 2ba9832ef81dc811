"""The server in its own thread, with deadlines and a graceful stop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from email.utils import formatdate

from mockserver.runtime import monotonic
from mockserver.server.connection import ClientConnection
from mockserver.server.crowd import Answerer, Crowd
from mockserver.server.handshakes import TlsConnection
from mockserver.server.limits import Limits, Refuse, descriptors

BACKLOG = 2_048
"""Maximum connections waiting to be accepted."""
_ACCEPTED_TOGETHER = 4
"""Maximum connections accepted in one iteration of the event loop, before descriptors are counted again."""
_OTHER_DESCRIPTORS = 32
"""Descriptors reserved for files, the listener and the event loop."""
TICK_SECONDS = 0.1
"""Time between checks of all deadlines, which cost less than a timer for each request."""
LAST_CALL_SECONDS = 0.1
"""Time a stopping server still reads requests that are on their way on open connections."""
_POLL_SECONDS = 0.02


class RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a real clock, also where a test library freezes `time`."""

    time = staticmethod(monotonic)


class Server:
    """Serves an application on a listening socket."""

    def __init__(
        self, app: Answerer, listener: socket.socket, limits: Limits, context: ssl.SSLContext | None, refuse: Refuse
    ) -> None:
        """Prepare the server. Until `start`, connections wait in the listener's queue."""
        host, port = listener.getsockname()[:2]
        self.url = f"http{'s' if context else ''}://{f'[{host}]' if ':' in host else host}:{port}"
        """Scheme, host and actual port, without a trailing slash."""
        self._app, self._crowd = app, Crowd(app, limits, refuse)
        self._listener, self._context = listener, context
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-loop", daemon=True)

    def start(self) -> None:
        """Start serving in the background."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop accepting requests, answer the current ones and close. Stopping again does nothing."""
        if self._thread.ident:
            with suppress(RuntimeError):  # its loop is closed
                self._crowd.loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        else:
            self._listener.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=RealTimeLoop) as runner:
            self._app.open()
            runner.run(self._serve())
            self._app.close()

    async def _serve(self) -> None:
        crowd, self._stopping = self._crowd, asyncio.Event()
        crowd.loop, crowd.max_clients = asyncio.get_running_loop(), descriptors() - _OTHER_DESCRIPTORS
        accepting = await crowd.loop.create_server(self._accepted, sock=self._listener, backlog=_ACCEPTED_TOGETHER)
        self._listener.listen(BACKLOG)  # asyncio uses one number for both
        self._tick()
        self._ready.set()
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK_SECONDS)
            self._tick()
        accepting.close()
        await self._shut_down()

    def _accepted(self) -> ClientConnection | TlsConnection:
        connection = ClientConnection(self._crowd)
        return TlsConnection(connection, self._context, self._crowd) if self._context else connection

    def _tick(self) -> None:
        """Set the date of responses, and end connections whose deadline has passed."""
        self._crowd.common, now = (f"date: {formatdate(usegmt=True)}",), monotonic()
        for connection in self._crowd.clients:
            if connection.due <= now:
                self._crowd.loop.call_soon(_expire, connection)  # apart: an error in it must not end the server

    async def _shut_down(self) -> None:
        """Let requests in progress finish; reset their connections after the grace period."""
        if self._crowd.clients:
            await asyncio.sleep(LAST_CALL_SECONDS)
        for connection in list(self._crowd.clients):
            connection.end()
        until = monotonic() + self._crowd.limits.grace_seconds
        while self._crowd.clients and monotonic() < until:
            await asyncio.sleep(_POLL_SECONDS)
        for connection in list(self._crowd.clients):
            connection.cut(reset=True)


def _expire(connection: ClientConnection) -> None:
    """End a connection unless its client has just gone on."""
    if connection.due <= monotonic():
        connection.expire()
