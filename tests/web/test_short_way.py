"""Tests that requests which bypass Flask get the same responses, and that Flask hooks see every request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, got_request_exception, request, request_finished, request_started

from mockserver import Config, Emulator, create_app
from mockserver.web import Application
from tests.calls import HEADERS, connection

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/connections", {"json": connection()}),
    ("POST", "/data/foundation/flowservice/connections/", {"json": connection()}),
    ("POST", "/connections", {"json": {}}),
    ("POST", "/connections", {"data": b"{", "content_type": "application/json"}),
    ("POST", "/connections", {"data": b"x" * 2_000_000, "content_type": "application/json"}),
    ("POST", "/connections", {"json": connection(), "headers": {"x-mock-fault": "latency=1"}}),
    ("POST", "/connections", {"json": connection(), "headers": {"x-mock-fault": "unavailable=3"}}),
    ("GET", "/connections?limit=2", {}),
    ("GET", "/connections", {"headers": {"Host": "evil.example"}}),
    ("GET", "/connections", {"headers": {"x-mock-fault": "malformed-json"}}),
    ("GET", "/", {}),
    ("GET", "/", {"headers": {"Host": "platform.adobe.io"}}),
    ("GET", "/nowhere/%2e%2e/%ff", {}),
    ("GET", "//connections", {}),
    ("HEAD", "/connections", {}),
    ("OPTIONS", "/connections", {}),
    ("BREW", "/connections", {}),
    ("DELETE", "/connections/none", {}),
]


def app(*, short: bool) -> Application:
    made = create_app(Emulator(Config(seed=7)))
    if not short:
        made.before_request(lambda: None)
    return made


def answers(made: Application, method: str, path: str, options: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    sent = {**options, "headers": {**HEADERS, **options.get("headers", {})}}
    response = made.test_client().open(path, method=method, **sent)
    return response.status, dict(response.headers), response.data


@pytest.mark.parametrize(("method", "path", "options"), CALLS)
def test_both_ways_give_the_same_answer_to_the_byte(method: str, path: str, options: dict[str, Any]) -> None:
    assert answers(app(short=True), method, path, options) == answers(app(short=False), method, path, options)


def test_an_empty_answer_is_the_same_both_ways() -> None:
    for made in (app(short=True), app(short=False)):
        created = made.test_client().post("/connections", json=connection(), headers=HEADERS).json
        status, headers, body = answers(made, "DELETE", f"/connections/{created['id']}", {})
        assert (status, body) == ("204 NO CONTENT", b"")
        assert headers.keys() == {"x-request-id", "X-Content-Type-Options"}


def test_a_bug_of_ours_is_the_same_both_ways(caplog: pytest.LogCaptureFixture) -> None:
    seen = []
    for made in (app(short=True), app(short=False)):
        del made.extensions["emulator"].world  # which no test can cause
        seen.append(answers(made, "GET", "/connections", {}))
    assert seen[0] == seen[1] and seen[0][0].startswith("500")
    logged = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(logged) == 2 and all(text.startswith("unexpected failure in GET /connections\n") for text in logged)


def test_flask_is_not_asked_about_the_api_and_is_about_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched = []

    def dispatch(self: Flask) -> Response:
        dispatched.append(request.path)
        return Response("Flask")

    monkeypatch.setattr(Flask, "full_dispatch_request", dispatch)
    client = app(short=True).test_client()
    for path in ("/connections", "/data/foundation/flowservice/flows", "/nowhere"):
        assert client.get(path, headers=HEADERS).data != b"Flask"
    for path in ("/", "/_mock/health", "/_mockery", "/ims/token/v3", "/openapi.yaml", "/openapi.json"):
        assert client.get(path, headers=HEADERS).data == b"Flask"
    assert len(dispatched) == 6


def _before(made: Application, see: Callable[..., None]) -> None:
    made.before_request(see)


def _after(made: Application, see: Callable[..., None]) -> None:
    made.after_request(lambda response: see() or response)


def _teardown(made: Application, see: Callable[..., None]) -> None:
    made.teardown_request(see)


def _teardown_context(made: Application, see: Callable[..., None]) -> None:
    made.teardown_appcontext(see)


def _started(made: Application, see: Callable[..., None]) -> None:
    request_started.connect(see, made)


def _finished(made: Application, see: Callable[..., None]) -> None:
    request_finished.connect(see, made)


@pytest.mark.parametrize("hook", [_before, _after, _teardown, _teardown_context, _started, _finished])
def test_who_hooks_into_flask_sees_the_calls_of_the_api(hook: Callable[..., None]) -> None:
    seen = []

    def see(*_: object, **__: object) -> None:
        seen.append("call")

    made = app(short=True)
    hook(made, see)
    assert made.test_client().get("/connections", headers=HEADERS).status_code == 200
    assert seen == ["call"]
    assert not got_request_exception.receivers


def test_a_page_of_ones_own_may_stand_below_a_path_of_the_api() -> None:
    made = app(short=True)
    made.add_url_rule("/connections/mine", view_func=lambda: "mine")
    client = made.test_client()
    assert client.get("/connections/mine").text == "mine"
    assert client.get("/connections", headers=HEADERS).status_code == 200


def test_a_test_that_looks_into_the_request_afterwards_can() -> None:
    with app(short=True).test_client() as client:
        client.get("/connections?limit=3", headers=HEADERS)
        assert request.args["limit"] == "3"


def test_every_answer_of_the_api_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "mockserver.requests")
    for made in (app(short=True), app(short=False)):
        made.test_client().get("/connections/n%c3%b6ne%0a", headers=HEADERS)
    short, long = (re.sub(r"[0-9.]+ ms", "MS", record.getMessage().split("  ", 1)[1]) for record in caplog.records)
    assert short == long
    assert short.startswith("404  GET    /connections/<string, 5 characters, #")
    assert ">  MS  1439-404  There is no connections resource" in short
