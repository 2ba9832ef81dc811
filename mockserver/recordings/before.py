"""Derives what existed before a recording began: entities that it shows or names, and did not create."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.contract import Contract
from mockserver.exchange import DRAFT, decoded_segment
from mockserver.recordings import mentions
from mockserver.recordings.learning import Learned, learned_from
from mockserver.recordings.lives import ENTITIES, SPECS, Life, Lives, kind_of, shown, tenant_of
from mockserver.recordings.mentions import template
from mockserver.recordings.recording import RecordedExchange, Recording, scalars
from mockserver.resources.connections import CONNECTIONS
from mockserver.resources.flows import FLOWS
from mockserver.resources.source_connections import SOURCE_CONNECTIONS
from mockserver.resources.target_connections import TARGET_CONNECTIONS
from mockserver.runtime import etag as etag_of
from mockserver.secrecy import MASK, is_masked
from mockserver.specs.connectors import Connectors
from mockserver.state.shapes import Shapes

_STATE_BEFORE = {"enable": "disabled", "disable": "enabled", "publish": DRAFT}
"""Action on an entity -> its state before."""
_GIVEN = ("name", "description", "auth", "data", "params", "scheduleParams", "transformations")
"""Members with values of clients."""
_MEMBERS = {
    one.kind: one.listable.fields
    for one in (CONNECTIONS, SOURCE_CONNECTIONS.collection, TARGET_CONNECTIONS.collection, FLOWS)
}
"""Kind -> the members that entities have."""
_CREDENTIALS = "unknown-credentials"
_REPEATABLE = ("add", "replace")
"""Patch operations that lead to the same entity if they are applied again, except to an array."""


@dataclass(slots=True)
class Before:
    """The state before a recording began."""

    learned: Learned
    unsure: dict[str, str] = field(default_factory=dict)
    """Id of an entity of which only a part is known -> why."""
    named: frozenset[str] = frozenset()
    """Ids of entities that the recording names and never shows."""
    masked: frozenset[str] = frozenset()
    """Ids of connections with credentials that the service masks."""
    values: frozenset[tuple[str, Any]] = frozenset()
    """Name and value of what clients once gave to entities, such as their names and params."""

    @property
    def ids(self) -> frozenset[str]:
        """The ids of its entities."""
        return frozenset(line.partition(" ")[2] for line in self.learned.learned)


def existing_before(recording: Recording, contract: Contract) -> Before:
    """The entities that existed before a recording began, as first shown, or as far as it names them."""
    later = _made_meanwhile(recording)
    not_created = _not_created(recording)
    first = {key: one for key, one in not_created.items() if key not in later}
    unsure, masked, shapes = {}, set[str](), Shapes(contract)
    lives: Lives = {}
    for (kind, entity_id), (life, number) in first.items():
        if kind in SPECS and "sandboxId" not in life.doc:
            continue  # of the catalogue of every organisation, so that a lack of it is found
        changes = [one for one in recording.exchanges[: number - 1] if _changes(one, kind, entity_id)]
        if not _undo(life, changes):
            unsure[entity_id] = f"exchange {changes[0].number} changed the entity before the recording shows it"
        if kind in ENTITIES:
            _complete(shapes, kind, life)
        if is_masked(auth := life.doc.get("auth")):
            life.doc["auth"] = _unmasked(auth)
            masked.add(entity_id)
        lives[kind, entity_id] = life
    whole = _created(recording) | {entity_id for _, entity_id in not_created}
    named = mentions.entities(recording, whole)
    names = frozenset(entity_id for _, entity_id in named)
    unsure |= dict.fromkeys(names, "the recording names the entity and never shows it")
    learned = learned_from(named | lives, contract, Connectors.load("azure"))
    return Before(learned, unsure, names, frozenset(masked), frozenset(_given(lives)))


def made_by_others(recording: Recording) -> frozenset[str]:
    """Ids of entities that other clients created during the recording, or requests whose outcome is unknown.

    Entities with a name that this client had sent are its own, whatever the service responded.
    """
    return frozenset(entity_id for (kind, entity_id), own in _made_meanwhile(recording).items() if not own)


def _made_meanwhile(recording: Recording) -> dict[tuple[str, str], bool]:
    """The entities that were created during a recording, but not by it -> whether it sent their name.

    If the times of the requests are unknown, only the names count.
    """
    began_ms = recording.exchanges[0].call.received_ms if recording.exchanges else 0
    unanswered: set[str] = set()
    sent: dict[str, int] = {}
    for one in recording.exchanges:
        for name in _names_sent(one):
            if 0 < one.result.status < 500:
                sent.setdefault(name, one.number)
            else:
                unanswered.add(name)
    found = {}
    for key, (life, number) in _not_created(recording).items():
        name = str(life.doc.get("name"))
        own = sent.get(name, number) < number and name not in unanswered
        if key[0] in ENTITIES and (_made_ms(life.doc) >= began_ms if began_ms else own):
            found[key] = own
    return found


def _names_sent(exchange: RecordedExchange) -> Iterator[str]:
    """The names that a request gives to entities."""
    for step in _steps(exchange) if exchange.call.method in ("POST", "PATCH") else ():
        if isinstance(step, dict):
            yield str(step.get("value") if step.get("path") == "/name" else step.get("name"))


def _made_ms(doc: Mapping[str, Any]) -> int:
    made = doc.get("createdAt")
    return made if isinstance(made, int) else 0


def _created(recording: Recording) -> set[str]:
    """Ids of the entities that a recording created."""
    created = {
        str(exchange.result.body["id"])
        for exchange in recording.exchanges
        if exchange.result.status == 201 and isinstance(exchange.result.body, dict) and "id" in exchange.result.body
    }
    return created | {str(doc["id"]) for e in recording.exchanges if e.result.status == 201 for _, doc in shown(e)}


def _not_created(recording: Recording) -> dict[tuple[str, str], tuple[Life, int]]:
    """The entities in a recording that it did not create, as first shown, and the numbers of the exchanges."""
    created = _created(recording)
    first: dict[tuple[str, str], tuple[Life, int]] = {}
    for exchange in recording.exchanges:
        for kind, doc in shown(exchange):
            if doc["id"] not in created:
                first.setdefault((kind, doc["id"]), (Life(tenant_of(exchange, doc), dict(doc)), exchange.number))
    return first


def _changes(exchange: RecordedExchange, kind: str, entity_id: str) -> bool:
    """Whether an exchange changed an entity."""
    if exchange.call.method == "GET" or not 200 <= exchange.result.status < 300:
        return False
    return kind_of(exchange)[0] == kind and entity_id in exchange.ids.values()


def _undo(life: Life, changes: list[RecordedExchange]) -> bool:
    """Undo changes of an entity, the latest of which it shows. Returns whether that is possible."""
    undone = True
    for exchange in reversed(changes):
        etag = exchange.call.headers.get("if-match", "")
        etag = etag if not etag or etag.endswith('"') else f'"{etag}"'
        life.doc |= {name: etag or etag_of(exchange.number, 0) for name in ("version", "etag")}
        life.doc["updatedAt"] = _made_ms(life.doc)
        action = dict(exchange.call.parameters()).get("op", "").lower()
        if exchange.call.path.endswith("/action") and action in _STATE_BEFORE:
            life.doc["state"] = _STATE_BEFORE[action]
        else:
            undone = undone and exchange.call.method == "PATCH" and all(map(_is_repeatable, _steps(exchange)))
    return undone


def _complete(shapes: Shapes, kind: str, life: Life) -> None:
    """Add members that a service should have shown, or shows in another form, so that the comparison finds this.

    Members that only the service knows are left out for the same reason.
    """
    made_up = template(life.tenant, kind, life.doc["id"]) | {"version": life.doc["etag"]}
    shown_here = {name: value for name, value in life.doc.items() if name in _MEMBERS[kind]}
    doc, wrong = {**made_up, **shown_here}, sorted(made_up.keys() - life.doc.keys())
    while name := _wrong_member(shapes, kind, doc, made_up.keys() - wrong):
        wrong.append(name)
        doc[name] = made_up[name]
    life.doc = doc
    if wrong:
        life.guesses.append(f"made up, as the service does not show them in their form: {', '.join(wrong)}")


def _wrong_member(shapes: Shapes, kind: str, doc: Mapping[str, Any], among: Collection[str]) -> str:
    """The first of some members that is not in the form of the contract; empty if none is."""
    names = (found.pointer.split("/")[1] for found in shapes.shown_violations(kind, doc) if found.pointer)
    return next((name for name in names if name in among), "")


def _given(lives: Lives) -> Iterator[tuple[str, Any]]:
    for life in lives.values():
        for member in _GIVEN:
            yield from (one for one in scalars(life.doc.get(member), member) if one[1] not in (None, ""))


def _unmasked(value: Any) -> Any:
    """Credentials with a text in place of the service's mask: with masks a connection cannot be used."""
    if isinstance(value, dict):
        return {name: _unmasked(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unmasked(inner) for inner in value]
    return value.replace(MASK, _CREDENTIALS) if isinstance(value, str) else value


def _steps(exchange: RecordedExchange) -> Iterator[Any]:
    body = exchange.body
    yield from body if isinstance(body, list) else [body]


def _is_repeatable(step: Any) -> bool:
    """Whether a patch instruction leads to the same entity if it is applied again."""
    if not isinstance(step, dict) or str(step.get("op")).lower() not in _REPEATABLE:
        return False
    last = decoded_segment(str(step.get("path"))).rpartition("/")[2]
    return last != "-" and not last.isdigit()
