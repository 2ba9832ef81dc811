"""Tests of JSON Patch as supported by the service (facts §7)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import json_input
from mockserver.errors import ApiError
from mockserver.quirks import Quirks
from mockserver.resources import _patching
from tests.rows import each

CHANGEABLE = frozenset({"name", "auth", "description"})
DOC: dict[str, Any] = {
    "id": "1",
    "name": "shop",
    "auth": {"specName": "Basic", "params": {"port": 5432, "hosts": ["a", "b"]}},
    "connectionSpec": {"id": "s"},
}


def patched(*instructions: Any) -> dict[str, Any]:
    return _patching.apply(DOC, list(instructions), CHANGEABLE)


def op(name: Any, path: Any, *value: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **({"value": value[0]} if value else {})}


def refusal(body: Any) -> ApiError:
    before = copy.deepcopy(DOC)
    with pytest.raises(ApiError) as caught:
        _patching.apply(DOC, body, CHANGEABLE)
    assert before == DOC and caught.value.result("0" * 32, Quirks()).status == 400
    return caught.value


@pytest.mark.parametrize("name", ["add", "replace", "Replace", "REPLACE", "ADD"])
def test_operations_are_known_in_any_case(name: str) -> None:
    assert patched(op(name, "/name", "new")) == {**DOC, "name": "new"}


def test_instructions_build_on_each_other_and_leave_the_given_alone() -> None:
    before = copy.deepcopy(DOC)
    sent = [op("add", "/auth", {"params": {}}), op("add", "/auth/params/port", 1), op("remove", "/name")]
    body = copy.deepcopy(sent)
    assert _patching.apply(DOC, body, CHANGEABLE) == {
        "id": "1",
        "auth": {"params": {"port": 1}},
        "connectionSpec": {"id": "s"},
    }
    assert before == DOC and body == sent


def test_one_instruction_may_come_without_an_array() -> None:
    assert _patching.apply(DOC, op("replace", "/name", "new"), CHANGEABLE)["name"] == "new"


def test_a_value_beside_remove_is_ignored() -> None:
    assert "name" not in patched(op("remove", "/name", "whatever"))


def test_add_makes_what_is_not_there_and_replace_does_not() -> None:
    assert patched(op("add", "/description", None))["description"] is None
    assert refusal([op("replace", "/description", "x")]).key == "patch_failed"


def test_arrays_and_escaped_names() -> None:
    done = patched(
        op("add", "/auth/params/hosts/-", "c"), op("remove", "/auth/params/hosts/0"), op("add", "/auth/a~1b~0", 1)
    )
    assert done["auth"]["params"]["hosts"] == ["b", "c"] and done["auth"]["a/b~"] == 1


@each(
    "body, key, pointer",
    [
        ([], "body_missing", None),
        ([op("move", "/name")], "patch_operation", "/0/op"),
        ([op("test", "/name", "shop")], "patch_operation", "/0/op"),
        ([op("copy", "/name")], "patch_operation", "/0/op"),
        ([op(None, "/name", 1)], "patch_operation", "/0/op"),
        ([op(["add"], "/name", 1)], "patch_operation", "/0/op"),
        ([{"path": "/name", "value": 1}], "patch_operation", "/0/op"),
        ([op("add", "/connectionSpec/id", "x")], "connection_spec_fixed", "/0/path"),
        ([op("replace", "/connectionSpec", {})], "connection_spec_fixed", "/0/path"),
        ([op("add", "/name", "new"), op("add", "/id", "2")], "patch_failed", "/1/path"),
        ([op("add", "/name", "new"), op("remove", "/auth/absent")], "patch_failed", "/1/path"),
        ([op("add", "/name", "new"), "x"], "patch_failed", "/1"),
        ([None], "patch_failed", "/0"),
        ([[]], "patch_failed", "/0"),
        ([op("add", "", {})], "patch_failed", "/0/path"),
        ([op("add", "/", 1)], "patch_failed", "/0/path"),
        ([op("add", "name", 1)], "patch_failed", "/0/path"),
        ([op("add", 5, 1)], "patch_failed", "/0/path"),
        ([op("add", None, 1)], "patch_failed", "/0/path"),
        ([op("add", "/name")], "patch_failed", "/0/value"),
        ([op("add", "/__class__", 1)], "patch_failed", "/0/path"),
        ([op("add", "/name/__class__", 1)], "patch_failed", "/0/path"),
        ([op("add", "/name/0", "x")], "patch_failed", "/0/path"),
        ([op("remove", "/name/0")], "patch_failed", "/0/path"),
        ([op("replace", "/name/-", "x")], "patch_failed", "/0/path"),
        ([op("add", "/auth/~2", 1)], "patch_failed", "/0/path"),
        ([op("add", "/auth/params/port/x", 1)], "patch_failed", "/0/path"),
        ([op("add", "/auth/params/hosts/9", 1)], "patch_failed", "/0/path"),
        ([op("add", "/auth/params/hosts/-1", 1)], "patch_failed", "/0/path"),
        ([op("add", "/auth/params/hosts/01", 1)], "patch_failed", "/0/path"),
        ([op("add", "/auth/params/hosts/１", 1)], "patch_failed", "/0/path"),
        ([op("add", "/auth/params/hosts/" + "9" * 5000, 1)], "patch_failed", "/0/path"),
        ([op("remove", "/auth/params/hosts/-")], "patch_failed", "/0/path"),
        ([op("add", "/auth" + "/x" * 50_000, 1)], "patch_failed", "/0/path"),
        ([op("add", "/name", "x")] * (_patching.MAX_INSTRUCTIONS + 1), "patch_failed", ""),
    ],
)  # fmt: skip
def test_a_wrong_patch_changes_nothing_and_says_where(body: Any, key: str, pointer: str | None) -> None:
    refused = refusal(body)
    assert (refused.key, refused.extras["pointer"]) == (key, pointer)
    assert len(str(refused.variables)) < 400


CHANGEABLE_NAMES = "one of auth, description, name"


@each(
    "instruction, message, expected",
    [
        (
            "x",
            "/0: expected an object with op, path and value, got a string of 1 character",
            "an object with op, path and value",
        ),
        (
            op("add", "name", 1),
            "/0/path: expected a JSON Pointer such as /name, got a string of 4 characters",
            "a JSON Pointer such as /name",
        ),
        (
            op("add", None, 1),
            "/0/path: expected a JSON Pointer such as /name, got null",
            "a JSON Pointer such as /name",
        ),
        (
            {"op": "add"},
            "Member /0/path is missing; expected a JSON Pointer such as /name",
            "a JSON Pointer such as /name",
        ),
        (op("add", "/id", "2"), "/id cannot be changed", CHANGEABLE_NAMES),
        (op("add", "/" + "x" * 300, "2"), "/" + "x" * 199 + " cannot be changed", CHANGEABLE_NAMES),
        (op("add", "/name"), "Member /0/value is missing; expected the new value", "the new value"),
        (op("remove", "/auth/absent"), "/auth/absent is not in the entity, or cannot take this value", None),
        (
            op("remove", "/auth/" + "x" * 300),
            "/auth/" + "x" * 194 + " is not in the entity, or cannot take this value",
            None,
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_words(instruction: Any, message: str, expected: str | None) -> None:
    refused = refusal([instruction])
    assert refused.key == "patch_failed"
    assert (refused.variables, refused.extras["expected"]) == ({"message": message}, expected)


@pytest.mark.parametrize(
    ("operation", "shown"),
    [("move", "move"), ("x" * 50, "x" * 40), (None, "‹null›"), (["add"], "‹an array of 1 item›"), (5, "‹a number›")],
)
def test_an_operation_that_is_not_taken_is_shown_beside_those_that_are(operation: Any, shown: str) -> None:
    refused = refusal(op(operation, "/name", 1))
    assert refused.variables == {"operation": shown}
    assert refused.extras["expected"] == "add, replace or remove"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_an_outcome_may_be_as_deep_and_as_long_as_a_body_and_no_more() -> None:
    deepest = nested(json_input.MAX_DEPTH - 1)  # and the document itself
    assert patched(op("add", "/auth", deepest))["auth"] == deepest
    refused = refusal(op("add", "/auth", {"a": deepest}))
    assert refused.variables == {"message": f"the result would have more than {json_input.MAX_DEPTH} levels of nesting"}
    assert (refused.key, refused.extras["pointer"]) == ("patch_failed", "")

    room = _patching.MAX_BYTES - len(json_input.dumps({**DOC, "name": ""}))
    assert len(patched(op("add", "/name", "x" * room))["name"]) == room
    refused = refusal(op("add", "/name", "x" * (room + 1)))
    assert refused.variables == {"message": f"the result would have more than {_patching.MAX_BYTES} bytes"}
    assert (refused.key, refused.extras["pointer"]) == ("patch_failed", "")


def test_too_many_instructions_are_refused_with_the_number_there_may_be() -> None:
    body = [op("add", "/name", "x")] * _patching.MAX_INSTRUCTIONS
    assert patched(*body)["name"] == "x"
    assert refusal([*body, body[0]]).variables == {"message": f"more than {_patching.MAX_INSTRUCTIONS} instructions"}


def test_a_value_that_was_put_in_and_changed_is_not_changed_in_the_body() -> None:
    sent = [{"hosts": ["a"], "ports": {"x": [1]}}]
    body = [op("add", "/auth", sent), op("add", "/auth/0/hosts/-", "b"), op("add", "/auth/0/ports/x/-", 2)]
    assert patched(*body)["auth"] == [{"hosts": ["a", "b"], "ports": {"x": [1, 2]}}]
    assert sent == [{"hosts": ["a"], "ports": {"x": [1]}}]


def test_a_list_in_the_entity_is_left_as_it_was() -> None:
    hosts = DOC["auth"]["params"]["hosts"]
    assert patched(op("add", "/auth/params/hosts/-", "c"))["auth"]["params"]["hosts"] == ["a", "b", "c"]
    assert hosts == ["a", "b"]


_steps = st.sampled_from(["name", "auth", "params", "hosts", "0", "1", "-", "x", "", "~1", "~", "port"])
_paths = st.lists(_steps, max_size=5).map(lambda steps: "".join(f"/{step}" for step in steps))
_instructions = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove"]), "path": _paths},
    optional={"value": st.sampled_from([None, 1, "x", [], {}, {"params": {"hosts": [1]}}])},
)


@given(st.lists(_instructions, min_size=1, max_size=5))
def test_any_patch_is_applied_or_refused_and_never_half(body: list[dict[str, Any]]) -> None:
    before, sent = copy.deepcopy(DOC), copy.deepcopy(body)
    try:
        done = _patching.apply(DOC, body, CHANGEABLE)
    except ApiError:
        done = before
    assert before == DOC and body == sent
    assert {name: done[name] for name in ("id", "connectionSpec")} == {"id": "1", "connectionSpec": {"id": "s"}}


def test_a_patch_of_the_greatest_size_is_quick() -> None:
    body = [op("add", "/auth/params/hosts/-", "x")] * _patching.MAX_INSTRUCTIONS
    assert len(_patching.apply(DOC, body, CHANGEABLE)["auth"]["params"]["hosts"]) == 2 + _patching.MAX_INSTRUCTIONS


@pytest.mark.parametrize(
    ("body", "pointer", "shown"),
    [
        ({"name": "new"}, "/op", "‹missing›"),
        ({}, "/op", "‹missing›"),
        ([{"name": "new"}], "/0/op", "‹missing›"),
        ([{"op": None, "path": "/name"}], "/0/op", "‹null›"),
    ],
)
def test_an_entity_in_the_place_of_a_patch_is_told_what_a_patch_is(body: Any, pointer: str, shown: str) -> None:
    refused = refusal(body)
    assert (refused.key, refused.extras["pointer"]) == ("patch_operation", pointer)
    assert refused.variables["operation"] == shown
    assert "an array of changes" in str(refused.extras["hint"])
