"""Counts connections that begin with TLS from their beginning.

asyncio tells of such a connection only after its handshake. Clients that connect and stay silent would take all
descriptors for the time of a handshake, and nobody else would be served.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from typing import Any

from mockserver.server.connection import ClientConnection, Crowd


class TlsConnection(SSLProtocol):
    """asyncio's TLS below a `ClientConnection`."""

    def __init__(self, connection: ClientConnection, context: ssl.SSLContext, crowd: Crowd) -> None:
        seconds, loop = crowd.limits.header_seconds, asyncio.get_running_loop()
        super().__init__(loop, connection, context, None, server_side=True, ssl_handshake_timeout=seconds)  # type: ignore[arg-type]
        self._connection, self._crowd = connection, crowd

    def connection_made(self, transport: Any) -> None:
        """See asyncio. The handshake begins; if too many connections are open, the oldest handshake is ended."""
        clients, handshakes = self._crowd.clients, self._crowd.handshakes
        handshakes[self._connection] = transport
        if len(handshakes) > 1 and len(clients) + len(handshakes) > self._crowd.max_clients:
            handshakes.pop(next(iter(handshakes))).abort()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See asyncio."""
        self._crowd.handshakes.pop(self._connection, None)
        super().connection_lost(exc)
