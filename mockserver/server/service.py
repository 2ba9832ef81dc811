"""uvicorn's server in its own thread, with deadlines and a graceful stop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any

import uvicorn

from mockserver.runtime import monotonic
from mockserver.server.connection import ClientConnection
from mockserver.server.crowd import Crowd
from mockserver.server.handshakes import TlsConnection
from mockserver.server.leaving import check_paused
from mockserver.server.limits import Limits, Refuse, descriptors

BACKLOG = 2_048
"""Maximum connections waiting to be accepted."""
_ACCEPTED_TOGETHER = 4
"""Maximum connections accepted in one iteration of the event loop, before descriptors are counted again."""
_OTHER_DESCRIPTORS = 32
"""Descriptors reserved for files, the listener and the event loop."""
TICK_SECONDS = 0.1
"""Time between checks of all deadlines, and of a signal to stop."""
LAST_CALL_SECONDS = 0.1
"""Time a stopping server still reads requests that are on their way on open connections."""
_POLL_SECONDS = 0.02


class RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop with a real clock, also where a test library freezes `time`."""

    time = staticmethod(monotonic)


class Server(uvicorn.Server):
    """Serves an ASGI application on a listening socket."""

    def __init__(
        self, app: Any, listener: socket.socket, limits: Limits, context: ssl.SSLContext | None, refuse: Refuse
    ) -> None:
        """Prepare the server. Until `start`, connections wait in the listener's queue."""
        options: dict[str, Any] = {"interface": "asgi3", "ws": "none", "lifespan": "on", "log_config": None}
        options |= {"proxy_headers": False, "server_header": False}
        super().__init__(uvicorn.Config(app, **options))
        host, port = listener.getsockname()[:2]
        self.url = f"http{'s' if context else ''}://{f'[{host}]' if ':' in host else host}:{port}"
        """Scheme, host and actual port, without a trailing slash."""
        self._crowd = Crowd(app, limits, self.server_state.connections, refuse)
        self._listener, self._context = listener, context
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-loop", daemon=True)

    def start(self) -> None:
        """Start serving in the background."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop accepting requests, answer the current ones and close. Stopping again does nothing."""
        self.should_exit = True
        if self._thread.ident:
            with suppress(RuntimeError):  # its loop is closed
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        else:
            self._listener.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await self.lifespan.startup()
        self._crowd.max_clients = descriptors() - _OTHER_DESCRIPTORS
        accepting = self._loop.create_server(self._accepted, sock=self._listener, backlog=_ACCEPTED_TOGETHER)
        self.servers = [await accepting]
        self._listener.listen(BACKLOG)  # asyncio uses one number for both
        self.started = True
        self._ready.set()

    def _accepted(self) -> ClientConnection | TlsConnection:
        connection = ClientConnection(self.config, self.server_state, self._crowd)
        return TlsConnection(connection, self._context, self._crowd) if self._context else connection

    async def main_loop(self) -> None:
        """See uvicorn. `stop` ends it at once, a signal within a tick."""
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), TICK_SECONDS)

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn. Checks all deadlines ten times a second, which costs less than a timer for each request."""
        now = monotonic()
        for connection in self._crowd.clients:
            check_paused(connection)
            if connection.due <= now:
                self._loop.call_soon(_expire, connection)  # called later, so that its error does not end the server
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn. Resets connections after the grace period, where uvicorn would respond with 500."""
        self.servers[0].close()
        if self._crowd.clients:
            await asyncio.sleep(LAST_CALL_SECONDS)
        for connection in list(self._crowd.clients):
            connection.shutdown()
        until = monotonic() + self._crowd.limits.grace_seconds
        while self._crowd.clients and monotonic() < until:
            await asyncio.sleep(_POLL_SECONDS)
        for connection in list(self._crowd.clients):
            connection.cut(reset=True)
        await self.lifespan.shutdown()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=RealTimeLoop) as runner:
            runner.run(self.serve())


def _expire(connection: ClientConnection) -> None:
    """Close a connection unless its deadline has moved meanwhile."""
    if connection.due <= monotonic():
        connection.expire()
