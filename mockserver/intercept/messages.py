"""Reads HTTP/1 messages from the bytes of a connection, which are passed on as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

import h11

MAX_KEPT = 16 * 1_048_576
"""Maximum size of a body that is kept. A larger one is read, but not kept."""
MAX_KEPT_TOGETHER = 16 * MAX_KEPT
"""The same for all bodies that are kept at the same time."""
_MAX_HEAD = 262_144
_FIRST_LINE = re.compile(rb"([!-~]+) ([^\x00-\x20\x7f]+) (HTTP/1\.[01])\r?")
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_TLS_HELLO, _NO_TLS = b"\x16\x03", "The client speaks TLS. Call this address by http://, not https://."

Fields: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Header fields, with names in lower case."""


class Unreadable(Exception):
    """The bytes are not an HTTP/1 message. The error message says why."""


class Kept:
    """The size of all bodies that are kept by the connections of one recorder."""

    size = 0


class Message:
    """What requests and responses have in common. `head` is the last event of the parser that begins one."""

    def __init__(self, parser: h11.Connection, kept: Kept) -> None:
        self._parser, self._kept = parser, kept
        self.fields: Fields = ()
        self.trailers: Fields = ()
        self.is_complete = False
        self.is_kept = True
        """Whether all of the body so far is kept."""
        self._body = bytearray()

    @property
    def body(self) -> bytes:
        """The body so far; empty if it is too large."""
        return bytes(self._body)

    def forget(self) -> None:
        """Discard the body, and the rest of it that follows."""
        self._kept.size -= len(self._body)
        self._body, self.is_kept = bytearray(), False

    def read(self, data: bytes) -> bytes:
        """Read received bytes; empty bytes mean the end of the connection. Returns those of the next message.

        Raises Unreadable.
        """
        try:
            self._parser.receive_data(data)
            while not self.is_complete:
                event = self._parser.next_event()
                if event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                    return b""
                self._take(event)
        except h11.RemoteProtocolError as error:
            raise Unreadable(str(error)) from None
        return self._parser.trailing_data[0]

    def _take(self, event: object) -> None:
        match event:
            case h11.Request() | h11.Response():
                self.fields = list(event.headers)
            case h11.Data():
                self._keep(event.data)
            case h11.EndOfMessage():
                self.trailers, self.is_complete = list(event.headers), True

    def _keep(self, data: bytes) -> None:
        fits = len(self._body) + len(data) <= MAX_KEPT and self._kept.size + len(data) <= MAX_KEPT_TOGETHER
        if self.is_kept and fits:
            self._body += data
            self._kept.size += len(data)
        else:
            self.forget()


class RelayedRequest(Message):
    """A request."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(h11.Connection(h11.SERVER, _MAX_HEAD), kept)
        self.method = self.target = b""
        """Empty until the head has been read."""
        self.head = b""
        """First line and header fields as they were sent, so far."""

    def read(self, data: bytes) -> bytes:
        """See Message."""
        if self.method:
            return super().read(data)
        self.head += data
        end = _END_OF_HEAD.search(self.head)
        if self.head.startswith(_TLS_HELLO):
            raise Unreadable(_NO_TLS)
        if len(self.head) > _MAX_HEAD:
            raise Unreadable(f"The head of the request is larger than {_MAX_HEAD} bytes.")
        if end is None:
            return b""
        self.head, beyond = self.head[: end.end()], self.head[end.end() :]
        line, _, fields = self.head.partition(b"\n")
        first = _FIRST_LINE.fullmatch(line)
        if first is None:
            raise Unreadable("The request does not begin with method, target and HTTP/1.1.")
        self.target = first[2]
        return super().read(b"%b / %b\r\n" % (first[1], first[3]) + fields + beyond)  # h11 wants targets in ASCII

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self.method = event.method
        super()._take(event)


class RelayedResponse(Message):
    """The response to a request."""

    def __init__(self, request: RelayedRequest, kept: Kept) -> None:
        super().__init__(h11.Connection(h11.CLIENT, _MAX_HEAD), kept)
        upgrade = [(name, value) for name, value in request.fields if name == b"upgrade"]
        self._parser.send(h11.Request(method=request.method, target="/", headers=[(b"host", b"-"), *upgrade]))
        self.status = 0
        """0 until the head has arrived."""
        self.informational: list[h11.InformationalResponse] = []
        """What came before it."""

    def _take(self, event: object) -> None:
        match event:
            case h11.InformationalResponse(status_code=101):  # bytes of another protocol follow
                self.status, self.fields, self.is_complete = event.status_code, list(event.headers), True
            case h11.InformationalResponse():
                self.informational.append(event)
            case h11.Response():
                self.status = event.status_code
        super()._take(event)
