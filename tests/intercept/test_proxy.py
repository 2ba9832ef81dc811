"""Tests of the proxy over sockets: what it forwards, what it refuses, and that it hides our own API."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from mockserver.clients.program import PrivateServer
from mockserver.config import Config
from mockserver.emulator import Emulator
from mockserver.exchange import BASE_PATH
from mockserver.intercept import proxy, streams
from mockserver.intercept.front import EmulatedHostsOnly
from mockserver.intercept.hosts import EMULATED
from mockserver.web.received import Received
from mockserver.web.served import Served
from tests.calls import send
from tests.intercept.conftest import Intercepted


def proxy_port(intercepted: Intercepted) -> int:
    return int(intercepted.environment()["HTTPS_PROXY"].rpartition(":")[2])


def say(intercepted: Intercepted, sent: bytes) -> bytes:
    """Send bytes to the proxy; returns its response until it closes."""
    with socket.create_connection(("127.0.0.1", proxy_port(intercepted)), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def tunnel(intercepted: Intercepted, host: str = "platform.adobe.io") -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=intercepted.environment()["SSL_CERT_FILE"])
    connection = http.client.HTTPSConnection("127.0.0.1", proxy_port(intercepted), timeout=60, context=context)
    connection.set_tunnel(host)
    return connection


END = b" HTTP/1.1\r\nHost: platform.adobe.io\r\n\r\n"

REFUSED = {
    "another-host": (b"CONNECT example.com:443" + END, 403, b"example.com:443 is not emulated"),
    "another-port": (b"CONNECT platform.adobe.io:22" + END, 403, b"platform.adobe.io:22"),
    "this-machine": (b"CONNECT 127.0.0.1:22" + END, 403, b"127.0.0.1:22"),
    "metadata": (b"CONNECT 169.254.169.254:80" + END, 403, b"169.254.169.254"),
    "look-alike": (b"CONNECT platform.adobe.io.example.com:443" + END, 403, b"platform.adobe.io.example.com"),
    "user-before-host": (b"GET http://platform.adobe.io@example.com/" + END, 403, b"example.com"),
    "plain-another-host": (b"GET http://example.com/" + END, 403, b"example.com"),
    "plain-this-machine": (b"GET http://localhost/_mock/state" + END, 403, b"localhost"),
    "another-scheme": (b"GET ftp://platform.adobe.io/" + END, 400, b"whole URL"),
    "no-address": (b"GET http://[platform.adobe.io/" + END, 400, b"whole URL"),
    "no-url": (b"GET /connections" + END, 400, b"whole URL"),
    "no-request": (b"\x16\x03\x01\r\n\r\n", 400, b"not an HTTP request"),
    "password-before-host": (b"CONNECT me:a-password@example.com:443" + END, 403, b"example.com:443"),
    "line-break-in-name": (b"CONNECT exa\x0bmple.com:443" + END, 403, b"example.com:443"),
    "endless-head": (b"CONNECT platform.adobe.io:443 HTTP/1.1\r\n" + b"A: b\r\n" * 20_000, 431, b"65536"),
}


@pytest.mark.parametrize(("sent", "status", "says"), REFUSED.values(), ids=REFUSED)
def test_it_refuses_and_says_why(intercepted: Intercepted, sent: bytes, status: int, says: bytes) -> None:
    line, _, rest = say(intercepted, sent).partition(b"\r\n")
    assert line.startswith(b"HTTP/1.1 %d " % status) and says in line and says in rest
    assert b"password" not in line + rest and not any("password" in host for host in intercepted.interception.refused)
    assert not intercepted.emulator.journal.entries()


NO_MOCK = ("/_mock/", "/_mock/state", "//_mock/state", "/%5fmock/state", "/_MOCK/state", "/_mock", "/_mock/health")


@pytest.mark.parametrize("path", NO_MOCK)
def test_what_controls_the_emulator_is_not_reached_through_the_proxy(intercepted: Intercepted, path: str) -> None:
    connection = tunnel(intercepted)
    for headers in ({}, {"Host": "localhost"}, {"Host": "127.0.0.1"}):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status in (403, 404) and b"records" not in answer.read()
    connection.close()
    plain = say(intercepted, b"GET http://platform.adobe.io" + path.encode() + END)
    assert plain.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    ("host", "path", "past_flask"),
    [
        ("platform.adobe.io", BASE_PATH + "/connections", True),
        ("platform.adobe.io", "/_mock/health", False),
        ("localhost", "/_mock/health", False),
        ("localhost", BASE_PATH + "/connections", False),
    ],
)
def test_the_api_is_answered_past_flask_for_adobes_hosts_only(host: str, path: str, past_flask: bool) -> None:
    front = EmulatedHostsOnly(Served(Emulator(Config(seed=1))))
    scope = {"method": "GET", "http_version": "1.1", "state": {}}
    planned = front.plan(Received(scope, path.encode(), "", {"host": host}, b""))
    assert (planned is not None) == past_flask


def test_after_a_first_request_the_connection_leads_nowhere_else(intercepted: Intercepted) -> None:
    first = b"GET http://platform.adobe.io/connections HTTP/1.1\r\nHost: platform.adobe.io\r\n\r\n"
    second = b"GET http://127.0.0.1/_mock/state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answers = say(intercepted, first + second)
    assert answers.count(b"HTTP/1.1 403") == 2 and b"127.0.0.1 is not emulated" in answers


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_for_a_whole_url_is_answered(intercepted: Intercepted, scheme: str) -> None:
    answer = say(intercepted, f"GET {scheme}://platform.adobe.io/connections".encode() + END)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden") and b"Api Key is required" in answer


@pytest.mark.parametrize("host", EMULATED)
def test_every_emulated_host_is_answered_by_the_emulator_itself(intercepted: Intercepted, host: str) -> None:
    connection = tunnel(intercepted, host)
    connection.request("GET", "/nothing")  # without headers: the gateway refuses it
    assert connection.getresponse().status == 403
    connection.close()
    assert [entry.error for entry in intercepted.emulator.journal.entries()] == ["403000"]


def test_an_event_arrives_at_the_inlet_under_the_host_that_its_url_names(intercepted: Intercepted) -> None:
    spec = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}  # HTTP API
    auth = {"specName": "Streaming Connection", "params": {"dataType": "raw", "name": "events"}}
    made = send(intercepted.emulator, "POST", "/connections", {"name": "events", "connectionSpec": spec, "auth": auth})
    shown: Any = send(intercepted.emulator, "GET", f"/connections/{cast(Any, made.body)['id']}").body
    url = urlsplit(shown["items"][0]["auth"]["params"]["inletUrl"])
    connection = tunnel(intercepted, str(url.hostname))
    connection.request("POST", url.path, b'{"name": "Ada"}', {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize("host", ["platform.adobe.io.", "Platform.Adobe.IO", "PLATFORM.adobe.io."])
def test_a_name_in_another_spelling_leads_here_and_is_judged(intercepted: Intercepted, host: str) -> None:
    """Certificates and SNI have no final dot, so clients omit it there."""
    context = ssl.create_default_context(cafile=intercepted.environment()["SSL_CERT_FILE"])
    with socket.create_connection(("127.0.0.1", proxy_port(intercepted)), timeout=30) as connection:
        connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with context.wrap_socket(connection, server_hostname="platform.adobe.io") as secure:
            secure.sendall(f"GET {BASE_PATH}/connections HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert secure.recv(65_536).startswith(b"HTTP/1.1 403 ")
    [entry] = intercepted.emulator.journal.entries()
    assert (entry.error, entry.operation) == ("403000", "listConnections")


def test_a_certificate_is_shown_that_verifies_with_the_strictest_flags(intercepted: Intercepted) -> None:
    connection = tunnel(intercepted)
    connection._context.verify_flags |= ssl.VERIFY_X509_STRICT
    connection._context.set_alpn_protocols(["h2", "http/1.1"])
    connection.connect()
    assert connection.sock.selected_alpn_protocol() == "http/1.1"
    connection.close()


def test_a_connection_that_the_server_breaks_is_broken_for_the_client(intercepted: Intercepted) -> None:
    # unencrypted, because Python's ssl does not distinguish a reset from an end
    request = (
        b"GET http://platform.adobe.io/connections HTTP/1.1\r\nHost: platform.adobe.io\r\nx-mock-fault: reset\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", proxy_port(intercepted)), timeout=30) as connection:
        connection.sendall(request)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_one_connection_serves_many_requests_and_no_small_write_waits_for_more(
    intercepted: Intercepted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nagle's algorithm would delay each by 40 ms."""
    without_nagle, both_ways = [], proxy.both_ways

    async def watched(*ends: Any) -> None:
        for end in ends:
            sock = end.writer.get_extra_info("socket")
            without_nagle.append(bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        await both_ways(*ends)

    monkeypatch.setattr(proxy, "both_ways", watched)
    connection = tunnel(intercepted)
    for _ in range(20):
        connection.request("GET", "/connections")
        assert connection.getresponse().read()
    assert without_nagle == [True, True], "of the client and of the server, once"


def test_a_head_that_does_not_arrive_in_time_is_refused(
    intercepted: Intercepted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "HEAD_SECONDS", 0.05)
    with socket.create_connection(("127.0.0.1", proxy_port(intercepted)), timeout=30) as connection:
        connection.sendall(b"CONNECT platform.adobe.io:443 HTTP/1.1\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")


def test_a_crowd_is_refused(intercepted: Intercepted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_CLIENTS", 0)
    with socket.create_connection(("127.0.0.1", proxy_port(intercepted)), timeout=30) as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 503 ")


def test_of_refused_hosts_a_bounded_number_is_remembered() -> None:
    with PrivateServer(Config(log="none")) as server, started(server) as own:
        for number in (*range(60), 0):
            with socket.create_connection(("127.0.0.1", own.port), timeout=30) as connection:
                connection.sendall(b"CONNECT host-%d.example.com:443" % number + END)
                assert connection.recv(65_536).startswith(b"HTTP/1.1 403 ")
        assert (len(own.refused), own.refused["host-0.example.com:443"]) == (50, 2)


@contextmanager
def started(server: PrivateServer) -> Iterator[proxy.Proxy]:
    """A proxy whose tunnels lead to a server without TLS."""
    port = int(server.url.rpartition(":")[2])
    own = proxy.Proxy(port, port)
    own.start()
    try:
        yield own
    finally:
        own.stop()


def test_stopping_ends_every_tunnel_and_gives_the_port_back() -> None:
    never = proxy.Proxy(1, 1)
    never.stop()
    with PrivateServer(Config(log="none")) as server, started(server) as own:
        connection = socket.create_connection(("127.0.0.1", own.port), timeout=30)
        connection.sendall(b"CONNECT platform.adobe.io:443" + END)
        assert b"established" in connection.recv(65_536)
        own.stop()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        connection.close()
    for stopped in (never, own):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", stopped.port), timeout=30)
