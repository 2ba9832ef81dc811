"""Entities that a recording only names: the connection of a new source, the ends of a new flow.

They existed if a request that names them was successful, unless the recording shows that they did not.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Container, Iterator, Mapping
from typing import Any

from mockserver.exchange import DRAFT, Tenant
from mockserver.recordings.lives import ENTITIES, Life, Lives, kind_of, shown, tenant_of
from mockserver.recordings.recording import RecordedExchange, Recording
from mockserver.resources._crud import STAMPS
from mockserver.runtime import etag as etag_of
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs

_GUESS = "only named, so that its members are made up"
_SANDBOX = "x-sandbox-name"
_NOBODY = re.compile(r"0{8}-0{4}-[0-9a-f]0{3}-[089ab]0{3}-0{12}")
_ENDS = {"sourceConnectionIds": "sourceConnections", "targetConnectionIds": "targetConnections"}
"""Member of a flow -> the kind of the entities that it names."""
_AS_DRAFT = ("mode", DRAFT)

_Mention = tuple[Tenant, str, str, dict[str, Any]]
"""Tenant, kind and id of an entity, and the members that are known."""


class Absences:
    """Ids that are known not to exist, or no longer, at a point of a recording."""

    def __init__(self) -> None:
        self._ids: set[tuple[Tenant, str]] = set()

    def note(self, exchange: RecordedExchange) -> None:
        """Note that the entity in the path was not found, or is deleted."""
        if _SANDBOX in exchange.gaps.headers:
            return  # it may exist in another sandbox
        deleted = exchange.call.method == "DELETE" and 200 <= exchange.result.status < 300
        if deleted or exchange.result.status == 404:
            self._ids.update((tenant_of(exchange, {}), value) for value in exchange.ids.values())

    def has(self, exchange: RecordedExchange, entity_id: str) -> bool:
        """Whether an entity does not exist for a request: its id is made up, was not found, or was deleted."""
        return _NOBODY.fullmatch(entity_id) is not None or (tenant_of(exchange, {}), entity_id) in self._ids


def entities(recording: Recording, known: Container[str]) -> Lives:
    """The connections, source and target connections that a recording names, except those with known ids."""
    lives: Lives = {}
    for find in (_in_response, _in_request):  # a response knows the connection spec best
        absences = Absences()
        for exchange in recording.exchanges:
            if 200 <= exchange.result.status < 300:
                for tenant, kind, entity_id, members in find(exchange):
                    if entity_id not in known and not absences.has(exchange, entity_id):
                        doc = {**template(tenant, kind, entity_id), **members}
                        lives.setdefault((kind, entity_id), Life(tenant, doc, [_GUESS]))
            absences.note(exchange)
    return lives


def _in_response(exchange: RecordedExchange) -> Iterator[_Mention]:
    """What shown source and target connections and flows inherit from others."""
    for kind, doc in shown(exchange):
        tenant = tenant_of(exchange, doc)
        inherited = doc.get("inheritedAttributes")
        inherited = inherited if isinstance(inherited, Mapping) else {}
        if kind == "flows":
            for member in _ENDS.values():
                for end in _objects(inherited.get(member)):
                    yield from _inherited(tenant, member, end)
                    yield from _base(tenant, end.get("baseConnection"))
        elif kind in ENTITIES:
            yield from _base(tenant, inherited.get("baseConnection"))


def _base(tenant: Tenant, value: Any) -> Iterator[_Mention]:
    for base in _objects([value]):
        yield from _inherited(tenant, "connections", base)


def _inherited(tenant: Tenant, kind: str, part: Mapping[str, Any]) -> Iterator[_Mention]:
    """An entity as one of those that depend on it shows it."""
    spec, base = part.get("connectionSpec"), part.get("baseConnection")
    if isinstance(part.get("id"), str) and isinstance(spec, dict) and isinstance(spec.get("id"), str):
        named = {"baseConnectionId": base["id"]} if isinstance(base, dict) and isinstance(base.get("id"), str) else {}
        yield tenant, kind, part["id"], {"connectionSpec": spec, **named}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else ()


def _in_request(exchange: RecordedExchange) -> Iterator[_Mention]:
    """What a new entity names. A draft of a flow may name anything."""
    kind, depth = kind_of(exchange)
    body: Any = exchange.body
    if exchange.call.method != "POST" or depth != 1 or not isinstance(body, Mapping):
        return
    tenant = tenant_of(exchange, {})
    spec, base = body.get("connectionSpec"), body.get("baseConnectionId")
    if kind in _ENDS.values() and isinstance(base, str) and isinstance(spec, Mapping):
        named = {"id": spec.get("id"), "version": spec.get("version", "1.0")}
        yield tenant, "connections", base, {"connectionSpec": named}
    if kind == "flows" and _AS_DRAFT not in exchange.call.parameters():
        yield from _ends(tenant, body)


def _ends(tenant: Tenant, flow: Mapping[str, Any]) -> Iterator[_Mention]:
    """The source and the target of a flow, with the first connection spec that its flow spec accepts."""
    named = flow.get("flowSpec")
    spec = FlowSpecs.load().get(str(named.get("id") if isinstance(named, Mapping) else named))
    accepted = (spec.source_connection_spec_ids, spec.target_connection_spec_ids) if spec else ((), ())
    for (member, kind), specs in zip(_ENDS.items(), accepted, strict=True):
        ids = flow.get(member)
        for entity_id in ids if isinstance(ids, list) and specs else ():
            if isinstance(entity_id, str):
                yield tenant, kind, entity_id, {"connectionSpec": {"id": specs[0], "version": "1.0"}}


def template(tenant: Tenant, kind: str, entity_id: str) -> dict[str, Any]:
    """The members that every entity has, with values that no service generates."""
    stamps: dict[str, Any] = {**dict.fromkeys(STAMPS, "unknown"), "id": entity_id, "createdAt": 0, "updatedAt": 0}
    stamps |= {"sandboxId": tenant.sandbox_id, "sandboxName": tenant.sandbox, "imsOrgId": tenant.org}
    etag = etag_of(zlib.crc32(entity_id.encode()), 0)
    doc = {**stamps, "name": "unknown", "state": "enabled", "version": etag, "etag": etag}
    if kind == "flows":
        return doc
    spec = Connectors.load("azure").all()[0].reference
    doc["connectionSpec"] = {"id": spec["id"], "version": spec["version"]}
    return doc if kind == "connections" else {**doc, "inheritedAttributes": {}}
