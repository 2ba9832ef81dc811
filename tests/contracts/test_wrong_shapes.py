"""Tests that a server whose bodies are wrong everywhere in one way gives few findings: one cause is one finding."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.verdicts import NOT_COMPARABLE, PASSED, Broken, differing, same
from tests.contracts.test_wrong_servers import Fault, judged


def values(change: Callable[[str, Any], Any]) -> Fault:
    """A server that changes each value of each response, by its member's name."""

    def deep(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return change(name, {key: deep(key, inner) for key, inner in value.items()})
        return change(name, [deep(name, item) for item in value] if isinstance(value, list) else value)

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return given.saying(deep("", given.json)) if given.done and given.body else given

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


SHAPES: dict[str, tuple[Fault, int]] = {
    "numbers as texts": (values(lambda _, value: str(value) if is_number(value) else value), 2),  # and rows of a table
    "booleans as texts": (values(lambda _, value: str(value).lower() if isinstance(value, bool) else value), 4),
    "nulls": (values(lambda name, value: None if isinstance(value, str) and name not in ("id", "etag") else value), 6),
    "snake case": (names(lambda name: re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)), 2),
    "no id": (entities(id=None), 1),
    "no auth": (entities(auth=None), 2),  # its schema does not require it
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
