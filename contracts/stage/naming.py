"""What requests and responses name: a collection, an entity, a flow."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from contracts.wire import Answer, Sent


def collection(sent: Sent) -> str:
    """The path of a request, without its query."""
    return sent.path


def entity(sent: Sent) -> tuple[str, str]:
    """Collection and id in the path of a request; empty texts if it has none."""
    kind, entity_id, *_ = [*sent.target.partition("?")[0].strip("/").split("/"), ""]
    return kind, unquote(entity_id)


def new_id(answer: Answer) -> str | None:
    """The id of a new entity: in the body, in `items`, or at the end of `Location`."""
    body = answer.json
    items = body.get("items") if isinstance(body, dict) else None
    holders = [body, *(items if isinstance(items, list) else ())]
    for holder in holders:
        if isinstance(holder, dict) and isinstance(holder.get("id"), str) and holder["id"]:
            return str(holder["id"])
    try:
        steps = urlsplit(answer.header("location") or "").path.rstrip("/").split("/")
    except ValueError:
        return None
    kind = collection(answer.sent).strip("/")
    return unquote(steps[-1]) if len(steps) > 1 and steps[-2] == kind else None


def flow_of(sent: Sent) -> str:
    """The flow of a new run."""
    return str(body_of(sent).get("flowId"))


def activated(sent: Sent) -> list[str]:
    """The flows that an ad hoc activation runs."""
    wanted = body_of(sent).get("activationInfo")
    return list(wanted) if isinstance(wanted, dict) else []


def body_of(sent: Sent) -> dict[str, Any]:
    """The object in the body of a request, or an empty one."""
    return sent.json if isinstance(sent.json, dict) else {}
