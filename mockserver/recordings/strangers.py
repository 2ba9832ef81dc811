"""Finds the changes of other clients during a recording, which a replay cannot repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from mockserver.exchange import Tenant
from mockserver.recordings.lives import ENTITIES, kind_of, shown, tenant_of
from mockserver.recordings.recording import RecordedExchange, Recording

_CHANGED = "another client changed the entity"
_GONE = "another client deleted the entity"
_LACKING = "the recording lacks exchanges, which may have changed the entity"


def changes(recording: Recording, existing: frozenset[str]) -> dict[int, dict[str, str]]:
    """Number of an exchange -> id of an entity that others changed or deleted, as its response shows -> why.

    `existing`: ids of entities that existed before the recording. If the client no longer finds an entity that it
    created itself, this is a fault of the service.
    """
    found: dict[int, dict[str, str]] = {}
    for number, entity_id in _changed(recording, existing):
        found.setdefault(number, {})[entity_id] = _CHANGED
    for number, entity_id in _vanished(recording, existing):
        found.setdefault(number, {})[entity_id] = _GONE
    for number in recording.holes:
        found.setdefault(number, {}).update(dict.fromkeys(_used_before(recording, number), _LACKING))
    return found


def _used_before(recording: Recording, number: int) -> Iterator[str]:
    """The ids of entities that exchanges before one created, show or name in their path."""
    for exchange in recording.exchanges[: number - 1]:
        yield from exchange.ids.values()
        yield from (doc["id"] for _, doc in shown(exchange))
        new = exchange.result.body
        if exchange.result.status == 201 and isinstance(new, dict) and isinstance(new.get("id"), str):
            yield new["id"]


def merged(recording: Recording) -> Iterator[str]:
    """Whether several organisations have one name in a recording, as after a careless replacement of words."""
    sandboxes: dict[Tenant, set[object]] = {}
    for exchange in recording.exchanges:
        for _, doc in shown(exchange):
            if "sandboxId" in doc:
                sandboxes.setdefault(tenant_of(exchange, doc), set()).add(doc["sandboxId"])
    if any(len(ids) > 1 for ids in sandboxes.values()):
        yield (
            "one sandbox of one organisation has several sandboxIds: differences follow if several organisations "
            "or sandboxes were given the same name"
        )


def _changed(recording: Recording, existing: Set[str]) -> Iterator[tuple[int, str]]:
    """Exchanges that show an entity which was written since it was last shown, by no request of the recording.

    This shows in its client, or in etag and time together if the recording did not create the entity.
    """
    own = {exchange.call.headers.get("x-api-key") for exchange in recording.exchanges}
    known: dict[str, tuple[Any, Any]] = {}
    for exchange in recording.exchanges:
        if exchange.call.method not in ("GET", "HEAD"):
            for entity_id in exchange.ids.values():
                known.pop(entity_id, None)
        for kind, doc in shown(exchange):
            state = doc.get("etag"), doc.get("updatedAt")
            before = known.get(doc["id"], state)
            known[doc["id"]] = state
            client = doc.get("updatedClient")
            of_another = bool(client) and client not in own and before[0] != state[0]
            is_written = doc["id"] in existing and before[0] != state[0] and before[1] != state[1]
            if kind in ENTITIES and (of_another or is_written):
                yield exchange.number, doc["id"]


def _vanished(recording: Recording, existing: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Exchanges that first miss an entity, which no later one shows, and which the recording did not delete."""
    seen: dict[str, RecordedExchange] = {}
    missed: dict[str, int] = {}
    for exchange in recording.exchanges:
        succeeded = 200 <= exchange.result.status < 300
        present = {doc["id"] for _, doc in shown(exchange)} | (set(exchange.ids.values()) if succeeded else set())
        for entity_id in present & existing:
            seen[entity_id] = exchange
            missed.pop(entity_id, None)
        if succeeded and exchange.call.method == "DELETE":
            for entity_id in exchange.ids.values():
                seen.pop(entity_id, None)
        for entity_id in _asked(exchange, seen) - present:
            if _lacks(exchange, seen[entity_id]):
                missed.setdefault(entity_id, exchange.number)
    yield from ((number, entity_id) for entity_id, number in missed.items() if entity_id in seen)


def _asked(exchange: RecordedExchange, seen: Mapping[str, RecordedExchange]) -> Set[str]:
    """The entities seen so far that a response can prove to be gone: the one that is not found, or those of a list."""
    if exchange.result.status == 404:
        return seen.keys() & set(exchange.ids.values())
    body: Any = exchange.result.body
    is_whole = isinstance(body, Mapping) and isinstance(body.get("items"), list) and not exchange.call.query
    links = body.get("_links") if is_whole else None
    return seen.keys() if is_whole and not (isinstance(links, Mapping) and links.get("next")) else set()


def _lacks(exchange: RecordedExchange, last: RecordedExchange) -> bool:
    """Whether a response without an entity is for the entity's tenant and, if it is a list, for its kind."""
    alike = exchange.result.status == 404 or kind_of(exchange) == (kind_of(last)[0], 1)
    return alike and tenant_of(exchange, {}) == tenant_of(last, {})
