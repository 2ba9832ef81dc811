"""One connection of HTTP/1.1: reads requests with httptools, holds them to the limits, answers in order.

Everything here runs in the event loop's thread. What two readers could understand differently is refused,
with one answer, and ends the connection (RFC 9112 §6.3, §11.2).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import Protocol

import httptools

from mockserver.server.limits import Limits
from mockserver.server.wsgi import After, Request, refusal_bytes

_NEVER = float("inf")
_LINGER_SECONDS = 2.0
"""How long a refused client may go on sending: closing at once would reset the answer it has not read yet."""
_QUEUE = 16
"""Pipelined requests that wait before no more are read."""
_HOP = (b"connection", b"upgrade", b"http2-settings")


class Hub(Protocol):
    """What a connection knows of its server."""

    limits: Limits
    draining: bool
    large: Connection | None
    """Who has a body above the ordinary limit."""

    def now(self) -> float:
        """Monotonic seconds."""

    def joined(self, connection: Connection) -> None:
        """A client has connected."""

    def left(self, connection: Connection) -> None:
        """It is gone."""

    def serve(self, connection: Connection, request: Request) -> None:
        """Have the request answered; `Connection.answered` is called with what to send."""


class _Refused(Exception):
    """Raised in the parser's callbacks to stop it: the rest of the stream means nothing any more."""


