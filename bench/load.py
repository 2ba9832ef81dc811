"""A load generator for machines without wrk: asyncio, keep-alive connections, raw HTTP."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from bench.cases import ETAG, Stream

_PLACE = ETAG.encode()
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ETAG = re.compile(rb"\r\netag: *([^\r]+)", re.IGNORECASE)
_WITHOUT_BODY = (b"204", b"304")


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of a run. `wrong` counts unexpected statuses and broken connections."""

    per_second: float
    p50_ms: float
    p99_ms: float
    wrong: int
    requests: int
    cpu_us: float = math.nan
    """CPU time of the server per request; NaN if the system does not provide it."""


class LoadError(Exception):
    """The load could not be generated, so there are no figures."""


class _Requests:
    """A stream and its position; client connections may share one."""

    def __init__(self, stream: Stream) -> None:
        self.requests = stream.requests
        self.etag = stream.etag.encode()
        self.turn = -1

    def next_request(self) -> bytes:
        """The next request, with the etag of the last response."""
        self.turn += 1
        return self._current().replace(_PLACE, self.etag)

    def answered(self, head: bytes) -> None:
        """Take the etag of a response to a request that contained one."""
        if self.etag and _PLACE in self._current() and (found := _ETAG.search(head)):
            self.etag = found[1]

    def _current(self) -> bytes:
        return self.requests[self.turn % len(self.requests)]


class _LoadState:
    """The state shared by the connections of one run."""

    def __init__(self, statuses: Collection[int], limit: int | None) -> None:
        self.statuses = frozenset(str(status).encode() for status in statuses)
        self.left = limit
        self.until = float("inf")
        self.seconds: list[float] = []
        self.wrong = 0

    def over(self) -> bool:
        """Whether nothing more is to be sent; otherwise reserves one request."""
        if perf_counter() >= self.until or self.left == 0:
            return True
        if self.left is not None:
            self.left -= 1
        return False

    def answered(self, seconds: float, head: bytes) -> None:
        """Count a response."""
        self.seconds.append(seconds)
        self.wrong += head[9:12] not in self.statuses


class _LoadClient(asyncio.Protocol):
    """Sends the next request as soon as the last response is complete."""

    def __init__(self, run: _LoadState, turns: _Requests) -> None:
        self.run = run
        self.turns = turns
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Collect a response; once it is complete, count it and send the next request."""
        self.buffer += data
        if not self.needed:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self.needed = end + 4 + self._body_length(self.buffer[: end + 2])
        if len(self.buffer) >= self.needed:
            head, self.buffer, self.needed = self.buffer.partition(b"\r\n\r\n")[0], b"", 0
            self.run.answered(perf_counter() - self.started, head)
            self.turns.answered(head)
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that ends before its run as a wrong response."""
        if not self.over.done():
            self.run.wrong += 1
            self.over.set_result(None)

    def _send(self) -> None:
        if self.run.over():
            self.over.set_result(None)
            self.transport.close()
            return
        self.started = perf_counter()
        self.transport.write(self.turns.next_request())

    def _body_length(self, head: bytes) -> int:
        found = _LENGTH.search(head)
        if found is None and head[9:12] not in _WITHOUT_BODY:
            self.over.set_exception(LoadError("a response has no Content-Length"))
            self.transport.abort()
        return int(found[1]) if found else 0


def drive(
    port: int,
    streams: Sequence[Stream],
    statuses: Collection[int],
    connections: int,
    *,
    seconds: float | None = None,
    count: int | None = None,
) -> Figures:
    """Send requests for some seconds, or a number of requests. Raises LoadError without a response.

    All connections share a single stream; otherwise there must be one stream per connection.
    """
    run = _LoadState(statuses, count)
    took = asyncio.run(_drive(run, [_Requests(stream) for stream in streams], port, connections, seconds))
    if not run.seconds:
        raise LoadError("there was no response")
    ordered = sorted(run.seconds)
    return Figures(
        per_second=len(ordered) / took,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000,
        wrong=run.wrong,
        requests=len(ordered),
    )


async def _drive(run: _LoadState, turns: list[_Requests], port: int, connections: int, seconds: float | None) -> float:
    loop = asyncio.get_running_loop()
    began = perf_counter()
    if seconds is not None:
        run.until = began + seconds
    opened = [
        loop.create_connection(partial(_LoadClient, run, turns[number % len(turns)]), "127.0.0.1", port)
        for number in range(connections)
    ]
    pairs = await asyncio.gather(*opened)
    await asyncio.gather(*(connection.over for _, connection in pairs))
    return perf_counter() - began
