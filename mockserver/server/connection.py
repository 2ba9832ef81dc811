"""A client's connection: uvicorn's protocol with limits of size and time. Runs in the event loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import math
import socket
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from mockserver.errors import ApiError
from mockserver.runtime import monotonic
from mockserver.server import unreadable
from mockserver.server.crowd import Crowd
from mockserver.server.leaving import has_left
from mockserver.server.response import Fields, complete, refusal

log = logging.getLogger("mockserver.server")

_LINGER_SECONDS = 2.0
"""Time a refused client may continue sending. Closing at once would reset the connection before it reads."""
_MAX_PIPELINED = 16
_PIECE = 8_192
"""Bytes that are parsed before the number of waiting requests is checked."""
_HOP = (b"connection", b"upgrade", b"http2-settings")


class _Refused(Exception):
    """Raised in a callback of the parser to stop it, because the rest of the stream cannot be interpreted."""


class ClientConnection(HttpToolsProtocol):
    """A client's connection. Requests that parsers could interpret differently are refused (RFC 9112 §6.3, §11.2)."""

    def __init__(self, config: Config, state: ServerState, crowd: Crowd) -> None:
        super().__init__(config, state, {"connection": self, "max_body": crowd.limits.max_body})
        self._crowd, self._limits = crowd, crowd.limits
        self.logger, self.access_log = log, False
        self.parser = httptools.HttpRequestParser(self)  # uvicorn's is lenient
        self._unread, self._unsent = b"", b""
        """Bytes received and not parsed yet; a response to send in the next iteration of the event loop."""
        self._part: str | None = None
        """The part of a request that is being received: head, body or None."""
        self._ignores_input = self._refused = self._ending = self._client_done = self._reading = False
        self.is_stopping = False
        self._next: tuple[RequestResponseCycle, Any] | None = None
        """The request to answer next, and its application."""
        self.answered: RequestResponseCycle | None = None
        """The request that is being answered; those received after it wait."""
        self._refusal = b""
        """Response to send after those to earlier requests."""
        self._body_bytes = self._declared = self._overhead = 0
        """Bytes of the body until now, of all of it if that was declared, and of all else since its last ones."""
        self.deadline = math.inf
        """Time by which the client must go on sending, or the connection end."""
        self._write_deadline = math.inf
        """Time by which the client must have read what it left unread."""
        self._on_hang_up: Callable[[], None] | None = None
        self.held, self.hold = 0, functools.partial(crowd.hold, self)
        """Bytes of its requests and responses in memory, and how to set them."""

    def begin_handshake(self, transport: asyncio.Transport) -> None:
        """Count as a client from the beginning of a TLS handshake, which has the deadline of a request's head."""
        self.raw: asyncio.Transport = transport
        self.transport, self.flow = transport, FlowControl(transport)
        self.deadline = monotonic() + self._limits.header_seconds
        self._crowd.admit(self)

    def connection_made(self, transport: Any) -> None:
        """See asyncio."""
        super().connection_made(transport)
        self.deadline = monotonic() + self._limits.idle_seconds
        self.raw = transport  # first, because TLS may pause writing when limits are set
        transport.set_write_buffer_limits(1, 0)  # writing pauses as soon as the client leaves anything unread
        through = {"write": self._write, "close": self.close, "is_closing": transport.is_closing}
        self.transport = SimpleNamespace(**through)  # type: ignore[assignment]  # uvicorn writes responses to it
        self.flow.resume_reading = self._resume_reading  # type: ignore[method-assign]
        self._crowd.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._ignores_input, self._part, self.deadline = True, None, math.inf
        self._unread, self._unsent = b"", b""
        self.pipeline.clear()
        self.cycle = self.answered or self.cycle  # uvicorn informs this one, and none of those behind it has begun
        super().connection_lost(exc)
        self._release(0)
        self.report_hang_up()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not self._ignores_input:
            self._unread += data
            self._read()
            if self._part == "body" and has_left(self.raw, self._declared - self._body_bytes - len(self._unread)):
                self.raw.abort()

    def eof_received(self) -> bool:  # type: ignore[override]
        """See asyncio. A client that has finished sending still receives its responses, except over TLS."""
        self._client_done = True
        self._write(b"")  # because asyncio may close the connection here
        self.report_hang_up()
        return self.busy and self._part is None and self.scheme == "http"

    def received_body(self) -> bytes | None:
        """The body of the current request if all of it has arrived. It is handed over once, not kept."""
        cycle = self.answered
        if cycle is None or cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def respond(self, status: int, headers: Fields, body: bytes) -> None:
        """Send a complete response to the current request: half the work of uvicorn's two messages."""
        cycle = self.answered
        if cycle is None or cycle.disconnected:
            return
        body = b"" if cycle.scope["method"] == "HEAD" else body
        data = complete(status, headers, body, self.server_state.default_headers)
        if len(self._crowd.clients) == 1 or self._unread or self.pipeline:
            self._write(data)
        else:  # written together, responses to many clients wake a program that waits for them once, not each time
            self._unsent += data
            self.loop.call_soon(self._write, b"")
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.close()
        cycle.on_response = _nothing  # as uvicorn does, so that no collection is needed to free it
        self.on_response_complete()

    def watch(self, on_hang_up: Callable[[], None] | None) -> None:
        """Set the function to call if the client disconnects or ends its side before the response is complete."""
        self._on_hang_up = on_hang_up
        if self._client_done or self.raw.is_closing():
            self.report_hang_up()

    def report_hang_up(self) -> None:
        """Call the function that was set by `watch`, once."""
        callback, self._on_hang_up = self._on_hang_up, None
        if callback is not None:
            callback()

    def pause_writing(self) -> None:
        """See asyncio."""
        super().pause_writing()
        self.hold(max(self.held, self.raw.get_write_buffer_size()))
        self._write_deadline = monotonic() + self._limits.write_seconds

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        self._write_deadline = math.inf
        if not self.busy:
            self.hold(0)

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        self._part, self._overhead = "head", 0
        self.deadline = monotonic() + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        super().on_url(url)
        if len(self.url) > self._limits.header_bytes:
            raise self._refuse("uri_too_long", "The target of the request is too long.")

    def on_headers_complete(self) -> None:
        """See httptools. Refuses requests whose head is invalid."""
        version, target = self.parser.get_http_version(), self.url
        if self.parser.get_method() == b"CONNECT":
            raise self._refuse("method_not_allowed", "This server is not a proxy.")
        if self.parser.should_upgrade():
            return  # the parser stops; see _without_upgrade
        length = self._body_length(version)
        self.expect_100_continue = self.expect_100_continue and version == "1.1"
        self.url = b"/"  # the bridge parses the target
        super().on_headers_complete()
        self.scope["raw_path"], self.headers = target, []  # a trailer of the body is ignored
        self.cycle.keep_alive = self.parser.should_keep_alive()
        self._part, self._body_bytes, self._declared, self._overhead = "body", 0, length, 0
        self.deadline = monotonic() + self._limits.body_seconds
        self._check_body_size(length)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._body_bytes, self._overhead = self._body_bytes + len(body), 0
        self._check_body_size(self._body_bytes)
        if self._body_bytes > _PIECE:
            self.hold(self._body_bytes)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._part == "body":
            super().on_message_complete()
            self._part, self.deadline = None, math.inf
            self._ignores_input = not self.cycle.keep_alive

    def on_response_complete(self) -> None:
        """See uvicorn. The response was passed to the transport; the next request can be answered."""
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
        """Close the connection once everything is sent. A refused client may continue sending for a moment."""
        self._write(b"")
        lingering = self._refused and not self._client_done
        self._ending = self._ignores_input = True
        self.deadline = monotonic() + (_LINGER_SECONDS if lingering else self._limits.write_seconds)
        if not (lingering or self.raw.is_closing()):  # closed twice, TLS would forget its connection
            self.raw.close()
        elif lingering and self.raw.can_write_eof():  # TLS cannot end one side only: there the deadline closes it
            with contextlib.suppress(OSError):  # the client has disconnected and asyncio has not noticed yet
                self.raw.write_eof()

    def cut(self, *, reset: bool = False) -> None:
        """Close the connection in the middle of a response, or reset it. A reset discards unread bytes."""
        if self.answered is not None:
            self.answered.disconnected = True
        if not reset:
            self.close()
            return
        with contextlib.suppress(AttributeError, OSError):  # TLS has no socket once it is disconnected
            sock: socket.socket = self.raw.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.abort()

    def shutdown(self) -> None:
        """See uvicorn. A delayed response is sent at once."""
        super().shutdown()
        self.is_stopping = True
        if self.answered:
            self.answered.message_event.set()

    def expire(self) -> None:
        """Handle a missed deadline: the client was too slow or idle."""
        if self._ending or self.flow.write_paused:
            self.cut(reset=True)
        elif self._part == "head":
            self._refuse("body_timeout", "The head of the request did not arrive in time.")
        elif self._part == "body":
            self._reject_body("too_slow")
        else:
            self.close()

    @property
    def due(self) -> float:
        """Time at which the server calls `expire`."""
        return self._write_deadline if self.flow.write_paused and not self._ending else self.deadline

    @property
    def idle(self) -> bool:
        """Whether no request is being received or answered."""
        return not (self.busy or self._part or self._ending or self._unsent)

    @property
    def busy(self) -> bool:
        """Whether a request was received and its response is not complete."""
        cycle: RequestResponseCycle | None = self.cycle
        return bool(self.pipeline or (cycle and not cycle.response_complete))

    def _write(self, data: bytes) -> None:
        """Send what waits, and the data behind it. The transport has no other writer."""
        data, self._unsent = self._unsent + data, b""
        if data:
            self.raw.write(data)

    def _resume_reading(self) -> None:
        if not (self.pipeline or self._unread):
            FlowControl.resume_reading(self.flow)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """See uvicorn. `_read` starts the request once the bytes received so far are parsed."""
        self._next = cycle, app

    def _read(self) -> None:
        """Parse received bytes, unless too many requests wait, and start the next request."""
        if self._reading:
            return  # called by a response that was complete at once: the loop below continues
        self._reading = True
        while self._next or (self._unread and not self._ignores_input and len(self.pipeline) < _MAX_PIPELINED):
            if self._next:
                (cycle, app), self._next = self._next, None
                self.answered = cycle
                if cycle.more_body or not self._crowd.at_once(self):
                    super()._start_asgi_task(cycle, app)
            else:
                self._parse()
        self._reading = False
        self._close_if_done()

    def _parse(self) -> None:
        size = max(_PIECE, self._declared - self._body_bytes) if self._part == "body" else _PIECE
        piece, self._unread = self._unread[:size], self._unread[size:]
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._unread = self._without_upgrade() + piece[upgrade.args[0] :] + self._unread
        except httptools.HttpParserError as error:
            if not self._ignores_input:
                self._refuse("framing", unreadable.reason(piece, error, secure=self.scheme == "https"))
        self._overhead += len(piece) if len(piece) <= _PIECE else 0  # a larger one is only body
        if self._part and self._overhead > 2 * self._limits.header_bytes + _PIECE:
            self._refuse("headers_too_large", "The head of the request is too large.")

    def _close_if_done(self) -> None:
        """Close the connection if no more requests follow and all but the refusal are answered."""
        if (self._refusal or self._client_done) and not (self.busy or self._ending):
            self.transport.write(self._refusal)
            self.close()

    def _body_length(self, version: str) -> int:
        """Check the headers and return the declared length. httptools has refused most ambiguous framing already."""
        length = hosts = size = 0
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding" and (value.strip().lower() != b"chunked" or version == "1.0"):
                raise self._refuse("framing", "Transfer-Encoding may only be chunked, in HTTP/1.1.")
            hosts += name == b"host"
        if len(self.headers) > self._limits.header_fields or size > self._limits.header_bytes:
            limit = f"{self._limits.header_fields} fields and {self._limits.header_bytes} bytes"
            raise self._refuse("headers_too_large", f"The headers exceed the limit of {limit}.")
        if version not in ("1.1", "1.0"):
            raise self._refuse("framing", f"The request is in HTTP/{version}. This server speaks HTTP/1.1 and 1.0.")
        if hosts > 1 or (not hosts and version == "1.1"):
            found = f"{hosts} Host headers" if hosts else "no Host header"
            raise self._refuse("framing", f"The request has {found}. HTTP/1.1 requires exactly one.")
        return length

    def _check_body_size(self, size: int) -> None:
        """Reject a body that is too large. Raises _Refused."""
        if size <= self._limits.max_body:
            return
        path = self.scope["raw_path"].partition(b"?")[0].decode("latin-1")
        if size > self._limits.larger_bodies.get(path, 0) or self._crowd.large not in (None, self):
            self._reject_body("too_large")
            raise _Refused
        self._crowd.large = self

    def _reject_body(self, error: str) -> None:
        """Stop reading, and let the application answer with the error."""
        self._ignores_input, self._refused, self._part, self._unread = True, True, None, b""
        self.scope["state"]["error"] = error
        self.cycle.keep_alive = self.cycle.more_body = self.cycle.waiting_for_100_continue = False
        self.cycle.body.clear()
        self.cycle.message_event.set()
        self.deadline = math.inf

    def _refuse(self, key: str, detail: str) -> _Refused:
        """Stop reading, and answer with an error after the earlier responses. Raise the result to stop the parser."""
        if self._part == "body":
            self._reject_body("framing")
            return _Refused()
        method = self.parser.get_method().decode() if self._part and self.url else ""
        self._ignores_input, self._refused, self._part, self._unread = True, True, None, b""
        self._refusal = refusal(self._crowd.refuse(method, ApiError(key, detail=detail)))
        self.deadline = math.inf  # earlier responses take as long as they take
        if not self._reading:
            self._close_if_done()
        return _Refused()

    def _without_upgrade(self) -> bytes:
        """The head without its request for h2c, which Java sends and the parser stops at, to be parsed again."""
        lines = [b"%b: %b\r\n" % field for field in self.headers if field[0] not in _HOP]
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        self.parser, self._part = httptools.HttpRequestParser(self), None
        return b"".join((line, *lines, b"\r\n"))

    def _release(self, size: int) -> None:
        if self.held or size:
            self.hold(size)
        if self._crowd.large is self:
            self._crowd.large = None


def _nothing() -> None:
    """Do nothing."""
