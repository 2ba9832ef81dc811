"""Tests that the contract recognises generated requests that are within it."""

from typing import Any

import pytest

from contracts.document import Document

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
