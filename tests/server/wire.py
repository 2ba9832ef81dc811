"""A client that writes raw bytes to a server, and an application that returns what it received."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from mockserver.server import Limits, Server
from mockserver.web.bridge import HttpAnswer, Turn, call, wsgi_server
from mockserver.web.received import BODY_ERROR, Received, environ_of

SHORT = Limits(header_seconds=0.3, body_seconds=0.9, write_seconds=0.3, idle_seconds=1.5, grace_seconds=2)
PATIENT = Limits(header_seconds=3600, body_seconds=3600, write_seconds=3600, idle_seconds=3600)
"""A timeout longer than any test."""
HEAD = b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n\r\n"
LARGE = 32_000_000
BIG = b"a" * 70_000

STATUS = {None: "200 OK", "too_large": "413 Too Large", "too_slow": "408 Timeout", "framing": "400 Bad Request"}

release = threading.Event()
"""Releases requests to `/wait`."""
inside = threading.Semaphore(0)
"""Counts requests that have reached `/wait`."""


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Return the received request; `/wait` responds when the test permits."""
    if environ["PATH_INFO"] == "/wait":
        inside.release()
        release.wait(60)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 2**20))
    seen = {name: value for name, value in environ.items() if isinstance(value, str)}
    content = json.dumps({**seen, "length": len(body)}).encode()
    if environ["PATH_INFO"] == "/large":
        content = b"x" * LARGE
    status = STATUS[environ.get(BODY_ERROR)]
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


class AtOnce:
    """The same application, which responds to every request in the event loop."""

    __call__ = staticmethod(app)

    def plan(self, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]]:
        """See `bridge`."""
        return planned(Turn.SOON, received)


def planned(turn: Turn, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]]:
    """A plan to answer a request by `app`."""
    return turn, functools.partial(call, app, environ_of(received))


@contextlib.contextmanager
def running(limits: Limits = SHORT, *, threads: int = 4, **options: Any) -> Iterator[Server]:
    """Run a server for `app`, or the given one, for the block."""
    server = wsgi_server(options.pop("app", app), limits=limits, threads=threads, **options)
    server.start()
    try:
        yield server
    finally:
        release.set()
        server.stop()


class Client:
    """A socket that waits patiently."""

    def __init__(self, server: Server, sent: bytes = b"") -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.send(sent)

    def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # refused early; the response may be readable
            self.socket.sendall(data)

    def read(self) -> bytes:
        """Read until the server closes the connection."""
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            while data := self.socket.recv(65_536):
                received += data
        self.socket.close()
        return bytes(received)

    def answers(self) -> list[tuple[int, bytes]]:
        """Status and body of every response until the server closes the connection."""
        return split(self.read())


def split(stream: bytes) -> list[tuple[int, bytes]]:
    """The responses in a stream; each must have a Content-Length."""
    found = []
    while stream:
        head, _, stream = stream.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body, stream = (stream[: length[0]], stream[length[0] :]) if length else (b"", stream)
        found.append((status, body))
    return found


def ask(server: Server, sent: bytes) -> dict[str, Any]:
    """Send a request; returns what the application received."""
    [(status, body)] = Client(server, sent).answers()
    assert status == 200, body
    seen: dict[str, Any] = json.loads(body)
    return seen


def get(server: Server, path: bytes = b"/") -> None:
    """Send an ordinary request."""
    assert ask(server, b"GET " + path + HEAD + CLOSE)["PATH_INFO"] == path.decode()


def post(*fields: bytes, body: bytes = b"") -> bytes:
    """Send a POST with these header fields, unchanged."""
    return b"POST /" + HEAD + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    """Send a POST whose body is these bytes, valid chunks or not."""
    return post(b"Transfer-Encoding: chunked", body=body)


NEXT = b"GET /smuggled" + HEAD + b"\r\n"

REFUSED: dict[str, tuple[bytes, int]] = {
    "length-and-chunked": (post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + NEXT), 400),
    "chunked-and-length": (post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + NEXT), 400),
    "two-lengths": (post(b"Content-Length: 5", b"Content-Length: 6", body=b"hello" + NEXT), 400),
    "the-same-length-twice": (post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello" + NEXT), 400),
    "length-list": (post(b"Content-Length: 5, 5", body=b"hello" + NEXT), 400),
    "length-with-sign": (post(b"Content-Length: +5", body=b"hello" + NEXT), 400),
    "length-negative": (post(b"Content-Length: -5", body=b"hello" + NEXT), 400),
    "length-in-hex": (post(b"Content-Length: 0x10", body=b"hello" + NEXT), 400),
    "length-empty": (post(b"Content-Length: ", body=b"hello" + NEXT), 400),
    "length-with-letter": (post(b"Content-Length: 5a", body=b"hello" + NEXT), 400),
    "coding-unknown": (post(b"Transfer-Encoding: gzip", body=b"0\r\n\r\n" + NEXT), 400),
    "coding-not-last": (post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n" + NEXT), 400),
    "coding-before-chunked": (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n" + NEXT), 400),
    "coding-misspelt": (post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + NEXT), 400),
    "coding-twice": (post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    "coding-with-vertical-tab": (post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n" + NEXT), 400),
    "coding-in-http-1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + NEXT, 400),
    "chunk-size-no-hex": (chunked(b"g\r\n"), 400),
    "chunk-size-negative": (chunked(b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk-size-with-prefix": (chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    "chunk-longer-than-said": (chunked(b"5\r\nhelloX\r\n0\r\n\r\n"), 400),
    "space-before-colon": (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    "folded-field": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    "bare-carriage-return": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
    "nul-in-field": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 400),
    "field-without-colon": (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
    "two-hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
    "no-host": (b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400),
    "no-host-in-absolute-form": (b"GET http://platform.adobe.io/connections HTTP/1.1\r\n\r\n", 400),
    "no-host-with-body": (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + NEXT, 400),
    "no-host-offering-h2c": (b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 400),
    "garbage": (b"\x00\x01\x02 garbage\r\n\r\n", 400),
    "http-2-without-preface": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400),
    "http-0.9": (b"GET /\r\n\r\n", 400),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "long-field": (b"GET /" + HEAD + b"A: " + BIG + b"\r\n\r\n", 431),
    "long-field-without-end": (b"GET /" + HEAD + b"A: " + BIG * 8, 431),
    "many-fields": (b"GET /" + HEAD + b"A: b\r\n" * 101 + b"\r\n", 431),
    "many-bytes-of-fields": (b"GET /" + HEAD + (b"A: " + b"b" * 2000 + b"\r\n") * 40 + b"\r\n", 431),
    "long-target": (b"GET /" + BIG + HEAD + b"\r\n", 414),
    "five-gigabytes-declared": (post(b"Content-Length: 5000000000", body=b"hello"), 413),
}
"""Sent bytes, and the expected status."""
