"""Passes requests on to the real service, and shows each exchange to a recorder.

An ASGI application. Only `Accept-Encoding` is changed; informational responses and trailers are not passed on.

TLS to the service is verified; redirects are left to the client; a response that breaks off, breaks off here, too.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import httpx

from mockserver.exchange import BASE_PATH, Call, Result, decoded_path
from mockserver.har import answers
from mockserver.intercept.front import refusal
from mockserver.intercept.hosts import EMULATED, without_port
from mockserver.json_input import dumps
from mockserver.runtime import Clock
from mockserver.server import Limits
from mockserver.web.received import split_target

Seen: TypeAlias = Callable[[Call, Result, int, bool], None]
"""Receives request, response, time of its end (ms since 1970), and whether the response is complete."""

_SECONDS = 120.0
_KEPT_BYTES = 16 * 1_048_576
"""Maximum size of a recorded body. A larger one is relayed but not recorded."""
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te")
) | frozenset((b"trailer", b"transfer-encoding", b"upgrade"))
_CODINGS = (b"gzip", b"deflate", b"identity")
"""Compressions that are decompressed for the recording."""
_UNREACHABLE = 502
_NOT_TAKEN = {
    "too_large": (413, "the body of the request is larger than 64 MB"),
    "too_slow": (408, "the body of the request did not arrive in time"),
}
"""What our server says of a request body -> status and message."""
LIMITS = Limits(
    max_body=4 * _KEPT_BYTES, held_bytes=64 * _KEPT_BYTES, body_seconds=_SECONDS, write_seconds=_SECONDS,
    grace_seconds=3,
)  # fmt: skip
"""A recording accepts more than the emulator: the service decides. A recording that is stopped waits a moment."""
_clock = Clock()


class Relay:
    """Leads requests to `upstream`, or to the host that the client asked for if it is one of Adobe's."""

    def __init__(self, seen: Seen, upstream: str = "", *, verify: bool | str = True) -> None:
        """`verify`: whether, or by which file of certificates, TLS to the service is verified."""
        self._seen, self._upstream = seen, upstream.rstrip("/")
        self._client = httpx.AsyncClient(verify=verify, timeout=_SECONDS, follow_redirects=False, trust_env=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection event of ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await asyncio.sleep(0)  # our server begins a request outside a task; httpx needs one
            try:
                await self._pass_on(scope, receive, send)
            except asyncio.CancelledError:  # the recording ends
                scope["state"]["connection"].cut(reset=True)

    async def _live(self, receive: Any, send: Any) -> None:
        while (event := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{event['type']}.complete"})
        await self._client.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pass_on(self, scope: Any, receive: Any, send: Any) -> None:
        began = _clock.now_ms()
        path, query, authority = _target(scope)
        host = without_port((authority or dict(scope["headers"]).get(b"host", b"")).decode("latin-1"))
        if not self._upstream and host not in EMULATED:
            await _answer(send, 403, refusal(host))
            return
        if not path.startswith(b"/"):
            await _answer(send, 400, "the target of the request is no path")
            return
        upstream = httpx.URL(self._upstream or f"https://{host}")  # of the name alone: no port, no user
        target = upstream.raw_path.rstrip(b"/") + path + (b"?" + query if query else b"")
        sent = _Passed()
        response: httpx.Response | None = None

        def note_silence() -> None:
            self._seen(_call(scope, sent.body, began), Result(0), _clock.now_ms(), False)

        try:
            response = await self._client.send(
                _request(scope, upstream, target, sent.passing(_body(scope, receive))), stream=True
            )
        except httpx.HTTPError as error:
            if not_taken := scope["state"].get("error"):
                await _answer(send, *_NOT_TAKEN.get(not_taken, (400, "the body of the request is malformed")))
            else:
                await _answer(send, _UNREACHABLE, f"{upstream.host} gave no response: {type(error).__name__}")
            note_silence()
            return
        except asyncio.CancelledError:
            note_silence()
            raise
        await self._respond(scope, response, sent, began, send)

    async def _respond(self, scope: Any, response: httpx.Response, sent: _Passed, began: int, send: Any) -> None:
        headers = [(name, value) for name, value in response.headers.raw if name.lower() not in _HOP_BY_HOP]
        got, arrived = _Passed(), False
        try:
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            async for piece in got.passing(response.aiter_raw()):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            arrived = True
        except httpx.HTTPError as error:
            scope["state"]["connection"].cut(reset=isinstance(error, httpx.ReadError))
        finally:
            await response.aclose()
            result, is_read = _result(response, got.body)
            whole = arrived and got.is_kept and is_read
            self._seen(_call(scope, sent.body, began), result, _clock.now_ms(), whole)


class _Passed:
    """A body that is passed on piece by piece and kept unless it is too large."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def body(self) -> bytes:
        """The whole body; empty if it was too large."""
        return b"".join(self._pieces) if self.is_kept else b""

    @property
    def is_kept(self) -> bool:
        """Whether it was not too large."""
        return self._size <= _KEPT_BYTES

    async def passing(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass pieces on unchanged and keep a copy."""
        async for piece in pieces:
            self._size += len(piece)
            if self._size <= _KEPT_BYTES:
                self._pieces.append(piece)
            yield piece


def _request(scope: Any, upstream: httpx.URL, target: bytes, body: AsyncIterator[bytes]) -> httpx.Request:
    """The request to the service, with the target as it was sent: httpx would resolve `..` and refuse others."""
    kept = [
        (name, _readable(value) if name == b"accept-encoding" else value)
        for name, value in scope["headers"]
        if name not in _HOP_BY_HOP and name != b"host"
    ]
    has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
    content = body if has_body else None
    return httpx.Request(scope["method"], upstream, headers=kept, content=content, extensions={"target": target})


async def _body(scope: Any, receive: Callable[[], Awaitable[Any]]) -> AsyncIterator[bytes]:
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request" or scope["state"].get("error"):
            raise httpx.RequestError("the client left")
        if event.get("body"):
            yield event["body"]
        more = event.get("more_body", False)


def _target(scope: Any) -> tuple[bytes, bytes, bytes | None]:
    """Path, query and, in absolute form, authority. Our server gives the whole target, other servers only its path."""
    path, query, authority = split_target(scope["raw_path"])
    return path, query or scope["query_string"], authority


def _call(scope: Any, body: bytes, began: int) -> Call:
    raw_path, query, _ = _target(scope)
    path = decoded_path(raw_path.decode("latin-1"))
    below = path == BASE_PATH or path.startswith(BASE_PATH + "/")
    if below:
        path = path[len(BASE_PATH) :] or "/"
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Call(scope["method"], path, query.decode("latin-1"), headers, body, "", began, mounted=below)


def _readable(accepted: bytes) -> bytes:
    """Accept-Encoding without compressions that the recorder cannot read, such as `br` of browsers and Node.js."""
    codings = [part.strip() for part in accepted.split(b",")]
    return b", ".join(part for part in codings if part.partition(b";")[0].lower() in _CODINGS) or b"identity"


def _result(response: httpx.Response, raw: bytes) -> tuple[Result, bool]:
    """The response, and whether its body was read if it is JSON."""
    coding = response.headers.get("content-encoding", "identity").lower().encode()
    text = _decompressed(raw, coding) if coding in _CODINGS else None
    if text is None:
        return answers.read(response.status_code, response.headers.items(), b"", max_bytes=0), not raw
    result = answers.read(response.status_code, response.headers.items(), text, max_bytes=_KEPT_BYTES)
    return result, not answers.is_unread(text, result)


def _decompressed(raw: bytes, coding: bytes) -> bytes | None:
    """A body without its compression; None if it is damaged, cut or too large."""
    if coding == b"identity":
        return raw
    for wbits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its head; `deflate` of some is without one
        inflating = zlib.decompressobj(wbits)
        try:
            text = inflating.decompress(raw, _KEPT_BYTES)
        except zlib.error:
            continue
        return text if not raw or (inflating.eof and not inflating.unused_data) else None
    return None


async def _answer(send: Any, status: int, message: str) -> None:
    body = dumps({"error_code": str(status), "message": f"mockserver record: {message}"})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
