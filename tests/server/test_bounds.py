"""Tests of the memory that all clients together may use, and of responses meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import queue
import select
import socket
import struct
import sys
import threading
import time
import tracemalloc
import weakref
from array import array
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockserver import Config, Emulator
from mockserver.server import Server
from mockserver.server import connection as connection_of_a_client
from mockserver.web.bridge import (
    BUSY_THREADS,
    PACE,
    PAGE_THREADS,
    TURN_TAKING_THREADS,
    HttpAnswer,
    Pace,
    Turn,
    wsgi_server,
)
from mockserver.web.received import Received
from mockserver.web.served import Served
from tests.calls import HEADERS, connection
from tests.server.wire import CLOSE, HEAD, LARGE, PATIENT, Client, app, get, inside, planned, post, release, running


def broken(clients: list[Client], seconds: float = 5) -> list[Client]:
    """The clients whose connections were reset by then."""
    poll = select.poll()
    for client in clients:
        poll.register(client.socket, select.POLLHUP | select.POLLERR)
    found = {descriptor for descriptor, _ in poll.poll(seconds * 1000)}
    return [client for client in clients if client.socket.fileno() in found]


@pytest.mark.parametrize("number", [3, 6])
def test_whoever_leaves_most_unread_is_cut_off_and_nobody_else(number: int) -> None:
    limits = dataclasses.replace(PATIENT, held_bytes=int(1.5 * LARGE), grace_seconds=0.1)
    with running(limits) as server:
        small = Client(server, b"GET /" + HEAD + b"\r\n")
        hogs = [Client(server, b"GET /large" + HEAD + b"\r\n") for _ in range(number)]
        cut: list[Client] = []
        while len(cut) < number - 2:
            found = broken([hog for hog in hogs if hog not in cut])
            assert found, "memory is kept for all of them"
            cut += found
        get(server)
        left = [hog for hog in hogs if hog not in cut]
        assert len(left) == 2 and not broken([*left, small], 0.2)
        small.send(b"GET /" + HEAD + CLOSE)
        assert [status for status, _ in small.answers()] == [200, 200]


def test_bodies_that_do_not_come_to_their_end_count_too() -> None:
    half = post(b"Content-Length: 1000000", body=b"a" * 900_000)
    with running(dataclasses.replace(PATIENT, held_bytes=3_000_000, grace_seconds=0.1)) as server:
        hogs = [Client(server, half) for _ in range(8)]
        assert broken(hogs)
        get(server)


@pytest.mark.parametrize("held_bytes", [1, 1_000_000])
def test_one_client_alone_may_have_more_than_all_together(held_bytes: int) -> None:
    with running(dataclasses.replace(PATIENT, held_bytes=held_bytes)) as server:
        [(status, body)] = Client(server, b"GET /large" + HEAD + CLOSE).answers()
        assert (status, len(body)) == (200, LARGE)


@pytest.mark.parametrize(
    "request_", [b"GET /" + HEAD + b"\r\n", post(b"Content-Length: 3", body=b"abc"), b"GET / HTTP/1.1\r\nHost:\r\n\r\n"]
)
def test_requests_that_wait_are_left_in_the_network(request_: bytes) -> None:
    release.clear()
    with running(PATIENT) as server:
        client = Client(server, b"GET /wait" + HEAD + b"\r\n")
        assert inside.acquire(timeout=60)
        client.socket.setblocking(False)
        flood, sent = request_ * (65_536 // len(request_)), 0
        with contextlib.suppress(BlockingIOError):
            while sent < 64 * 2**20:
                sent += client.socket.send(flood)
                select.select([], [client.socket], [], 0.05)
        assert sent < 32 * 2**20, "it is read without end"
        get(server)
        release.set()


@pytest.fixture
def emulated() -> Iterator[Server]:
    server = Served(Emulator(Config(seed=1, log="none"))).listen()
    server.start()
    yield server
    server.stop()


def test_a_page_has_a_size_in_bytes_and_the_next_one_goes_on(emulated: Server) -> None:
    wire = http.client.HTTPConnection(urlsplit(emulated.url).netloc, timeout=20)

    def ask(method: str, path: str, body: object = None) -> tuple[int, bytes]:
        sent = {**HEADERS, "Content-Type": "application/json"} if body else HEADERS
        wire.request(method, path, json.dumps(body) if body else None, sent)
        response = wire.getresponse()
        return response.status, response.read()

    for number in range(9):
        assert (
            ask("POST", "/connections", {**connection(), "name": str(number), "description": "x" * 900_000})[0] == 201
        )
    path, names, pages = "/connections?limit=100&orderby=name", [], 0
    while path:
        status, body = ask("GET", path)
        assert status == 200 and len(body) < 4 * 2**20 + 2_000
        page = json.loads(body)
        names += [item["name"] for item in page["items"]]
        path, pages = page["_links"].get("next", {}).get("href", ""), pages + 1
    assert names == [str(number) for number in range(9)] and pages == 3


def test_health_is_answered_while_all_threads_are_taken() -> None:
    class Both(Served):
        def plan(self, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]]:
            return planned(Turn.THREAD, received) if received.path == b"/wait" else super().plan(received)

    release.clear()
    with running(PATIENT, threads=2, app=Both(Emulator(Config(seed=1, log="none")))) as server:
        waiting = [Client(server, b"GET /wait" + HEAD + CLOSE) for _ in range(4)]
        assert inside.acquire(timeout=60) and inside.acquire(timeout=60)
        [(status, _)] = Client(server, b"GET /_mock/health" + HEAD + CLOSE).answers()
        assert status == 200
        release.set()
        assert [client.answers()[0][0] for client in waiting] == [200] * 4
    assert inside.acquire(timeout=60) and inside.acquire(timeout=60)


FEW = {Turn.BUSY: BUSY_THREADS, Turn.PAGE: PAGE_THREADS, Turn.TURN_TAKING: TURN_TAKING_THREADS}


@pytest.mark.parametrize(("turn", "threads"), FEW.items())
def test_only_a_few_requests_compute_at_once(turn: Turn, threads: int) -> None:
    release.clear()

    class Computing:
        __call__ = staticmethod(app)

        def plan(self, received: Received) -> tuple[Turn, Callable[[], HttpAnswer]]:
            return planned(turn if received.path == b"/wait" else Turn.THREAD, received)

    with running(PATIENT, app=Computing()) as server:
        waiting = [Client(server, b"GET /wait" + HEAD + CLOSE) for _ in range(threads + 2)]
        assert all(inside.acquire(timeout=60) for _ in range(threads))
        get(server)
        assert not inside.acquire(blocking=False), "another one runs as well"
        release.set()
        assert [client.answers()[0][0] for client in waiting] == [200] * len(waiting)
    assert all(inside.acquire(timeout=60) for _ in range(2))


@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_the_response_for_a_client_that_has_gone_does_not_count_for_ever(size: int) -> None:
    """After 128 MiB of such responses, every other client that left something unread was cut off."""
    computing, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        content = b"x"
        if environ["PATH_INFO"] == "/large":
            computing.set()
            go_on.wait(60)
            content *= size
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content]

    with running(PATIENT, threads=1, app=slow) as server:
        client = Client(server, b"GET /large" + HEAD + b"\r\n")
        assert computing.wait(60)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.socket.close()
        while server._crowd.clients:
            time.sleep(0.01)
        go_on.set()
        [(status, _)] = Client(server, b"GET /" + HEAD + CLOSE).answers()  # once the only thread is free again
        assert status == 200 and server._crowd._held == 0


def test_a_thread_that_waits_keeps_nothing_of_the_request_it_answered() -> None:
    """An import of 225 MB stayed in memory until its thread, one of 16, got another request."""
    freed = threading.Event()

    def keeping(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        weakref.finalize(environ["wsgi.input"], freed.set)
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with running(PATIENT, threads=1, app=keeping) as server:
        assert [status for status, _ in Client(server, b"GET /" + HEAD + CLOSE).answers()] == [200]
        assert freed.wait(10)


def test_responses_that_are_delayed_count_and_are_let_go_with_their_clients() -> None:
    """150 lists of 4 MiB that a fault delayed for 20 seconds took 600 MiB."""
    freed: queue.SimpleQueue[None] = queue.SimpleQueue()

    def late(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        def hung_up() -> None:
            """Held by the response."""

        weakref.finalize(hung_up, freed.put, None)
        environ[PACE] = Pace(delay_seconds=1_000, hung_up=hung_up)
        start_response("200 OK", [("Content-Length", str(LARGE))])
        return [b"x" * LARGE]

    limits = dataclasses.replace(PATIENT, held_bytes=int(2.5 * LARGE), grace_seconds=0.1)
    with running(limits, app=late) as server:
        clients = [Client(server, b"GET /" + HEAD + b"\r\n") for _ in range(6)]
        cut: list[Client] = []
        while len(cut) < 3:
            found = broken([one for one in clients if one not in cut])
            assert found, "memory is kept for all of them"
            cut += found
        for _ in range(3):
            freed.get(timeout=10)


@pytest.mark.parametrize("size", [2**20, -1], ids=["in-pieces", "at-once"])
def test_a_large_body_is_handed_over_in_the_pieces_it_came_in(size: int) -> None:
    """An import of 238 MB was copied in one step, during which nobody was answered for 0.1 to 0.6 s."""
    sent = array("Q", range(3 * 2**20)).tobytes()
    found = []

    def importing(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        stream, at, same = environ["wsgi.input"], 0, True
        while piece := stream.read(size):
            same = same and piece == memoryview(sent)[at : at + len(piece)]
            at += len(piece)
        found.append((same, at))
        start_response("200 OK", [("Content-Length", "0")])
        return []

    whole = post(b"Content-Length: %d" % len(sent), b"Connection: close", body=sent)
    with running(dataclasses.replace(PATIENT, larger_bodies={"/": len(sent)}), app=importing) as server:
        tracemalloc.start()
        try:
            [(status, _)] = Client(server, whole).answers()
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert status == 200 and found == [(True, len(sent))]
    assert size < 0 or most < 1.3 * len(sent)


@pytest.mark.parametrize("size", [100_000, 200_000])
def test_a_body_is_parsed_in_as_many_steps_as_it_is_read(size: int) -> None:
    """Clients that sent half a body and left took 1.4 ms each, so that new ones waited for seconds behind them."""
    steps: list[str] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename == connection_of_a_client.__file__:
            steps.append(frame.f_code.co_name)

    server = wsgi_server(app, limits=PATIENT)
    sent = post(b"Content-Length: %d" % size, b"Connection: close", body=b"a" * size)
    client = Client(server, sent)  # all of it waits in the network until the server reads
    threading.setprofile(watch)
    try:
        server.start()
        [(status, _)] = client.answers()
    finally:
        threading.setprofile(None)
        server.stop()
    assert status == 200 and 1 <= steps.count("on_body") <= 1 + steps.count("data_received")


def test_requests_behind_a_body_are_told_from_it(emulated: Server) -> None:
    body = json.dumps({**connection(), "description": "x" * 100_000}).encode()
    fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items()).encode()
    fields += b"Content-Type: application/json\r\n"
    one = b"POST /connections" + HEAD + fields + b"Content-Length: %d\r\n\r\n" % len(body)
    last = b"GET /connections?count=true" + HEAD + fields + CLOSE
    statuses = [status for status, _ in Client(emulated, (one + body) * 3 + last).answers()]
    assert statuses == [201, 201, 201, 200]


def read_of(size: int, missing: int) -> int:
    """Bytes of a body that the server reads of a client that sends so many, ends its side and lacks some more."""
    read = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and (code.co_name, code.co_filename) == ("data_received", connection_of_a_client.__file__):
            read.append(len(frame.f_locals["data"]))

    server = wsgi_server(app, limits=PATIENT)
    client = Client(server, post(b"Content-Length: %d" % (size + missing), b"Connection: close", body=b"a" * size))
    client.socket.shutdown(socket.SHUT_WR)
    threading.setprofile(watch)
    try:
        server.start()
        assert [status for status, _ in client.answers()] == ([] if missing else [200])
    finally:
        threading.setprofile(None)
        server.stop()
    return sum(read)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a connection")
def test_the_body_of_a_client_that_has_left_is_not_read() -> None:
    size = 500_000
    assert read_of(size, 1) < 300_000
    assert read_of(size, 0) > size


def test_a_client_that_leaves_within_a_streamed_response_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    """An export that was broken off was logged as an error, and its connection to the database freed in the loop."""
    closed: queue.SimpleQueue[str] = queue.SimpleQueue()

    def endless(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.put(threading.current_thread().name)

    with running(PATIENT, app=endless) as server:
        for reset in (True, False):
            client = Client(server, b"GET /" + HEAD + b"\r\n")
            assert client.socket.recv(1_000)
            if reset:
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.socket.close()
            assert closed.get(timeout=20) != "mockserver-loop"
    assert not caplog.records


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a connection")
def test_what_a_client_sent_before_it_ended_its_side_is_answered() -> None:
    """The body waits unparsed behind more requests than are read ahead."""
    server = wsgi_server(app, limits=PATIENT)
    sent = (b"GET /" + HEAD + b"\r\n") * 20 + post(b"Content-Length: 20000", body=b"a" * 20_000)
    client = Client(server, sent)
    client.socket.shutdown(socket.SHUT_WR)
    server.start()
    answers = client.answers()
    server.stop()
    assert [status for status, _ in answers] == [200] * 21 and json.loads(answers[-1][1])["length"] == 20_000
