"""Trial of bodies that use much memory: large, long, compressed, incomplete, many at once."""

from __future__ import annotations

import gzip
import json
import socket
import tempfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from tests.calls import HEADERS
from tests.torture.server import Server
from tests.torture.trial import Outcome, Say, trial

MIB = 1_048_576
MAX_GROWN = 192 * MIB
"""Allowed bytes beyond a server after one request: the journal, and a body with its parsed form per thread."""

_HELD = 100
"""Connections that wait with half a body. Each may cost a full body."""

_ENDLESS = 8 * MIB
"""Bytes offered of an endless body; the response must come before all are accepted."""


@trial("bodies", "no body, however large, compressed or slow, takes unbounded memory; each gets a 4xx",
       full=1_200, short=30)  # fmt: skip
def bodies(count: int, say: Say) -> Outcome:
    outcome = Outcome()
    kinds: tuple[Callable[[], Iterator[bytes]], ...] = (_bomb, _deflated, _values, _text, _long, _chunked)
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        server.client()("POST", "/connections", {})
        before, held = _most(server), [_half(server) for _ in range(min(count, _HELD))]
        statuses: dict[int, int] = {}
        for number in range(count):
            kind = kinds[number % len(kinds)]
            status, shape = _send(server, kind())
            statuses[status] = statuses.get(status, 0) + 1
            outcome.demand(400 <= status < 500 and shape, f"{kind.__name__} is told {status}")
            if number % max(1, count // 5) == 0:
                say(f"{number} of {count} bodies")
        status, _ = server.client()("GET", "/connections?limit=1")
        outcome.demand(status == 200, f"another client is told {status}")
        grown = _most(server) - before
        for end in held:
            end.close()
    outcome.demand(grown < MAX_GROWN, f"memory grew by {grown / MIB:.0f} MiB")
    told = {f"told {status}": times for status, times in sorted(statuses.items())}
    outcome.figures = {
        "bodies": count,
        "half bodies held open": len(held),
        **told,
        "MiB more at most": round(grown / MIB),
    }
    return outcome


def _most(server: Server) -> int:
    """The peak memory of the process in bytes."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def _head(*more: str) -> bytes:
    named = {**HEADERS, "host": "127.0.0.1", "content-type": "application/json", "connection": "close"}
    lines = ["POST /connections HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), *more, "", ""]
    return "\r\n".join(lines).encode()


def _whole(body: bytes, *more: str) -> Iterator[bytes]:
    yield _head(f"Content-Length: {len(body)}", *more) + body


def _bomb() -> Iterator[bytes]:
    """One gibibyte, compressed to one mebibyte."""
    return _whole(_gibibyte(), "Content-Encoding: gzip")


def _deflated() -> Iterator[bytes]:
    return _whole(_packed(), "Content-Encoding: deflate")


def _values() -> Iterator[bytes]:
    """As many values as fit."""
    return _whole(b"[" + b"[]," * (MIB // 3 - 2) + b"[]]")


def _text() -> Iterator[bytes]:
    """One text as long as a body may be."""
    return _whole(json.dumps({"name": "x" * (MIB - 20)}).encode())


def _long() -> Iterator[bytes]:
    """Ten announced gibibytes, sent as long as they are accepted."""
    yield _head(f"Content-Length: {10 * 1024 * MIB}")
    yield from (b" " * 65_536 for _ in range(_ENDLESS // 65_536))


def _chunked() -> Iterator[bytes]:
    """Endless chunks."""
    yield _head("Transfer-Encoding: chunked")
    yield from (b"10000\r\n" + b" " * 65_536 + b"\r\n" for _ in range(_ENDLESS // 65_536))


@cache
def _packed() -> bytes:
    """64 MiB, compressed by zlib."""
    return zlib.compress(b" " * (64 * MIB), 9)


@cache
def _gibibyte() -> bytes:
    """A gibibyte compressed by gzip, whose members can be concatenated."""
    return gzip.compress(b" " * (64 * MIB)) * 16


def _half(server: Server) -> socket.socket:
    """Half of the largest body, then silence."""
    end = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    end.sendall(_head(f"Content-Length: {MIB}") + b" " * 65_536)
    return end


def _send(server: Server, parts: Iterator[bytes]) -> tuple[int, bool]:
    """The status, and whether the body is the service's."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as end:
        try:
            for part in parts:
                end.sendall(part)
        except OSError:
            pass  # the server has closed
        answer = b""
        try:
            while more := end.recv(65_536):
                answer += more
        except OSError:
            pass
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return 0, False
    told = json.loads(body)
    return int(head.split()[1]), {"type", "title", "status"} <= told.keys()
