"""Checks that lists, counts and searches show every write and every state at once."""

from __future__ import annotations

from typing import Any

from contracts.findings.verdicts import expect, same
from contracts.registry import any_kind, check, drafted, patched
from contracts.stage import Stage, filters
from contracts.stage.expectations import deletion, receipt, replacing, succeeded
from contracts.stage.kinds import Kind


@check("list.fresh", each=any_kind)
def the_same_question_gets_the_state_of_now(stage: Stage, kind: Kind) -> None:
    """The same list, count and search, repeated after each write, show the new state."""
    name = stage.name("fresh")
    made = [stage.make(kind, name=name)]
    paths = [made[0].path]
    _shows(stage, kind, name, paths, "a creation")
    paths.append(stage.make(kind, name=name).path)
    _shows(stage, kind, name, paths, "a second creation")
    if kind.patched:
        receipt(stage.patch(made[0], replacing("description", "patched")))
        _shows(stage, kind, name, paths, "a patch")
    if kind.name == "flows":
        receipt(stage.call("POST", f"{paths[0]}/action?op=disable"))
        _shows(stage, kind, name, paths, "an action")
    if kind.drafted:
        draft = receipt(stage.call("POST", f"{kind.path}?mode=draft", stage.body(kind, name=name)), 201)
        paths.append(f"{kind.path}/{draft['id']}")
        _shows(stage, kind, name, paths, "a draft")
        receipt(stage.call("POST", f"{paths[-1]}/action?op=publish"))
        _shows(stage, kind, name, paths, "a publication")
    if kind.deleted:
        deletion(stage.call("DELETE", paths[0]))
        _shows(stage, kind, name, paths[1:], "a deletion")


@check("list.every-state", each=patched)
def every_state_is_listed(stage: Stage, kind: Kind) -> None:
    """Enabled and disabled entities and drafts are listed and counted without a filter on states."""
    name = stage.name("states")
    made = stage.make(kind, name=name)
    states = {made.id: "enabled"}
    if kind.name in ("connections", "flows"):
        other = stage.make(kind, name=name)
        if kind.name == "flows":
            receipt(stage.call("POST", f"{other.path}/action?op=disable"))
        else:
            receipt(stage.patch(other, replacing("state", "disabled")))
        states[other.id] = "disabled"
    if kind.drafted:
        draft = receipt(stage.call("POST", f"{kind.path}?mode=draft", stage.body(kind, name=name)), 201)
        states[draft["id"]] = "draft"
    only = filters(f"name=={name}")
    listed = {item["id"]: item.get("state") for item in stage.listed(f"{kind.path}?{only}")}
    same(listed, states, "entities of one name and their states")
    same(succeeded(stage.call("GET", f"{kind.path}?count=true&{only}")), {"count": len(states)}, "their count")
    for state in sorted(set(states.values())):
        found = {item["id"] for item in stage.listed(f"{kind.path}?{only}&{filters('state==' + state)}")}
        same(found, {key for key, value in states.items() if value == state}, f"entities with state=={state}")
        target = f"{kind.path}?count=true&{only}&{filters('state==' + state)}"
        same(succeeded(stage.call("GET", target)), {"count": len(found)}, f"count of entities with state=={state}")


@check("action.stamps", each=drafted)
def an_action_changes_the_state_and_the_stamps(stage: Stage, kind: Kind) -> None:
    """An action changes only state and stamps, and stamps the calling client."""
    made = receipt(stage.call("POST", f"{kind.path}?mode=draft", stage.body(kind)), 201)
    path = f"{kind.path}/{made['id']}"
    words = ("publish", "disable") if kind.name == "flows" else ("publish",)
    for word in words:
        before = _entity(stage, path)
        theirs = None if "x-api-key" in stage.settings.given else "contract-suite-2"
        headers = {"x-api-key": theirs} if theirs else {}
        receipt(stage.call("POST", f"{path}/action?op={word}", headers=headers))
        after = _entity(stage, path)
        moved = {"state", "etag", "version", "updatedAt", "updatedBy", "updatedClient", "lastOperation"}
        for member in sorted((before.keys() | after.keys()) - moved):
            same(after.get(member), before.get(member), f"{member} after the action {word}")
        expect(after["updatedAt"] >= before["updatedAt"], f"updatedAt went backwards with the action {word}")
        if theirs:
            same(after.get("updatedClient"), theirs, f"updatedClient after the action {word} of another API key")


def _entity(stage: Stage, path: str) -> dict[str, Any]:
    items = succeeded(stage.call("GET", path))["items"]
    return dict(items[0])


def _shows(stage: Stage, kind: Kind, name: str, paths: list[str], what: str) -> None:
    """Expect that every view shows exactly the entities at these paths under a name."""
    expected = sorted((_entity(stage, path) for path in paths), key=lambda item: str(item["id"]))
    only = f"name=={name}"
    lists = {"list": stage.listed(f"{kind.path}?{filters(only)}")}
    target = f"{kind.path}?count=true&{filters(only)}"
    counts = {"list": succeeded(stage.call("GET", target))}
    if kind.searched:
        body = {"queryString": f"property={only}"}
        lists["search"] = succeeded(stage.call("POST", f"{kind.path}/search", body))["items"]
        counts["search"] = succeeded(stage.call("POST", f"{kind.path}/search", {**body, "count": True}))
    for view, items in lists.items():
        same(sorted(items, key=lambda item: str(item.get("id"))), expected, f"a {view} after {what}", f"stale {view}")
        same(counts[view], {"count": len(expected)}, f"count of a {view} after {what}")
