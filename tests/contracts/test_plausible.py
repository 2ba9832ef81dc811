"""Tests of the document for generated requests, whatever connection specs a faulty server lists."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.generation.plausible import DOCUMENTED_SPEC, plausible
from contracts.schema.document import Document

SOURCE = Document.load().source
WRONG = (None, 7, True, "", "text", [], [7], {}, {"a": 1})


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every member and item of a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*at, key)
        yield from places(item, (*at, key))


@pytest.mark.parametrize("place", list(places(dict(DOCUMENTED_SPEC))), ids=lambda at: "/".join(map(str, at)))
def test_a_spec_that_is_wrong_anywhere_is_done_without(place: tuple[str | int, ...]) -> None:
    *above, last = place
    for wrong in (*WRONG, ...):
        spec: Any = copy.deepcopy(dict(DOCUMENTED_SPEC))
        holder = spec
        for step in above:
            holder = holder[step]
        if wrong is ...:
            del holder[last]
        else:
            holder[last] = wrong
        schema = plausible(SOURCE, [spec])["components"]["schemas"]["CreateConnectionRequest"]
        assert schema["anyOf"][0]["properties"]["auth"]["properties"]["params"]["properties"]


def test_a_right_spec_is_used() -> None:
    schema = plausible(SOURCE, [DOCUMENTED_SPEC])["components"]["schemas"]["CreateConnectionRequest"]
    assert schema["anyOf"][0]["properties"]["connectionSpec"]["properties"]["id"] == {"const": DOCUMENTED_SPEC["id"]}
