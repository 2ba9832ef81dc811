"""Checks of drafts, which are stored unfinished and checked when published, and of other actions."""

from __future__ import annotations

from contracts.findings.causes import IF_MATCH
from contracts.findings.verdicts import expect, same
from contracts.registry import check, drafted
from contracts.stage import Stage
from contracts.stage.expectations import NOWHERE, receipt, refused, replacing
from contracts.stage.kinds import Kind, basic_params

ACTION = ("performAction",)


@check("draft.stored", operations=ACTION)
def a_draft_is_stored_unfinished(stage: Stage) -> None:
    """A draft needs only name and spec and has the state `draft`."""
    answer = stage.call("POST", "/connections?mode=draft", stage.body("connections", auth=None))
    made_id = receipt(answer, 201)["id"]
    item = stage.call("GET", f"/connections/{made_id}").json["items"][0]
    same(item.get("state"), "draft", "state")


@check("draft.published", each=drafted)
def a_draft_is_published(stage: Stage, kind: Kind) -> None:
    """Publishing without body and content type returns a receipt with a new etag and ends the state `draft`."""
    made = receipt(stage.call("POST", f"{kind.path}?mode=draft", stage.body(kind)), 201)
    path = f"{kind.path}/{made['id']}"
    same(stage.call("GET", path).json["items"][0].get("state"), "draft", "state")
    done = receipt(stage.call("POST", f"{path}/action?op=publish"))
    same(done["id"], made["id"], "id in the receipt")
    expect(done["etag"] != made["etag"], "publishing kept the etag")
    item = stage.call("GET", path).json["items"][0]
    same(item.get("state"), "enabled", "state", rule="entity.state-as-written")
    same(item.get("etag"), done["etag"], "etag")


@check("draft.incomplete", operations=ACTION)
def an_incomplete_draft_is_not_published(stage: Stage) -> None:
    """An incomplete draft stays a draft; once completed, it can be published."""
    made = receipt(stage.call("POST", "/connections?mode=draft", stage.body("connections", auth=None)), 201)
    path = f"/connections/{made['id']}"
    refused(stage.call("POST", f"{path}/action?op=publish"), 400)
    same(stage.call("GET", path).json["items"][0].get("state"), "draft", "state after a refused publication")
    auth = {"specName": "Basic Authentication", "params": basic_params(stage.canary)}
    patch = [{**replacing("auth", auth), "op": "add"}]
    receipt(stage.call("PATCH", path, patch, headers={"If-Match": made["etag"]}))
    receipt(stage.call("POST", f"{path}/action?op=publish"))


@check("draft.published-once", operations=ACTION)
def only_drafts_are_published(stage: Stage) -> None:
    """Publishing an enabled entity is refused with 1422."""
    made = stage.make("connections")
    refused(stage.call("POST", f"{made.path}/action?op=publish"), 400, "1422-400")


@check("action.op-any-case", operations=ACTION)
def op_in_any_case(stage: Stage) -> None:
    """Action names are accepted in any case: tutorials send `publish`, the document has `PUBLISH`."""
    for word in ("PUBLISH", "Publish"):
        made = receipt(stage.call("POST", "/connections?mode=draft", stage.body("connections")), 201)
        receipt(stage.call("POST", f"/connections/{made['id']}/action?op={word}"))


@check("action.op-wrong", operations=ACTION)
def other_actions_are_refused(stage: Stage) -> None:
    """A missing and an unknown action are refused; providers' actions with 1402."""
    made = stage.make("connections")
    for query in ("", "?op=", "?op=explode"):
        refused(stage.call("POST", f"{made.path}/action{query}"), 400)
    refused(stage.call("POST", f"{made.path}/action?op=finalize"), 400, "1402-400")


@check("action.if-match", operations=ACTION)
def an_action_keeps_to_its_etag(stage: Stage) -> None:
    """If-Match is optional for actions, but a stale one is refused."""
    made = receipt(stage.call("POST", "/connections?mode=draft", stage.body("connections")), 201)
    path = f"/connections/{made['id']}"
    headers = {"If-Match": made["etag"]}
    current = receipt(stage.call("PATCH", path, [replacing("description", "x")], headers=headers))["etag"]
    refused(stage.call("POST", f"{path}/action?op=publish", headers=headers), 412, "1404-412", rule=IF_MATCH)
    receipt(stage.call("POST", f"{path}/action?op=publish", headers={"If-Match": current}))


@check("action.unknown-id", operations=ACTION)
def an_absent_entity_cannot_act(stage: Stage) -> None:
    """An action on an unknown entity is refused with 1439."""
    refused(stage.call("POST", f"/connections/{NOWHERE}/action?op=publish"), 404, "1439-404")
