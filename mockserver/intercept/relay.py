"""Passes a client's requests on to the real service, and shows each exchange to a recorder.

Bytes pass as they are, in both directions; docs/recording.md names what is changed. TLS to the service is verified.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import zlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

import certifi

from mockserver.exchange import BASE_PATH, Call, Result, decoded_path
from mockserver.har import answers
from mockserver.intercept.conversation import Conversation, RelayedExchange
from mockserver.intercept.messages import MAX_KEPT, Fields, Kept, RelayedRequest, RelayedResponse
from mockserver.intercept.routes import CODINGS, Routes, Upstream
from mockserver.intercept.streams import LOOPBACK, ByteStream, StreamServer
from mockserver.recordings.recorder import Aside
from mockserver.web.received import split_target

Seen: TypeAlias = Callable[[Call, Result, int, bool, Aside], None]
"""Receives request, response, time of its end (ms since 1970), whether the response is complete, and what else came."""

_CONNECT_SECONDS = 30.0
GRACE_SECONDS = 3.0
"""Time a recording that is stopped waits for responses."""


@functools.cache  # reading them takes 20 ms
def _trusting_public_cas() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


class Relay:
    """Leads requests to `upstream`, or to the host that the client asked for if it is one of Adobe's."""

    def __init__(self, seen: Seen, upstream: str = "", *, ca_file: str | None = None) -> None:
        """`ca_file`: CAs (PEM) of the service in place of the public ones. Raises OSError or ValueError."""
        self._seen, self._routes = seen, Routes(upstream)
        self._kept = Kept()
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else _trusting_public_cas()

    def server(self, *, host: str = LOOPBACK, port: int = 0, certificate: ssl.SSLContext | None = None) -> StreamServer:
        """Create a listening server for clients. Raises OSError, whose message can be shown to users."""
        return StreamServer(self._serve, host=host, port=port, certificate=certificate, grace_seconds=GRACE_SECONDS)

    async def _serve(self, client: ByteStream, stopping: asyncio.Event) -> None:
        await Conversation(client, self._routes, self._connect, self._show, self._kept).run(stopping)

    async def _connect(self, place: Upstream) -> ByteStream:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await ByteStream.connected(place.host, place.port, self._tls if place.is_tls else None)

    def _show(self, exchange: RelayedExchange) -> None:
        request, response = exchange.request, exchange.response
        result, unread, is_read = _result(response) if response and response.status else (Result(0), b"", False)
        call, is_whole = _call(request, exchange.began_ms), is_read and request.is_complete
        self._seen(call, result, exchange.ended_ms, is_whole, _aside(request, response, unread))


def _call(request: RelayedRequest, began: int) -> Call:
    raw_path, query, _ = split_target(request.target)
    path = decoded_path(raw_path.decode("latin-1"))
    below = path == BASE_PATH or path.startswith(BASE_PATH + "/")
    if below:
        path = path[len(BASE_PATH) :] or "/"
    method, headers, body = request.method.decode(), _joined(request.fields), request.body
    plain, is_all = decompressed(body, _coding(headers))
    if body and is_all and "content-encoding" in headers:  # a replay sends what is recorded, and so without compression
        headers, body = {name: value for name, value in headers.items() if name != "content-encoding"}, plain
    return Call(method, path, query.decode("latin-1"), headers, body, "", began, mounted=below)


def _aside(request: RelayedRequest, response: RelayedResponse | None, unread: bytes) -> Aside:
    informational = response.informational if response else []
    trailers = [*request.trailers, *(response.trailers if response else ())]
    fields = [*trailers, *(field for one in informational for field in one.headers)]
    decoded = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
    return Aside(tuple(one.status_code for one in informational), len(trailers), decoded, unread)


def _joined(fields: Fields) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _result(response: RelayedResponse) -> tuple[Result, bytes, bool]:
    """The response, its body if that is not JSON or was cut, and whether all of it was read."""
    headers, raw, status = _joined(response.fields), response.body, response.status
    text, is_all = decompressed(raw, _coding(headers))
    is_whole = response.is_complete and response.is_kept and status != 101
    if not is_all:
        return answers.read(status, headers.items(), b"", max_bytes=0), text, is_whole and not raw
    result = answers.read(status, headers.items(), text, max_bytes=MAX_KEPT)
    unread = b"" if result.body is not None else text
    return result, unread, is_whole and not answers.is_unread(text, result)


def _coding(headers: Mapping[str, str]) -> bytes:
    return headers.get("content-encoding", "identity").lower().encode()


def decompressed(raw: bytes, coding: bytes) -> tuple[bytes, bool]:
    """Decompress a body; returns it and whether it is complete. A cut body is decompressed as far as possible."""
    if coding not in CODINGS:
        return b"", False
    if coding == b"identity":
        return raw, True
    for wbits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its head; `deflate` of some is without one
        inflating = zlib.decompressobj(wbits)
        try:
            text = inflating.decompress(raw, MAX_KEPT)
        except zlib.error:
            continue
        return text, not raw or (inflating.eof and not inflating.unused_data)
    return b"", False
