"""uvicorn's server in a thread of its own, with the deadlines and the patient end that it lacks."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from typing import Any

import uvicorn

from mockserver.runtime import monotonic
from mockserver.server.connection import ClientConnection, Crowd
from mockserver.server.limits import Limits, Refuse, descriptors

BACKLOG = 2_048
"""Clients that may wait to be accepted: a crowd connects faster than it is let in."""
_ACCEPTED_TOGETHER = 4
"""New clients before the loop looks after the others, and sees how many descriptors are left."""
_OTHER_DESCRIPTORS = 32
"""Kept for files, the listener and the loop."""
_LAST_CALL_SECONDS = 0.1
"""A stop gives this long to requests that are on their way on open connections."""
_LOOK_SECONDS = 0.02


class RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock no test library stops."""

    time = staticmethod(monotonic)


class Server(uvicorn.Server):
    """Serves an ASGI application on a listening socket: its port is taken already, and it answers from `start` on."""

    def __init__(
        self, app: Any, listener: socket.socket, limits: Limits, context: ssl.SSLContext | None, refuse: Refuse
    ) -> None:
        """Ready to start; connections wait in the listener's queue until then."""
        options: dict[str, Any] = {"interface": "asgi3", "ws": "none", "lifespan": "on", "log_config": None}
        options |= {"proxy_headers": False, "server_header": False}
        super().__init__(uvicorn.Config(app, **options))
        host, port = listener.getsockname()[:2]
        self.url = f"http{'s' if context else ''}://{f'[{host}]' if ':' in host else host}:{port}"
        """Scheme, host and the real port, without a slash at the end."""
        self._crowd = Crowd(limits, self.server_state.connections, refuse)  # type: ignore[arg-type]
        self._listener, self._context = listener, context
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-loop", daemon=True)

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Take no more requests, answer what has begun, close. Stopping again does nothing."""
        self.should_exit = True
        if self._thread.ident:
            self._thread.join()
        else:
            self._listener.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn, which has no time limit for a TLS handshake."""
        await self.lifespan.startup()
        self._crowd.max_clients = descriptors() - _OTHER_DESCRIPTORS
        server = await asyncio.get_running_loop().create_server(
            lambda: ClientConnection(self.config, self.server_state, self._crowd),
            sock=self._listener,
            backlog=_ACCEPTED_TOGETHER,
            ssl=self._context,
            ssl_handshake_timeout=self._crowd.limits.header_seconds if self._context else None,
        )
        self._listener.listen(BACKLOG)  # for asyncio one number is both
        self.servers = [server]
        self.started = True
        self._ready.set()

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn. Looking at all connections ten times a second costs less than a timer for each request."""
        now = monotonic()
        for connection in list(self._crowd.clients):
            if connection.deadline <= now:
                connection.expire()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn, which would answer 500 where the time is up."""
        self.servers[0].close()
        await asyncio.sleep(_LAST_CALL_SECONDS)
        for connection in list(self._crowd.clients):
            connection.shutdown()
        until = monotonic() + self._crowd.limits.grace_seconds
        while self._crowd.clients and monotonic() < until:
            await asyncio.sleep(_LOOK_SECONDS)
        for connection in list(self._crowd.clients):
            connection.cut(reset=True)
        await self.lifespan.shutdown()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=RealTimeLoop) as runner:
            runner.run(self.serve())
