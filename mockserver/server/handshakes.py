"""Accepts connections that begin with TLS.

asyncio's own server tells of a connection only after its handshake. Clients that connect and stay silent would take
all descriptors for the time of a handshake, and nobody else would be served.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from mockserver.server.connection import ClientConnection, Crowd

_RETRY_SECONDS = 0.05
"""Time to wait for a descriptor if none is left."""


class Handshakes:
    """The connections of a listener whose handshake is under way. If too many are open, the oldest is ended."""

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        crowd: Crowd,
        connection: Callable[[], ClientConnection],
    ) -> None:
        """Begin to accept connections, in the running event loop."""
        self._listener, self._context, self._crowd, self._connection = listener, context, crowd, connection
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[asyncio.Task[None], None] = {}
        self._accepting = self._loop.create_task(self._accept())

    def close(self) -> None:
        """Accept no more connections. The handshakes under way go on."""
        self._accepting.add_done_callback(lambda _: self._listener.close())
        self._accepting.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                client, _ = await self._loop.sock_accept(self._listener)
            except OSError:  # no descriptor is left, or the client has gone again
                self._make_room()
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if len(self._crowd.clients) + len(self._under_way) >= self._crowd.max_clients:
                self._make_room()
            task = self._loop.create_task(self._shake(client))
            self._under_way[task] = None
            task.add_done_callback(lambda done: self._under_way.pop(done, None))
            await asyncio.sleep(0)  # accepting does not wait while clients queue

    def _make_room(self) -> None:
        """End the oldest handshake. If there is none, the new connection will take the place of an idle one."""
        for oldest in [*self._under_way][:1]:
            del self._under_way[oldest]
            oldest.cancel()

    async def _shake(self, client: socket.socket) -> None:
        seconds = self._crowd.limits.header_seconds
        with contextlib.suppress(OSError):  # a failed handshake; asyncio has closed the connection
            await self._loop.connect_accepted_socket(
                self._connection, client, ssl=self._context, ssl_handshake_timeout=seconds
            )
