"""Tests of clients that leave while a fault delays their response, also behind requests that are not read yet."""

from __future__ import annotations

import dataclasses
import queue
import socket
import struct
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mockserver.server import Server
from mockserver.web.bridge import Pace
from mockserver.web.received import PACE
from tests.rows import each
from tests.server.wire import HEAD, PATIENT, AtOnce, Client, post, running

ASKED = b"GET /" + HEAD + b"\r\n"
BEHIND = {
    "nothing": b"",
    "a request": ASKED,
    "half a request": ASKED[:20],
    "more requests than are read": ASKED * 40,
    "a large body": post(b"Content-Length: 900000", body=b"a" * 900_000),
    "half a large body": post(b"Content-Length: 900000", body=b"a" * 450_000),
}
"""What a client sends behind the request whose response is delayed."""

LONG = dataclasses.replace(PATIENT, grace_seconds=600)


class Late:
    """An application whose responses are delayed for longer than any test; it notes what becomes of them."""

    def __init__(self) -> None:
        self.begun, self.hung_up, self.freed = (queue.SimpleQueue[None]() for _ in range(3))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        def hung_up() -> None:
            self.hung_up.put(None)

        weakref.finalize(hung_up, self.freed.put, None)
        environ[PACE] = Pace(delay_seconds=1_000, hung_up=hung_up)
        start_response("200 OK", [("Content-Length", "4")])
        self.begun.put(None)
        return [b"late"]


@contextmanager
def waiting(behind: bytes) -> Iterator[tuple[Server, Late, Client]]:
    """A client that waits for a response."""
    late = Late()
    with running(LONG, app=late) as server:
        client = Client(server)
        client.socket.setblocking(False)  # the server may not read all of it
        client.socket.sendall(ASKED)
        late.begun.get(timeout=30)
        if behind:
            client.socket.send(behind)
        yield server, late, client


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a connection")
@pytest.mark.parametrize("behind", BEHIND)
def test_a_delayed_response_is_freed_when_its_client_resets_the_connection(behind: str) -> None:
    """Of a client with another request behind, it was kept until the delay was over, and a stop waited for it."""
    with waiting(BEHIND[behind]) as (_, late, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
        late.hung_up.get(timeout=20)
        late.freed.get(timeout=20)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a connection")
@pytest.mark.parametrize("behind", [name for name in BEHIND if "body" not in name])
def test_a_client_that_ends_its_side_before_a_delayed_response_is_noticed(behind: str) -> None:
    """Not behind a large body: its end arrives after that."""
    with waiting(BEHIND[behind]) as (_, late, client):
        client.socket.shutdown(socket.SHUT_WR)
        late.hung_up.get(timeout=20)


@pytest.mark.parametrize("left", [True, False], ids=["left", "there"])
@pytest.mark.parametrize("behind", ["nothing", "a request", "a large body"])
def test_a_stop_does_not_wait_for_a_delay(behind: str, left: bool) -> None:
    """It took ten seconds, and then the client got a reset."""
    with waiting(BEHIND[behind]) as (server, _, client):
        client.socket.settimeout(30)
        if left:
            client.socket.close()
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        stopping.join(20)
        assert not stopping.is_alive()
        assert left or client.read().startswith(b"HTTP/1.1 200 ")


@each("follows", [b"", b"GET /"])
def test_a_client_that_ends_its_side_in_the_moment_of_its_response_gets_it(follows: bytes) -> None:
    """Beside other clients, a response is written a moment later: the connection was closed before."""
    with running(PATIENT, app=AtOnce()) as server:
        other = Client(server, ASKED)
        assert other.socket.recv(15) == b"HTTP/1.1 200 OK"
        client = Client(server, post(b"Content-Length: 2", b"Expect: 100-continue"))
        assert client.socket.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sent = threading.Event()
        server._loop.call_soon_threadsafe(sent.wait)
        client.send(b"ab" + follows)
        client.socket.shutdown(socket.SHUT_WR)
        sent.set()
        assert client.read().startswith(b"HTTP/1.1 200 OK\r\n")
