"""One client's connection: uvicorn's, held to limits of size and time. All of it runs in the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import socket
import struct
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mockserver.errors import ApiError
from mockserver.runtime import monotonic
from mockserver.server.limits import Limits, Refuse, on_the_wire

log = logging.getLogger("mockserver.server")

_LINGER_SECONDS = 2.0
"""How long a refused client may go on sending: closing at once would reset the response it has not read yet."""
_MAX_PIPELINED = 16
_PIECE = 8_192
"""Bytes that are parsed before looking how many requests wait."""
_TLS_HELLO, _NO_TLS = b"\x16\x03", "The client speaks TLS. Call this server by http://, not https://."
_HOP = (b"connection", b"upgrade", b"http2-settings")


class _Refused(Exception):
    """Stops the parser from within its callbacks: the rest of the stream means nothing any more."""


class ClientConnection(HttpToolsProtocol):
    """A client's connection. What two readers could understand differently is refused (RFC 9112 §6.3, §11.2)."""

    def __init__(self, config: Config, state: ServerState, crowd: Crowd) -> None:
        super().__init__(config, state, {"connection": self})
        self._crowd, self._limits = crowd, crowd.limits
        self.logger, self.access_log = log, False
        self.parser = httptools.HttpRequestParser(self)  # uvicorn's would be lenient
        self._unread = b""
        """Received, and parsed once fewer requests wait."""
        self._part: str | None = None
        """What of a request is being received: its head, its body, or nothing."""
        self._deaf = self._refused = self._ending = self._client_done = self._reading = False
        self._next: tuple[RequestResponseCycle, Any] | None = None
        """The request whose turn has come, and its application."""
        self._refusal = b""
        """Sent after the responses that come before it."""
        self._body_bytes = self._open = 0
        self.deadline = monotonic() + self._limits.idle_seconds
        """When `expire` is due."""
        self._hung_up: Callable[[], None] | None = None
        self.held = 0
        """Bytes of its requests and responses that are kept."""

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        super().connection_made(transport)
        self.raw: asyncio.Transport = transport  # first: TLS pauses writing as soon as it has limits
        transport.set_write_buffer_limits(1, 0)  # whatever a client leaves unread is known
        self.transport = _Outgoing(transport, self.close)  # type: ignore[assignment]
        self.flow.resume_reading = self._resume_reading  # type: ignore[method-assign]
        self._crowd.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._deaf, self._unread, self._part, self.deadline = True, b"", None, math.inf
        self.pipeline.clear()
        super().connection_lost(exc)
        self._release(0)
        self._tell_hang_up()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not self._deaf:
            self._unread += data
            self._read()

    def eof_received(self) -> bool:  # type: ignore[override]
        """See asyncio: who has finished sending still gets the responses, but over TLS."""
        self._client_done = True
        self._tell_hang_up()
        return self.busy and self._part is None and self.scheme == "http"

    def watch(self, hung_up: Callable[[], None] | None) -> None:
        """Call this when the client hangs up while a response takes its time, by ending its side too."""
        self._hung_up = hung_up
        if self._client_done or self.raw.is_closing():
            self._tell_hang_up()

    def _tell_hang_up(self) -> None:
        told, self._hung_up = self._hung_up, None
        if told is not None:
            told()

    def pause_writing(self) -> None:
        """See asyncio."""
        super().pause_writing()
        self.hold(max(self.held, self.raw.get_write_buffer_size()))
        self.deadline = monotonic() + self._limits.write_seconds

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        if not self.busy:
            self.hold(0)
        if not self._ending:
            self.deadline = math.inf

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        self._part, self._open = "head", 0
        self.deadline = monotonic() + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        super().on_url(url)
        if len(self.url) > self._limits.header_bytes:
            raise self._refuse("uri_too_long", "The target of the request is too long.")

    def on_headers_complete(self) -> None:
        """See httptools: what can be refused without the body is refused."""
        version, target = self.parser.get_http_version(), self.url
        if self.parser.get_method() == b"CONNECT":
            raise self._refuse("method_not_allowed", "This server is no proxy.")
        if self.parser.should_upgrade():
            return  # the parser will stop; see _without_upgrade
        length = self._body_length(version)
        self.expect_100_continue = self.expect_100_continue and version == "1.1"
        self.url = b"/"  # the application takes the target apart
        super().on_headers_complete()
        self.scope["raw_path"], self.headers = target, []  # a trailer of the body is ignored
        self.cycle.keep_alive = self.parser.should_keep_alive()
        self._part, self._body_bytes, self._open = "body", 0, 0
        self.deadline = monotonic() + self._limits.body_seconds
        self._demand_room(length)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._body_bytes, self._open = self._body_bytes + len(body), 0
        self._demand_room(self._body_bytes)
        if self._body_bytes > _PIECE:
            self.hold(self._body_bytes)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._part == "body":
            super().on_message_complete()
            self._part, self.deadline = None, math.inf
            self._deaf = not self.cycle.keep_alive

    def on_response_complete(self) -> None:
        """See uvicorn: a response has been handed to the transport, and the next one's turn has come."""
        self.transport.write(b"")  # a head without a body
        self._release(self.raw.get_write_buffer_size())
        if self.raw.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._part is None and not self._ending:
            self.deadline = monotonic() + self._limits.idle_seconds
        self._read()

    def close(self) -> None:
        """End the connection once all is sent; who was refused may first go on sending, or would lose the answer."""
        self.transport.write(b"")
        lingering = self._refused and not self._client_done
        self._ending = self._deaf = True
        self.deadline = monotonic() + (_LINGER_SECONDS if lingering else self._limits.write_seconds)
        if not lingering:
            self.raw.close()
        elif self.raw.can_write_eof():  # TLS cannot be ended on one side: the deadline ends it
            with contextlib.suppress(OSError):  # the client is gone, which asyncio has yet to say
                self.raw.write_eof()

    def cut(self, *, reset: bool = False) -> None:
        """End the connection within a response, or break it: the client sees a reset, what it did not take is lost."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        if not reset:
            self.close()
            return
        with contextlib.suppress(OSError):  # it is broken already
            sock = self.raw.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.abort()

    def hold(self, size: int) -> None:
        """Tell how many bytes of the request and the response are kept."""
        self._crowd.hold(self, size)

    def expire(self) -> None:
        """The deadline has passed: the client was too slow, or silent for long."""
        if self._ending or self.flow.write_paused:
            self.cut(reset=True)
        elif self._part == "head":
            self._refuse("body_timeout", "The head of the request did not arrive in time.")
        elif self._part == "body":
            self._give_up_body("too_slow")
        else:
            self.close()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not (self.busy or self._part or self._ending)

    @property
    def busy(self) -> bool:
        """Whether a request has come and its response is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return bool(self.pipeline or (cycle and not cycle.response_complete))

    def _resume_reading(self) -> None:
        if not (self.pipeline or self._unread):
            FlowControl.resume_reading(self.flow)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """See uvicorn: started by `_read`, when what has come of the request is parsed."""
        self._next = cycle, app

    def _read(self) -> None:
        """Parse what has come, unless enough requests wait, and answer each request that has its turn."""
        if self._reading:
            return  # a response was complete at once: the loop below goes on
        self._reading = True
        while self._next or (self._unread and not self._deaf and len(self.pipeline) < _MAX_PIPELINED):
            if self._next:
                (cycle, app), self._next = self._next, None
                _start(cycle.run_asgi(app), self.loop, self.tasks)
            else:
                self._parse()
        self._reading = False
        self._end_if_done()

    def _parse(self) -> None:
        piece, self._unread = self._unread[:_PIECE], self._unread[_PIECE:]
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._unread = self._without_upgrade() + piece[upgrade.args[0] :] + self._unread
        except httptools.HttpParserError as error:
            if not self._deaf:
                tls = piece.startswith(_TLS_HELLO) and self.scheme == "http"
                self._refuse("framing", _NO_TLS if tls else f"The request cannot be read: {error}.")
        self._open += len(piece)
        if self._part and self._open > 2 * self._limits.header_bytes + _PIECE:
            self._refuse("headers_too_large", "The head of the request is too large.")

    def _end_if_done(self) -> None:
        """Close where nothing more comes, and nothing more is to be answered but the refusal."""
        if (self._refusal or self._client_done) and not (self.busy or self._ending):
            self.transport.write(self._refusal)
            self.close()

    def _body_length(self, version: str) -> int:
        """The declared length; httptools has refused most of what is ambiguous."""
        length = hosts = size = 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding" and (value.strip().lower() != b"chunked" or version == "1.0"):
                raise self._refuse("framing", "Transfer-Encoding may only be chunked, in HTTP/1.1.")
            hosts += name == b"host"
        if len(self.headers) > self._limits.header_fields or size > self._limits.header_bytes:
            most = f"{self._limits.header_fields} fields and {self._limits.header_bytes} bytes"
            raise self._refuse("headers_too_large", f"The header fields are more than {most}.")
        if hosts > 1 or version not in ("1.1", "1.0"):
            raise self._refuse("framing", "The request names more than one Host, or is not HTTP/1.1.")
        return length

    def _demand_room(self, size: int) -> None:
        """Let the application refuse a body that is too large. Raises _Refused."""
        if size <= self._limits.max_body:
            return
        path = self.scope["raw_path"].partition(b"?")[0].decode("latin-1")
        if size > self._limits.larger_bodies.get(path, 0) or self._crowd.large not in (None, self):
            self._give_up_body("too_large")
            raise _Refused
        self._crowd.large = self

    def _give_up_body(self, error: str) -> None:
        """Let the application say what was wrong with the body; nothing more is read."""
        self._deaf, self._refused, self._part, self._unread = True, True, None, b""
        self.scope["state"]["error"] = error
        self.cycle.keep_alive = self.cycle.more_body = self.cycle.waiting_for_100_continue = False
        self.cycle.body.clear()
        self.cycle.message_event.set()
        self.deadline = math.inf

    def _refuse(self, key: str, detail: str) -> _Refused:
        """Answer it here, after what came before; nothing more is read. What is raised stops the parser."""
        if self._part == "body":
            self._give_up_body("framing")
            return _Refused()
        method = self.parser.get_method().decode() if self._part and self.url else ""
        self._deaf, self._refused, self._part, self._unread = True, True, None, b""
        self._refusal = on_the_wire(self._crowd.refuse(method, ApiError(key, detail=detail)))
        if not self._reading:
            self._end_if_done()
        return _Refused()

    def _without_upgrade(self) -> bytes:
        """The head again, without its wish to change the protocol.

        Java's client offers h2c with every first request, body included; the parser hands that over unread.
        """
        lines = [b"%b: %b\r\n" % field for field in self.headers if field[0] not in _HOP]
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        self.parser, self._part = httptools.HttpRequestParser(self), None
        return b"".join((line, *lines, b"\r\n"))

    def _release(self, size: int) -> None:
        if self.held or size:
            self.hold(size)
        if self._crowd.large is self:
            self._crowd.large = None


