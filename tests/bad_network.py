"""A TCP proxy between a client and a loopback server that fails on request."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

Fate = Callable[[bytes], bytes]
"""Transforms a piece of the sent bytes. Raises Cut to end the connection."""


class Cut(Exception):
    """The connection ends after these bytes."""

    def __init__(self, passed: bytes = b"") -> None:
        super().__init__("cut")
        self.passed = passed


class BadNetwork:
    """Passes bytes on until it is told to fail; `port` stays the same."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self.connections = 0
        """Number of connections so far."""
        self.request: Fate = _whole
        self.answer: Fate = _whole
        threading.Thread(target=self._accept, daemon=True).start()

    def heal(self) -> None:
        """Pass everything on again."""
        self.request = self.answer = _whole

    @property
    def waiting(self) -> bool:
        """Whether a requested cut has not happened yet."""
        return self.answer is not _whole or self.request is not _whole

    def refuse(self) -> None:
        """Cut every connection, now and when opened."""
        self.request = self.answer = nothing
        self.reset()

    def hang(self) -> None:
        """Drop whatever is sent."""
        self.request = self.answer = lambda data: b""

    def forget(self) -> None:
        """Drop what is sent on open connections, like a firewall that has forgotten them."""
        self._forgotten = set(self._open)

    def cut_after(self, count: int, way: str = "answer") -> None:
        """Let this many bytes of responses (or requests) through, then cut that connection, and heal."""
        left = count

        def pass_some(data: bytes) -> bytes:
            nonlocal left
            if len(data) <= left:
                left -= len(data)
                return data
            self.heal()
            raise Cut(data[:left])

        setattr(self, way, pass_some)

    def reset(self) -> None:
        """Cut all open connections."""
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop the proxy."""
        self._listener.close()
        self.refuse()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                for end in (near, far):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {near, far}
                self.connections += 1
                threading.Thread(target=self._pass, args=(near, far, "request"), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, "answer"), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, way: str) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if source in self._forgotten:
                    continue
                try:
                    sink.sendall(getattr(self, way)(data))
                except Cut as cut:
                    sink.sendall(cut.passed)
                    break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._open.discard(end)
        source.close()


def _whole(data: bytes) -> bytes:
    return data


def nothing(data: bytes) -> bytes:
    """Drop a piece."""
    raise Cut


@contextlib.contextmanager
def between(port: int) -> Iterator[BadNetwork]:
    """Run a network in front of a port for the block."""
    network = BadNetwork(port)
    try:
        yield network
    finally:
        network.close()
