"""Reads the requests of a client: parsed by httptools, within limits of size."""

from __future__ import annotations

import asyncio
import functools
import math
from collections import deque

import httptools

from mockserver.errors import ApiError
from mockserver.runtime import monotonic
from mockserver.server import unreadable
from mockserver.server.crowd import Crowd
from mockserver.server.messages import HttpRequest, refusal

_PIECE = 8_192
"""Bytes that are parsed before the number of waiting requests is checked."""
_HOP = (b"connection", b"upgrade", b"http2-settings")


class _Refused(Exception):
    """Raised in a callback of the parser to stop it, because the rest of the stream cannot be interpreted."""


class RequestReader(asyncio.Protocol):
    """Requests of one client. Those that parsers could interpret differently are refused (RFC 9112 §6.3, §11.2)."""

    scheme = client = ""
    """`http` or `https`, empty during a handshake of TLS; the client's address."""
    server: tuple[str, int] = ("", 0)
    """Address and port of the server."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd, self._limits = crowd, crowd.limits
        self._parser = httptools.HttpRequestParser(self)
        self._unread = b""
        """Bytes received and not parsed yet."""
        self._part: str | None = None
        """The part of a request that is being received: head, body or None."""
        self._target, self._fields, self._body = b"", list[tuple[bytes, bytes]](), list[bytes]()
        """What was received of it."""
        self._body_bytes = self._declared = self._overhead = 0
        """Bytes of its body until now, of all of it if that was declared, and of all else since the last ones."""
        self._waiting: deque[HttpRequest] = deque()
        """Requests to answer."""
        self._refusal = b""
        """Response to send after those to them."""
        self.held, self.hold = 0, functools.partial(crowd.hold, self)
        """Bytes of its requests and responses in memory, and how to set them."""
        self._ignores_input = self._refused = self._expects_continue = False
        self.deadline = monotonic() + crowd.limits.idle_seconds
        """Time by which the client must go on sending, or the connection end."""

    def on_message_begin(self) -> None:
        """See httptools."""
        self._target, self._fields, self._body = b"", [], []
        self._part, self._overhead = "head", 0
        self.deadline = monotonic() + self._limits.header_seconds

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._target += url
        if len(self._target) > self._limits.header_bytes:
            raise self._refuse("uri_too_long", "The target of the request is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See httptools. Refuses requests whose head is invalid."""
        parser = self._parser
        if parser.get_method() == b"CONNECT":
            raise self._refuse("method_not_allowed", "This server is not a proxy.")
        if parser.should_upgrade():
            return  # the parser stops; see _without_upgrade
        version = parser.get_http_version()
        length = self._body_length(version)
        self._request = HttpRequest(
            parser.get_method().decode(), version, self._target, self._fields, parser.should_keep_alive(),
            self.scheme, self.client, self.server,
        )  # fmt: skip
        self._fields = []  # a trailer of the body is ignored
        self._part, self._body_bytes, self._declared, self._overhead = "body", 0, length, 0
        self.deadline = monotonic() + self._limits.body_seconds
        self._check_body_size(length)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._body_bytes, self._overhead = self._body_bytes + len(body), 0
        self._check_body_size(self._body_bytes)
        if self._body_bytes > _PIECE:
            self.hold(self._body_bytes)
        self._body.append(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._part == "body":
            if self._body_bytes > self._limits.max_body:
                self._request.large = self._body
            else:
                self._request.body = b"".join(self._body)
            self._body = []
            self._received()

    def _received(self) -> None:
        """Answer the request that was received, in its turn."""
        self._part, self.deadline, self._expects_continue = None, math.inf, False
        self._ignores_input = self._ignores_input or not self._request.keep_alive
        self._waiting.append(self._request)

    def _parse(self) -> None:
        size = max(_PIECE, self._declared - self._body_bytes) if self._part == "body" else _PIECE
        piece, self._unread = self._unread[:size], self._unread[size:]
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._unread = self._without_upgrade() + piece[upgrade.args[0] :] + self._unread
        except httptools.HttpParserError as error:
            if not self._ignores_input:
                self._refuse("framing", unreadable.reason(piece, error, secure=self.scheme == "https"))
        self._overhead += len(piece) if len(piece) <= _PIECE else 0  # a larger one is only body
        if self._part and self._overhead > 2 * self._limits.header_bytes + _PIECE:
            self._refuse("headers_too_large", "The head of the request is too large.")

    def _body_length(self, version: str) -> int:
        """Check the headers and return the declared length. httptools has refused most ambiguous framing already."""
        length = hosts = size = 0
        for name, value in self._fields:
            size += len(name) + len(value) + 4
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding" and (value.strip().lower() != b"chunked" or version == "1.0"):
                raise self._refuse("framing", "Transfer-Encoding may only be chunked, in HTTP/1.1.")
            elif name == b"expect":
                self._expects_continue = version == "1.1" and value.lower() == b"100-continue"
            hosts += name == b"host"
        if len(self._fields) > self._limits.header_fields or size > self._limits.header_bytes:
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
        path = self._target.partition(b"?")[0].decode("latin-1")
        if size > self._limits.larger_bodies.get(path, 0) or self._crowd.large not in (None, self):
            self._reject_body("too_large")
            raise _Refused
        self._crowd.large = self

    def _reject_body(self, error: str) -> None:
        """Stop reading, and let the application answer with the error."""
        self._ignores_input, self._refused, self._unread, self._body = True, True, b"", []
        self._request.error, self._request.keep_alive = error, False
        self._received()

    def _refuse(self, key: str, detail: str) -> _Refused:
        """Stop reading, and answer with an error after the earlier responses. Raise the result to stop the parser."""
        if self._part == "body":
            self._reject_body("framing")
            return _Refused()
        method = self._parser.get_method().decode() if self._part and self._target else ""
        self._ignores_input, self._refused, self._part, self._unread = True, True, None, b""
        self._refusal = refusal(self._crowd.refuse(method, ApiError(key, detail=detail)))
        return _Refused()

    def _without_upgrade(self) -> bytes:
        """The head without its request for h2c, which Java sends and the parser stops at, to be parsed again."""
        lines = [b"%b: %b\r\n" % field for field in self._fields if field[0] not in _HOP]
        line = b"%b %b HTTP/%b\r\n" % (
            self._parser.get_method(),
            self._target,
            self._parser.get_http_version().encode(),
        )
        self._parser, self._part = httptools.HttpRequestParser(self), None
        return b"".join((line, *lines, b"\r\n"))
