"""A comparison as one HTML page: the shapes of both responses of each exchange, with marked differences.

Shapes contain names and types but no values, because a recording may contain credentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver import pages
from mockserver.comparison.replay import VERDICTS, Compared, ReplayOutcome, reasons
from mockserver.comparison.writers.terminal import numbered, verdict
from mockserver.json_input import Json

_MAX_SHOWN = 500
"""Maximum number of exchanges shown. Those without differences are left out first."""
_MAX_LINES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a shape."""

    indent: int
    text: str
    marked: bool


def write(outcome: ReplayOutcome) -> str:
    """Generate the page."""
    weight = {"different": 0, "not served": 0, "not called": 1, "not comparable": 1, "same": 2}
    worst = sorted(outcome.compared, key=lambda one: weight[one.verdict])[:_MAX_SHOWN]
    shown = sorted(worst, key=lambda one: one.exchange.number)
    return pages.render(
        "comparison.html",
        outcome=outcome,
        verdict=verdict(outcome),
        headline=headline(outcome),
        counts=[(name, outcome.count(name)) for name in VERDICTS],
        shown=[(one, _sides(one)) for one in shown],
        reasons=reasons(outcome.compared).most_common(),
        numbered=numbered,
    )


def headline(outcome: ReplayOutcome) -> str:
    """The result in a few words."""
    return {0: "Same responses as recorded", 1: "Responses differ", 3: "Nothing could be compared"}[outcome.status]


def _sides(one: Compared) -> list[tuple[str, list[Line]]]:
    pointers = {difference.pointer for difference in one.differences}
    recorded = list(_shape(one.exchange.result.body, "", "", 0, pointers))[:_MAX_LINES]
    sides = [(f"recorded: {one.exchange.result.status}", recorded)]
    if one.ours is not None:
        sides.append((f"here: {one.ours.status}", list(_shape(one.ours.body, "", "", 0, pointers))[:_MAX_LINES]))
    return sides


def _shape(value: Json, name: str, pointer: str, indent: int, marked: set[str]) -> Iterator[Line]:
    label = f"{name}: " if name else ""
    if isinstance(value, dict):
        yield Line(indent, f"{label}{{", pointer in marked)
        for key, inner in value.items():
            yield from _shape(inner, key, f"{pointer}/{key}", indent + 1, marked)
        yield Line(indent, "}", False)
    elif isinstance(value, list):
        yield Line(indent, f"{label}[ {len(value)} {'item' if len(value) == 1 else 'items'}", pointer in marked)
        for inner in value[:1]:
            yield from _shape(inner, "", f"{pointer}/*", indent + 1, marked)
        yield Line(indent, "]", False)
    else:
        yield Line(indent, f"{label}{_type(value)}", pointer in marked)


def _type(value: Json) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string"}
    return "null" if value is None else names[type(value)]
