"""Checks of `property` filters, compared with a simple evaluation of the same filters over the unfiltered list."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from contracts.findings.verdicts import expect, same
from contracts.registry import any_kind, check, patched
from contracts.stage import Made, Stage, filters
from contracts.stage.expectations import ids, ours, receipt, refused, replacing, succeeded
from contracts.stage.kinds import Kind

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def meets(item: Mapping[str, Any], member: str, sign: str, values: tuple[Any, ...]) -> bool:
    """The reference: whether an entity satisfies one condition; any of several values counts."""
    found: Any = item
    for step in member.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    if sign == "!=":
        return all(found != value for value in values)
    return found is not None and any(COMPARE[sign](found, value) for value in values)


@check("filter.equality", each=any_kind)
def equal_and_not_equal(stage: Stage, kind: Kind) -> None:
    """`==`, `=`, `!=`, several values, quoted or not, nested members."""
    made = _three(stage, kind)
    first, second = str(made[0].body["name"]), str(made[1].body["name"])
    spec = "flowSpec.id" if kind.name == "flows" else "connectionSpec.id"
    spec_id = made[0].body[spec.partition(".")[0]]["id"]
    _compare(stage, kind, made, f"name=={first}", lambda item: meets(item, "name", "==", (first,)))
    _compare(stage, kind, made, f'name=="{first}"', lambda item: meets(item, "name", "==", (first,)))
    _compare(stage, kind, made, f"name={first}", lambda item: meets(item, "name", "==", (first,)))
    _compare(
        stage,
        kind,
        made,
        f"name=={first},{second}",
        lambda item: meets(
            item,
            "name",
            "==",
            (
                first,
                second,
            ),
        ),
    )
    _compare(stage, kind, made, f"name!={first}", lambda item: meets(item, "name", "!=", (first,)))
    _compare(stage, kind, made, f"{spec}=={spec_id}", lambda item: meets(item, spec, "==", (spec_id,)))
    _compare(stage, kind, made, "name==nobody is called so", lambda item: False)
    _compare(stage, kind, made, f"name=={first.upper()}", lambda item: meets(item, "name", "==", (first.upper(),)))
    _compare(stage, kind, made, f"id=={made[2].id}", lambda item: item["id"] == made[2].id)


@check("filter.conjunction", each=any_kind)
def several_filters_must_all_hold(stage: Stage, kind: Kind) -> None:
    """Repeated parameters must all hold, in any order."""
    made = _three(stage, kind)
    name, other = str(made[0].body["name"]), str(made[1].body["name"])
    for texts, expected in (
        ((f"name=={name}", f"id=={made[0].id}"), [made[0].id]),
        ((f"id=={made[0].id}", f"name=={name}"), [made[0].id]),
        ((f"name=={name}", f"name=={other}"), []),
        ((f"id=={made[0].id}", f"name=={other}"), []),
    ):
        same(ids(stage.listed(f"{kind.path}?{filters(*texts)}")), expected, f"entities with {' and '.join(texts)}")


@check("filter.times", each=any_kind)
def times_compare_as_numbers(stage: Stage, kind: Kind) -> None:
    """`<`, `<=`, `>`, `>=` and `==` on `createdAt` compare numbers."""
    made = _three(stage, kind)
    moment = stage.read(made[1])["createdAt"]
    for sign in ("<", "<=", ">", ">=", "=="):
        reference = partial(meets, member="createdAt", sign=sign, values=(moment,))
        _compare(stage, kind, made, f"createdAt{sign}{moment}", reference)
    _compare(stage, kind, made, "createdAt>=1", lambda item: True)
    _compare(stage, kind, made, "createdAt<99", lambda item: False)


@check("filter.state", each=patched)
def states_are_found(stage: Stage, kind: Kind) -> None:
    """States are found in any case."""
    made = _three(stage, kind)
    item = stage.read(made[0])
    state = str(item["state"])
    for text in (state, state.upper()):
        _compare(stage, kind, made, f"state=={text}", lambda item: item.get("state") == state)


@check("filter.after-write", each=patched)
def a_filter_sees_the_last_write(stage: Stage, kind: Kind) -> None:
    """After a write the old name finds nothing, the new one the entity."""
    made = stage.make(kind)
    name = stage.name("renamed")
    receipt(stage.patch(made, replacing("name", name)))
    same(stage.listed(f"{kind.path}?{filters('name==' + str(made.body['name']))}"), [], "entities with the old name")
    same(ids(stage.listed(f"{kind.path}?{filters('name==' + name)}")), [made.id], "entities with the new name")


@check("filter.encoded", each=any_kind)
def encoded_or_raw(stage: Stage, kind: Kind) -> None:
    """`=` and quotes may be encoded or not."""
    made = stage.make(kind)
    for text in (f"id=={made.id}", f"id%3D%3D{made.id}", f"id%3D%3D%22{made.id}%22"):
        same(ids(stage.listed(f"{kind.path}?property={text}")), [made.id], f"entities with property={text}")


@check("filter.wrong", each=any_kind, writes=False)
def wrong_filters_have_their_codes(stage: Stage, kind: Kind) -> None:
    """Each invalid filter gets its code of the catalogue."""
    for text, code in (
        ("name~orders", "1440-400"),
        ("createdAt<=1,2", "1443-400"),
        ("id>=1", "1448-400"),
        ("colour==blue", "1449-400"),
        ("name!>orders", "1450-400"),
        ("createdAt==soon", "1452-400"),
        ("createdAt==", "1453-400"),
    ):
        refused(stage.call("GET", f"{kind.path}?{filters(text)}"), 400, code)


@check("filter.counted", each=any_kind)
def count_takes_filters(stage: Stage, kind: Kind) -> None:
    """`count` applies filters like the list."""
    made = _three(stage, kind)
    text = "id==" + ",".join(entity.id for entity in made[:2])
    same(succeeded(stage.call("GET", f"{kind.path}?count=true&{filters(text)}")), {"count": 2}, "count")


def _three(stage: Stage, kind: Kind) -> list[Made]:
    return [stage.make(kind) for _ in range(3)]


def _compare(
    stage: Stage, kind: Kind, made: list[Made], text: str, reference: Callable[[dict[str, Any]], bool]
) -> None:
    """Expect that the filter finds those of our entities that the reference finds in the unfiltered list."""
    every = stage.listed(f"{kind.path}?{filters('id==' + ','.join(entity.id for entity in made))}")
    expect(len(every) == len(made), "the list lacks created entities")
    expected = [item["id"] for item in every if reference(item)]
    found = ours(ids(stage.listed(f"{kind.path}?limit=100&{filters(text)}")), made)
    same(found, expected, f"entities with property={text}")
