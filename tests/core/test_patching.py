"""JSON Patch as the service takes it (facts §7)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import patching
from mockserver.errors import ApiError
from mockserver.quirks import Quirks

CHANGEABLE = frozenset({"name", "auth", "description"})
DOC: dict[str, Any] = {
    "id": "1",
    "name": "shop",
    "auth": {"specName": "Basic", "params": {"port": 5432, "hosts": ["a", "b"]}},
    "connectionSpec": {"id": "s"},
}


def patched(*instructions: Any) -> dict[str, Any]:
    return patching.apply(DOC, list(instructions), CHANGEABLE)


def op(name: Any, path: Any, *value: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **({"value": value[0]} if value else {})}


def refusal(body: Any) -> ApiError:
    before = copy.deepcopy(DOC)
    with pytest.raises(ApiError) as caught:
        patching.apply(DOC, body, CHANGEABLE)
    assert before == DOC and caught.value.result("0" * 32, Quirks()).status == 400
    return caught.value


@pytest.mark.parametrize("name", ["add", "replace", "Replace", "REPLACE", "ADD"])
def test_operations_are_known_in_any_case(name: str) -> None:
    assert patched(op(name, "/name", "new")) == {**DOC, "name": "new"}


def test_instructions_build_on_each_other_and_leave_the_given_alone() -> None:
    before = copy.deepcopy(DOC)
    sent = [op("add", "/auth", {"params": {}}), op("add", "/auth/params/port", 1), op("remove", "/name")]
    body = copy.deepcopy(sent)
    assert patching.apply(DOC, body, CHANGEABLE) == {
        "id": "1",
        "auth": {"params": {"port": 1}},
        "connectionSpec": {"id": "s"},
    }
    assert before == DOC and body == sent


def test_one_instruction_may_come_without_an_array() -> None:
    assert patching.apply(DOC, op("replace", "/name", "new"), CHANGEABLE)["name"] == "new"


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


@pytest.mark.parametrize(
    ("body", "key", "pointer"),
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
        ([op("add", "/name", "x")] * (patching.MOST_INSTRUCTIONS + 1), "patch_failed", ""),
    ],
)  # fmt: skip
def test_a_wrong_patch_changes_nothing_and_says_where(body: Any, key: str, pointer: str | None) -> None:
    refused = refusal(body)
    assert (refused.key, refused.extras["pointer"]) == (key, pointer)
    assert len(str(refused.variables)) < 400


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
        done = patching.apply(DOC, body, CHANGEABLE)
    except ApiError:
        done = before
    assert before == DOC and body == sent
    assert {name: done[name] for name in ("id", "connectionSpec")} == {"id": "1", "connectionSpec": {"id": "s"}}


def test_a_patch_of_the_greatest_size_is_quick() -> None:
    body = [op("add", "/auth/params/hosts/-", "x")] * patching.MOST_INSTRUCTIONS
    assert len(patching.apply(DOC, body, CHANGEABLE)["auth"]["params"]["hosts"]) == 2 + patching.MOST_INSTRUCTIONS
