"""Tests of the server with clients that speak TLS, which ends separately from its connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from mockserver.server import Limits, Server
from mockserver.server.connection import ClientConnection
from tests.server.wire import CLOSE, HEAD, PATIENT, SHORT, Client, running


@dataclass
class Trusted:
    """A server's certificate, and clients that trust it."""

    certificate: tuple[Path, Path]
    context: ssl.SSLContext

    def client(self, server: Server, sent: bytes = b"") -> ssl.SSLSocket:
        host, port = server.url.removeprefix("https://").split(":")
        client = self.context.wrap_socket(socket.create_connection((host, int(port)), timeout=30), server_hostname=host)
        client.sendall(sent)
        return client


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Trusted:
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Trusted((chain, key), context)


def only(server: Server) -> ClientConnection:
    """The connection of the only client."""
    while not [one for one in server._crowd.clients if one.scheme]:  # its handshake is complete
        time.sleep(0.01)
    (connection,) = server._crowd.clients
    return connection


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /" + HEAD + b"\r\n", b"GET /" + HEAD + CLOSE, b"GET /" + HEAD + b"A: ", b"TRACE\r\n\r\n"],
    ids=["nothing", "a request", "the last request", "half a head", "no request"],
)
def test_a_client_that_neither_goes_on_nor_closes_is_cut_off(trusted: Trusted, sent: bytes) -> None:
    """An idle connection stayed open for ever: starting to write had taken its deadline away."""
    with running(certificate=trusted.certificate) as server:
        client = trusted.client(server, sent)
        only(server)
        while server._crowd.clients:
            time.sleep(0.05)
        client.close()


def test_a_connection_that_is_lost_while_its_deadline_passes_does_not_end_the_server(trusted: Trusted) -> None:
    """TLS forgets its socket before it reports the loss. A deadline in between ended the server, for all clients."""
    with running(PATIENT, certificate=trusted.certificate) as server:
        client = trusted.client(server, b"GET /" + HEAD + b"\r\n")
        connection, done = only(server), threading.Event()
        errors: list[Any] = []

        def lose() -> None:
            connection.loop.set_exception_handler(lambda loop, context: errors.append(context))
            connection.raw.abort()
            connection.loop.call_soon(late)  # after TLS has noticed the loss, before the connection is told of it

        def late() -> None:
            assert connection.raw.get_extra_info("socket") is None and connection in server._crowd.clients
            connection.loop.call_soon(done.set)
            connection.cut(reset=True)

        connection.loop.call_soon_threadsafe(lose)
        assert done.wait(60) and not errors
        client.close()


def test_a_connection_that_is_closed_twice_can_still_be_cut_off(trusted: Trusted) -> None:
    """Closed by the response and by the end of the client's input, TLS forgot what it would have had to cut."""
    with running(PATIENT, certificate=trusted.certificate) as server:
        client = trusted.client(server)
        connection = only(server)
        for act in (connection.close, connection.close, lambda: connection.cut(reset=True)):
            connection.loop.call_soon_threadsafe(act)
        while server._crowd.clients:
            time.sleep(0.01)
        client.close()


def test_an_error_while_a_connection_expires_does_not_end_the_server(
    trusted: Trusted, monkeypatch: pytest.MonkeyPatch
) -> None:
    expired: list[ClientConnection] = []

    def expire(connection: ClientConnection) -> None:
        expired.append(connection)
        connection.deadline += 3600
        raise AssertionError

    monkeypatch.setattr(ClientConnection, "expire", expire)
    with running(certificate=trusted.certificate) as server:
        idle = trusted.client(server)
        while not expired:
            time.sleep(0.05)
        idle.close()
        assert trusted.client(server, b"GET /" + HEAD + CLOSE).recv(12) == b"HTTP/1.1 200"


def test_clients_that_connect_and_stay_silent_lose_their_place_to_others(trusted: Trusted) -> None:
    """With 256 descriptors, 320 of them kept everybody else out until their handshakes had timed out."""
    with running(PATIENT, certificate=trusted.certificate) as server:
        server._crowd.max_clients = 5
        address = server.url.removeprefix("https://").split(":")
        silent = [socket.create_connection((address[0], int(address[1])), timeout=30) for _ in range(20)]
        for number in range(3):
            answered = trusted.client(server, b"GET /" + HEAD + b"\r\n")
            assert answered.recv(12) == b"HTTP/1.1 200", number
            answered.close()
        for client in silent[:12]:
            with contextlib.suppress(ConnectionError):
                assert client.recv(1) == b""
        silent[-1].setblocking(False)
        with pytest.raises(BlockingIOError):  # the newest may still begin
            silent[-1].recv(1)
        for client in silent:
            client.close()


@pytest.mark.parametrize("begun", [b"GET /" + HEAD + b"A: ", b""], ids=["half a head", "nothing"])
def test_who_reads_late_still_has_to_go_on(begun: bytes) -> None:
    """Once a client had read what it had left unread, nothing it had begun had a deadline."""
    limits = replace(SHORT, write_seconds=60)
    with running(limits) as server:
        client = Client(server, b"GET /large" + HEAD + b"\r\n" + begun)
        connection = only(server)
        while not connection.flow.write_paused:
            time.sleep(0.01)
        received = client.read()  # until the server closes
        assert received.startswith(b"HTTP/1.1 200") and (b"HTTP/1.1 408" in received[-2000:]) is bool(begun)


def test_who_reads_nothing_is_cut_off_although_it_has_time_for_other_things() -> None:
    limits = Limits(header_seconds=3600, body_seconds=3600, write_seconds=0.3, idle_seconds=3600)
    with running(limits) as server:
        client = Client(server, b"GET /large" + HEAD + b"\r\n")
        only(server)
        while server._crowd.clients:
            time.sleep(0.05)
        client.socket.close()
