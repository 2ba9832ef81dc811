"""What a flow must be: one source and one target that fit its flow spec, transformations, a schedule.

The rules are the flow provider's: on the wire they come inside FLOW-1100-400 (facts §8.4), except the
version of a mapping, which has a code of Flow Service's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.errors import ApiError, outside_contract, rejected
from mockserver.exchange import MISSING
from mockserver.flows.schedule import ONCE, Schedule, coerced, whole
from mockserver.sources.refusals import refusal
from mockserver.specs.flow_specs import FlowSpec

COPY, MAPPING = "Copy", "Mapping"
"""Transformations with rules of their own."""


def demand_one(flow: Mapping[str, Any], member: str) -> str:
    """The only id in `sourceConnectionIds` or `targetConnectionIds`. Raises ApiError."""
    ids = flow.get(member)
    if not isinstance(ids, list) or len(ids) != 1:
        raise refusal("one_id", member, pointer=f"/{member}")
    return str(ids[0])


def demand_fit(spec: FlowSpec, member: str, connection: Mapping[str, Any]) -> None:
    """The connection is of a connection spec that the flow spec takes. Raises ApiError."""
    taken = spec.source_connection_spec_ids if member == "sourceConnectionIds" else spec.target_connection_spec_ids
    if taken and connection["connectionSpec"]["id"] not in taken:
        expected = f"a connection whose connection spec is one of those of flow spec {spec.name}"
        raise rejected(f"/{member}/0", expected, "a connection with another connection spec")


def demand_schedule(spec: FlowSpec, flow: Mapping[str, Any]) -> None:
    """`scheduleParams` are what the flow spec demands; one without a schedule takes anything. Raises ApiError.

    A flow to a destination may lack them: exports of audiences have a schedule for each audience.
    """
    if spec.schedule is None:
        return
    params = flow.get("scheduleParams")
    if params is None and spec.exports:
        return
    if params is None:
        raise rejected("/scheduleParams", "an object with startTime and frequency", MISSING)
    for violation in spec.schedule.violations(coerced(params), "body", at="/scheduleParams"):
        raise outside_contract(violation)
    if Schedule.of(params) is None:
        raise rejected("/scheduleParams/startTime", "seconds since 1970", "another number")


def demand_transformations(spec: FlowSpec, flow: Mapping[str, Any]) -> None:
    """The transformations that the flow spec and the schedule ask for are there, and well-formed. Raises ApiError."""
    for at, name, params in transformations(flow):
        _demand_params(spec, at, name, params)
    given = {name: (at, params) for at, name, params in transformations(flow)}
    if COPY in spec.transformations:
        at, params = given.get(COPY, ("/transformations", {}))
        once = runs_once(flow)
        if once and "deltaColumn" in params:
            raise refusal("delta_with_once", pointer=f"{at}/params/deltaColumn")
        if not once and "deltaColumn" not in params:
            raise refusal("delta_missing", pointer=f"{at}/params/deltaColumn" if params else at)
    if MAPPING in spec.transformations and MAPPING not in given:
        raise refusal("mapping_missing", pointer="/transformations")


def demand_patchable(old: Mapping[str, Any], new: Mapping[str, Any], now_ms: int) -> None:
    """What the start time freezes once it has passed stays: start, backfill, not becoming `once`. Raises ApiError."""
    before, after = coerced(old.get("scheduleParams")), coerced(new.get("scheduleParams"))
    schedule = Schedule.of(before)
    if schedule is None or not isinstance(after, Mapping) or schedule.start_ms > now_ms:
        return
    if after.get("startTime") != before.get("startTime"):
        raise refusal("start_passed", pointer="/scheduleParams/startTime")
    if after.get("frequency") == ONCE and before.get("frequency") != ONCE:
        raise refusal("once_too_late", pointer="/scheduleParams/frequency")
    if after.get("backfill", True) != before.get("backfill", True):
        raise refusal("backfill_passed", pointer="/scheduleParams/backfill")


def runs_once(flow: Mapping[str, Any]) -> bool:
    """Whether the schedule's frequency is `once`."""
    params = flow.get("scheduleParams")
    return isinstance(params, Mapping) and params.get("frequency") == ONCE


def delta_column(flow: Mapping[str, Any]) -> str | None:
    """The column that tells new rows from old ones, if the flow has one."""
    for _, name, params in transformations(flow):
        if name == COPY and isinstance(params.get("deltaColumn"), Mapping):
            column = params["deltaColumn"].get("name")
            return column if isinstance(column, str) else None
    return None


def transformations(flow: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """JSON Pointer, name and params of each transformation; a public client sends some without a name."""
    given = flow.get("transformations")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        params = item.get("params")
        yield f"/transformations/{index}", item.get("name"), params if isinstance(params, Mapping) else {}


def _demand_params(spec: FlowSpec, at: str, name: Any, params: Mapping[str, Any]) -> None:
    """A transformation's params fit the flow spec's schema; names it does not tell of pass (assumed)."""
    if name == MAPPING and "mappingVersion" in params:
        version = whole(params["mappingVersion"])
        if type(version) is not int or version < 0:
            raise ApiError(
                "mapping_version", pointer=f"{at}/params/mappingVersion", expected="a whole number, 0 or more"
            )
        params = {**params, "mappingVersion": str(version)}
    check = spec.transformations.get(name) if isinstance(name, str) else None
    if check is None or (name == COPY and "deltaColumn" not in params):
        return
    for violation in check.violations(dict(params), "body", at=f"{at}/params"):
        raise outside_contract(violation)
