"""Tests of what a request for a list asks for, and of what a run knows of its own entities."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.stage.entities import Entities
from contracts.stage.questions import TextCondition, parameters_of, question_of
from contracts.wire import Sent

TENANT = (("x-gw-ims-org-id", "one@AdobeOrg"), ("x-sandbox-name", "prod"))


def sent(method: str, target: str, body: Any = None) -> Sent:
    return Sent(method, target, TENANT, b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("target", "conditions"),
    [
        ("/connections", ()),
        ("/connections?property=name==a", (TextCondition("name", True, ("a",)),)),
        ("/connections?property=name=a", (TextCondition("name", True, ("a",)),)),
        ("/connections?property=name!=a", (TextCondition("name", False, ("a",)),)),
        ('/connections?property=name=="a, b",c', (TextCondition("name", True, ("a, b", "c")),)),
        ("/connections?property=id%3D%3D1%2C2", (TextCondition("id", True, ("1", "2")),)),
        ("/connections?property=id,name&property=name==a", (TextCondition("name", True, ("a",)),)),
        ("/connections?property=createdAt>=1", None),
        ("/flows?property=inheritedAttributes.sourceConnections[].id==1", None),
        ('/connections?property=name=="a', None),
    ],
)
def test_filters_are_read_as_far_as_they_are_understood(target: str, conditions: Any) -> None:
    question = question_of(sent("GET", target))
    assert question is not None and question.conditions == conditions


def test_a_search_asks_like_a_list() -> None:
    body = {"queryString": "property=name==a&property=id==1", "limit": 5, "orderby": "-name,createdAt", "count": False}
    listed = question_of(
        sent("GET", "/flows?property=name==a&property=id==1&limit=5&orderby=-name,createdAt&count=false")
    )
    assert question_of(sent("POST", "/flows/search", body)) == listed
    assert listed is not None and listed.order == (("name", True), ("createdAt", False)) and listed.limit == 5
    assert parameters_of(sent("POST", "/flows/search", body)) == {"property", "limit", "orderby", "count"}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/connections/1"),
        ("POST", "/connections"),
        ("GET", "/data/foundation/catalog/dataSets"),
        ("GET", "/connections?limit=many"),
        ("GET", "/connections?orderby=*name"),
    ],
)
def test_no_question_is_read_into_other_requests(method: str, target: str) -> None:
    assert question_of(sent(method, target)) is None


def test_a_wrong_parameter_is_a_parameter_all_the_same() -> None:
    assert parameters_of(sent("GET", "/connections?orderby=*name&limit=many")) == {"orderby", "limit"}


def test_an_entity_meets_a_filter_on_a_text_that_it_shows() -> None:
    condition = TextCondition("connectionSpec.id", True, ("1", "2"))
    assert condition.meets({"connectionSpec": {"id": "2"}}) is True
    assert condition.meets({"connectionSpec": {"id": "3"}}) is False
    assert condition.meets({"connectionSpec": {}}) is None and condition.meets({"connectionSpec": 5}) is None
    assert TextCondition("state", True, ("ENABLED",)).meets({"state": "enabled"}) is True
    assert TextCondition("name", True, ("A",)).meets({"name": "a"}) is False


def made(entities: Entities, new_id: str, body: Any) -> None:
    entities.learn(sent("POST", "/connections", body), new_id, done=True, unsure=False)


def selected(entities: Entities, target: str) -> frozenset[str] | None:
    request = sent("GET", target)
    question = question_of(request)
    assert question is not None
    return question.selected(entities.of(request, question.kind))


def test_a_run_knows_which_of_its_entities_a_list_must_have() -> None:
    entities = Entities()
    made(entities, "1", {"name": "a"})
    made(entities, "2", {"name": "b", "description": "long"})
    assert selected(entities, "/connections") == {"1", "2"}
    assert selected(entities, "/connections?property=name==b,c") == {"2"}
    assert selected(entities, "/connections?property=description==long&property=id==1,2") == {"2"}
    assert selected(entities, "/connections?property=state==enabled") is None
    assert selected(entities, "/flows") == frozenset()
    rename = [{"op": "Replace", "path": "/name", "value": "c"}, {"op": "remove", "path": "/description"}]
    entities.learn(sent("PATCH", "/connections/2", rename), None, done=True, unsure=False)
    assert selected(entities, "/connections?property=name==c") == {"2"}
    assert selected(entities, "/connections?property=description==long") == frozenset()
    entities.learn(sent("DELETE", "/connections/1"), None, done=True, unsure=False)
    assert selected(entities, "/connections") == {"2"} and entities.ever == {"1", "2"}


@pytest.mark.parametrize(
    ("method", "body", "done", "unsure"),
    [
        ("PATCH", [{"op": "replace", "path": "/name", "value": "c"}], False, True),
        ("DELETE", None, False, True),
        ("PATCH", "nonsense", True, False),
        ("PATCH", [{"op": "replace", "path": "/name", "value": 5}], True, False),
    ],
)
def test_what_is_not_certain_is_not_expected(method: str, body: Any, done: bool, unsure: bool) -> None:
    entities = Entities()
    made(entities, "1", {"name": "a"})
    made(entities, "2", {"name": "a"})
    entities.learn(sent(method, "/connections/1", body), None, done=done, unsure=unsure)
    assert selected(entities, "/connections?property=name==a") == {"2"}
    assert entities.of(sent("GET", "/connections"), "connections")["1"] is None
    entities.forget("1", deleted=True)
    assert "1" not in entities.of(sent("GET", "/connections"), "connections")


def test_a_refused_write_changes_nothing() -> None:
    entities = Entities()
    made(entities, "1", {"name": "a"})
    entities.learn(sent("DELETE", "/connections/1"), None, done=False, unsure=False)
    assert selected(entities, "/connections?property=name==a") == {"1"}
