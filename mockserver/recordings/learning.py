"""Derives a state from a recording: its entities and specs, for the emulator to start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mockserver import secrecy
from mockserver.contract import Contract
from mockserver.emulator import Emulator
from mockserver.exchange import Tenant
from mockserver.flows.progress import provided
from mockserver.recordings.lives import ENTITIES, SPECS, Life, Lives, at_end
from mockserver.recordings.recording import Recording
from mockserver.resources._crud import STAMPS
from mockserver.runtime import etag as etag_of
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs
from mockserver.state import exports
from mockserver.state.records import Change
from mockserver.state.shapes import Shapes

_MAX_REASONS = 5
_SHOWN_ONLY = frozenset({"runs", "lastRunDetails", "lastOperation"})
"""Members that the service computes for responses."""
_INHERITED_ALWAYS = {"properties": {"isSourceFlow": True}}
_INHERITED = {"sourceConnectionIds": "sourceConnections", "targetConnectionIds": "targetConnections"}


@dataclass(slots=True)
class Learned:
    """A state, and what was guessed or left out."""

    state: dict[str, Any] = field(default_factory=dict)
    """In the form of `PUT /_mock/state`."""
    learned: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    tenants: tuple[Tenant, ...] = ()
    """Tenants of the entities."""
    notes: tuple[str, ...] = ()
    """The gaps of the file."""

    @property
    def summary(self) -> str:
        """One line with the number of entities of each kind, and their tenants."""
        counts = Counter(name.partition(" ")[0] for name in self.learned)
        there = ", ".join(secrecy.counted(count, kind.removesuffix("s")) for kind, count in counts.items()) or "nothing"
        where = ", ".join(f"{tenant.org} {tenant.sandbox}" for tenant in self.tenants)
        return f"{there}{f' in {where}' if where else ''}"

    def lines(self) -> Iterator[str]:
        """One line for each gap of the file, each guess and each omission."""
        yield from (f"note: {line}" for line in self.notes)
        yield from (f"guessed: {line}" for line in grouped(self.guessed))
        yield from (f"left out: {line}" for line in grouped(self.left_out))


def grouped(lines: Iterable[str]) -> Iterator[str]:
    """One line per reason, for lines of the form `kind id: reason`."""
    names: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        name, _, reason = line.partition(": ")
        names.setdefault((name.partition(" ")[0], reason), []).append(name)
    for (kind, reason), found in names.items():
        more = f" and {len(found) - 1} more {kind}" if len(found) > 1 else ""
        yield f"{found[0]}{more}: {reason}"


def start_from(emulator: Emulator, file: str, org: str) -> Learned:
    """Set the initial state of an emulator to the state at the end of a recording. A reset restores it.

    If the recording has one organisation, it is replaced by the first one of the setting `org`. A stand-in, which no
    client sends, is otherwise replaced by `org`, that of the client. Raises ValueError.
    """
    recording = Recording.load(Path(file), emulator.contract)
    org = next(iter(emulator.config.orgs), org if recording.masked else "")
    learned = alive_at_end(recording, emulator.contract, emulator.world.connectors, org)
    if not learned.learned:
        reasons = "".join(f"\n  {line}" for line in islice(grouped(learned.left_out), _MAX_REASONS))
        raise ValueError(f"{file}: contains no complete entity or spec, so there is nothing to learn{reasons}")
    emulator.begin_with(learned.state)
    return learned


def alive_at_end(recording: Recording, contract: Contract, connectors: Connectors, org: str = "") -> Learned:
    """The entities that exist at the end of a recording, in their last known state.

    `org` replaces their organisation, if the recording has at most one.
    """
    lives, unseen = at_end(recording)
    orgs = {life.tenant.org for life in lives.values()} - {""}
    if org and len(orgs) <= 1:
        for life in lives.values():
            life.tenant = life.tenant._replace(org=org)
            if "imsOrgId" in life.doc:
                life.doc["imsOrgId"] = org
    learned = learned_from(lives, contract, connectors)
    learned.notes = recording.remarks
    built_in = (connectors.get, FlowSpecs.load().get)
    learned.left_out += [
        f"{kind} {secrecy.name(entity_id)}: used, but never shown completely"
        for kind, entity_id in unseen
        if not any(get(entity_id) for get in built_in)
    ]
    learned.left_out += _next_door(recording)
    return learned


def _next_door(recording: Recording) -> list[str]:
    """Lines about neighbouring services in a recording, which are not learned."""
    paths = (one.call.path.split("/") for one in recording.exchanges if one.result.status == 200)
    counts = Counter(parts[3] for parts in paths if len(parts) > 3 and parts[1] == "data")
    return [f"{name}: neighbouring services are not learned ({count} responses)" for name, count in counts.items()]


def learned_from(lives: Lives, contract: Contract, connectors: Connectors) -> Learned:
    """The state that consists of entities, and what was guessed or left out."""
    learned, changes = Learned(), list[Change]()
    shapes = Shapes(contract)
    whole = dict(_whole(_in_order(lives), shapes, connectors, learned))
    for (kind, entity_id), life in whole.items():
        name = f"{kind} {secrecy.name(entity_id)}"
        doc = _spec(kind, life, learned) if kind in SPECS else _entity(kind, life.doc, whole, learned)
        change = Change(life.tenant, kind, entity_id, len(changes) + 1, doc)
        try:
            exports.parse(exports.write([change], change.revision))
            shapes.demand([change])
        except ValueError as problem:
            learned.left_out.append(f"{name}: {str(problem).replace('/records/0/doc', '')}")
            continue
        changes.append(change)
        learned.learned.append(name)
        learned.guessed += [f"{name}: {guess}" for guess in life.guesses]
    learned.state = exports.write(changes, len(changes))
    learned.tenants = tuple(dict.fromkeys(change.tenant for change in changes))
    return learned


def _in_order(lives: Lives) -> Lives:
    """Entities by the time of their last write, as in lists. Of two with the same time, the one shown last is older."""

    def written_ms(life: Life) -> int:
        at_ms = life.doc.get("updatedAt")
        return at_ms if isinstance(at_ms, int) else 0

    return dict(sorted(reversed(lives.items()), key=lambda one: written_ms(one[1])))


def _whole(
    lives: Lives, shapes: Shapes, connectors: Connectors, learned: Learned
) -> Iterator[tuple[tuple[str, str], Life]]:
    """The entities and specs of tenants that are in the form of the contract, so that records can be derived."""
    built_in = {"connectionSpecs": connectors.get, "flowSpecs": FlowSpecs.load().get}
    for (kind, entity_id), life in lives.items():
        name = f"{kind} {secrecy.name(entity_id)}"
        if kind in built_in and built_in[kind](entity_id) is not None:
            continue
        if not life.tenant.org:
            learned.left_out.append(f"{name}: its organisation is not in the file; set one with --org")
            continue
        doc = {key: value for key, value in life.doc.items() if kind in SPECS or key not in _SHOWN_ONLY}
        if "sandboxId" in doc:  # derived here, and new entities have this one
            doc["sandboxId"] = life.tenant.sandbox_id
        if kind == "flows":
            created = {"started": doc.get("createdAt", 0), "updated": 0, "operation": "create"}
            doc["lastOperation"] = life.doc.get("lastOperation", created)
            if isinstance(shown := doc.get("inheritedAttributes"), dict):
                doc["inheritedAttributes"] = {**_INHERITED_ALWAYS, **shown}
        problem = shapes.shown_fault(kind, doc) if kind in ENTITIES else None
        if problem:
            learned.left_out.append(f"{name}: {problem}")
        else:
            yield (kind, entity_id), Life(life.tenant, doc, life.guesses)


def _spec(kind: str, life: Life, learned: Learned) -> dict[str, Any]:
    """The record of a custom spec. Its members are nested, because it has its own `version`."""
    etag, known, tenant = etag_of(1, 0), life.doc, life.tenant
    placeholders = {**dict.fromkeys(STAMPS, ""), "createdAt": 0, "updatedAt": 0, "version": etag, "etag": etag}
    placeholders |= {"sandboxId": tenant.sandbox_id, "sandboxName": tenant.sandbox, "imsOrgId": tenant.org}
    if "createdAt" not in known:
        learned.guessed.append(f"{kind} {secrecy.name(str(known['id']))}: its author and times")
    stamps = {name: known[name] for name in STAMPS if name in known and name not in ("version", "etag")}
    spec = {name: value for name, value in known.items() if name not in STAMPS or name == "version"}
    return {**placeholders, **stamps, "spec": spec}


def _entity(kind: str, known: Mapping[str, Any], lives: Lives, learned: Learned) -> dict[str, Any]:
    doc = dict(known)
    if kind == "flows":
        doc["inheritedAttributes"] = _inherited(doc, lives) | (known.get("inheritedAttributes") or {})
        doc["provider"] = _provider(doc, lives, learned)
    return doc


def _inherited(flow: Mapping[str, Any], lives: Lives) -> dict[str, Any]:
    """`inheritedAttributes` of a flow that was never shown, from its connections."""
    inherited: dict[str, Any] = dict(_INHERITED_ALWAYS)
    for member, kind in _INHERITED.items():
        ends = [lives[kind, end].doc for end in flow.get(member) or () if (kind, end) in lives]
        inherited[kind] = [{"id": end["id"], "connectionSpec": end.get("connectionSpec", {"id": ""})} for end in ends]
    return inherited


def _provider(flow: Mapping[str, Any], lives: Lives, learned: Learned) -> dict[str, Any]:
    """The `provider` member of a flow. Its runs start at its last change."""
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
