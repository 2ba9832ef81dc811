"""Tests that requests which bypass Flask get the same responses as through it, to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, Response, request
from werkzeug.test import Client as WsgiClient

from mockserver import Config, Emulator, create_app
from mockserver.server import Server
from mockserver.web.bridge import wsgi_server
from mockserver.web.served import Served
from tests.calls import HEADERS, connection
from tests.rows import each
from tests.server.wire import Client

Ways = tuple[tuple[Emulator, Server], ...]

CREATION = json.dumps(connection()).encode()
JSON = {"Content-Type": "application/json"}
CALLS: list[tuple[str, str, dict[str, str], bytes]] = [
    ("POST", "/connections", JSON, CREATION),
    ("POST", "/data/foundation/flowservice/connections/", JSON, CREATION),
    ("POST", "http://localhost/connections", JSON, CREATION),
    ("POST", "/connections", JSON, b"{}"),
    ("POST", "/connections", JSON, b"{"),
    ("POST", "/connections", JSON, b""),
    ("POST", "/connections", {}, CREATION),
    ("POST", "/connections", {"Content-Type": ""}, CREATION),
    ("POST", "/connections", JSON, b"x" * 2_000_000),
    ("POST", "/connections", {**JSON, "x-mock-fault": "latency=1"}, CREATION),
    ("POST", "/connections", {**JSON, "x-mock-fault": "unavailable=3"}, CREATION),
    ("POST", "/data/core/activation/disflowprovider/adhocrun", JSON, b"{}"),
    ("GET", "/connections?limit=2", {}, b""),
    ("GET", "/connections?limit=2&limit=%31&property=name==%c3%b6", {}, b""),
    ("GET", "/connections", {"Host": "evil.example"}, b""),
    ("GET", "/connections", {"Host": "platform.adobe.io"}, b""),
    ("GET", "/connections", {"X_Api_Key": "underscores"}, b""),
    ("GET", "/connections", {"x-mock-fault": "malformed-json"}, b""),
    ("GET", "/connections", {"x-mock-fault": "truncate=half"}, b""),
    ("GET", "/connections/a%2Fb%252Fc", {}, b""),
    ("GET", "/", {}, b""),
    ("GET", "/", {"Host": "platform.adobe.io"}, b""),
    ("POST", "/", {"Host": "platform.adobe.io"}, b""),
    ("GET", "/openapi.yaml", {"Host": "platform.adobe.io"}, b""),
    ("GET", "/openapi.yaml", {"Host": "ims-na1.adobelogin.com"}, b""),
    ("GET", "/connections", {"Host": "ims-na1.adobelogin.com"}, b""),
    ("GET", "/nowhere/%2e%2e/%ff", {}, b""),
    ("GET", "//connections", {}, b""),
    ("GET", "/_mock/health", {}, b""),
    ("GET", "/_mock/health/", {}, b""),
    ("GET", "/_mock/health", {"Host": "evil.example"}, b""),
    ("HEAD", "/_mock/health", {}, b""),
    ("HEAD", "/connections", {}, b""),
    ("OPTIONS", "/connections", {}, b""),
    ("PROPFIND", "/connections", {"Host": "evil.example"}, b""),
    ("PROPFIND", "/connections", {}, b""),
    ("DELETE", "/connections/none", {}, b""),
]


@contextmanager
def running(of: Callable[[Emulator], Server]) -> Iterator[tuple[Emulator, Server]]:
    emulator = Emulator(Config(seed=7))
    server = of(emulator)
    server.start()
    yield emulator, server
    server.stop()


@pytest.fixture(scope="module")
def ways() -> Iterator[Ways]:
    with (
        running(lambda emulator: Served(emulator).listen()) as past,
        running(lambda emulator: wsgi_server(create_app(emulator))) as through,
    ):
        yield past, through


def answers(ways: Ways, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> list[bytes]:
    """The responses past Flask and through it, with the port of the server left out."""
    found = []
    for emulator, server in ways:
        emulator.reset()
        fields = {"Host": "127.0.0.1", **HEADERS, **headers, "Connection": "close"}
        if body:
            fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        client = Client(server, f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        found.append(re.sub(rb"\r\ndate: [^\r]*", b"", client.read()))
    return found


@each("method, path, headers, body", CALLS)
def test_both_ways_give_the_same_answer_to_the_byte(
    ways: Ways, method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    past, through = answers(ways, method, path, headers, body)
    assert sorted(past.splitlines()) == sorted(through.splitlines()) and past[:9] == b"HTTP/1.1 "


@each("method, path, headers, body", CALLS)
def test_under_any_wsgi_server_both_ways_give_the_same_answer(
    method: str, path: str, headers: dict[str, str], body: bytes
) -> None:
    answers = []
    for way in (create_app(seed=7, flask=False), create_app(seed=7)):
        given = WsgiClient(way).open(path, method=method, headers={**HEADERS, **headers}, data=body)
        answers.append((given.status_code, sorted(given.headers.items()), given.get_data()))
    assert answers[0] == answers[1]


def test_under_any_wsgi_server_a_fault_may_break_the_connection() -> None:
    for way in (create_app(flask=False), create_app()):
        with pytest.raises(ConnectionResetError):
            WsgiClient(way).get("/connections", headers={**HEADERS, "x-mock-fault": "reset"})


def test_an_empty_answer_is_the_same_both_ways(ways: Ways) -> None:
    """A seeded server gives the first connection the same id each time."""
    created, _ = answers(ways, "POST", "/connections", JSON, CREATION)
    path = "/connections/" + json.loads(created.partition(b"\r\n\r\n")[2])["id"]
    deleted = []
    for emulator, server in ways:
        with reset_afterwards(emulator):
            head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
            for method, body in (("POST", CREATION), ("DELETE", b"")):
                where = "/connections" if body else path
                fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
                sent = f"{method} {where} HTTP/1.1\r\nHost: localhost\r\n{head}{fields}Connection: close\r\n\r\n"
                answer = Client(server, sent.encode() + body).read()
            deleted.append(re.sub(rb"\r\ndate: [^\r]*", b"", answer))
    assert sorted(deleted[0].splitlines()) == sorted(deleted[1].splitlines())
    assert deleted[0].startswith(b"HTTP/1.1 204 ") and b"ontent-" not in deleted[0].replace(b"x-content-type", b"")


@contextmanager
def reset_afterwards(emulator: Emulator) -> Iterator[None]:
    emulator.reset()
    yield
    emulator.reset()


def test_a_bug_of_ours_is_the_same_both_ways(caplog: pytest.LogCaptureFixture) -> None:
    with (
        running(lambda emulator: Served(emulator).listen()) as past,
        running(lambda emulator: wsgi_server(create_app(emulator))) as through,
    ):
        for emulator in (past[0], through[0]):
            del emulator.gateway  # which no test can cause
        seen = answers((past, through), "GET", "/connections", {})
    assert sorted(seen[0].splitlines()) == sorted(seen[1].splitlines()) and seen[0].startswith(b"HTTP/1.1 500 ")
    logged = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(logged) == 2 and all(text.startswith("unexpected failure in GET /connections\n") for text in logged)


def test_flask_is_asked_about_pages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched = []

    def dispatch(self: Flask) -> Response:
        dispatched.append(request.path)
        return Response("Flask")

    monkeypatch.setattr(Flask, "full_dispatch_request", dispatch)
    with running(lambda emulator: Served(emulator).listen()) as served:
        for path in ("/connections", "/data/foundation/flowservice/flows", "/_mock/health"):
            assert not answers((served,), "GET", path, {})[0].endswith(b"Flask")
        for path in ("/", "/_mock/journal", "/_mockery", "/ims/token/v3", "/openapi.yaml", "/nowhere"):
            assert answers((served,), "GET", path, {})[0].endswith(b"Flask")
    assert len(dispatched) == 6


def test_every_answer_of_the_api_is_logged(ways: Ways, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "mockserver.requests")
    answers(ways, "GET", "/connections/n%c3%b6ne%0a", {})
    past, through = (re.sub(r"[0-9.]+ ms", "MS", record.getMessage().split("  ", 1)[1]) for record in caplog.records)
    assert past == through
    assert past.startswith("404  GET    /connections/<string, 5 characters, #")
    assert ">  MS  1439-404  There is no connections resource" in past
