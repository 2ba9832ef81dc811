"""Tests how the suite finds the service behind a URL, and gets a token from a local mock."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mockserver
from contracts import arrival, settings
from contracts.broken.proof import served
from contracts.settings import WrongUse
from contracts.wire import BASE_PATH, Sent, Unreachable

Rows = dict[tuple[str, str], tuple[str, Any]]
SPECS = ("200 OK", {"items": []})
UNAUTHORISED = ("401 Unauthorized", {"message": "Oauth token is not valid"})


def service(rows: Rows) -> Callable[..., Any]:
    """A WSGI application with these responses, and 404 for everything else."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status, body = rows.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]), ("404 Not Found", {}))
        start_response(status, [("Content-Type", "application/json")])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]

    return app


@pytest.mark.parametrize("base", [BASE_PATH, ""], ids=["below-adobes-base-path", "at-the-root"])
def test_a_url_without_a_path_leads_to_wherever_the_service_is(base: str) -> None:
    with served(service({("GET", base + "/connectionSpecs"): SPECS})) as url:
        _, transport = arrival.reach(settings.load(url, environ={}))
        assert transport.base_url == url + base


def test_a_token_is_fetched_where_a_server_of_this_machine_wants_one_of_its_own() -> None:
    with mockserver.flow_service(strict=True) as server:
        reached, transport = arrival.reach(settings.load(server.url, environ={}))
        asked = Sent("GET", "/connections", tuple(reached.headers.items()))
        assert reached.token_given and transport.send(asked).status == 200
        with pytest.raises(WrongUse, match="answered 401 to GET /connectionSpecs: "):
            arrival.reach(settings.load(server.url, environ={"FLOW_SERVICE_TOKEN": "mine"}))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (("500 Internal Server Error", {"errorMessage": "out of order"}), "answered 500 .*: out of order"),
        (("403 Forbidden", {"message": "Api Key is invalid"}), "answered 403 .*: Api Key is invalid"),
        (("400 Bad Request", {"detail": "no sandbox"}), "answered 400 .*: no sandbox"),
        (("502 Bad Gateway", b"<html>"), "answered 502 .*: no reason given"),
        (UNAUTHORISED, "answered 401 .*: Oauth token is not valid"),
    ],
    ids=["service", "gateway", "framework", "proxy", "no-token-endpoint"],
)
def test_a_service_that_does_not_let_the_suite_in_is_quoted(answer: tuple[str, Any], says: str) -> None:
    with served(service({("GET", "/flows/connectionSpecs"): answer})) as url, pytest.raises(WrongUse, match=says):
        arrival.reach(settings.load(url + "/flows", environ={}))


@pytest.mark.parametrize(
    ("answer", "headers", "says"),
    [
        ("103 Early Hints", {}, "sends what clients cannot read: .* got only the informational status 103"),
        ("101 Switching Protocols", {}, "answered 101 .*This status is informational"),
        ("200 OK", {f"X-{number}": "1" for number in range(101)}, "clients cannot read: .* more than 100 headers"),
    ],
)
def test_what_clients_cannot_read_is_said(answer: str, headers: dict[str, str], says: str) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(answer, list(headers.items()))
        return []

    with served(app) as url, pytest.raises((WrongUse, Unreachable), match=says):
        arrival.reach(settings.load(url, environ={}))


@pytest.mark.parametrize(
    ("option", "text", "says"),
    [
        ("connection", "{", "is not JSON"),
        ("connection", "[]", "does not hold the body of a base connection"),
        ("known_gaps", "a: 1", "does not hold a list of checks"),
        ("known_gaps", "[", "is not YAML"),
        ("known_gaps", "[{reason: x}]", "holds a gap that names no check"),
        ("known_gaps", None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_why(tmp_path: Path, option: str, text: str | None, says: str) -> None:
    file = tmp_path / "given"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(WrongUse, match=says) as caught:
        settings.load("http://127.0.0.1:1", environ={}, **{option: file})  # type: ignore[arg-type]
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_known_gaps_are_ids_with_or_without_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "gaps.yaml"
    file.write_text("- one\n- {check: two, reason: known}\n", encoding="utf-8")
    assert settings.load("http://127.0.0.1:1", environ={}, known_gaps=file).known_gaps == {"one", "two"}
    file.write_text("", encoding="utf-8")
    assert settings.load("http://127.0.0.1:1", environ={}, known_gaps=file).known_gaps == frozenset()


def test_every_text_of_the_operators_connection_is_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    params = {"password": "s3cret-one", "hosts": ["s3cret-two"], "port": 5432}
    file.write_text(json.dumps({"name": "mine", "auth": {"specName": "Basic Authentication", "params": params}}))
    found = settings.load("http://127.0.0.1:1", environ={}, connection=file)
    assert {"s3cret-one", "s3cret-two"} <= set(found.secrets) and "s3cret" not in repr(found)
