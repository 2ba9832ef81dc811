"""Rules for the lifecycle of entities: created twice, never deleted, used after deletion."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.refusals import because
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.conformance.unfilled import unfilled_segment
from mockserver.exchange import DRAFT, Tenant

_CATALOGUE = "Flow Service error catalogue"


def _deletes(call: Exchange) -> bool:
    return call.method == "DELETE" and call.succeeded and call.entity is not None


@rule(
    "lifecycle.never-deleted",
    Level.INFO,
    "Entities created and never deleted",
    source="Delete tutorials; the service keeps entities until they are deleted",
    hint="Delete entities that tests created: first flows, then source and target connections, then connections.",
)
def never_deleted(traffic: Traffic) -> Iterator[Sighting]:
    """Entities that are not deleted count against the organisation's limits and contain credentials."""
    deleted = {call.entity for call in traffic.calls if _deletes(call)}
    operations = traffic.contract.operations.values()
    deletable = {one.segments[0] for one in operations if one.method == "DELETE" and len(one.segments) == 2}
    for entity, call in traffic.made.items():
        if entity not in deleted and call.argument("mode") != DRAFT and call.collection in deletable:
            yield call.seen(f"created by {call.method} {call.template} and never deleted")


@rule(
    "lifecycle.draft-left",
    Level.INFO,
    "A draft that was neither published nor deleted",
    source="Draft tutorial: publish with POST /{collection}/{id}/action?op=publish",
    hint="Publish the draft or delete it.",
)
def draft_left(traffic: Traffic) -> Iterator[Sighting]:
    """A draft has no effect until it is published."""
    settled = {call.entity for call in traffic.calls if _deletes(call) or (call.argument("op") and call.succeeded)}
    for entity, call in traffic.made.items():
        if call.argument("mode") == DRAFT and entity not in settled:
            yield call.seen(f"{call.method} {call.template} created a draft that was neither published nor deleted")


@rule(
    "lifecycle.duplicate-name",
    Level.WARN,
    "Two entities with the same name",
    source="Base connection tutorials: choose a descriptive name, because connections are found by it",
    hint="Search for the name before you create the entity, or use a different name for each.",
)
def duplicate_name(traffic: Traffic) -> Iterator[Sighting]:
    """Names need not be unique, so a client can create the same connection again on every run."""
    living: dict[tuple[object, str, str], Exchange] = {}
    for call in traffic.calls:
        if _deletes(call):
            living = {key: made for key, made in living.items() if made.made != call.entity}
        name = call.members.get("name")
        if not call.made or not isinstance(name, str) or not name:
            continue
        key = (call.entry.tenant, call.collection, name)
        if key in living and living[key].key != call.key:
            yield call.seen(f"{call.method} {call.template} created a second entity with the same name", living[key])
        elif key in living and call.entry.number > living[key].entry.number + 1:
            yield call.seen(f"{call.method} {call.template} created the same entity again", living[key])
        living.setdefault(key, call)


@rule(
    "lifecycle.used-after-deletion",
    Level.WARN,
    "An entity used after the client deleted it",
    source=f"{_CATALOGUE}: 1439-404; delete tutorials confirm a deletion with one lookup",
    hint="Discard the id after the deletion.",
)
def used_after_deletion(traffic: Traffic) -> Iterator[Sighting]:
    """One lookup to confirm a deletion is allowed, as in the tutorials. All other calls to a deleted entity fail."""
    deleted: dict[str, Exchange] = {}
    confirmed: set[str] = set()
    for call in traffic.calls:
        entity = call.entity
        if entity is None:
            continue
        if entity in deleted:
            if call.looks_up and entity not in confirmed:
                confirmed.add(entity)
            else:
                yield call.seen(f"{call.method} {call.template} came after the entity's deletion", deleted[entity])
        elif _deletes(call):
            deleted[entity] = call


