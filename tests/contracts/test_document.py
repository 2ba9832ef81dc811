"""Tests what the suite's view of the contract says of requests and responses."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.schema.document import Document

DOCUMENT = Document.load()


@pytest.mark.parametrize(
    ("operation", "query", "body", "allowed"),
    [
        ("listConnections", {"orderby": "anything", "property": ["state==x"]}, None, True),
        ("listConnections", {"limit": "7", "count": "true"}, None, True),
        ("listConnections", {"limit": "0"}, None, False),
        ("listConnections", {"colour": "blue"}, None, False),
        ("getByConnectionId", {"objectType": "table", "object": "t", "preview": "false"}, None, True),
        ("getByConnectionId", {"objectType": "shelf"}, None, False),
        ("getByConnectionId", {"objectType": "file", "fileType": "xml"}, None, False),
        ("getConnectionsByFilters", {}, {"queryString": "property=name==x", "orderby": "name"}, True),
        ("getConnectionsByFilters", {}, {"limit": "many"}, False),
        ("patchConnection", {}, [{"op": "add", "path": "/description", "value": "x"}], True),
        ("patchConnection", {}, [{"op": "increment", "path": "/description", "value": "x"}], False),
    ],
)
def test_a_request_within_the_contract_is_told_from_one_outside(
    operation: str, query: dict[str, Any], body: Any, allowed: bool
) -> None:
    (found,) = [one for one in DOCUMENT.operations if one.id == operation]
    assert DOCUMENT.allows(found, query, body) is allowed


def examples(operation: str) -> Iterator[Any]:
    """The bodies of the contract for a successful response."""
    (found,) = [one for one in DOCUMENT.operations if one.id == operation]
    media = DOCUMENT.response(found, 200)["content"]["application/json"]
    yield from (DOCUMENT.resolve(one)["value"] for one in media["examples"].values())


def spoilt(value: Any, odd: Any) -> Iterator[Any]:
    """Copies of a body, each with another value in one place."""
    yield odd
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        for other in spoilt(item, odd):
            holder = value.copy()
            holder[key] = other
            yield holder


@pytest.mark.parametrize("operation", ["retrieveConnection", "listFlows", "getByConnectionId", "listFlowRuns"])
def test_a_departure_is_the_same_with_and_without_fast_validators(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = [one for one in DOCUMENT.operations if one.id == operation]
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "jsonschema_rs", None)
        thorough = Document(DOCUMENT.source)
    told = 0
    for odd in (None, 7, 7.0, "x", {}):
        for body in (one for example in examples(operation) for one in spoilt(example, odd)):
            departure = DOCUMENT.departure(found, 200, body)
            assert departure == thorough.departure(found, 200, body), body
            told += departure is not None
    assert told > 50
