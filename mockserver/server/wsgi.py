"""Calls the WSGI application for one request and turns what it gives back into bytes (PEP 3333)."""

from __future__ import annotations

import functools
import http
import logging
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from io import BytesIO
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from mockserver.server.limits import refusal

log = logging.getLogger("mockserver.server")

BODY_ERROR = "mockserver.body_error"
"""In the environ: `too_large`, `too_slow` or `framing` where the body was not read to its end."""

PACE = "mockserver.pace"
"""In the environ of a server that can take its time without holding a thread: the application puts a `Pace` there."""

Application: TypeAlias = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_WITHOUT_BODY = ("1", "204", "304")


class After(Enum):
    """What follows some bytes of an answer."""

    MORE = "more of the same answer"
    KEEP = "the next request"
    CLOSE = "the end of the connection"
    CUT = "a reset"


@dataclass(slots=True)
class Pace:
    """How an answer is to be sent: after `delay_seconds`, its body at no more than `bytes_per_second`."""

    delay_seconds: float = 0
    bytes_per_second: int | None = None
    held: bytearray = field(default_factory=bytearray)
    """What the application has answered so far."""


Send: TypeAlias = Callable[[bytes, After], None]


@dataclass(slots=True)
class Request:
    """One request as it came: bytes of the wire, its body whole unless `error` says otherwise."""

    method: str = ""
    target: bytes = b""
    version: str = "1.1"
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    chunked: bool = False
    keep_alive: bool = False
    error: str | None = None


def environ_base(scheme: str, host: str, port: int) -> dict[str, Any]:
    """The part of the environ that is the same for every request."""
    return {
        "SCRIPT_NAME": "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        PACE: None,
    }


def environ_of(request: Request, base: dict[str, Any], peer: str) -> dict[str, Any]:
    """The environ of a request. Fields sent twice are joined by a comma, so that the application sees both."""
    path, query, authority = _split(request.target)
    environ = {
        **base,
        **_fields(tuple(request.fields)),
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": request.target.decode("latin-1"),
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_PROTOCOL": "HTTP/" + request.version,
        "REMOTE_ADDR": peer,
        "wsgi.input": BytesIO(request.body),
    }
    if authority is not None:
        environ["HTTP_HOST"] = authority.decode("latin-1")  # it wins over the field (RFC 9112 §3.2.2)
    if request.chunked:
        environ["wsgi.input_terminated"] = True
    if request.error:
        environ[BODY_ERROR] = request.error
    return environ


@functools.lru_cache(maxsize=128)  # a client sends the same ones with nearly every call
def _fields(sent: tuple[tuple[bytes, bytes], ...]) -> Mapping[str, str]:
    """The part of the environ that the fields of a request make."""
    made: dict[str, str] = {}
    for name, value in sent:
        key = _key(name)
        if key is not None:
            text = value.decode("latin-1").strip(" \t")
            made[key] = f"{made[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}" if key in made else text
    return made


def _split(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Path, query and, of an absolute form, the authority."""
    authority = None
    if not target.startswith(b"/"):
        _, found, rest = target.partition(b"://")
        if found:
            authority, slash, rest = rest.partition(b"/")
            authority = authority.rpartition(b"@")[2]
            target = slash + rest or b"/"
    path, _, query = target.partition(b"#")[0].partition(b"?")
    return path, query, authority


@functools.lru_cache(maxsize=512)
def _key(name: bytes) -> str | None:
    """The environ's name of a field; None where an underscore would pass for a hyphen, and for spent framing."""
    if b"_" in name or name.lower() == b"transfer-encoding":
        return None
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key


def answer(app: Application, request: Request, environ: dict[str, Any], send: Send) -> None:
    """Call the application and send its answer, in one piece where its length is known. Never raises."""
    reply = _Reply(request, send)
    try:
        parts = app(environ, reply.start)
        try:
            if isinstance(parts, list | tuple):
                parts = [b"".join(parts)]
                reply.length = len(parts[0])
            for part in parts:
                reply.write(part)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        reply.end()
    except ConnectionError:  # how an application asks for a broken connection
        send(b"", After.CUT)
    except Exception as error:  # its text may quote what the client sent
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("the application failed in %s\n%s%s", request.method, where, type(error).__name__)
        reply.fail()


class _Reply:
    """An answer on its way out: head and body leave together, as soon as there is something to send."""

    def __init__(self, request: Request, send: Send) -> None:
        self._head_only = request.method == "HEAD"
        self._modern = request.version == "1.1"
        self._keep_alive = request.keep_alive
        self._send = send
        self._begun = self._ended = self._chunked = False
        self._left: int | None = None
        self.length: int | None = None
        """Of the whole body, where known before the application named it."""

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        """The `start_response` of PEP 3333."""
        if self._begun and exc_info:
            raise exc_info[1]
        self._status, self._headers = status, headers
        return self.write

    def write(self, part: bytes) -> None:
        """Send a part of the body, and whatever must come before it."""
        if self._ended or not (part or self._begun or self.length == 0):
            return
        head = b"" if self._begun else self._head()
        self._begun = True
        if self._head_only or self._left == 0:
            part = b""
        if self._left is not None:
            part = part[: self._left]
            self._left -= len(part)
        if self._chunked and part:
            part = b"%x\r\n%b\r\n" % (len(part), part)
        self._ended = self._left == 0 or self._head_only
        self._send(head + part, self._after() if self._ended else After.MORE)

    def end(self) -> None:
        """Send what is missing. A body shorter than its Content-Length ends the connection, so that it shows."""
        if not self._begun:
            self.length = 0
            self.write(b"")
        if not self._ended:
            self._ended = True
            self._send(b"0\r\n\r\n" if self._chunked else b"", self._after() if self._chunked else After.CLOSE)

    def fail(self) -> None:
        """Say 500, or break off where an answer has begun."""
        if self._begun:
            self._send(b"", After.CUT)
            return
        self._send(refusal_bytes("internal", ""), After.CLOSE)

    def _after(self) -> After:
        return After.KEEP if self._keep_alive else After.CLOSE

    def _head(self) -> bytes:
        """The head; decides how the body is framed."""
        lines = [f"HTTP/1.1 {self._status}", f"Date: {_date()}"]
        named: int | None = None
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == "content-length":
                named = int(value)
            elif lowered == "connection":
                self._keep_alive = self._keep_alive and value.lower() != "close"
                continue
            lines.append(f"{name}: {value}")
        self._frame(lines, named)
        if not self._keep_alive:
            lines.append("Connection: close")
        elif not self._modern:
            lines.append("Connection: keep-alive")
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) - 1:
            raise ValueError("a header of the answer holds a line break")
        return text.encode("latin-1") + b"\r\n\r\n"

    def _frame(self, lines: list[str], named: int | None) -> None:
        length = self.length if named is None else named
        if self._status.startswith(_WITHOUT_BODY):
            self._left = 0
            return
        self._left = length
        if named is None and length is not None:
            lines.append(f"Content-Length: {length}")
        elif length is None and self._modern:
            self._chunked = True
            lines.append("Transfer-Encoding: chunked")
        elif length is None:
            self._keep_alive = False


def refusal_bytes(key: str, detail: str) -> bytes:
    """The whole answer to what never reaches the application. The connection ends with it."""
    status, body = refusal(key, detail)
    head = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nDate: {_date()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + body


def _date() -> str:
    return _date_of(int(time.monotonic()))


@functools.lru_cache(maxsize=1)
def _date_of(second: int) -> str:
    del second  # the key: formatting is done once a second
    return formatdate(usegmt=True)
