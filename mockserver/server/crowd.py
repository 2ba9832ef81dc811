"""All connections of a server, and their common limits."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from mockserver.server.limits import Limits, Refuse
from mockserver.server.messages import HttpRequest


class Answerer(Protocol):
    """An application of the server."""

    def open(self) -> None:
        """Prepare for requests."""

    def __call__(self, connection: Any, request: HttpRequest) -> None:
        """Begin to answer a request, in the event loop. Every request ends with `respond`, `finish` or `cut`."""

    def close(self) -> None:
        """Release what `open` prepared."""


class Crowd:
    """All connections of a server, and their common limits."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, app: Answerer, limits: Limits, refuse: Refuse) -> None:
        self.app, self.limits, self.refuse = app, limits, refuse
        self.clients: set[Any] = set()
        """Each a `ClientConnection`."""
        self.max_clients = 0
        self.common: tuple[str, ...] = ()
        """Header lines of all responses."""
        self.large: object = None
        """The client that sends a body above the ordinary limit."""
        self._held = 0

    def admit(self, connection: Any) -> None:
        """Accept a connection. If too many are open, the longest idle one is closed; if none is idle, the new one."""
        self.clients.add(connection)
        if len(self.clients) > self.max_clients:
            idle = (one for one in self.clients if one.idle and one is not connection)
            victim = min(idle, key=lambda one: one.deadline, default=connection)
            self.clients.discard(victim)
            victim.raw.abort()

    def hold(self, connection: Any, size: int) -> None:
        """Set the bytes in memory for a client. Above the total limit, the client with most is cut off.

        A client that alone exceeds the limit is not. One that has gone holds nothing.
        """
        size = size if connection in self.clients else 0
        self._held += size - connection.held
        connection.held = size
        while self._held > self.limits.held_bytes:
            largest = max(self.clients, key=lambda one: one.held)
            if self._held - largest.held <= self.limits.held_bytes:
                return
            largest.cut(reset=True)
            self._held, largest.held = self._held - largest.held, 0
