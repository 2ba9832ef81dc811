"""Tests of faults over sockets, and with Flask's test client."""

import http.client
import select
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from mockserver import Config, Emulator, create_app
from mockserver.server import Limits, Server
from mockserver.web.served import Served
from tests.calls import HEADERS


@pytest.fixture
def server() -> Iterator[Server]:
    server = Served(Emulator(Config(seed=1, log="none"))).listen()
    server.start()
    yield server
    server.stop()


def get(server: Server, fault: str = "", path: str = "/connectionSpecs") -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("GET", path, headers={**HEADERS, **({"x-mock-fault": fault} if fault else {})})
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize("fault", ["reset", "answer-lost", "reset; latency=20"])
def test_a_connection_breaks_without_an_answer(server: Server, fault: str) -> None:
    with pytest.raises(ConnectionError):  # http.client's RemoteDisconnected is one
        get(server, fault)
    assert get(server)[0].status == 200


def test_a_truncated_body_is_seen_to_be_too_short(server: Server) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        get(server, "truncate=100")
    assert len(caught.value.partial) == 100


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "body"),
    [
        ("bad-gateway", 502, "text/html", b"<html>"),
        ("malformed-json", 200, "application/json", b"{"),
        ("empty-answer", 200, None, b""),
        ("rate-limit=4", 429, "application/json", b'{"error_code":"429050"'),
    ],
)
def test_an_answer_comes_as_the_fault_makes_it(
    server: Server, fault: str, status: int, content_type: str | None, body: bytes
) -> None:
    response, came = get(server, fault)
    assert (response.status, response.headers["Content-Type"]) == (status, content_type)
    assert came.startswith(body) and len(response.headers["x-request-id"]) == 32


def test_latency_comes_before_the_answer_and_a_slow_body_within_it(server: Server) -> None:
    begun = time.monotonic()
    get(server, "latency=150")
    late = time.monotonic() - begun
    begun = time.monotonic()
    _, body = get(server, "slow-body=100", "/connections")
    slow = time.monotonic() - begun
    assert late >= 0.15 and slow >= 0.15 and body == b'{"items":[],"_links":{}}'


def test_clients_that_wait_for_late_answers_hold_nobody_up() -> None:
    """Others get responses while more clients than threads wait for theirs."""
    server = Served(Emulator(Config(seed=1, log="none"))).listen(limits=Limits(grace_seconds=0.3))
    server.start()
    waiting = [http.client.HTTPConnection(urlsplit(server.url).netloc) for _ in range(40)]
    for connection in waiting:
        connection.request("GET", "/connectionSpecs", headers={**HEADERS, "x-mock-fault": "latency=30000"})
    assert get(server)[0].status == 200
    assert select.select([connection.sock for connection in waiting], [], [], 0)[0] == []
    for connection in waiting:
        connection.close()
    server.stop()


def test_a_stop_does_not_wait_for_a_trickle_longer_than_its_grace() -> None:
    limits = Limits(grace_seconds=0.3)
    server = Served(Emulator(Config(seed=1, log="none"))).listen(limits=limits)
    server.start()
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request("GET", "/connectionSpecs", headers={**HEADERS, "x-mock-fault": "slow-body=1"})
    response = connection.getresponse()
    server.stop()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    connection.close()


def test_under_flasks_test_client_a_reset_is_a_connection_error_and_the_rest_an_answer() -> None:
    client = create_app(Emulator(Config(seed=1))).test_client()

    def ask(fault: str) -> object:
        return client.get("/connections", headers={**HEADERS, "x-mock-fault": fault})

    with pytest.raises(ConnectionResetError):
        ask("reset")
    cut = client.get("/connections", headers={**HEADERS, "x-mock-fault": "truncate=5; slow-body=100000"})
    assert (cut.data, cut.headers["Content-Length"]) == (b'{"ite', "24")


def test_faults_are_set_listed_and_lifted_over_http() -> None:
    client = create_app(Emulator(Config(seed=1))).test_client()
    order = {"fault": "rate-limit", "argument": "2", "operation": "listConnections", "times": 1}
    added = client.post("/_mock/faults", json=[order, {"fault": "forbidden"}])
    assert (added.status_code, [one["id"] for one in added.json["faults"]]) == (201, [1, 2])
    assert client.get("/connections", headers=HEADERS).status_code == 429
    listed = client.get("/_mock/faults").json
    assert listed["faults"][0] == {"id": 1, **order, "skip": 0, "probability": 1.0, "seen": 1, "struck": 1}
    assert {"fault", "effect", "argument", "default"} == listed["known"][0].keys()
    assert client.delete("/_mock/faults/2").status_code == 204
    assert client.delete("/_mock/faults/2").status_code == 404
    assert client.get("/connections", headers=HEADERS).status_code == 200
    assert client.delete("/_mock/faults").status_code == 204
    assert client.get("/_mock/faults").json["faults"] == []


def test_a_wrong_order_over_http_is_refused_in_words() -> None:
    client = create_app(Emulator(Config(seed=1))).test_client()
    refused = client.post("/_mock/faults", json={"fault": "earthquake"})
    assert refused.status_code == 400 and "/fault: expected one of" in refused.json["errorMessage"]


def test_the_token_endpoint_is_struck_only_where_it_is_named() -> None:
    emulator = Emulator(Config(seed=1))
    client = create_app(emulator).test_client()
    form = {"grant_type": "client_credentials", "client_id": "acme", "client_secret": "s3cr3t"}
    emulator.faults.strike("forbidden")
    assert client.post("/ims/token/v3", data=form).status_code == 200
    emulator.faults.strike("rate-limit", 3, operation="issueToken", times=1)
    struck = client.post("/ims/token/v3", data=form)
    assert (struck.status_code, struck.headers["Retry-After"]) == (429, "3")
    assert emulator.journal.entries()[-1].fault == "rate-limit=3"
    assert client.post("/ims/token/v3", data=form).status_code == 200
    late = client.post("/ims/token/v3", data=form, headers={"x-mock-fault": "unavailable"})
    assert late.status_code == 503
