"""Checks of tenants: entities of one sandbox are unknown to another, with the same response as for unknown ids."""

from __future__ import annotations

from typing import Any

from contracts.findings.verdicts import expect, same
from contracts.registry import any_kind, check, deleted, patched
from contracts.stage import Stage, filters
from contracts.stage.expectations import NOWHERE, ids, receipt, refused, replacing, succeeded, unchanged
from contracts.stage.kinds import Kind


@check("tenant.lookup", each=any_kind)
def a_foreign_entity_is_not_there(stage: Stage, kind: Kind) -> None:
    """Another sandbox gets exactly the response for an unknown id."""
    other = stage.elsewhere()
    made = stage.make(kind)
    foreign = _without(refused(other.call("GET", made.path), 404, "1439-404"), made.id)
    absent = _without(refused(other.call("GET", f"{kind.path}/{NOWHERE}"), 404, "1439-404"), NOWHERE)
    same(foreign, absent, "the answer for a foreign entity, against that for an absent one")


@check("tenant.list", each=any_kind)
def lists_show_ones_own(stage: Stage, kind: Kind) -> None:
    """Lists, filters and counts of another sandbox do not contain the entity."""
    other = stage.elsewhere()
    made, _ = stage.make(kind), other.make(kind)
    expect(made.id not in ids(other.listed(f"{kind.path}?limit=100")), "a list shows another sandbox's entity")
    same(other.listed(f"{kind.path}?{filters('id==' + made.id)}"), [], "entities a filter finds in another sandbox")
    target = f"{kind.path}?count=true&{filters('id==' + made.id)}"
    same(succeeded(other.call("GET", target)), {"count": 0}, "count in another sandbox")


@check("tenant.patch", each=patched)
def a_foreign_patch_does_nothing(stage: Stage, kind: Kind) -> None:
    """A patch from another sandbox changes nothing, even with the current etag."""
    other = stage.elsewhere()
    made = stage.make(kind)
    before = stage.read(made)
    refused(other.patch(made, replacing("description", "stolen")), 404, "1439-404")
    unchanged(before, stage.read(made), "a patch from another sandbox")


@check("tenant.delete", each=deleted)
def a_foreign_deletion_does_nothing(stage: Stage, kind: Kind) -> None:
    """A deletion from another sandbox deletes nothing."""
    other = stage.elsewhere()
    made = stage.make(kind)
    refused(other.call("DELETE", made.path), 404, "1439-404")
    stage.read(made)


@check(
    "tenant.below", operations=("testConnection", "getByConnectionId", "exploreConfigByConnectionId", "performAction")
)
def what_is_below_is_not_there_either(stage: Stage) -> None:
    """Test, explore, configs and actions are unknown for another sandbox's connection."""
    other = stage.elsewhere()
    made = stage.make("connections")
    for below in ("/test", "/explore?objectType=root", "/configs"):
        refused(other.call("GET", made.path + below), 404, "1439-404")
    refused(other.call("POST", f"{made.path}/action?op=publish"), 404, "1439-404", rule="action.unknown-id")


@check("tenant.token", each=any_kind)
def a_foreign_token_shows_nothing(stage: Stage, kind: Kind) -> None:
    """A continuation token used in another sandbox shows no entities of the first one."""
    other = stage.elsewhere()
    made = [stage.make(kind) for _ in range(3)]
    href = succeeded(stage.call("GET", f"{kind.path}?limit=1"))["_links"]["next"]["href"]
    answer = other.call("GET", href)
    if answer.status == 200:
        shown = set(ids(answer.json["items"])) & {entity.id for entity in made}
        expect(not shown, "a token from another sandbox shows that sandbox's entities")
    else:
        refused(answer, 400)


@check("tenant.same-names", each=any_kind)
def both_may_use_a_name(stage: Stage, kind: Kind) -> None:
    """Two sandboxes can have entities of the same name."""
    other = stage.elsewhere()
    name = stage.name("shared")
    mine, theirs = stage.make(kind, name=name), other.make(kind, name=name)
    same(ids(stage.listed(f"{kind.path}?{filters('name==' + name)}")), [mine.id], "entities here")
    same(ids(other.listed(f"{kind.path}?{filters('name==' + name)}")), [theirs.id], "entities there")
    here, there = stage.read(mine), other.read(theirs)
    for view, item, owner in (("here", here, stage), ("there", there, other)):
        same(item.get("sandboxName"), owner.headers["x-sandbox-name"], f"sandboxName of a created entity {view}")
    expect(here.get("sandboxId") != there.get("sandboxId"), "two sandboxes have one sandboxId")
    for at, made, item in ((stage, mine, here), (other, theirs, there), (stage, mine, here)):
        same(at.listed(f"{kind.path}?{filters('id==' + made.id)}"), [item], "the entity in a list of its sandbox")
    if kind.patched:
        receipt(other.patch(theirs, replacing("description", "there")))
        same(stage.read(mine).get("description"), mine.body.get("description"), "description here")


@check("tenant.search", each=lambda kind: kind.searched)
def searches_find_ones_own(stage: Stage, kind: Kind) -> None:
    """Searches of another sandbox neither find nor count the entity, with any filter."""
    other = stage.elsewhere()
    name = stage.name("searched")
    made = stage.make(kind, name=name)
    for text in (f"id=={made.id}", f"name=={name}"):
        body = {"queryString": f"property={text}"}
        same(succeeded(other.call("POST", f"{kind.path}/search", body))["items"], [], f"a search there with {text}")
        counted = succeeded(other.call("POST", f"{kind.path}/search", {**body, "count": True}))
        same(counted, {"count": 0}, f"count of a search there with {text}")


@check("tenant.organisation", each=any_kind)
def another_organisation_sees_nothing(stage: Stage, kind: Kind) -> None:
    """Another organisation sees and changes nothing, even in a sandbox of the same name."""
    other = stage.abroad()
    made = stage.make(kind)
    before = stage.read(made)
    refused(other.call("GET", made.path), 404, "1439-404")
    same(other.listed(f"{kind.path}?{filters('id==' + made.id)}"), [], "entities in another organisation's list")
    target = f"{kind.path}?count=true&{filters('id==' + made.id)}"
    same(succeeded(other.call("GET", target)), {"count": 0}, "count in another organisation")
    if kind.patched:
        refused(other.patch(made, replacing("description", "stolen")), 404, "1439-404")
    if kind.deleted:
        refused(other.call("DELETE", made.path), 404, "1439-404")
    unchanged(before, stage.read(made), "what another organisation tried")


def _without(body: dict[str, Any], entity_id: str) -> str:
    """A refusal without request id and entity id, which must differ."""
    report = {name: value for name, value in body["report"].items() if name != "request-id"}
    return repr({**body, "report": report}).replace(entity_id, "{id}")
