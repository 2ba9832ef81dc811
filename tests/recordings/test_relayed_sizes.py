"""Tests that a recorder passes bodies of any size, and keeps no more of them than its limits say."""

from __future__ import annotations

import threading
import tracemalloc

import pytest

from mockserver.intercept import messages
from mockserver.intercept.relay import Relay
from tests.recordings.test_unchanged import GET, Service, accepted, connected, received


def test_bodies_of_any_size_pass_in_bounded_memory() -> None:
    """They are larger than what is recorded of them."""
    service, piece, pieces = Service(), b"x" * 1_000_000, 100
    length = b"Content-Length: %d\r\n\r\n" % (len(piece) * pieces)
    head = b"PUT /x HTTP/1.1\r\nHost: %b\r\n" % service.name.encode() + length

    def answer_all() -> None:
        peer = accepted(service.listener)
        received(peer, len(head))
        for _ in range(pieces):
            received(peer, len(piece))
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + length)
        for _ in range(pieces):
            peer.sendall(piece)
        peer.close()

    answering = threading.Thread(target=answer_all)
    tracemalloc.start()
    try:
        with service.recorded() as client:
            answering.start()
            client.sendall(head)
            for _ in range(pieces):
                client.sendall(piece)
            size = 0
            while data := client.recv(65_536):
                size += len(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        answering.join()
    assert size > len(piece) * pieces
    assert peak < 30_000_000
    ((call, result, _, whole, _),) = service.seen
    assert (call.body, result.status, whole) == (b"", 200, False)


def test_the_bodies_of_all_connections_share_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_KEPT_TOGETHER", 100_000)
    service, size = Service(), 60_000
    head, body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size, b" " * size
    server = Relay(lambda *one: service.seen.append(one), f"http://{service.name}").server()
    server.start()
    with connected(server.url) as one, connected(server.url) as other, connected(server.url) as refused:
        refused.sendall(b"POST * HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + b" " * 50_000)
        assert b" 400 " in received(refused, 1_000)
        peers = []
        for client in (one, other):
            client.sendall(GET)
            peers.append(accepted(service.listener))
            peers[-1].recv(65_536)
        for peer, client in zip(peers, (one, other), strict=True):  # both have all but the last byte
            peer.sendall(head + body[1:])
            received(client, len(head + body) - 1)
        for peer, client in zip(peers, (one, other), strict=True):
            peer.sendall(b"1")
            received(client, 1)
        one.sendall(GET)
        peers[0].recv(65_536)
        peers[0].sendall(head + body[1:] + b"1")
        received(one, len(head + body))
        for peer in peers:
            peer.close()
    server.stop()
    assert [whole for *_, whole, _ in service.seen] == [True, False, True]


def test_a_body_in_chunks_of_a_byte_takes_its_own_size() -> None:
    """A list of its pieces took forty times as much."""
    request = messages.RelayedRequest(messages.Kept())
    assert request.read(b"PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n") == b""
    tracemalloc.start()
    try:
        for _ in range(20):
            request.read(b"1\r\nx\r\n" * 1_000)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert request.body == b"x" * 20_000
    assert held < 60_000
