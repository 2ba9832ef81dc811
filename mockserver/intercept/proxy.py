"""The proxy that leads requests for Adobe's hosts to the emulator on loopback. It connects to nothing else.

A tunnel (CONNECT) ends at our TLS server; the proxy copies its bytes without inspecting them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from urllib.parse import urlsplit

from mockserver.intercept.front import printable, refusal
from mockserver.intercept.hosts import EMULATED, without_port
from mockserver.intercept.streams import LOOPBACK, MAX_CLIENTS, PIECE, ByteStream, StreamServer

_MAX_HEAD = PIECE
HEAD_SECONDS = 30.0
"""Time within which the head of a request must arrive."""
_MAX_NAMES = 50
"""Maximum refused hosts that are kept."""


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
        self._server = StreamServer(self._serve)
        self.port, self.url = self._server.port, self._server.url
        self.start, self.stop = self._server.start, self._server.stop
        self.refused: Counter[str] = Counter()
        """Refused host -> number of requests. Nothing was sent to it."""
        self.tunnels = 0
        """Number of tunnels to Adobe's hosts that clients asked for."""

    async def _serve(self, client: ByteStream, stopping: asyncio.Event) -> None:
        """Serve a client. All tunnels end when the proxy stops."""
        try:
            await self._lead(client)
        except _ProxyRefused as answer:
            with contextlib.suppress(OSError):
                await client.send(_answer(answer.status, answer.reason))

    async def _lead(self, client: ByteStream) -> None:
        if self._server.is_crowded:
            raise _ProxyRefused(503, f"more than {MAX_CLIENTS} connections at once")
        head = await _head(client.reader)
        port, sent = self._destination(head)
        server = ByteStream(*await asyncio.open_connection(LOOPBACK, port))  # asyncio turns Nagle's algorithm off
        try:
            if sent:
                server.writer.write(sent)
            else:
                client.writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await both_ways(client, server)
        finally:
            server.writer.transport.abort()

    def _destination(self, head: bytes) -> tuple[int, bytes]:
        """The local port for a request, and the bytes to send there first. Raises _ProxyRefused."""
        try:
            method, target, _ = head.partition(b"\r\n")[0].decode("ascii").split(" ")
        except ValueError:
            raise _ProxyRefused(400, "this is an HTTP proxy; the bytes are not an HTTP request") from None
        if method == "CONNECT":
            self._demand_emulated(target, "443")
            self.tunnels += 1
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
        async with asyncio.timeout(HEAD_SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _ProxyRefused(431, f"a request's head may have {_MAX_HEAD} bytes") from None
    except TimeoutError:
        raise _ProxyRefused(408, "the request did not arrive in time") from None


async def both_ways(client: ByteStream, server: ByteStream) -> None:
    """Copy bytes until the server closes; a reset by the server resets the client's connection."""
    upward = asyncio.create_task(_carry_or_cut(client, server))
    try:
        await _carry(server, client)
    except ConnectionResetError:
        client.reset()
    finally:
        upward.cancel()
        await asyncio.gather(upward, return_exceptions=True)


async def _carry_or_cut(client: ByteStream, server: ByteStream) -> None:
    """Copy the client's bytes; if the client disconnects, close the server's connection."""
    try:
        await _carry(client, server)
    except OSError:
        server.writer.transport.abort()


async def _carry(source: ByteStream, target: ByteStream) -> None:
    while data := await source.reader.read(PIECE):
        await target.send(data)
    target.end()


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