def _start(work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]]) -> None:
    """Run at once until it waits for something: a task from the beginning costs another turn of the loop.

    Until then there is no current task. An application that needs one gives way first: `await asyncio.sleep(0)`.
    """
    try:
        awaited = work.send(None)
    except StopIteration:
        return
    task = loop.create_task(_rest(work, awaited))
    task.add_done_callback(tasks.discard)
    tasks.add(task)


@types.coroutine
def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that waits for something."""
    yield awaited
    yield from work


class _Outgoing:
    """What uvicorn writes responses to: head and body leave together, and an end loses nothing of them."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._write, self.close, self.is_closing = transport.write, close, transport.is_closing
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send what comes, but keep a head until more comes, be it nothing."""
        if data[:9] == b"HTTP/1.1 " and data[-4:] == b"\r\n\r\n" and data[9:10] != b"1":
            self._head = data
        elif data or self._head:
            head, self._head = self._head, b""
            self._write(head + data if head else data)


class Crowd:
    """All connections of a server, and what they may take together."""

    def __init__(self, limits: Limits, clients: set[ClientConnection], refuse: Refuse) -> None:
        self.limits, self.clients, self.refuse = limits, clients, refuse
        self.max_clients = 0
        self.large: ClientConnection | None = None
        """Who has a body above the ordinary limit."""
        self._held = 0

    def admit(self, connection: ClientConnection) -> None:
        """Where descriptors run short the client that was idle for longest makes room, or else the new one goes."""
        if len(self.clients) > self.max_clients:
            idle = (one for one in self.clients if one.idle and one is not connection)
            victim = min(idle, key=lambda one: one.deadline, default=connection)
            self.clients.discard(victim)
            victim.raw.abort()

    def hold(self, connection: ClientConnection, size: int) -> None:
        """Count the bytes kept for a client. Above the limit whoever has most is cut off, but for one alone."""
        self._held += size - connection.held
        connection.held = size
        while self._held > self.limits.held_bytes:
            largest = max(self.clients, key=lambda one: one.held)
            if self._held - largest.held <= self.limits.held_bytes:
                return
            largest.cut(reset=True)
            self._held, largest.held = self._held - largest.held, 0