class Connection(asyncio.Protocol):
    """A client's connection, from its first byte to its last."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._limits = hub.limits
        self._queue: deque[Request | bytes] = deque()
        """What is to be answered: requests, and refusals that are ready to send."""
        self._busy = False
        """Whether the application has one of our requests."""
        self._deaf = False
        """Whether what still comes is thrown away."""
        self._refused = False
        """Whether the client may still be sending what it was refused."""
        self._closing = self._client_done = self._paused = self._wants_continue = False
        self._request: Request | None = None
        """The one being read."""
        self._in_head = self._in_body = False
        self._field_bytes = self._fields = self._open_bytes = 0
        self.deadline = _NEVER
        """When `expire` is due."""
        self.peer = ""

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self._rest()
        self._hub.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        del exc
        self._deaf = self._closing = True
        self._queue.clear()
        self._request = None
        self._make_room()
        self._hub.left(self)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._deaf:
            return
        open_head = self._request if self._in_head else None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._refuse("framing", f"The request cannot be read: {error}.")
        # a field that does not end shows itself to no callback
        if open_head is not None and self._in_head and self._request is open_head:
            self._open_bytes += len(data)
            if self._open_bytes > self._limits.header_bytes:
                self._refuse("headers_too_large", "The head of the request is too large.")

    def eof_received(self) -> bool:
        """See asyncio: a client that has finished sending still gets its answers."""
        self._client_done = True
        over_tls = self._transport.get_extra_info("sslcontext") is not None
        return bool((self._busy or self._queue) and not over_tls)

    def pause_writing(self) -> None:
        """See asyncio: the client takes its answer slower than we make it."""
        self._paused = True
        self.deadline = self._hub.now() + self._limits.write_seconds

    def resume_writing(self) -> None:
        """See asyncio."""
        self._paused = False
        if not self._closing:
            self._rest()
            self._next()

    # what httptools calls

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._request = Request()
        self._in_head = True
        self._field_bytes = self._fields = self._open_bytes = 0
        self.deadline = self._hub.now() + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        request = self._reading()
        request.target += url
        if len(request.target) > self._limits.header_bytes:
            raise self._refuse("uri_too_long", "The target of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or of a chunked body's trailer, which counts and is otherwise passed over."""
        self._fields += 1
        self._field_bytes += len(name) + len(value) + 4
        if self._fields > self._limits.header_fields or self._field_bytes > self._limits.header_bytes:
            most = f"{self._limits.header_fields} fields and {self._limits.header_bytes} bytes"
            raise self._refuse("headers_too_large", f"The header fields are more than {most}.")
        if self._in_head:
            self._reading().fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole: everything that can be refused without the body is."""
        request = self._reading()
        self._in_head = False
        request.method = self._parser.get_method().decode("ascii")
        request.version = self._parser.get_http_version()
        if request.method == "CONNECT":
            raise self._refuse("method_not_allowed", "This server is no proxy.")
        if self._parser.should_upgrade():
            return  # the parser will stop; see _decline_upgrade
        if request.version not in ("1.1", "1.0"):
            raise self._refuse("framing", "The request is not HTTP/1.1.")
        self._in_body = True
        self.deadline = self._hub.now() + self._limits.body_seconds
        request.keep_alive = self._parser.should_keep_alive()
        self._frame(request)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        request = self._reading()
        request.body += data
        if not self._may_send(request, len(request.body)):
            self._break_off(request, "too_large")

    def on_message_complete(self) -> None:
        """The request is whole."""
        request = self._reading()
        if self._in_body:
            self._in_body = False
            self._request = None
            self._deaf = not request.keep_alive
            self._take(request)

    # what the server calls

    def answered(self, data: bytes, after: After) -> None:
        """Send a piece of the answer to the request that the server was given."""
        if self._transport.is_closing():
            return
        if data:
            self._transport.write(data)
        if after is After.MORE:
            return
        self._busy = False
        self._make_room()
        if after is After.CUT:
            self._reset()
        elif after is After.CLOSE or self._hub.draining:
            self._close(lingering=self._deaf)
        else:
            self._rest()
            self._next()

    def expire(self) -> None:
        """The deadline has passed: the client was too slow, or silent for long."""
        if self._closing or self._paused:
            self._reset()
        elif self._in_head:
            self._refuse("body_timeout", "The head of the request did not arrive in time.")
        elif self._in_body:
            self._give_up_body("too_slow")
        else:
            self._close()

    def drain(self) -> None:
        """The server stops: end at once what has not begun, finish what has."""
        if not (self._busy or self._queue or self._in_body):
            self._close()

    def abort(self) -> None:
        """End at once, whatever is under way."""
        self._transport.abort()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not (self._busy or self._queue or self._in_head or self._in_body or self._closing)

    # how it goes on

    def _reading(self) -> Request:
        assert self._request is not None
        return self._request

    def _frame(self, request: Request) -> None:
        """Decide how the body is delimited; httptools has refused most of what is ambiguous."""
        length = 0
        hosts = 0
        expects = False
        for name, value in request.fields:
            lowered = name.lower()
            if lowered == b"content-length":
                length = int(value)
            elif lowered == b"transfer-encoding":
                request.chunked = True
                if value.strip().lower() != b"chunked" or request.version == "1.0":
                    raise self._refuse("framing", "Transfer-Encoding may only be chunked, in HTTP/1.1.")
            elif lowered == b"host":
                hosts += 1
            elif lowered == b"expect":
                expects = value.strip().lower() == b"100-continue"
        if hosts > 1:
            raise self._refuse("framing", "The request names more than one Host.")
        if not self._may_send(request, length):
            self._break_off(request, "too_large")
        if expects and (length or request.chunked) and request.version == "1.1":
            self._wants_continue = True
            self._say_continue()

    def _may_send(self, request: Request, size: int) -> bool:
        if size <= self._limits.max_body:
            return True
        path = request.target.partition(b"?")[0].decode("latin-1")
        if size > self._limits.larger_bodies.get(path, 0) or self._hub.large not in (None, self):
            return False
        self._hub.large = self
        return True

    def _say_continue(self) -> None:
        if self._wants_continue and not (self._busy or self._queue):
            self._wants_continue = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _break_off(self, request: Request, error: str) -> None:
        """Answer without the rest of the body. Raises _Refused to stop the parser."""
        self._give_up_body(error)
        raise _Refused

    def _give_up_body(self, error: str) -> None:
        """Let the application say what was wrong with the body; nothing more is read."""
        request = self._reading()
        request.error, request.keep_alive, self._deaf, self._refused = error, False, True, True
        request.body.clear()
        self._in_body = False
        self._request = None
        self._take(request)

    def _refuse(self, key: str, detail: str) -> _Refused:
        """Answer it ourselves, after what came before; nothing more is read."""
        self._deaf = self._refused = True
        self._in_head = self._in_body = False
        self._request = None
        self._queue.append(refusal_bytes(key, detail))
        self._next()
        return _Refused()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the request again without its wish to change the protocol.

        Java's client offers h2c with every first request, body included; the parser hands that over unread.
        """
        request = self._reading()
        fields = [(name, value) for name, value in request.fields if name.lower() not in _HOP]
        lines = [b"%b: %b\r\n" % field for field in fields]
        line = b"%b %b HTTP/%b\r\n" % (request.method.encode(), request.target, request.version.encode())
        self._parser = httptools.HttpRequestParser(self)
        self._in_head = False
        self.data_received(b"".join((line, *lines, b"\r\n", rest)))

    def _take(self, request: Request) -> None:
        self._wants_continue = False
        self._queue.append(request)
        if len(self._queue) > _QUEUE:
            self._transport.pause_reading()
        self._next()

    def _next(self) -> None:
        """Start on what is first in the queue."""
        if self._busy or self._paused or self._closing:
            return
        if not self._queue:
            self._transport.resume_reading()
            self._say_continue()
            if self._client_done:
                self._close()
            return
        first = self._queue.popleft()
        if isinstance(first, bytes):
            self._transport.write(first)
            self._close(lingering=True)
            return
        self._busy = True
        if not (self._in_head or self._in_body):
            self.deadline = _NEVER
        self._hub.serve(self, first)

    def _make_room(self) -> None:
        if self._hub.large is self:
            self._hub.large = None

    def _reset(self) -> None:
        """Break the connection: the client sees a reset, and what it did not take is forgotten at once."""
        sock = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # it is broken already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _rest(self) -> None:
        if not (self._in_head or self._in_body or self._paused):
            self.deadline = self._hub.now() + self._limits.idle_seconds

    def _close(self, lingering: bool = False) -> None:
        """End the connection once everything is sent; a client that may still be sending is heard out first."""
        self._closing = self._deaf = True
        self._queue.clear()
        self.deadline = self._hub.now() + (_LINGER_SECONDS if lingering else self._limits.write_seconds)
        if lingering and not self._client_done and self._transport.can_write_eof():
            try:
                self._transport.write_eof()
            except OSError:  # the client is gone, which we have yet to be told
                self._transport.abort()
        elif not (lingering and self._refused) or self._client_done:
            self._transport.close()
        # else TLS, which cannot be ended on one side: the deadline ends it
