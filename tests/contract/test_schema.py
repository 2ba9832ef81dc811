"""Tests that the fast validator and the explaining validator agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.contract import schema
from mockserver.contract.schema import SchemaCheck
from tests.contract.test_operations import documented_bodies

CHECKS: list[tuple[str, SchemaCheck, list[Any]]] = list(documented_bodies())

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["enabled", "1.0", "2026-01-01", "", "é\u0000", "\U0001f600" * 3, "x" * 300]
)
NUMBERS = st.integers(-3, 3) | st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e300, 10**30, -(10**30), 2**53 + 1])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
NAMES = st.text(max_size=5) | st.sampled_from(
    ["id", "name", "items", "auth", "specName", "params", "connectionSpec", "etag"]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path to every value inside a value, and to itself."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for name, inner in members for place in places(inner, (*at, name)))]


def edited(value: Any, at: tuple[str | int, ...], edit: Any) -> Any:
    """A copy with one place edited; `edit` returns the new value, or `...` to remove it."""
    if not at:
        return edit(value)
    items = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    items[at[0]] = edited(items[at[0]], at[1:], edit)
    kept = {name: inner for name, inner in items.items() if inner is not ...}
    return kept if isinstance(value, dict) else list(kept.values())


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, SchemaCheck, Any]:
    """A body of the contract with up to three changes, or a random one."""
    name, check, examples = draw(st.sampled_from(CHECKS))
    body = draw(st.sampled_from(examples) | VALUES)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.sampled_from(places(body)))
        put, extra = draw(VALUES), draw(NAMES)
        edit = draw(st.sampled_from(["replace", "wrap", "add", "drop"]))

        def change(old: Any, edit: str = edit, put: Any = put, extra: str = extra, root: bool = not at) -> Any:
            if edit == "add" and isinstance(old, dict):
                return {**old, extra: put}
            return {"wrap": [old], "drop": put if root else ...}.get(edit, put)

        body = edited(body, at, change)
    return name, check, body


@settings(max_examples=600)
@given(bodies())
@example((*CHECKS[0][:2], None))
def test_both_validators_take_and_refuse_the_same_bodies(drawn: tuple[str, SchemaCheck, Any]) -> None:
    name, check, body = drawn
    assert check.accepts(body) is check.explains.is_valid(body), name


def test_what_the_accelerator_refuses_is_explained() -> None:
    for name, check, _ in CHECKS:
        for body in ([], 7, "text", None, {"items": 7}):
            if not check.accepts(body):
                assert list(check.violations(body, "body")), name


@pytest.mark.parametrize(("open_", "found"), [({}, ["/params/columns"]), ({"additionalProperties": True}, [])])
def test_members_that_a_schema_leaves_open_are_not_unknown(open_: dict[str, Any], found: list[str]) -> None:
    params = {"type": "object", "properties": {"tableName": {"type": "string"}}, **open_}
    document = {"body": {"type": "object", "properties": {"params": params}}}
    check = SchemaCheck(schema.schema_registry(document), ("body",))
    value = {"params": {"tableName": "orders", "columns": []}}
    assert [violation.pointer for violation in check.unknown_members(value)] == found


def test_each_place_that_lacks_members_or_has_a_wrong_value_is_reported_once() -> None:
    """`jsonschema` reports a list of missing members once for each of them; equal values may be one object."""
    check = SchemaCheck.of({"items": {"required": ["a", "b"], "properties": {"c": {"type": "string"}}}})
    found = [violation.pointer for violation in check.violations([{}, {}, {"a": 1, "b": 1, "c": 5}], "body")]
    assert sorted(found) == ["/0/a", "/0/b", "/1/a", "/1/b", "/2/c"]
    twice = SchemaCheck.of({"items": {"type": "string"}})
    assert [violation.pointer for violation in twice.violations([5, 5], "body")] == ["/0", "/1"]
