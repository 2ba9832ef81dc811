"""Counts connections that begin with TLS from their beginning.

asyncio tells of such a connection only after its handshake. Clients that connect and stay silent would take all
descriptors for the time of a handshake, and nobody else would be served.
"""

from __future__ import annotations

import ssl
from asyncio.sslproto import SSLProtocol
from typing import Any

from mockserver.runtime import monotonic
from mockserver.server.connection import ClientConnection
from mockserver.server.crowd import Crowd


class TlsConnection(SSLProtocol):
    """asyncio's TLS below a `ClientConnection`."""

    def __init__(self, connection: ClientConnection, context: ssl.SSLContext, crowd: Crowd) -> None:
        super().__init__(crowd.loop, connection, context, None, server_side=True)  # type: ignore[arg-type]
        self._connection, self._crowd = connection, crowd

    def connection_made(self, transport: Any) -> None:
        """See asyncio. The handshake begins, and has the time of the head of a request."""
        self._connection.raw, self._connection.deadline = transport, monotonic() + self._crowd.limits.header_seconds
        self._crowd.admit(self._connection)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See asyncio, which tells the connection only after a handshake."""
        super().connection_lost(exc)
        self._crowd.loop.call_soon(self._crowd.clients.discard, self._connection)
