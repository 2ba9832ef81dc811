"""The proxy that leads requests for Adobe's hosts to the emulator on loopback. It connects to nothing else.

A tunnel (CONNECT) ends at our TLS server; the proxy copies its bytes without inspecting them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from urllib.parse import urlsplit

from mockserver.intercept.front import printable, refusal
from mockserver.intercept.hosts import EMULATED, without_port
from mockserver.server import RealTimeLoop

LOOPBACK = "127.0.0.1"
_MAX_CLIENTS = 512
_MAX_HEAD = 65_536
_HEAD_SECONDS = 30.0
_PIECE = 65_536
_MAX_NAMES = 50
"""Maximum refused hosts that are kept."""
_RESET = struct.pack("ii", 1, 0)


class _ProxyRefused(Exception):
    """A request that the proxy refuses, with a status and a reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Proxy:
    """An HTTP proxy on a free loopback port, running in its own thread."""

    def __init__(self, secure_port: int, plain_port: int) -> None:
        """`secure_port` receives tunnels, `plain_port` unencrypted requests."""
        self._secure_port, self._plain_port = secure_port, plain_port
        self._listener = socket.create_server((LOOPBACK, 0), backlog=_MAX_CLIENTS)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # for all accepted connections
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.refused: Counter[str] = Counter()
        """Refused host -> number of requests. Nothing was sent to it."""
        self._clients: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mockserver-proxy", daemon=True)

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End all tunnels and close. Idempotent."""
        if not self._ready.is_set():
            self._listener.close()
        elif self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just been closed
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=RealTimeLoop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, sock=self._listener, limit=_MAX_HEAD)
        self._ready.set()
        await self._stopping.wait()
        server.close()
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            await self._lead(reader, writer)
        except _ProxyRefused as answer:
            with contextlib.suppress(OSError):
                writer.write(_answer(answer.status, answer.reason))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) > _MAX_CLIENTS:
            raise _ProxyRefused(503, f"more than {_MAX_CLIENTS} connections at once")
        head = await _head(reader)
        port, sent = self._destination(head)
        inner, outer = await asyncio.open_connection(LOOPBACK, port)  # asyncio turns Nagle's algorithm off
        try:
            if sent:
                outer.write(sent)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _both_ways((reader, writer), (inner, outer))
        finally:
            outer.transport.abort()

    def _destination(self, head: bytes) -> tuple[int, bytes]:
        """The local port for a request, and the bytes to send there first. Raises _ProxyRefused."""
        try:
            method, target, _ = head.partition(b"\r\n")[0].decode("ascii").split(" ")
        except ValueError:
            raise _ProxyRefused(400, "this is an HTTP proxy, and that was no request") from None
        if method == "CONNECT":
            self._demand_emulated(target, "443")
            return self._secure_port, b""
        try:
            parts = urlsplit(target)
        except ValueError:
            parts = urlsplit("")
        # some clients request https:// from a proxy without a tunnel, which proxies support
        if parts.scheme not in ("http", "https"):
            raise _ProxyRefused(400, "this is an HTTP proxy: ask for a whole URL, or use the server's own address")
        self._demand_emulated(parts.netloc, "443" if parts.scheme == "https" else "80")
        return self._plain_port, head

    def _demand_emulated(self, authority: str, port: str) -> None:
        authority = authority.rpartition("@")[2]  # the part before it is a credential
        name = without_port(authority)
        if name in EMULATED and authority.rpartition(":")[2] in (port, authority):
            return
        shown = printable(authority)
        if shown in self.refused or len(self.refused) < _MAX_NAMES:
            self.refused[shown] += 1
        raise _ProxyRefused(403, refusal(authority))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _ProxyRefused(431, f"a request's head may have {_MAX_HEAD} bytes") from None
    except TimeoutError:
        raise _ProxyRefused(408, "the request did not arrive in time") from None


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(client: _Stream, server: _Stream) -> None:
    """Copy bytes until the server closes; a reset by the server resets the client's connection."""
    upward = asyncio.create_task(_carry_or_cut(client[0], server[1]))
    try:
        await _carry(server[0], client[1])
    except ConnectionResetError:
        _reset(client[1])
    finally:
        upward.cancel()
        await asyncio.gather(upward, return_exceptions=True)


async def _carry_or_cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy the client's bytes; if the client disconnects, close the server's connection."""
    try:
        await _carry(reader, writer)
    except OSError:
        writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_PIECE):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


def _answer(status: int, reason: str) -> bytes:
    """Send the refusal, with the reason also in the status line: most clients show nothing else of a refused tunnel."""
    body = f"{reason}\n".encode()
    return b"\r\n".join(
        (
            f"HTTP/1.1 {status} {reason}".encode(),
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Length: %d" % len(body),
            b"Connection: close",
            b"",
            body,
        )
    )
