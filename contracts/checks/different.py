"""Checks that entities of different connectors are kept apart in look-ups, lists and searches."""

from __future__ import annotations

from contracts.findings.verdicts import same
from contracts.registry import any_kind, check
from contracts.stage import Stage, filters
from contracts.stage.expectations import ids, receipt, replacing, succeeded
from contracts.stage.kinds import Kind
from contracts.stage.various import various

_SENT = ("connectionSpec", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "transformations")


@check("list.different-entities", each=any_kind)
def entities_of_different_connectors_are_kept_apart(stage: Stage, kind: Kind) -> None:
    """Entities of different connectors, new and patched, are the same in look-up, list and search, in either order."""
    made = various(stage, kind.name)
    for entity in made[: len(made) // 2] if kind.patched else ():
        receipt(stage.patch(entity, replacing("description", "patched")))
    shown = {entity.id: stage.read(entity) for entity in made}
    for entity in reversed(made):
        same(stage.read(entity), shown[entity.id], "an entity after others were looked up")
        for member in _SENT:
            same(shown[entity.id].get(member), entity.body.get(member), f"{member} as it was sent")
        if "auth" in entity.body:
            same(shown[entity.id]["auth"]["specName"], entity.body["auth"]["specName"], "specName as it was sent")
    text = "id==" + ",".join(shown)
    for orderby in ("createdAt", "-createdAt"):
        listed = stage.listed(f"{kind.path}?{filters(text)}&orderby={orderby}")
        same({item["id"]: item for item in listed}, shown, f"entities of a list with orderby={orderby}")
        if kind.searched:
            body = {"queryString": f"property={text}", "orderby": orderby}
            found = succeeded(stage.call("POST", f"{kind.path}/search", body))["items"]
            same(ids(found), ids(listed), f"order of a search with orderby={orderby}")
            same(found, listed, f"entities of a search with orderby={orderby}")
