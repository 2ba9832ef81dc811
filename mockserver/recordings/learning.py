"""What a recording tells of a sandbox: the entities and specs in it, as a state that the emulator can start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mockserver.contract import Contract
from mockserver.emulator import Emulator
from mockserver.exchange import Tenant
from mockserver.flows.progress import provided
from mockserver.recordings.lives import ENTITIES, SPECS, Life, Lives, at_end, shown, tenant_of
from mockserver.recordings.recording import Recording
from mockserver.resources._crud import STAMPS
from mockserver.runtime import etag as etag_of
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs
from mockserver.state import exports, imports
from mockserver.state.records import Change

_SHOWN_ONLY = frozenset({"providerRefId", "runs", "lastRunDetails", "lastOperation"})
"""Members that the service makes up when it shows an entity."""
_INHERITED = {"sourceConnectionIds": "sourceConnections", "targetConnectionIds": "targetConnections"}


@dataclass(slots=True)
class Learned:
    """A state, and what had to be guessed or left out."""

    state: dict[str, Any] = field(default_factory=dict)
    """As `PUT /_mock/state` takes it."""
    learned: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    tenants: tuple[Tenant, ...] = ()
    """Whose entities they are."""

    @property
    def summary(self) -> str:
        """How much there is of each kind, and where: a line."""
        counts = Counter(name.partition(" ")[0] for name in self.learned)
        there = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
        where = ", ".join(f"{tenant.org} {tenant.sandbox}" for tenant in self.tenants)
        return f"{there}{f' in {where}' if where else ''}"

    def lines(self) -> Iterator[str]:
        """What was guessed and what was left out."""
        yield from (f"guessed: {line}" for line in self.guessed)
        yield from (f"left out: {line}" for line in self.left_out)


def start_from(emulator: Emulator, file: str) -> Learned:
    """Let an emulator begin with what a recording leaves behind, and return there at each reset.

    The only organisation of a recording becomes the emulator's own, where `org` names one. Raises ValueError.
    """
    recording = Recording.load(Path(file), emulator.contract)
    org = next(iter(emulator.config.orgs), "")
    learned = alive_at_end(recording, emulator.contract, emulator.world.connectors, org)
    if not learned.learned:
        raise ValueError(f"{file}: shows no entity and no spec in full, so there is nothing to learn")
    emulator.begin_with(learned.state)
    return learned


def existing_before(recording: Recording, contract: Contract) -> Learned:
    """The entities that were there before a recording began, as they were first shown."""
    began_ms = recording.exchanges[0].call.received_ms if recording.exchanges else 0
    strangers = {key: life for key, life in _not_created(recording).items() if _made_ms(life.doc) <= began_ms}
    return _learned(strangers, contract, Connectors.load("azure"))


def made_by_others(recording: Recording) -> frozenset[str]:
    """Ids of entities that somebody else created while the recording went on.

    Those that have a name which this client sent are its own, whatever the service answered.
    """
    began_ms = recording.exchanges[0].call.received_ms if recording.exchanges else 0
    bodies = (exchange.body for exchange in recording.exchanges if exchange.call.method == "POST")
    sent = {str(body["name"]) for body in bodies if isinstance(body, dict) and "name" in body}
    later = {
        key
        for key, life in _not_created(recording).items()
        if _made_ms(life.doc) > began_ms and str(life.doc.get("name")) not in sent
    }
    return frozenset(entity_id for kind, entity_id in later if kind in ENTITIES)


def alive_at_end(recording: Recording, contract: Contract, connectors: Connectors, org: str = "") -> Learned:
    """The entities that a recording leaves behind, as they were last known.

    `org`: the organisation they get, if the recording has one or none.
    """
    lives, unseen = at_end(recording)
    orgs = {life.tenant.org for life in lives.values()} - {""}
    if org and len(orgs) <= 1:
        for life in lives.values():
            life.tenant = life.tenant._replace(org=org)
            if "imsOrgId" in life.doc:
                life.doc["imsOrgId"] = org
    learned = _learned(lives, contract, connectors)
    learned.left_out += [f"{name}: used, but never shown in full" for name in unseen]
    learned.left_out += _next_door(recording)
    return learned


def _next_door(recording: Recording) -> list[str]:
    """The services beside Flow Service that a recording shows."""
    paths = (one.call.path.split("/") for one in recording.exchanges if one.result.status == 200)
    counts = Counter(parts[3] for parts in paths if len(parts) > 3 and parts[1] == "data")
    return [f"{name}: services next door are not learned ({count} responses)" for name, count in counts.items()]


def _made_ms(doc: Mapping[str, Any]) -> int:
    made = doc.get("createdAt")
    return made if isinstance(made, int) else 0


def _not_created(recording: Recording) -> Lives:
    """The entities that a recording shows without having created them, as they were first shown."""
    created = {
        str(exchange.result.body["id"])
        for exchange in recording.exchanges
        if exchange.result.status == 201 and isinstance(exchange.result.body, dict) and "id" in exchange.result.body
    }
    created |= {str(doc["id"]) for e in recording.exchanges if e.result.status == 201 for _, doc in shown(e)}
    first: Lives = {}
    for exchange in recording.exchanges:
        for kind, doc in shown(exchange):
            if doc["id"] not in created:
                first.setdefault((kind, doc["id"]), Life(tenant_of(exchange, doc), doc))
    return first


def _learned(lives: Lives, contract: Contract, connectors: Connectors) -> Learned:
    learned, changes = Learned(), list[Change]()
    known_flow_specs = FlowSpecs()
    for (kind, entity_id), life in lives.items():
        name = f"{kind} {entity_id}"
        if kind == "connectionSpecs" and connectors.get(entity_id) is not None:
            continue
        if kind == "flowSpecs" and known_flow_specs.get(entity_id) is not None:
            continue
        if not life.tenant.org:
            learned.left_out.append(f"{name}: the file does not tell its organisation; name one with --org")
            continue
        doc = _spec(kind, life.doc, learned) if kind in SPECS else _entity(kind, life.doc, lives, learned)
        change = Change(life.tenant, kind, entity_id, len(changes) + 1, doc)
        try:
            exports.parse(exports.write([change], change.revision))
            imports.check(contract, [change])
        except ValueError as problem:
            learned.left_out.append(f"{name}: {str(problem).replace('/records/0/doc', '')}")
            continue
        changes.append(change)
        learned.learned.append(name)
        learned.guessed += [f"{name}: {guess}" for guess in life.guesses]
    learned.state = exports.write(changes, len(changes))
    learned.tenants = tuple(dict.fromkeys(change.tenant for change in changes))
    return learned


def _spec(kind: str, known: Mapping[str, Any], learned: Learned) -> dict[str, Any]:
    """A written spec keeps its members apart from its stamps, since it has a `version` of its own."""
    etag = etag_of(1, 0)
    made_up = {**dict.fromkeys(STAMPS, ""), "createdAt": 0, "updatedAt": 0, "version": etag, "etag": etag}
    if "createdAt" not in known:
        learned.guessed.append(f"{kind} {known['id']}: when and by whom it was written")
    stamps = {name: known[name] for name in STAMPS if name in known and name not in ("version", "etag")}
    spec = {name: value for name, value in known.items() if name not in STAMPS or name == "version"}
    return {**made_up, **stamps, "spec": spec}


def _entity(kind: str, known: Mapping[str, Any], lives: Lives, learned: Learned) -> dict[str, Any]:
    doc = {name: value for name, value in known.items() if name not in _SHOWN_ONLY}
    if kind == "flows":
        created = {"started": known.get("createdAt", 0), "updated": 0, "operation": "create"}
        doc["lastOperation"] = known.get("lastOperation", created)
        doc.setdefault("inheritedAttributes", _inherited(doc, lives))
        doc["provider"] = _provider(doc, lives, learned)
    return doc


def _inherited(flow: Mapping[str, Any], lives: Lives) -> dict[str, Any]:
    """What a flow that was never shown has from its ends."""
    inherited: dict[str, Any] = {"properties": {"isSourceFlow": True}}
    for member, kind in _INHERITED.items():
        ends = [lives[kind, end].doc for end in flow.get(member) or () if (kind, end) in lives]
        inherited[kind] = [{"id": end["id"], "connectionSpec": end.get("connectionSpec", {"id": ""})} for end in ends]
    return inherited


def _provider(flow: Mapping[str, Any], lives: Lives, learned: Learned) -> dict[str, Any]:
    """What the flow provider keeps of a flow; it runs from its last change on, not for all the time before."""
    source_id = next(iter(flow.get("sourceConnectionIds") or ()), "")
    life = lives.get(("sourceConnections", source_id))
    if life is None:
        inherited = (flow.get("inheritedAttributes") or {}).get("sourceConnections") or [{}]
        learned.guessed.append(f"flows {flow['id']}: its source connection was never shown")
        base, spec = inherited[0].get("baseConnection") or {}, inherited[0].get("connectionSpec")
        source = {"connectionSpec": spec or {"id": ""}, "baseConnectionId": base.get("id")}
    else:
        source = life.doc
    return provided(source, int(flow.get("updatedAt") or 0), scheduled=bool(flow.get("scheduleParams")))
