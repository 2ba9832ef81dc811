"""Tests that the sentence of every refusal can be acted on, since clients print nothing else of the response."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Result
from tests.calls import POSTGRESQL, connection, made, send
from tests.dataflows import flow
from tests.rows import each

ODD = re.compile(
    r"\b1 (characters|items)|  |\(.*characters\)|'‹|\bNone\b|got nothing|no such member|an array of 0|\.\.$|"
    r"‹0 |\. [A-Z][a-z]+[A-Z]\w*="
)
"""What no sentence has: wrong plurals, double spaces, quotes around a description, negations, names in capitals."""

PG = {"id": POSTGRESQL, "version": "1.0"}
OK = [{"op": "replace", "path": "/name", "value": "b"}]


def basic(**params: Any) -> dict[str, Any]:
    return connection(auth={"specName": "Basic Authentication", "params": params})


def lists(*queries: str) -> list[tuple[Any, ...]]:
    return [("GET", f"/connections?{query}") for query in queries]


def posts(*bodies: Any, path: str = "/connections") -> list[tuple[Any, ...]]:
    return [("POST", path, body) for body in bodies]


def patches(*bodies: Any) -> list[tuple[Any, ...]]:
    return [("PATCH", "/connections/{id}", body, {"if-match": "{etag}"}) for body in bodies]


def versions(*sent: str) -> list[tuple[Any, ...]]:
    return [("PATCH", "/connections/{id}", OK, {"if-match": version}) for version in sent]


WRONG: list[tuple[Any, ...]] = [
    *lists("limit=0", "limit=abc", "limit=", "limit=1&limit=2", "count=yes", "count=true&limit=2"),
    *lists("orderby=nope", "orderby=", "orderby=name asc", "orderby=name:desc"),
    *lists("continuationToken=x", "continuationToken="),
    *lists("property=", "property==a", "property=name==", "property=nope==a", "property=$==a", "property=x y==a"),
    *lists("property=name~a", "property=name===a", "property=createdAt>y", "property=name>5", "property=name=={}"),
    *posts({}, [], "x", 5, None, ["x"], {**connection(), "name": 5}, connection(name="")),
    *posts(*(connection(connectionSpec=spec) for spec in ("x", {}, {"id": "x"}, {**PG, "version": "2"}))),
    *posts(*(connection(auth=auth) for auth in ("x", {}, {"specName": "Basic", "params": {}}))),
    *posts(basic(), basic(server=""), basic(port=1), basic(user="x"), basic(server=[]), basic(server=["x"])),
    *patches({"name": "b"}, {}, ["x"], [None], [[]], [{}], [{"op": None, "path": "/name"}]),
    *patches([{"op": ["add"], "path": "/name"}], [{"op": "move", "path": "/name"}], [{"op": "add"}]),
    *patches([{"op": "add", "path": "name"}], [{"op": "add", "path": "/name"}]),
    *patches(*([{"op": "replace", "path": path, "value": 1}] for path in ("/id", "/nope", "/name", "/auth"))),
    *patches([{"op": "replace", "path": "/connectionSpec", "value": 1}]),
    *versions("", "*", "x", 'W/"x"', "'x'", '"x", "y"', '"x"', "undefined", 'a\\"b', "x" * 200),
    ("GET", "/connections/{id}/explore?objectType=table&object=nope"),
    ("POST", "/connections/{id}/action"),
    ("POST", "/connections/{id}/action?op=x"),
    ("POST", "/connections/{id}/action?op=publish"),
    *(("GET", f"/connections/{{id}}/explore?{query}") for query in ("", "objectType=x", "objectType=table")),
    *(("GET", path) for path in ("/connections/x", "/connections/a b?c", "/flows/x", "/nope", "/connectionspecs")),
    ("PUT", "/connections/{id}", {}),
    *posts({}, {"flowId": None}, {"flowId": "x"}, {"flowId": 5}, path="/runs"),
    *posts({"connectionSpec": PG, "baseConnectionId": "x"}, {"baseConnectionId": 5}, path="/sourceConnections"),
]
"""Method, target, body, and headers besides those of every call."""


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator(Config(seed=1, log="none"))


def told(emulator: Emulator, method: str, target: str, body: Any = None, headers: Any = None) -> tuple[Result, str]:
    """The refusal of a wrong request, and its sentence."""
    entity = made(emulator, connection())
    given = {name: value.replace("{etag}", entity["etag"]) for name, value in (headers or {}).items()}
    result = send(emulator, method, target.replace("{id}", entity["id"]), body, headers=given)
    assert 400 <= result.status < 500, (result.status, result.body)
    assert isinstance(result.body, dict)
    return result, str(result.body["errorMessage"])


@each("case", WRONG)
def test_a_refusal_says_what_came_what_was_expected_and_what_to_do(emulator: Emulator, case: tuple[Any, ...]) -> None:
    result, sentence = told(emulator, *case)
    assert sentence and not ODD.search(sentence), sentence
    assert isinstance(result.body, dict)
    report = result.body["report"]
    assert report.get("expected", "") in sentence, sentence
    assert report.get("hint", "")[1:] in sentence


def test_a_refused_spec_id_is_told_with_the_requests_that_list_them(emulator: Emulator) -> None:
    _, sentence = told(emulator, "POST", "/connections", connection(connectionSpec={**PG, "id": "x"}))
    lists = re.findall(r"/\w+Specs", sentence)
    assert lists and all(send(emulator, "GET", path).status == 200 for path in lists), sentence


def test_what_is_wrong_with_a_schedule_is_told(emulator: Emulator) -> None:
    start = {"startTime": 1_767_300_000}
    wrong = [{**start, "frequency": "once", "interval": 0}, {**start, "frequency": "minute"}, [], "x"]
    sentences = [told(emulator, "POST", "/flows", flow(emulator, scheduleParams=params))[1] for params in wrong]
    assert not any(map(ODD.search, sentences)), sentences
    assert "/scheduleParams/interval is not allowed here" in sentences[0]
    date = {"startTime": "2026-01-01T00:00:00Z", "frequency": "day", "interval": 1}
    sentence = told(emulator, "POST", "/flows", flow(emulator, scheduleParams=date))[1]
    assert "/scheduleParams/startTime: expected seconds since 1970, as a number or as text" in sentence


def test_the_log_has_no_text_of_a_client(emulator: Emulator) -> None:
    result, sentence = told(emulator, "GET", "/connections?orderby=hunter2")
    assert "hunter2" in sentence and result.reason and "hunter2" not in result.reason
