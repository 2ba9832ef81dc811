"""Rules for PATCH: its instructions, and members that it removes unintentionally."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.conformance.findings import Level, listed
from mockserver.conformance.refusals import because
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.exchange import DRAFT

_CATALOGUE = "Flow Service error catalogue"
ADDED_PARAMS = frozenset({"authenticationRequired", "authorizedDate", "inletId", "inletUrl", "name", "sourceId"})
"""Params that the service adds in responses if the client sends none. They cannot be lost."""


def _refused(traffic: Traffic, code: str) -> Iterator[Exchange]:
    return (call for call in traffic.calls if call.entry.error == code)


def _instructions(call: Exchange) -> Iterator[Mapping[str, Any]]:
    if call.method == "PATCH" and call.updates:
        body = call.body if isinstance(call.body, list) else [call.body]
        yield from (item for item in body if isinstance(item, dict))


@rule(
    "update.operation",
    Level.FAIL,
    "An unknown patch operation",
    source=f"{_CATALOGUE}: 1434-400; add, replace and remove",
    hint="Send an array of instructions, each with op (add, replace or remove), path and value. The service does not "
    "support move, copy and test of RFC 6902, and takes no changed entity in place of instructions.",
)
def operation(traffic: Traffic) -> Iterator[Sighting]:
    """Flow Service supports three of the six operations of JSON Patch."""
    for call in _refused(traffic, "1434-400"):
        given = all("op" in instruction for instruction in _instructions(call))
        what = "an op other than add, replace and remove" if given else "a patch without op"
        yield call.seen(f"{call.method} {call.template} sent {what}")


@rule(
    "update.spec-changed",
    Level.FAIL,
    "An attempt to change the connection spec",
    source=f"{_CATALOGUE}: 1414-400",
    hint="Create a new connection for another connection spec.",
)
def spec_changed(traffic: Traffic) -> Iterator[Sighting]:
    """The connection spec of a connection cannot be changed."""
    for call in _refused(traffic, "1414-400"):
        yield call.seen(f"{call.method} {call.template} tried to change connectionSpec")


@rule(
    "update.not-applicable",
    Level.FAIL,
    "A patch that cannot be applied",
    source=f"{_CATALOGUE}: 1455-400",
    hint="Use add for a member that the entity lacks. Replace and remove need one that exists and may be changed. "
    "A flow is enabled and disabled by POST /flows/{id}/action.",
)
def not_applicable(traffic: Traffic) -> Iterator[Sighting]:
    """The path does not exist in the entity, is read-only, or does not accept the value."""
    for call in _refused(traffic, "1455-400"):
        yield call.seen(f"{call.method} {call.template} sent a patch that cannot be applied{because(call)}")


@rule(
    "update.single-instruction",
    Level.INFO,
    "A patch that is not an array",
    source="Tutorials send an array; only the Flow Service reference shows an object",
    hint="Send an array of instructions, even for one instruction.",
)
def single_instruction(traffic: Traffic) -> Iterator[Sighting]:
    """Adobe's documents disagree. An array works everywhere."""
    for call in traffic.calls:
        if call.method == "PATCH" and call.updates and "op" in call.members:
            yield call.seen(f"{call.method} {call.template} sent one instruction without an array")


@rule(
    "update.params-lost",
    Level.FAIL,
    "A patch that drops members of auth.params",
    source="Update tutorial, before and after: replace /auth/params replaces all of it",
    hint="Send all members that you want to keep, or patch single members: /auth/params/password.",
)
def params_lost(traffic: Traffic) -> Iterator[Sighting]:
    """`replace /auth/params` does not merge. Members that are not in the value are removed, for example sslMode."""
    known: dict[str, set[str]] = {}
    for call in traffic.calls:
        entity = call.made or call.entity or ""
        for instruction in _instructions(call) if call.succeeded else ():
            whole = _whole_params(instruction)
            if whole is None:
                continue
            lost = sorted(known.get(entity, set()) - whole)
            if lost:
                yield call.seen(f"{call.method} {call.template} replaced /auth/params without {listed(lost)}")
            known[entity] = whole
        if call.made:
            known[entity] = _params_of(call.members) or set()
        shown = _params_of(call.record)
        if shown is not None:
            known[entity] = shown - (ADDED_PARAMS - known.get(entity, set()))


@rule(
    "update.under-active-flow",
    Level.INFO,
    "A source or target connection changed under an active flow",
    source="Update tutorials: a dataflow reads and writes what its connections say at each run (assumed)",
    hint="Disable the flow, change the connection, then enable the flow, so that no run uses a partial change.",
)
def under_active_flow(traffic: Traffic) -> Iterator[Sighting]:
    """The next run reads from the new data what is newer than the last run. Older data is never read."""
    active: dict[str, Exchange] = {}
    for call in traffic.calls:
        if call.method == "PATCH" and call.succeeded and call.collection in _ENDS and _touches_data(call):
            for flow in active.values():
                if call.entity in (flow.members.get(_ENDS[call.collection]) or ()):
                    yield call.seen(f"{call.method} {call.template} changed an entity that an active flow uses", flow)
        if call.collection != "flows" or not call.succeeded:
            continue
        op = (call.argument("op") or "").lower()
        if call.made and call.argument("mode") != DRAFT:
            active[call.made] = call
        elif call.method == "DELETE" or op == "disable":
            active.pop(call.entity or "", None)
        elif op in ("enable", "publish") and call.entity in traffic.made:
            active[call.entity] = traffic.made[call.entity]


_ENDS = {"sourceConnections": "sourceConnectionIds", "targetConnections": "targetConnectionIds"}
"""Collection -> member of a flow with ids of its entities."""


def _touches_data(call: Exchange) -> bool:
    """Whether a patch changes params or data."""
    paths = (str(instruction.get("path")) for instruction in _instructions(call))
    return any(path.lstrip("/").partition("/")[0] in ("params", "data") for path in paths)


def _whole_params(instruction: Mapping[str, Any]) -> set[str] | None:
    """The members that remain after a patch of all params; None for other patches."""
    value = instruction.get("value")
    replaces = str(instruction.get("op")).lower() in ("add", "replace") and instruction.get("path") == "/auth/params"
    return set(value) if replaces and isinstance(value, dict) else None


def _params_of(record: Mapping[str, Any]) -> set[str] | None:
    auth = record.get("auth")
    params = auth.get("params") if isinstance(auth, dict) else None
    return set(params) if isinstance(params, dict) else None
