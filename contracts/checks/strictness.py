"""Checks that careless servers pass easily: nearly equal values, times that do not change, tests that always pass."""

from __future__ import annotations

from contracts.findings.verdicts import expect, same, untestable
from contracts.registry import any_kind, check, patched
from contracts.stage import Stage, filters
from contracts.stage.expectations import receipt, replacing
from contracts.stage.kinds import Kind


@check("filter.whole-values", each=any_kind)
def values_are_compared_whole(stage: Stage, kind: Kind) -> None:
    """The beginning and the end of a name do not match it."""
    made = stage.make(kind)
    name = str(made.body["name"])
    for part in (name[:-1], name[1:], f"{name}x"):
        same(stage.listed(f"{kind.path}?{filters('name==' + part)}"), [], "entities found by a part of their name")


@check("time.update-moves", each=patched)
def a_write_moves_the_time_of_update(stage: Stage, kind: Kind) -> None:
    """An entity written after another was created has a later time of update."""
    made = stage.make(kind)
    created = stage.read(made)["createdAt"]
    for _ in range(200):
        later = stage.read(stage.make(kind))["createdAt"]
        if later > created:
            break
    else:
        untestable("200 entities were created in one millisecond: the server's clock stands still")
    receipt(stage.patch(made, replacing("description", "moved")))
    updated = stage.read(made)["updatedAt"]
    expect(updated >= later, f"updatedAt is {updated} after a write, an entity created before it has createdAt {later}")


@check("explore.test-fails", operations=("testConnection",))
def a_connection_without_credentials_fails_its_test(stage: Stage) -> None:
    """The test of a draft without auth is false or refused."""
    answer = stage.call("POST", "/connections?mode=draft", stage.body("connections", auth=None))
    tried = stage.call("GET", f"/connections/{receipt(answer, 201)['id']}/test")
    body = tried.json if isinstance(tried.json, dict) else {}
    expect(tried.status in (200, 400), f"{tried}, expected 200 with a result, or 400")
    expect(body.get("result") is not True, "a connection without credentials passes its test")
