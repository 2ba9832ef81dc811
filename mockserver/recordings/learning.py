"""What a recording tells of a sandbox: the entities and specs in it, as a state that the emulator can start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract import Contract
from mockserver.exchange import Tenant
from mockserver.flows.progress import provided
from mockserver.recordings.recording import RecordedExchange, Recording
from mockserver.resources._crud import STAMPS
from mockserver.runtime import etag as etag_of
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs
from mockserver.state import exports, imports
from mockserver.state.records import Change

_ENTITIES = ("connections", "sourceConnections", "targetConnections", "flows")
_SPECS = ("connectionSpecs", "flowSpecs")
_SHOWN_ONLY = frozenset({"providerRefId", "runs", "lastRunDetails", "lastOperation"})
"""Members that the service makes up when it shows an entity."""


@dataclass(slots=True)
class Learned:
    """A state, and what had to be guessed or left out."""

    state: dict[str, Any] = field(default_factory=dict)
    """As `PUT /_mock/state` takes it."""
    learned: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def existing_before(recording: Recording, contract: Contract) -> Learned:
    """The entities that were there before a recording began, as they were first shown."""
    began_ms = recording.exchanges[0].call.received_ms if recording.exchanges else 0
    strangers = {key: row for key, row in _not_created(recording).items() if _made_ms(row[1]) <= began_ms}
    return _learned(strangers, contract)


def made_by_others(recording: Recording) -> frozenset[str]:
    """Ids of entities that somebody else created while the recording went on."""
    began_ms = recording.exchanges[0].call.received_ms if recording.exchanges else 0
    rows = _not_created(recording).items()
    return frozenset(entity_id for (kind, entity_id), row in rows if _made_ms(row[1]) > began_ms and kind in _ENTITIES)


def _made_ms(doc: Mapping[str, Any]) -> int:
    made = doc.get("createdAt")
    return made if isinstance(made, int) else 0


def _not_created(recording: Recording) -> dict[tuple[str, str], tuple[Tenant, dict[str, Any]]]:
    """The entities that a recording shows without having created them, as they were first shown."""
    created = {
        str(exchange.result.body["id"])
        for exchange in recording.exchanges
        if exchange.result.status == 201 and isinstance(exchange.result.body, dict) and "id" in exchange.result.body
    }
    created |= {str(doc["id"]) for e in recording.exchanges if e.result.status == 201 for _, doc in _shown(e)}
    first: dict[tuple[str, str], tuple[Tenant, dict[str, Any]]] = {}
    for exchange in recording.exchanges:
        for kind, doc in _shown(exchange):
            if doc["id"] not in created:
                first.setdefault((kind, doc["id"]), (_tenant(exchange, doc), doc))
    return first


def alive_at_end(recording: Recording, contract: Contract) -> Learned:
    """The entities that a recording leaves behind, as they were last shown."""
    last: dict[tuple[str, str], tuple[Tenant, dict[str, Any]]] = {}
    for exchange in recording.exchanges:
        for kind, doc in _shown(exchange):
            last[kind, doc["id"]] = (_tenant(exchange, doc), doc)
        if exchange.call.method == "DELETE" and exchange.result.status in (202, 204):
            gone = set(exchange.ids.values())
            last = {key: row for key, row in last.items() if key[1] not in gone}
    return _learned(last, contract)


def _shown(exchange: RecordedExchange) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and document of every entity that a response shows in full."""
    body = exchange.result.body
    items = body.get("items") if isinstance(body, dict) else None
    if exchange.operation is None or not 200 <= exchange.result.status < 300 or not isinstance(items, list):
        return
    projected = (value for name, value in exchange.call.parameters() if name == "property")
    if any(not set(value) & set("=<>!~") for value in projected):
        return  # a projection shows entities in part
    kind = exchange.call.path.strip("/").split("/")[0]
    for item in items:
        whole = isinstance(item, dict) and isinstance(item.get("id"), str) and (kind in _SPECS or "etag" in item)
        if kind in (*_ENTITIES, *_SPECS) and whole and len(exchange.call.path.strip("/").split("/")) <= 2:
            yield kind, item


def _tenant(exchange: RecordedExchange, doc: Mapping[str, Any]) -> Tenant:
    headers = exchange.call.headers
    org = doc.get("imsOrgId") or headers.get("x-gw-ims-org-id", "")
    return Tenant(str(org), str(doc.get("sandboxName") or headers.get("x-sandbox-name") or "prod"))


def _learned(found: Mapping[tuple[str, str], tuple[Tenant, dict[str, Any]]], contract: Contract) -> Learned:
    learned, changes = Learned(), list[Change]()
    connectors, known_flow_specs = Connectors.load("azure"), FlowSpecs()
    for (kind, entity_id), (tenant, shown) in found.items():
        name = f"{kind} {entity_id}"
        if kind == "connectionSpecs" and connectors.get(entity_id) is not None:
            continue
        if kind == "flowSpecs" and known_flow_specs.get(entity_id) is not None:
            continue
        doc = _spec(kind, shown, learned) if kind in _SPECS else _entity(kind, shown, found, learned)
        change = Change(tenant, kind, entity_id, len(changes) + 1, doc)
        try:
            imports.check(contract, [change])
        except ValueError as problem:
            learned.left_out.append(f"{name}: {problem}")
            continue
        changes.append(change)
        learned.learned.append(name)
    learned.state = exports.write(changes, len(changes))
    return learned


def _spec(kind: str, shown: Mapping[str, Any], learned: Learned) -> dict[str, Any]:
    """A written spec keeps its members apart from its stamps, since it has a `version` of its own."""
    etag = etag_of(1, 0)
    made_up = {**dict.fromkeys(STAMPS, ""), "createdAt": 0, "updatedAt": 0, "version": etag, "etag": etag}
    if "createdAt" not in shown:
        learned.guessed.append(f"{kind} {shown['id']}: when and by whom it was written")
    stamps = {name: shown[name] for name in STAMPS if name in shown and name not in ("version", "etag")}
    spec = {name: value for name, value in shown.items() if name not in STAMPS or name == "version"}
    return {**made_up, **stamps, "spec": spec}


def _entity(
    kind: str,
    shown: Mapping[str, Any],
    found: Mapping[tuple[str, str], tuple[Tenant, dict[str, Any]]],
    learned: Learned,
) -> dict[str, Any]:
    doc = {name: value for name, value in shown.items() if name not in _SHOWN_ONLY}
    if kind == "flows":
        doc["provider"] = _provider(shown, found, learned)
    return doc


def _provider(
    flow: Mapping[str, Any], found: Mapping[tuple[str, str], tuple[Tenant, dict[str, Any]]], learned: Learned
) -> dict[str, Any]:
    """What the flow provider keeps of a flow; it runs from its last change on, not for all the time before."""
    source_id = next(iter(flow.get("sourceConnectionIds") or ()), "")
    _, source = found.get(("sourceConnections", source_id), (None, {}))
    if not source:
        inherited = (flow.get("inheritedAttributes") or {}).get("sourceConnections") or [{}]
        learned.guessed.append(f"flows {flow['id']}: its source connection was never shown")
        base, spec = inherited[0].get("baseConnection") or {}, inherited[0].get("connectionSpec")
        source = {"connectionSpec": spec or {"id": ""}, "baseConnectionId": base.get("id")}
    return provided(source, int(flow.get("updatedAt") or 0), scheduled=bool(flow.get("scheduleParams")))
