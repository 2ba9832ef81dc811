"""The default server: one event loop that reads and writes, a few threads that call the application.

A client holds a connection object and no thread until its request is whole, so slow ones cost nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import ssl
import threading
from collections import deque
from functools import partial
from typing import Any

from mockserver.server.http1 import Connection
from mockserver.server.limits import BACKLOG, Limits, descriptors
from mockserver.server.wsgi import PACE, After, Application, Pace, Request, answer, environ_base, environ_of, log

_LAST_CALL_SECONDS = 0.1
"""A stop gives this long to requests that are on their way on open connections."""

_OTHER_DESCRIPTORS = 32
"""Kept for files, the listener and the loop."""

_ACCEPTED_TOGETHER = 4
"""New clients before the loop looks after the others, and sees how many descriptors are left."""

_LOOK_SECONDS = 0.02

_TRICKLES_PER_SECOND = 10
"""Pieces in which a slowed answer is sent."""


class AsyncioServer:
    """Serves a WSGI application on a listening socket, in threads of its own."""

    draining = False
    large: Connection | None = None

    def __init__(
        self, app: Application, listener: socket.socket, limits: Limits, context: ssl.SSLContext | None = None
    ) -> None:
        """Ready to start; connections wait in the listener's queue until then."""
        host, port = listener.getsockname()[:2]
        scheme = "https" if context else "http"
        self.limits = limits
        self.url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
        self._app = app
        self._base = environ_base(scheme, host, port)
        self._listener = listener
        self._context = context
        self._connections: dict[Connection, None] = {}
        self._requests: queue.SimpleQueue[tuple[Connection, Request] | None] = queue.SimpleQueue()
        self._answers: deque[tuple[Connection, bytes, After]] = deque()
        self._woken = False
        self._paced: set[asyncio.Task[None]] = set()
        """Answers on their way; the loop itself holds tasks only weakly."""
        self._most_connections = descriptors() - _OTHER_DESCRIPTORS
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-loop", daemon=True)

    def start(self) -> None:
        """See `Server`."""
        for number in range(self.limits.threads):
            threading.Thread(target=self._work, name=f"mockserver-{number}", daemon=True).start()
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """See `Server`."""
        if not self._ready.is_set():
            self._listener.close()
        elif self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just closed
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    # what connections know of us

    def now(self) -> float:
        """See `Hub`."""
        return self._loop.time()

    def joined(self, connection: Connection) -> None:
        """See `Hub`. Where descriptors run short the longest connected idle client makes room, or the new one goes."""
        self._connections[connection] = None
        if len(self._connections) > self._most_connections:
            victim = next((one for one in self._connections if one.idle and one is not connection), connection)
            self.left(victim)
            victim.abort()

    def left(self, connection: Connection) -> None:
        """See `Hub`."""
        self._connections.pop(connection, None)

    def serve(self, connection: Connection, request: Request) -> None:
        """See `Hub`."""
        self._requests.put((connection, request))

    # the threads that call the application

    def _work(self) -> None:
        while (job := self._requests.get()) is not None:
            connection, request = job
            request.keep_alive = request.keep_alive and not self.draining
            environ = environ_of(request, self._base, connection.peer)
            answer(self._app, request, environ, partial(self._send, connection, environ))

    def _send(self, connection: Connection, environ: dict[str, Any], data: bytes, after: After) -> None:
        """Hand bytes to the loop, which is woken once for all that come before it looks."""
        if environ[PACE] is not None:
            self._hold(connection, environ[PACE], data, after)
            return
        self._answers.append((connection, data, after))
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._write_answers)
            except RuntimeError:  # the loop is closed: nobody waits any more
                log.debug("an answer came after the stop")

    def _hold(self, connection: Connection, pace: Pace, data: bytes, after: After) -> None:
        """Keep an answer that is not to leave at once; when it is whole the loop takes it over from the thread."""
        pace.held += data
        if after is not After.MORE:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._begin_paced, connection, pace, after)

    def _begin_paced(self, connection: Connection, pace: Pace, after: After) -> None:
        task = self._loop.create_task(self._send_paced(connection, pace, after))
        self._paced.add(task)
        task.add_done_callback(self._paced.discard)

    async def _send_paced(self, connection: Connection, pace: Pace, after: After) -> None:
        """Wait, then send the head at once and the body piece by piece, for as long as the client stays."""
        await asyncio.sleep(pace.delay_seconds)
        data, sent = bytes(pace.held), 0
        if pace.bytes_per_second:
            sent = data.find(b"\r\n\r\n") + 4
            connection.answered(data[:sent], After.MORE)
            piece = max(1, pace.bytes_per_second // _TRICKLES_PER_SECOND)
            while sent + piece < len(data) and connection in self._connections:
                connection.answered(data[sent : sent + piece], After.MORE)
                sent += piece
                await asyncio.sleep(piece / pace.bytes_per_second)
        if connection in self._connections:
            connection.answered(data[sent:], after)

    def _write_answers(self) -> None:
        self._woken = False
        while self._answers:
            connection, data, after = self._answers.popleft()
            connection.answered(data, after)

    # the event loop

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_report)
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(
            partial(Connection, self),
            sock=self._listener,
            backlog=_ACCEPTED_TOGETHER,
            ssl=self._context,
            ssl_handshake_timeout=self.limits.header_seconds if self._context else None,
        )
        self._listener.listen(BACKLOG)  # for asyncio one number is both
        self._ready.set()
        sweeping = self._loop.create_task(self._sweep())
        await self._stopping.wait()
        server.close()
        await asyncio.sleep(_LAST_CALL_SECONDS)
        await self._drain()
        sweeping.cancel()
        for _ in range(self.limits.threads):
            self._requests.put(None)

    async def _sweep(self) -> None:
        """Expire connections. Looking at all of them from time to time costs less than a timer for each request."""
        shortest = min(
            self.limits.header_seconds, self.limits.body_seconds, self.limits.write_seconds, self.limits.idle_seconds
        )
        while True:
            await asyncio.sleep(min(1.0, shortest / 4))
            now = self._loop.time()
            for connection in [one for one in self._connections if one.deadline <= now]:
                connection.expire()

    async def _drain(self) -> None:
        self.draining = True
        until = self._loop.time() + self.limits.grace_seconds
        for connection in list(self._connections):
            connection.drain()
        while self._connections and self._loop.time() < until:
            await asyncio.sleep(_LOOK_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """One line for trouble that belongs to no request, such as running out of descriptors."""
    del loop
    log.warning("%s: %s", context.get("message"), context.get("exception"))
