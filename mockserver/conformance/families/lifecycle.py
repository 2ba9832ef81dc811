"""Rules for the life of entities: none created twice, left over, or used after its deletion."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.conformance.unfilled import unfilled_segment
from mockserver.exchange import Tenant

_CATALOGUE = "Flow Service error catalogue"


def _deletes(call: Exchange) -> bool:
    return call.method == "DELETE" and call.succeeded and call.entity is not None


@rule(
    "lifecycle.never-deleted",
    Level.INFO,
    "Entities created and never deleted",
    source="Delete tutorials; the service keeps entities until they are deleted",
    hint="Delete what a test or a trial created: flows first, then source and target connections, then connections.",
)
def never_deleted(traffic: Traffic) -> Iterator[Sighting]:
    """What is left over counts against the organisation's limits and holds credentials."""
    deleted = {call.entity for call in traffic.calls if _deletes(call)}
    for entity, call in traffic.made.items():
        if entity not in deleted and call.argument("mode") != "draft" and call.collection != "runs":
            yield call.seen(f"created by {call.method} {call.template} and never deleted")


@rule(
    "lifecycle.draft-left",
    Level.INFO,
    "A draft neither published nor deleted",
    source="Draft tutorial: publish with POST /{collection}/{id}/action?op=publish",
    hint="Publish the draft or delete it.",
)
def draft_left(traffic: Traffic) -> Iterator[Sighting]:
    """A draft does nothing until it is published."""
    settled = {call.entity for call in traffic.calls if _deletes(call) or (call.argument("op") and call.succeeded)}
    for entity, call in traffic.made.items():
        if call.argument("mode") == "draft" and entity not in settled:
            yield call.seen(f"{call.method} {call.template} made a draft that was left")


@rule(
    "lifecycle.duplicate-name",
    Level.WARN,
    "Two living entities of one name",
    source="Base connection tutorials: choose a descriptive name, it is how connections are found",
    hint="Look for the name first, or give each entity a name of its own.",
)
def duplicate_name(traffic: Traffic) -> Iterator[Sighting]:
    """Names need not be unique, so nothing stops a client that creates the same connection on every run."""
    living: dict[tuple[object, str, str], Exchange] = {}
    for call in traffic.calls:
        if _deletes(call):
            living = {key: made for key, made in living.items() if made.made != call.entity}
        name = call.members.get("name")
        if not call.made or not isinstance(name, str) or not name:
            continue
        key = (call.entry.tenant, call.collection, name)
        if key in living and living[key].key != call.key:
            yield call.seen(f"{call.method} {call.template} created a second entity of the same name", living[key])
        elif key in living and call.entry.number > living[key].entry.number + 1:
            yield call.seen(f"{call.method} {call.template} created the same entity once more", living[key])
        living.setdefault(key, call)


@rule(
    "lifecycle.used-after-deletion",
    Level.WARN,
    "An entity used after the client had deleted it",
    source=f"{_CATALOGUE}: 1439-404; delete tutorials confirm a deletion by one lookup",
    hint="Forget the id once it is deleted.",
)
def used_after_deletion(traffic: Traffic) -> Iterator[Sighting]:
    """One lookup to confirm a deletion is what the tutorials do. Anything more works on something that is gone."""
    deleted: dict[str, Exchange] = {}
    confirmed: set[str] = set()
    for call in traffic.calls:
        entity = call.entity
        if entity is None:
            continue
        if entity in deleted:
            confirms = call.method == "GET" and len(call.segments) == 2 and entity not in confirmed
            if confirms:
                confirmed.add(entity)
            else:
                yield call.seen(f"{call.method} {call.template} came after the entity's deletion", deleted[entity])
        elif _deletes(call):
            deleted[entity] = call


@rule(
    "lifecycle.unknown-id",
    Level.WARN,
    "An id that no answer had given",
    source=f"{_CATALOGUE}: 1439-404 Resource not found",
    hint="Look the entity up by name, and check the sandbox: a foreign id answers like an absent one.",
)
def unknown_id(traffic: Traffic) -> Iterator[Sighting]:
    """The id is from elsewhere: another sandbox, another day, or written by hand."""
    known: set[str] = set()
    for call in traffic.calls:
        entity = call.entity
        absent = call.entry.error in ("1439-404", "1439-400")
        unknown = absent and entity and entity not in known and not traffic.partial
        if unknown and not unfilled_segment(entity or ""):
            yield call.seen(f"{call.method} {call.template} used an id that no answer had given")
        known.update(call.entry.traces.told.ids)


@rule(
    "lifecycle.other-sandbox",
    Level.FAIL,
    "An id of another sandbox or organisation",
    source=f"{_CATALOGUE}: 1439-404 Resource not found; an entity belongs to the sandbox it was created in",
    hint="Send x-sandbox-name and x-gw-ims-org-id as when the entity was created, or look it up by name here.",
)
def other_sandbox(traffic: Traffic) -> Iterator[Sighting]:
    """Whatever is created in one sandbox does not exist in the others: there its id answers like one that nobody has.

    Ids in the path and in the body count.
    """
    for call in traffic.calls:
        proof = traffic.from_elsewhere.get(call.entry.number)
        filled_in = call.unfilled_headers.keys().isdisjoint(("x-sandbox-name", "x-gw-ims-org-id"))
        if proof and proof.entry.tenant and call.entry.tenant and filled_in:
            apart = _apart(proof.entry.tenant, call.entry.tenant)
            yield call.seen(f"{call.method} {call.template} named an entity of {apart}", proof)


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
    hint="Delete flows first, then their source and target connections, then the base connections.",
)
def deleted_in_use(traffic: Traffic) -> Iterator[Sighting]:
    """A connection that a flow uses cannot be deleted."""
    for call in traffic.calls:
        if call.entry.error in ("1418-400", "1447-400"):
            yield call.seen(f"{call.method} {call.template} tried to delete what a flow still uses")


@rule(
    "lifecycle.wrong-state",
    Level.FAIL,
    "An action that the entity's state does not allow",
    source=f"{_CATALOGUE}: 1402-400, 1416-400, 1417-400, 1422-400",
    hint="Read the state first: only drafts are published, and finalizing is for providers.",
)
def wrong_state(traffic: Traffic) -> Iterator[Sighting]:
    """Publishing twice, or changing what is still being set up, is refused."""
    for call in traffic.calls:
        if call.entry.error in ("1402-400", "1416-400", "1417-400", "1422-400"):
            yield call.seen(f"{call.method} {call.template} does not fit the entity's state ({call.entry.error})")
