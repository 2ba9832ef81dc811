"""A PostgreSQL connection with a deadline and a limit on what it receives."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg import errors

from mockserver.runtime import stop_watch_ms

_TCP_INFO = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None
_RECEIVED = struct.Struct("128xQ")
"""The member `tcpi_bytes_received` of Linux's `tcp_info`. Other systems have no such count."""


class Connection(psycopg.Connection[Any]):
    """A psycopg connection that stops waiting at a deadline, whatever the network does."""

    deadline_ms = 0
    """In milliseconds of the runtime's monotonic clock."""
    max_received: int | None = None
    """Maximum bytes that the database may send for one statement, where the system counts them.

    libpq itself has no limit for an error, a notice or a row, and keeps several copies of an error.
    """

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        left = max(0, self.deadline_ms - stop_watch_ms()) / 1000
        try:
            return super().wait(self._counted(gen), interval, left)
        except errors._WaitTimeout:
            self.close()  # a late response must not be taken for that of the next query
            raise errors.ConnectionTimeout("no answer in time") from None

    def _counted(self, gen: Any) -> Generator[Any, Any, Any]:
        """The same generator, which ends when too much has arrived."""
        if self.max_received is None or _TCP_INFO is None:
            return (yield from gen)
        with socket.socket(fileno=os.dup(self.pgconn.socket)) as wire:
            most, ready = _received(wire) + self.max_received, None
            while True:
                try:
                    ready = yield gen.send(ready)
                except StopIteration as end:
                    return end.value
                if _received(wire) > most:
                    self.close()
                    raise errors.ProgramLimitExceeded("the answer is too large")


def _received(wire: socket.socket) -> int:
    """Bytes that a connection has received so far; 0 if the system does not tell."""
    told = wire.getsockopt(socket.IPPROTO_TCP, _TCP_INFO or 0, _RECEIVED.size)
    return int(_RECEIVED.unpack(told)[0]) if len(told) == _RECEIVED.size else 0
