"""Faulty servers with wrong drafts and actions."""

from __future__ import annotations

import uuid

from contracts.broken import Asked, GivenAnswer, Item, Right, broken


@broken(
    "draft.stored draft.published draft.incomplete journey.draft entity.state-as-written",
    kinds=["connections", "flows"],
)
def draft_mode_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Checks and enables a draft like any other entity."""
    return right(asked.not_asking("mode") if asked.creates else asked)


@broken("draft.incomplete")
def publishes_without_a_check(asked: Asked, right: Right) -> GivenAnswer:
    """Publishes an incomplete draft."""
    given = right(asked)
    found = right.entity(asked) if asked.acts else {}
    if found and given.status == 400 and given.code in ("1100-400", "1415-400"):
        return given.saying({"id": found["id"], "etag": found["etag"]}, 200).having("ETag", found["etag"])
    return given


@broken("draft.incomplete")
def refused_drafts_are_published(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses to publish a draft and enables it."""
    given = right(asked)
    if asked.acts and given.status == 400 and right.entity(asked).get("state") == "draft":
        right.memory[asked.parts[1]] = "enabled"

    def shown(item: Item) -> Item:
        return {**item, "state": right.memory.get(str(item.get("id")), item["state"])} if "state" in item else item

    return given.showing(shown)


@broken("draft.published-once")
def publishes_again_and_again(asked: Asked, right: Right) -> GivenAnswer:
    """Publishes an enabled entity."""
    given = right(asked)
    if asked.acts and given.code == "1422-400":
        found = right.entity(asked)
        return given.saying({"id": found["id"], "etag": found["etag"]}, 200).having("ETag", found["etag"])
    return given


@broken("draft.published journey.draft entity.state-as-written", kinds=["connections", "sourceConnections", "flows"])
def publishing_changes_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges publishing and leaves the state draft."""
    if asked.acts and (asked.parameter("op") or "").lower() == "publish" and (found := right.entity(asked)):
        return right(asked.instead("GET", asked.path[: -len("/action")])).saying(
            {"id": found["id"], "etag": found["etag"]}
        )
    return right(asked)


@broken("draft.published", kinds=["targetConnections"])
def publishing_needs_a_body(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses an action without body and content type."""
    given = right(asked)
    return given.saying({"error_code": "400000", "message": "no body"}, 400) if asked.acts and not asked.body else given


@broken("draft.published", kinds=["connections", "flows"])
def publishing_keeps_the_etag(asked: Asked, right: Right) -> GivenAnswer:
    """An action does not change the etag."""
    before = right.entity(asked) if asked.acts else {}
    given = right(asked)
    return given.telling(etag=before["etag"]) if before and given.done else given


@broken("action.op-any-case")
def actions_have_case(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts `publish` and refuses `PUBLISH`."""
    op = asked.parameter("op") or ""
    return right(asked.asking([("op", "unknown")]) if asked.acts and op != op.lower() else asked)


@broken("action.op-wrong")
def unknown_actions_ignored(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges unknown actions."""
    given = right(asked)
    if asked.acts and given.status == 400 and (found := right.entity(asked)):
        return given.saying({"id": found["id"], "etag": found["etag"]}, 200).having("ETag", found["etag"])
    return given


@broken("action.op-wrong")
def users_may_finalize(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts providers' actions from users."""
    given = right(asked)
    if given.code == "1402-400":
        found = right.entity(asked)
        return given.saying({"id": found["id"], "etag": found["etag"]}, 200).having("ETag", found["etag"])
    return given


@broken("action.if-match")
def actions_ignore_if_match(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an action with any etag."""
    return right(asked.without("if-match") if asked.acts else asked)


@broken("draft.published draft.incomplete action.op-any-case")
def actions_need_if_match(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses an action without an etag."""
    return right(asked if not asked.acts or "if-match" in asked.headers else asked.having(if_match='"none"'))


@broken("action.unknown-id tenant.below")
def acts_on_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an action on an unknown entity."""
    given = right(asked)
    if not asked.acts or given.status != 404:
        return given
    etag = f'"{uuid.uuid4().hex[:8]}-0000-0200-0000-6387c6b90000"'
    return given.saying({"id": asked.parts[1], "etag": etag}, 200).having("ETag", etag)
