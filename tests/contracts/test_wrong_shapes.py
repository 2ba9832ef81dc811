"""Tests that a server whose bodies are wrong everywhere in one way gives few findings: one cause is one finding."""

import functools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings.verdicts import FAILED, NOT_COMPARABLE, PASSED, Broken, differing, same
from tests.contracts.test_wrong_servers import Fault, finds_nothing, judged


def values(change: Callable[[str, Any], Any]) -> Fault:
    """A server that changes each value of each response, by its member's name."""

    def deep(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return change(name, {key: deep(key, inner) for key, inner in value.items()})
        return change(name, [deep(name, item) for item in value] if isinstance(value, list) else value)

    @functools.lru_cache(maxsize=8)  # lists of specs are long, and the same in most requests
    def changed(body: bytes) -> bytes:
        return json.dumps(deep("", json.loads(body))).encode()

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return replace(given, body=changed(given.body)) if given.done and given.body else given

    return fault


def names(change: Callable[[str], str]) -> Fault:
    """A server that changes the name of each member."""
    return values(lambda _, value: {change(k): v for k, v in value.items()} if isinstance(value, dict) else value)


def entities(**changes: Callable[[Any], Any] | None) -> Fault:
    """A server that changes members of each entity, or leaves them out (None)."""

    def changed(entity: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in entity.items() if changes.get(name, str) is not None}
        return {name: changes[name](value) if name in changes else value for name, value in kept.items()}  # type: ignore[misc]

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return given.telling(items=[changed(item) for item in given.items]) if given.done and given.items else given

    return fault


def in_lists(server: Fault) -> Fault:
    """A server that is wrong in lists only."""
    return lambda asked, right: server(asked, right) if asked.lists else right(asked)


def in_lookups(server: Fault) -> Fault:
    """A server that is wrong in look-ups only."""
    return lambda asked, right: server(asked, right) if asked.looks_up else right(asked)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numbered(value: Any) -> Any:
    """A list as an object with positions as names."""
    return {str(at): item for at, item in enumerate(value)} if isinstance(value, list) else value


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and value.count("-") == 4


def entity_members(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """A server that shows each entity with other members."""
    return lambda asked, right: right(asked).showing(change)


def the_only(value: Any) -> Any:
    """The item of a list with only one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def enveloped(asked: Asked, right: Right) -> GivenAnswer:
    """A server that puts each body into another one."""
    given = right(asked)
    return given.saying({"status": "fine", "result": given.json}) if given.done and given.body else given


OPTIONAL = ("description", "auth", "params", "state", "baseConnectionId", "options", "policy")
NUMBERS_AS_TEXTS = values(lambda _, value: str(value) if is_number(value) else value)
SHAPES: dict[str, tuple[Fault, int]] = {
    "numbers as texts": (NUMBERS_AS_TEXTS, 1),
    "booleans as texts": (values(lambda _, value: str(value).lower() if isinstance(value, bool) else value), 1),
    "numbers with fractions": (values(lambda _, value: float(value) if is_number(value) else value), 1),
    "seconds": (values(lambda name, value: value // 1000 if name.endswith("At") and is_number(value) else value), 1),
    "dates as texts": (values(lambda name, value: f"@{value}" if name.endswith("At") and value else value), 1),
    "nulls": (values(lambda name, value: None if isinstance(value, str) and name not in ("id", "etag") else value), 1),
    "members without a value as null": (entity_members(lambda item: {**dict.fromkeys(OPTIONAL), **item}), 1),
    "snake case": (names(lambda name: re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)), 1),
    "capital names": (names(str.upper), 1),
    "objects as texts": (values(lambda name, value: json.dumps(value) if name in ("params", "auth") else value), 1),
    "no id": (entities(id=None), 1),
    "no auth": (entities(auth=None), 1),  # its schema does not require it
    "state in capitals": (entities(state=str.upper), 1),
    "etag as an object": (entities(etag=lambda etag: {"value": etag}), 1),
    "etag as a number in lists": (in_lists(entities(etag=lambda _: 1.5)), 1),
    "auth as a text in look-ups": (in_lookups(entities(auth=str)), 1),
}
"""The server, and the maximum number of findings."""


@pytest.mark.parametrize(("server", "most"), SHAPES.values(), ids=SHAPES)
def test_a_wrong_shape_is_few_findings(server: Fault, most: int) -> None:
    found = judged(server)
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert 1 <= len(labels) <= most, "\n".join(labels)
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)
    assert len(found.report.having(NOT_COMPARABLE)) > len(labels)


EVERYWHERE: dict[str, tuple[Fault, int]] = {
    "booleans as numbers": (values(lambda _, value: int(value) if isinstance(value, bool) else value), 1),
    "trimmed": (values(lambda _, value: value.strip() if isinstance(value, str) else value), 1),
    "lists of one as their item": (values(lambda name, value: the_only(value) if name != "items" else value), 1),
    "lists as objects": (values(lambda _, value: numbered(value)), 1),
    "wrapped": (enveloped, 1),
    "capitals": (values(lambda _, value: value.upper() if isinstance(value, str) else value), 1),
    "ids as numbers": (values(lambda name, value: int(value[:8], 16) if name == "id" and is_uuid(value) else value), 1),
    "a stub": (finds_nothing, 1),
}
"""Servers that are wrong in the answers of neighbouring services too."""


@pytest.mark.slow
@pytest.mark.parametrize(("server", "most"), EVERYWHERE.values(), ids=EVERYWHERE)
def test_a_wrong_shape_of_all_operations_is_few_findings(server: Fault, most: int) -> None:
    found = judged(server, operations=frozenset())
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert 1 <= len(labels) <= most, "\n".join(labels)
    assert found.report.trouble == [] and (len(found.report.left) == found.entities or found.report.unverified)


@pytest.mark.slow
def test_generated_requests_of_all_operations_add_nothing_to_a_wrong_shape() -> None:
    found = judged(NUMBERS_AS_TEXTS, operations=frozenset(), examples=1)
    assert [finding.first.check for finding in found.findings] == ["answer.schema"], found.everything
    assert len(found.report.having(NOT_COMPARABLE)) > 70


def forgets_a_patch(asked: Asked, right: Right) -> GivenAnswer:
    """A server that writes no description."""
    kept = [step for step in asked.instructions if step.get("path") != "/description"]
    changed = asked.sending(kept or [{"op": "replace", "path": "/name", "value": "x"}]) if asked.patches else asked
    return right(changed)


@pytest.mark.parametrize("shape", ["numbers as texts", "snake case", "seconds", "nulls"])
def test_another_fault_is_found_beside_a_wrong_shape(shape: str) -> None:
    server = SHAPES[shape][0]
    both = judged(lambda asked, right: server(asked, Right(lambda one: forgets_a_patch(one, right), right.memory)))
    found = [finding.first.check for finding in both.findings]
    assert any(name.startswith("patch.") for name in found), [outcome.message for outcome in both.report.having(FAILED)]


@pytest.mark.parametrize("shape", ["snake case", "no id"])
def test_generated_requests_cope_with_a_wrong_shape(shape: str) -> None:
    """They are made of the server's own connection specs."""
    server, most = SHAPES[shape]
    found = judged(server, operations=frozenset({"createConnection", "retrieveConnection"}), examples=1)
    assert found.report.having(PASSED) and len(found.findings) <= most
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)


@pytest.mark.parametrize(
    ("came", "expected", "shown"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 4, "d": 3}}, ({"b": {"c": 2}}, {"b": {"c": 4}})),
        ({"a": 1}, {"a": 1, "b": None}, ({}, {"b": None})),
        ({"a": 1, "b": 2}, {"a": 1}, ({"b": 2}, {})),
        ([{"a": 1, "b": 2}, {"a": 3}], [{"a": 1, "b": 5}, {"a": 3}], ([{"b": 2}], [{"b": 5}])),
        ([{"a": 1}], [{"a": 1}, {"a": 2}], ([{"a": 1}], [{"a": 1}, {"a": 2}])),
        (1, "1", (1, "1")),
    ],
)
def test_of_large_values_only_what_differs_is_shown(came: object, expected: object, shown: tuple[Any, Any]) -> None:
    assert differing(came, expected) == shown
    filler = dict.fromkeys(map(str, range(100)), "equal")
    with pytest.raises(Broken) as broken:
        same({**filler, "came": came}, {**filler, "came": expected}, "an entity")
    assert "equal" not in str(broken.value) and "characters" not in str(broken.value)
