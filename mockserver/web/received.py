"""A complete request as the server received it, and its form in WSGI."""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

BODY_ERROR = "mockserver.body_error"
"""Key in the environ: `too_large`, `too_slow` or `framing` if the body was not read completely."""

PACE = "mockserver.pace"
"""Key in the environ where the application puts a `Pace` for a delayed or slow response."""

_PIECE = 65_536
_FRAMING = (b"content-length", b"transfer-encoding")

Environ: TypeAlias = dict[str, Any]


@dataclass(slots=True)
class Received:
    """A complete request."""

    scope: Any
    """See ASGI."""
    path: bytes
    """As sent, still encoded."""
    query: str
    headers: Mapping[str, str]
    """By lower-case names, repeated ones joined, without those that frame the body."""
    body: bytes
    """Empty if the body is in `large`."""
    large: Pieces | None = None
    """A body above the ordinary limit. Joining its pieces would block all other requests."""

    @property
    def method(self) -> str:
        """The method."""
        return str(self.scope["method"])

    @property
    def version(self) -> str:
        """The version of HTTP: `1.0` or `1.1`."""
        return str(self.scope["http_version"])

    @property
    def error(self) -> str | None:
        """`too_large`, `too_slow` or `framing` if the body was not read completely."""
        error: str | None = self.scope["state"].get("error")
        return error


class Pieces(RawIOBase):
    """A body in pieces, each of which is freed once it is read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__()
        self._pieces = deque([memoryview(piece) for piece in pieces])

    def readable(self) -> bool:
        """See `RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `RawIOBase`."""
        if not self._pieces:
            return 0
        piece = self._pieces.popleft()
        size = min(len(piece), len(buffer))
        buffer[:size] = piece[:size]
        if size < len(piece):
            self._pieces.appendleft(piece[size:])
        return size


def received(scope: Any, body: bytes | Pieces) -> Received:
    """The request of an ASGI scope with its complete body."""
    path, query, authority = split_target(scope["raw_path"])
    headers = _headers(tuple(scope["headers"]))
    if authority is not None:
        headers = {**headers, "host": authority.decode("latin-1")}  # it overrides the header (RFC 9112 §3.2.2)
    whole, large = (b"", body) if isinstance(body, Pieces) else (body, None)
    return Received(scope, path, query.decode("latin-1"), headers, whole, large)


@functools.lru_cache(maxsize=128)  # a client sends the same ones with nearly every request
def _headers(sent: tuple[tuple[bytes, bytes], ...]) -> Mapping[str, str]:
    """Decode headers. Names with underscores are left out: in WSGI they would equal hyphens."""
    made: dict[str, str] = {}
    for name, value in sent:
        text = value.decode("latin-1").strip(" \t")
        if name not in _FRAMING and b"_" not in name and (text or name != b"content-type"):
            key = name.decode("latin-1")
            made[key] = f"{made[key]}{'; ' if key == 'cookie' else ', '}{text}" if key in made else text
    return made


def environ_of(received: Received) -> Environ:
    """Convert a request to a WSGI environ."""
    scope = received.scope
    host, port = scope["server"]
    environ: Environ = {
        "SCRIPT_NAME": "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{received.version}",
        "REQUEST_METHOD": received.method,
        "REQUEST_URI": scope["raw_path"].decode("latin-1"),
        "PATH_INFO": unquote_to_bytes(received.path).decode("latin-1"),
        "QUERY_STRING": received.query,
        "REMOTE_ADDR": scope["client"][0] if scope["client"] else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BufferedReader(received.large, _PIECE) if received.large else BytesIO(received.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        PACE: None,
    }
    for name, text in received.headers.items():
        environ["CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")] = text
    for name, value in scope["headers"]:
        if name == b"content-length":
            environ["CONTENT_LENGTH"] = value.decode("latin-1")
        elif name == b"transfer-encoding":
            environ["wsgi.input_terminated"] = True
    if received.error:
        environ[BODY_ERROR] = received.error
    return environ


def split_target(target: bytes) -> tuple[bytes, bytes, bytes | None]:
    """Split a request target into path, query and, in absolute form, authority."""
    authority = None
    if not target.startswith(b"/"):
        _, found, rest = target.partition(b"://")
        if found:
            authority, slash, rest = rest.partition(b"/")
            authority = authority.rpartition(b"@")[2]
            target = slash + rest or b"/"
    path, _, query = target.partition(b"#")[0].partition(b"?")
    return path, query, authority
