"""Checks of deletions: an empty response, and the entity is gone everywhere."""

from __future__ import annotations

from contracts.findings.causes import ABSENT
from contracts.findings.verdicts import expect, same
from contracts.registry import any_kind, check, deleted
from contracts.stage import Stage
from contracts.stage.expectations import NOWHERE, deletion, ids, refused, replacing, succeeded
from contracts.stage.kinds import Kind


@check("delete.answer", each=deleted)
def answers_with_nothing(stage: Stage, kind: Kind) -> None:
    """A deletion responds 204 (or 202, as for destinations) without a body, needs no If-Match, and accepts a slash."""
    for slash in ("", "/"):
        answer = stage.call("DELETE", stage.make(kind).path + slash)
        deletion(answer)
        same(answer.body, b"", "body of a deletion")


@check("delete.gone", each=deleted)
def what_is_deleted_is_gone(stage: Stage, kind: Kind) -> None:
    """Look-up, patch and second deletion get 1439; the list and its filters no longer show the entity."""
    made = stage.make(kind)
    deletion(stage.call("DELETE", made.path))
    refused(stage.call("GET", made.path), 404, "1439-404")
    refused(stage.call("DELETE", made.path), 404, "1439-404")
    if kind.patched:
        refused(stage.patch(made, replacing("description", "ghost")), 404, "1439-404")
        refused(stage.call("GET", made.path), 404, "1439-404")
    expect(made.id not in ids(stage.listed(f"{kind.path}?limit=100")), "a deleted entity is still listed", ABSENT)
    expect(not stage.listed(f"{kind.path}?property=id=={made.id}"), "a filter still finds a deleted entity")
    if kind.searched:
        found = succeeded(stage.call("POST", f"{kind.path}/search", {"queryString": f"property=id=={made.id}"}))
        same(found["items"], [], "entities that a search finds after their deletion")


@check("delete.below", operations=("deleteConnection",))
def nothing_is_left_below(stage: Stage) -> None:
    """Test, explore, configs and actions of a deleted connection get 1439."""
    made = stage.make("connections")
    below = (("GET", "/test"), ("GET", "/explore?objectType=root"), ("GET", "/configs"), ("POST", "/action?op=publish"))
    same(succeeded(stage.call("GET", made.path + "/test")), {"result": True}, "test before the deletion")
    deletion(stage.call("DELETE", made.path))
    for method, step in below:
        refused(stage.call(method, made.path + step), 404, "1439-404")


@check("delete.only-that", each=deleted)
def nothing_else_goes(stage: Stage, kind: Kind) -> None:
    """Entities of the same name created before and after stay."""
    name = stage.name("namesake")
    first, second, third = (stage.make(kind, name=name) for _ in range(3))
    deletion(stage.call("DELETE", second.path))
    stage.read(first)
    stage.read(third)


@check("delete.count", each=deleted)
def the_count_goes_down(stage: Stage, kind: Kind) -> None:
    """A deletion reduces the count by one."""
    made = stage.make(kind)
    target = f"{kind.path}?count=true&property=id=={made.id}"
    same(stage.call("GET", target).json, {"count": 1}, "count before the deletion")
    deletion(stage.call("DELETE", made.path))
    same(stage.call("GET", target).json, {"count": 0}, "count after the deletion")


@check("lookup.unknown", each=any_kind, writes=False)
def unknown_ids(stage: Stage, kind: Kind) -> None:
    """An unknown id gets 1439 with the collection's name and the id in the report."""
    for entity_id in (NOWHERE, "none", "a%20b", "x" * 60):
        body = refused(stage.call("GET", f"{kind.path}/{entity_id}"), 404, "1439-404")
        same(body["title"], "Resource not found", "title")
        same(body["report"].get("type"), kind.name, "report.type", "report.type")
    same(body["report"].get("id"), "x" * 60, "report.id")


@check("lookup.wrapped", each=any_kind)
def a_lookup_is_wrapped_in_items(stage: Stage, kind: Kind) -> None:
    """A look-up returns one entity in `items`, as public clients expect."""
    made = stage.make(kind)
    answer = stage.call("GET", made.path)
    same(list(answer.json), ["items"], "members of a lookup")
    same(ids(answer.json["items"]), [made.id], "ids in a lookup")


@check("lookup.idempotent", each=any_kind)
def two_lookups_are_equal(stage: Stage, kind: Kind) -> None:
    """Two look-ups return the same bytes."""
    made = stage.make(kind)
    first, second = stage.call("GET", made.path), stage.call("GET", made.path)
    same(second.body, first.body, "the second lookup")
    with_type = stage.call("GET", made.path, headers={"Content-Type": "application/json", "Accept": "application/json"})
    same(with_type.body, first.body, "a lookup with the content type that public clients send")
