"""Checks of filters on the members in Adobe's guide, on several values, and on values with special characters."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from contracts.findings.verdicts import same
from contracts.registry import any_kind, check
from contracts.stage import Made, Stage, filters
from contracts.stage.expectations import NOWHERE, ids, succeeded
from contracts.stage.kinds import Kind

MEMBERS: Mapping[str, tuple[str, ...]] = {
    "connections": ("description", "connectionSpec.id", "state"),
    "sourceConnections": ("connectionSpec.id", "baseConnectionId", "params.tableName"),
    "targetConnections": ("connectionSpec.id", "params.dataSetId"),
    "flows": (
        *("description", "flowSpec.id", "state", "sourceConnectionIds[]", "targetConnectionIds[]"),
        "inheritedAttributes.targetConnections[].connectionSpec.id",
    ),
}
"""Collection -> the members in the guide's table and samples."""


@check("filter.documented-members", each=any_kind)
def each_documented_member_can_be_filtered_by(stage: Stage, kind: Kind) -> None:
    """An entity's value finds it, another value does not, and each of two values counts."""
    made = stage.make(kind)
    item = stage.read(made)
    own = f"id=={made.id}"
    for member in MEMBERS.get(kind.name, ()):
        value = _value(item, member)
        for text, found in (
            (f"{member}=={value}", True),
            (f"{member}=={NOWHERE}", False),
            (f"{member}=={NOWHERE},{value}", True),
            (f"{member}!={value}", False),
        ):
            expected = [made.id] if found else []
            same(ids(stage.listed(f"{kind.path}?{filters(own, text)}")), expected, f"entities with {text}")
        target = f"{kind.path}?count=true&{filters(own, f'{member}=={NOWHERE}')}"
        same(succeeded(stage.call("GET", target)), {"count": 0}, f"count of another value of {member}")


@check("filter.several-values", each=any_kind)
def each_of_several_values_counts(stage: Stage, kind: Kind) -> None:
    """`==` matches any of three values, `!=` none of two; three conditions must all hold; counts agree."""
    made = [stage.make(kind) for _ in range(3)]
    names = [str(entity.body["name"]) for entity in made]
    every = "id==" + ",".join(entity.id for entity in made)
    times = [stage.read(entity)["createdAt"] for entity in made]
    for texts, expected in (
        ((every, f"name=={names[0]},{names[1]},{names[2]}"), made),
        ((every, f"name!={names[0]},{names[1]}"), made[2:]),
        ((every, f"name!={names[0]}", f"name!={names[1]}"), made[2:]),
        ((every, f"createdAt>={times[0]}", f"name=={names[1]}"), made[1:2]),
        ((every, f"updatedAt>{max(times) + 86_400_000}"), []),
        ((every, f"updatedAt<={max(times) + 86_400_000}", f"updatedAt>={min(times)}"), made),
    ):
        _found(stage, kind, texts, expected)


@check("filter.exact-text", each=any_kind)
def a_value_is_taken_letter_by_letter(stage: Stage, kind: Kind) -> None:
    """URL characters, quoted commas and similar-looking letters are compared exactly."""
    texts = ("plus+and space&x=1#%41", "one, two", "cafe\u0301", "  spaced  out ")
    names = [f"{stage.name('exact')} {text}" for text in texts]
    for name, alike in zip(names, (" and", "one", "caf\u00e9", "spaced out"), strict=True):
        made = stage.make(kind, name=name)
        target = f"{kind.path}?property=" + quote(f'name=="{name}"', safe="")
        same(ids(stage.listed(target)), [made.id], f"entities named {name!r}")
        other = name[: len(name) - len(texts[names.index(name)])] + alike
        target = f"{kind.path}?property=" + quote(f'name=="{other}"', safe="")
        same(ids(stage.listed(target)), [], f"entities named {other!r}, where one is named {name!r}")


def _value(item: object, path: str) -> object:
    """The value at the path of a filter; of a list, the first one."""
    for step in path.split("."):
        name = step.removesuffix("[]")
        item = item.get(name) if isinstance(item, Mapping) else None
        if step.endswith("[]"):
            item = item[0] if isinstance(item, list) and item else None
    return item


def _found(stage: Stage, kind: Kind, texts: tuple[str, ...], expected: list[Made]) -> None:
    what = " and ".join(texts[1:])
    found = ids(stage.listed(f"{kind.path}?{filters(*texts)}"))
    same(sorted(found), sorted(entity.id for entity in expected), f"entities with {what}")
    counted = succeeded(stage.call("GET", f"{kind.path}?count=true&{filters(*texts)}"))
    same(counted, {"count": len(expected)}, f"count of entities with {what}")
