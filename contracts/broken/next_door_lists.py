"""Faulty neighbouring services with wrong lists."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Right, broken
from contracts.checks.next_door import CATALOG, CONVERSION, REGISTRY


@broken("next-door.page", by_way_of="next-door.mapping-set")
def pages_count_one_more(asked: Asked, right: Right) -> GivenAnswer:
    """The page of a list of mapping sets counts one more than it shows."""
    given = right(asked)
    listed = asked.method == "GET" and asked.path == f"{CONVERSION}/mappingSets"
    return given.telling(_page={**given.json["_page"], "count": len(given.json["data"]) + 1}) if listed else given


@broken("next-door.schemas-listed")
def schemas_are_listed_upwards_only(asked: Asked, right: Right) -> GivenAnswer:
    """A descending order is ignored."""
    if not asked.path.startswith(REGISTRY):
        return right(asked)
    return right(asked.asking([(name, value.lstrip("-")) for name, value in asked.parameters]))


@broken("next-door.stats")
def statistics_are_those_of_yesterday(asked: Asked, right: Right) -> GivenAnswer:
    """The statistics name no recent resource."""
    given = right(asked)
    return given.telling(recentlyCreatedResources=[]) if asked.path == f"{REGISTRY}/stats" and given.done else given


@broken("next-door.batches-limited")
def all_batches_are_listed(asked: Asked, right: Right) -> GivenAnswer:
    """A list of batches ignores `limit`."""
    return right(asked.asking([])) if asked.path == f"{CATALOG}/batches" else right(asked)