@rule(
    "lifecycle.unknown-id",
    Level.WARN,
    "An id that no response contained",
    source=f"{_CATALOGUE}: 1439-404 Resource not found",
    hint="Look up the entity by name, and check the sandbox: an id of another sandbox is refused like an unknown one.",
)
def unknown_id(traffic: Traffic) -> Iterator[Sighting]:
    """The id is from another sandbox, from an earlier session, of an entity of another type, or written by hand."""
    known: set[str] = set()
    for call in traffic.calls:
        entity = call.entity
        absent = call.entry.error in ("1439-404", "1439-400")
        other = traffic.made.get(entity or "")
        if absent and other and other.collection != call.collection:
            yield call.seen(f"{call.method} {call.template} used an id that is of /{other.collection}", other)
        unknown = absent and entity and entity not in known and not traffic.partial and not traffic.misjoined(call)
        if unknown and not unfilled_segment(entity or ""):
            yield call.seen(f"{call.method} {call.template} used an id that no response contained")
        known.update(call.entry.traces.response.ids)


@rule(
    "lifecycle.other-sandbox",
    Level.FAIL,
    "An id of another sandbox or organisation",
    source=f"{_CATALOGUE}: 1439-404 Resource not found; an entity belongs to the sandbox it was created in",
    hint="Send the x-sandbox-name and x-gw-ims-org-id with which the entity was created, or look it up by name.",
)
def other_sandbox(traffic: Traffic) -> Iterator[Sighting]:
    """An entity exists only in the sandbox it was created in. In others, its id is refused like an unknown one.

    Ids in the path and in the body are checked, and those in the filter of a list that found nothing.
    """
    for call in traffic.calls:
        proof = traffic.from_elsewhere.get(call.entry.number)
        filled_in = call.unfilled_headers.keys().isdisjoint(("x-sandbox-name", "x-gw-ims-org-id"))
        if proof and proof.entry.tenant and call.entry.tenant and filled_in:
            apart = _apart(proof.entry.tenant, call.entry.tenant)
            yield call.seen(f"{call.method} {call.template} referred to an entity of {apart}", proof)


@rule(
    "lifecycle.other-connector",
    Level.WARN,
    "Another connection spec than that of the base connection",
    source="Tutorials of sources: connectionSpec.id is the source's; some print the id of the Sources SDK's template",
    hint="Send the connectionSpec of the base connection.",
)
def other_connector(traffic: Traffic) -> Iterator[Sighting]:
    """The base connection holds the credentials of another source. Pages of the Sources SDK print such requests."""
    made: dict[str, tuple[str, Exchange]] = {}
    for call in traffic.calls:
        spec, base = call.members.get("connectionSpec"), call.members.get("baseConnectionId")
        spec_id = spec.get("id") if isinstance(spec, dict) else None
        if not call.made or not isinstance(spec_id, str):
            continue
        if call.collection == "connections":
            made[call.made] = spec_id, call
        elif isinstance(base, str) and base in made and made[base][0] != spec_id:
            yield call.seen(f"{call.method} {call.template} named another spec than its base connection", made[base][1])


def _apart(there: Tenant, here: Tenant) -> str:
    """`sandbox dev in sandbox prod`."""
    if there.org != here.org:
        return f"organisation {there.org} in organisation {here.org}"
    return f"sandbox {there.sandbox} in sandbox {here.sandbox}"


@rule(
    "lifecycle.deleted-in-use",
    Level.FAIL,
    "A deletion in the wrong order",
    source=f"{_CATALOGUE}: 1418-400, 1447-400",
    hint="First delete flows, then their source and target connections, then the base connections.",
)
def deleted_in_use(traffic: Traffic) -> Iterator[Sighting]:
    """A connection cannot be deleted while a flow uses it."""
    for call in traffic.calls:
        if call.entry.error in ("1418-400", "1447-400"):
            yield call.seen(f"{call.method} {call.template} tried to delete an entity that a flow uses")


@rule(
    "lifecycle.wrong-state",
    Level.FAIL,
    "An action that the entity's state does not allow",
    source=f"{_CATALOGUE}: 1416-400, 1417-400, 1422-400",
    hint="Check the state first. Only drafts can be published.",
)
def wrong_state(traffic: Traffic) -> Iterator[Sighting]:
    """The service refuses to publish an entity twice, or to change one that is being set up."""
    for call in traffic.calls:
        if call.entry.error in ("1416-400", "1417-400", "1422-400"):
            yield call.seen(f"{call.method} {call.template} does not fit the entity's state{because(call)}")
