"""Follows each entity through a recording: created, shown, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonpatch
import jsonpointer

from mockserver.exchange import DRAFT, Tenant
from mockserver.har.gaps import is_left_out
from mockserver.recordings.recording import RecordedExchange, Recording

ENTITIES = ("connections", "sourceConnections", "targetConnections", "flows")
SPECS = ("connectionSpecs", "flowSpecs")

_ACTIONS = {"enable": "enabled", "disable": "disabled", "publish": "enabled"}
"""Action on an entity -> resulting state."""

_UNKNOWN_ACTOR = "unknown@AdobeID"


@dataclass(slots=True)
class Life:
    """The last known state of an entity."""

    tenant: Tenant
    doc: dict[str, Any]
    guesses: list[str] = field(default_factory=list)
    """The parts that the service did not show."""


Lives = dict[tuple[str, str], Life]
"""Kind and id -> life, in the order of first occurrence."""


def shown(exchange: RecordedExchange) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and document of every entity that a response shows completely."""
    body = exchange.result.body
    items = body.get("items") if isinstance(body, dict) else None
    kind, depth = kind_of(exchange)
    if kind is None or depth > 2 or not 200 <= exchange.result.status < 300 or not isinstance(items, list):
        return
    projected = (value for name, value in exchange.call.parameters() if name == "property")
    if any(not set(value) & set("=<>!~") for value in projected):
        return  # a projection shows only some members
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("id"), str) and (kind in SPECS or "etag" in item):
            yield kind, item


def tenant_of(exchange: RecordedExchange, doc: Mapping[str, Any]) -> Tenant:
    """Organisation and sandbox of an entity. The organisation is empty if unknown."""
    headers = {name: value for name, value in exchange.call.headers.items() if name not in exchange.gaps.headers}
    org = doc.get("imsOrgId") or headers.get("x-gw-ims-org-id", "")
    return Tenant(str(org), str(doc.get("sandboxName") or headers.get("x-sandbox-name") or "prod"))


def caller_of(recording: Recording) -> dict[str, str]:
    """Headers of the client for requests from which a tool has removed them, as far as the recording shows them."""
    found = {"x-api-key": "unknown-client", "x-gw-ims-org-id": f"{'0' * 24}@AdobeOrg", "x-sandbox-name": "prod"}
    for exchange in reversed(recording.exchanges):
        for _, doc in shown(exchange):
            tenant = tenant_of(exchange, doc)
            found |= {"x-sandbox-name": tenant.sandbox, "x-gw-ims-org-id": tenant.org or found["x-gw-ims-org-id"]}
        sent = exchange.call.headers
        known = (name for name in found if name in sent and name not in exchange.gaps.headers)
        found |= {name: sent[name] for name in known if not is_left_out(sent[name], passed=True)}
    return found


def at_end(recording: Recording) -> tuple[Lives, tuple[tuple[str, str], ...]]:
    """The entities that exist at the end of a recording, and those that it used but never showed."""
    lives: Lives = {}
    used: dict[tuple[str, str], None] = {}
    for exchange in recording.exchanges:
        for kind, doc in shown(exchange):
            lives[kind, doc["id"]] = Life(tenant_of(exchange, doc), dict(doc))
        about, depth = kind_of(exchange)
        if about is None or not 200 <= exchange.result.status < 300:
            continue
        if exchange.call.method == "POST" and depth == 1:
            _create(exchange, about, lives)
        for entity_id in exchange.ids.values():
            key = about, entity_id
            used[key] = None
            if exchange.call.method == "DELETE":
                lives.pop(key, None)
                del used[key]
            elif key in lives:
                _change(exchange, lives[key])
    unseen = tuple(key for key in used if key not in lives)
    return lives, unseen


def kind_of(exchange: RecordedExchange) -> tuple[str | None, int]:
    """The kind of entity in a request's path, and the number of path segments."""
    segments = exchange.call.path.strip("/").split("/")
    known = exchange.operation is not None and segments[0] in (*ENTITIES, *SPECS)
    return (segments[0] if known else None), len(segments)


def _create(exchange: RecordedExchange, kind: str, lives: Lives) -> None:
    """Add a created entity, from the request and what the service adds. A later lookup replaces it."""
    sent, receipt = exchange.body, exchange.result.body
    if not isinstance(sent, dict) or not isinstance(receipt, dict) or not isinstance(receipt.get("id"), str):
        return
    tenant, moment = tenant_of(exchange, {}), exchange.call.received_ms
    client = exchange.call.headers.get("x-api-key", "")
    stamps: dict[str, Any] = {"id": receipt["id"]}
    for verb in ("created", "updated"):
        stamps |= {f"{verb}At": moment, f"{verb}By": _UNKNOWN_ACTOR, f"{verb}Client": client}
    stamps |= {"sandboxId": tenant.sandbox_id, "sandboxName": tenant.sandbox, "imsOrgId": tenant.org}
    draft = any(pair == ("mode", DRAFT) for pair in exchange.call.parameters())
    state = {"state": DRAFT} if draft else {} if "state" in sent else {"state": "enabled"}
    doc = {**stamps, **sent, **(state if kind in ENTITIES else {})}
    life = Life(tenant, doc, ["created and never shown: its author, sandbox ID and members added by the service"])
    _new_etag(exchange, life)
    lives[kind, receipt["id"]] = life


def _change(exchange: RecordedExchange, life: Life) -> None:
    """Apply a patch or an action to a known entity."""
    if exchange.call.method == "PATCH":
        _patch(exchange, life)
    elif exchange.call.method == "PUT" and isinstance(exchange.body, dict):
        life.doc |= {**exchange.body, "id": life.doc["id"]}
    elif exchange.call.path.endswith("/action"):
        asked = dict(exchange.call.parameters()).get("op", "").lower()
        if asked in _ACTIONS:
            life.doc["state"] = _ACTIONS[asked]
    else:
        return
    before = life.doc.get("updatedAt")
    life.doc["updatedAt"] = max(exchange.call.received_ms, before if isinstance(before, int) else 0)
    _new_etag(exchange, life)


def _patch(exchange: RecordedExchange, life: Life) -> None:
    body: Any = exchange.body
    try:
        steps = [{**one, "op": str(one["op"]).lower()} for one in (body if isinstance(body, list) else [body])]
        changed = jsonpatch.apply_patch(life.doc, steps)
        if not isinstance(changed, dict) or changed.get("id") != life.doc["id"]:
            raise ValueError("no longer this entity")
        life.doc = changed
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError, ValueError):
        life.guesses.append("one of its patches cannot be applied and is ignored")


def _new_etag(exchange: RecordedExchange, life: Life) -> None:
    receipt = exchange.result.body if isinstance(exchange.result.body, dict) else {}
    etag = receipt.get("etag") or dict(exchange.result.headers).get("etag")
    if isinstance(etag, str) and etag:
        life.doc |= {"version": etag, "etag": etag}
