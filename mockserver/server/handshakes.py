"""Counts connections that begin with TLS from their beginning.

asyncio reports such a connection only after its handshake. Until then, clients that connect and stay silent would take
all descriptors, and nobody else would be served.
"""

from __future__ import annotations

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from typing import Any

from mockserver.server.connection import ClientConnection
from mockserver.server.crowd import Crowd


class TlsConnection(SSLProtocol):
    """asyncio's TLS below a `ClientConnection`."""

    def __init__(self, connection: ClientConnection, context: ssl.SSLContext, crowd: Crowd) -> None:
        super().__init__(asyncio.get_running_loop(), connection, context, None, server_side=True)  # type: ignore[arg-type]
        self._connection, self._crowd = connection, crowd

    def connection_made(self, transport: Any) -> None:
        """See asyncio. The handshake has the same deadline as the head of a request."""
        self._connection.begin_handshake(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """See asyncio, which informs the connection only after a handshake."""
        super().connection_lost(exc)
        asyncio.get_running_loop().call_soon(self._crowd.clients.discard, self._connection)
