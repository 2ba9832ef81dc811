"""Tests that a server whose bodies are wrong everywhere in one way gives few findings: one cause is one finding."""

import json
import re
from typing import Any

import pytest

from contracts.findings.verdicts import NOT_COMPARABLE, Broken, differing, same
from tests.contracts.shapes import entities, entity_members, in_lists, in_lookups, is_number, names, values
from tests.contracts.test_wrong_servers import Fault, judged

OPTIONAL = ("description", "auth", "params", "state", "baseConnectionId", "options", "policy")
SHAPES: dict[str, tuple[Fault, int]] = {
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
"""The server, and the maximum number of findings. Others, also at neighbours: test_wrong_shapes_everywhere.py."""


@pytest.mark.slow
@pytest.mark.parametrize(("server", "most"), SHAPES.values(), ids=SHAPES)
def test_a_wrong_shape_is_few_findings(server: Fault, most: int) -> None:
    found = judged(server)
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert 1 <= len(labels) <= most, "\n".join(labels)
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)
    assert len(found.report.having(NOT_COMPARABLE)) > len(labels)


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
