"""All connections of a server, and their common limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.server.limits import Limits, Refuse


class Crowd:
    """All connections of a server, and their common limits."""

    def __init__(self, app: Any, limits: Limits, clients: set[Any], refuse: Refuse) -> None:
        self.limits, self.clients, self.refuse = limits, clients, refuse
        self.at_once: Callable[[Any], bool] = getattr(app, "at_once", lambda connection: False)
        """Answers a complete request without a task, which would cost another iteration of the event loop.

        Whether it did; otherwise the application is called.
        """
        self.max_clients = 0
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

        A client that alone exceeds the limit is not cut off. One that has disconnected holds nothing.
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
