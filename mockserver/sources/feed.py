"""Limits what a live database may send. libpq has no limit for an error, a notice or a row."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any

import psycopg
from psycopg import errors
from psycopg.waiting import Ready, Wait

from mockserver.runtime import stop_watch_ms
from mockserver.state.postgres_link import Connection

_PIECE = 65_536


class LimitedConnection(Connection):
    """A connection with a limit of bytes that the database may send for one statement.

    Not on Windows, where the socket of libpq cannot be replaced.
    """

    _feed: Feed | None = None

    def limit(self, received: int) -> None:
        """Set the limit. An error takes eight times its size."""
        if hasattr(socket, "AF_UNIX"):
            self._feed = Feed(self.pgconn.socket, received)

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        if self._feed is None:
            return super().wait(gen, interval, timeout)
        try:
            return self._feed.run(gen, self.deadline_ms)
        except (errors.ConnectionTimeout, errors.ProgramLimitExceeded):
            self.close()  # a late response must not be taken for that of the next query
            raise

    def close(self) -> None:
        """See psycopg."""
        super().close()
        if self._feed is not None:
            self._feed.close()


class Feed:
    """Passes the bytes of the database to libpq, piece by piece.

    libpq reads as long as bytes arrive, too fast to count them meanwhile. So its descriptor becomes one end of a pair
    of sockets, and the connection to the database is at the other end.
    """

    def __init__(self, descriptor: int, max_bytes: int) -> None:
        self._descriptor, self._max_bytes = descriptor, max_bytes
        self._wire = socket.socket(fileno=os.dup(descriptor))
        self._wire.setblocking(False)
        self._ours, theirs = socket.socketpair()
        with closing(theirs):
            for end in (self._ours, theirs):
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _PIECE)
            os.dup2(theirs.fileno(), descriptor, inheritable=False)

    def run(self, gen: Generator[Any, Any, Any], deadline_ms: int) -> Any:
        """Run a generator of psycopg. Raises ConnectionTimeout at the deadline, ProgramLimitExceeded after too much."""
        received = 0
        try:
            wanted = next(gen)
            while True:
                self._pass_on(deadline_ms)
                if wanted & Wait.W:
                    wanted = gen.send(Ready.W)
                    continue
                if not self._is_ready(deadline_ms):
                    piece = self._received()
                    received += len(piece)
                    if received > self._max_bytes:
                        raise errors.ProgramLimitExceeded("the answer is too large")
                wanted = gen.send(Ready.R)
        except StopIteration as end:
            self._pass_on(deadline_ms)
            return end.value

    def close(self) -> None:
        """Close the connection to the database."""
        with suppress(OSError, psycopg.Error):
            self._pass_on(0)  # libpq says goodbye
        self._wire.close()
        self._ours.close()

    def _is_ready(self, deadline_ms: int) -> bool:
        """Wait for the database; returns whether libpq still has to read."""
        ready = _wait(deadline_ms, (self._descriptor, select.POLLIN), (self._wire.fileno(), select.POLLIN))
        return self._descriptor in ready

    def _received(self) -> bytes:
        """Pass on a piece of the received bytes, or the end of the connection."""
        try:
            piece = self._wire.recv(_PIECE)
        except OSError:
            piece = b""
        with suppress(OSError):
            self._ours.sendall(piece) if piece else self._ours.shutdown(socket.SHUT_WR)
        return piece

    def _pass_on(self, deadline_ms: int) -> None:
        """Send what libpq has written. A lost connection is detected by reading."""
        with suppress(OSError):
            while left := self._ours.recv(_PIECE):
                while left:
                    _wait(deadline_ms, (self._wire.fileno(), select.POLLOUT))
                    left = left[self._wire.send(left) :]


def _wait(deadline_ms: int, *events: tuple[int, int]) -> set[int]:
    """The descriptors that are ready. Raises ConnectionTimeout."""
    poll = select.poll()
    for event in events:
        poll.register(*event)
    ready = poll.poll(max(0, deadline_ms - stop_watch_ms()))
    if not ready:
        raise errors.ConnectionTimeout("no answer in time")
    return {descriptor for descriptor, _ in ready}
