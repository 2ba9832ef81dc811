"""Faulty servers with wrong inlets."""

from __future__ import annotations

from dataclasses import replace

from contracts.broken import Asked, GivenAnswer, Item, Right, broken
from contracts.checks.inlet import BATCH, COLLECTION


@broken("inlet.shown")
def inlets_are_at_another_address(asked: Asked, right: Right) -> GivenAnswer:
    """`inletUrl` does not lead to the inlet."""
    return right(asked).showing(_elsewhere)


def _elsewhere(item: Item) -> Item:
    auth = item.get("auth") or {}
    params = auth.get("params") or {}
    if "inletUrl" not in params:
        return item
    return {**item, "auth": {**auth, "params": {**params, "inletUrl": params["inletUrl"] + "0"}}}


@broken("inlet.takes")
def inlets_name_another(asked: Asked, right: Right) -> GivenAnswer:
    """The receipt of an event names another inlet."""
    given = right(asked)
    single = asked.path.startswith(COLLECTION) and not asked.path.startswith(BATCH)
    return given.telling(inletId="0" * 64) if single and given.done else given


@broken("inlet.validates")
def inlets_pass_every_event(asked: Asked, right: Right) -> GivenAnswer:
    """Tells that an event was validated without doing so."""
    if not asked.path.startswith(COLLECTION):
        return right(asked)
    given = right(replace(asked, query=""))
    return given.telling(syncValidation={"status": "pass"}) if "syncValidation" in asked.query else given


@broken("inlet.refuses")
def inlets_take_everything(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts invalid messages."""
    given = right(asked)
    if asked.path.startswith(COLLECTION) and given.status == 400:
        return given.saying(given.json, 200)
    return given


@broken("inlet.each-of-several")
def several_events_are_one(asked: Asked, right: Right) -> GivenAnswer:
    """Returns one outcome for all messages of a request."""
    given = right(asked)
    return given.telling(responses=[{"xactionId": "1:1:1:0"}]) if asked.path.startswith(BATCH) and given.done else given


@broken("inlet.token")
def inlets_are_open(asked: Asked, right: Right) -> GivenAnswer:
    """An inlet with authentication accepts events without a token."""
    bare = asked.path.startswith(COLLECTION) and "authorization" not in asked.headers
    return right(asked.having(authorization="Bearer any.token") if bare else asked)


@broken("inlet.of-a-webhook")
def webhooks_have_no_address(asked: Asked, right: Right) -> GivenAnswer:
    """The options of a flow lack its inletUrl."""

    def without(item: Item) -> Item:
        options = {name: value for name, value in (item.get("options") or {}).items() if name != "inletUrl"}
        return {**item, "options": options} if "options" in item else item

    return right(asked).showing(without)
