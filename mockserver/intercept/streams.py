"""A TCP server on asyncio's streams, in its own thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

from mockserver.server import RealTimeLoop, listen

LOOPBACK = "127.0.0.1"
MAX_CLIENTS = 512
PIECE = 65_536
"""Bytes that are read at once."""
_RESET = struct.pack("ii", 1, 0)
_HANDSHAKE_SECONDS = 30.0


class _LastingReader(asyncio.StreamReader):
    """A reader that returns what arrived before a connection broke. asyncio's reader raises the error first."""

    broken: Exception | None = None

    def set_exception(self, exc: Exception) -> None:
        """End the readable data with an error."""
        self.broken = exc
        self.feed_eof()

    async def read(self, n: int = -1) -> bytes:
        """Read bytes. Raises OSError if the connection broke after them."""
        data = await super().read(n)
        if not data and self.broken:
            raise self.broken
        return data


class ByteStream(NamedTuple):
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    link: asyncio.BaseTransport | None = None
    """The connection below TLS, if it was begun here."""

    @classmethod
    async def connected(cls, host: str, port: int, tls: ssl.SSLContext | None) -> ByteStream:
        """Connect to a server. Raises OSError."""
        loop = asyncio.get_running_loop()
        reader = _LastingReader(limit=PIECE, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        link, _ = await loop.create_connection(lambda: protocol, host, port, happy_eyeballs_delay=0.25)
        writer = asyncio.StreamWriter(link, protocol, reader, loop)
        if tls:
            await writer.start_tls(tls, server_hostname=host)
        return cls(reader, writer, link)

    async def send(self, data: bytes) -> None:
        """Write bytes, and wait while the peer leaves many unread."""
        was_open = self.link is not None and not self.link.is_closing()
        self.writer.write(data)
        if was_open and self.link and self.link.is_closing():  # the peer has closed it, perhaps after a response
            self._read_rest(self.link)
        await self.writer.drain()

    def _read_rest(self, link: asyncio.BaseTransport) -> None:
        """Read what has arrived on a connection that a write has just ended, because asyncio does not."""
        protocol: Any = link.get_protocol()
        with contextlib.suppress(OSError), link.get_extra_info("socket").dup() as copy:
            copy.setblocking(False)
            while data := copy.recv(PIECE):
                if isinstance(protocol, asyncio.BufferedProtocol):  # TLS
                    memoryview(protocol.get_buffer(len(data)))[: len(data)] = data
                    protocol.buffer_updated(len(data))
                else:
                    protocol.data_received(data)

    def end(self) -> bool:
        """End this side. False if that is impossible without ending the other, as in TLS."""
        if self.writer.can_write_eof():
            self.writer.write_eof()
        return self.writer.can_write_eof()

    def reset(self) -> None:
        """Reset the connection. Unsent bytes are discarded."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError):  # already closed
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.writer.transport.abort()


Serve: TypeAlias = Callable[[ByteStream, asyncio.Event], Awaitable[None]]
"""Serves a client until either side ends, or until the event, which the server sets when it stops."""


class StreamServer:
    """Accepts connections and closes each when `serve` returns, or cuts it when `serve` fails."""

    def __init__(
        self,
        serve: Serve,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        certificate: ssl.SSLContext | None = None,
        grace_seconds: float = 0.0,
    ) -> None:
        """Listen. Until `start`, clients wait. Raises OSError, whose message can be shown to users."""
        self._serve, self._certificate, self._grace = serve, certificate, grace_seconds
        self._listener = listen(host, port)
        name, self.port = self._listener.getsockname()[:2]
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://{f'[{name}]' if ':' in name else name}:{self.port}"
        """Scheme, host and actual port, without a trailing slash."""
        self._clients: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-streams", daemon=True)

    @property
    def is_crowded(self) -> bool:
        """Whether more clients are connected than are served."""
        return len(self._clients) > MAX_CLIENTS

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Accept no more clients, wait for the grace period and cut the remaining ones. Idempotent."""
        if not self._ready.is_set():
            self._listener.close()
        elif self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just been closed
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=RealTimeLoop) as runner:
            runner.run(self._accept_all())

    async def _accept_all(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        seconds = _HANDSHAKE_SECONDS if self._certificate else None
        server = await asyncio.start_server(
            self._accept, sock=self._listener, limit=PIECE, ssl=self._certificate, ssl_handshake_timeout=seconds
        )
        self._ready.set()
        await self._stopping.wait()
        server.close()
        if self._clients and self._grace:
            await asyncio.wait(self._clients, timeout=self._grace)
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._serve(ByteStream(reader, writer), self._stopping)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()
