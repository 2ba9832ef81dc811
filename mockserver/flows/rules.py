"""The rules for flows: one source and one target that fit the flow spec, transformations, and a schedule.

They are the flow provider's rules. On the wire they arrive inside FLOW-1100-400 (facts §8.4), except the
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
"""Names of transformations that have rules of their own."""

_START = "/scheduleParams/startTime"


def demand_one(flow: Mapping[str, Any], member: str) -> str:
    """The single id in `sourceConnectionIds` or `targetConnectionIds`. Raises ApiError if there is not exactly one."""
    ids = flow.get(member)
    if not isinstance(ids, list) or len(ids) != 1:
        raise refusal("one_id", member, pointer=f"/{member}")
    return str(ids[0])


def demand_fit(spec: FlowSpec, member: str, connection: Mapping[str, Any]) -> None:
    """Require a connection whose connection spec the flow spec accepts. Raises ApiError.

    A target that names a data set may have the connection spec of its source, as in tutorials of the Sources SDK.
    """
    taken = spec.source_connection_spec_ids if member == "sourceConnectionIds" else spec.target_connection_spec_ids
    if member != "sourceConnectionIds" and "dataSetId" in (connection.get("params") or {}):
        taken += spec.source_connection_spec_ids
    if taken and connection["connectionSpec"]["id"] not in taken:
        expected = f"a connection whose connection spec is one of those of flow spec {spec.name}"
        raise rejected(f"/{member}/0", expected, "a connection with another connection spec")


def demand_schedule(spec: FlowSpec, flow: Mapping[str, Any]) -> None:
    """Require `scheduleParams` as the flow spec defines them; without a definition anything passes. Raises ApiError.

    A flow to a destination may omit them: each exported audience has a schedule of its own.
    """
    if spec.schedule is None:
        return
    params = flow.get("scheduleParams")
    if params is None and spec.exports:
        return
    if params is None:
        raise rejected("/scheduleParams", "an object with startTime and frequency", MISSING)
    for violation in spec.schedule.violations(coerced(params), "body", at="/scheduleParams"):
        number = "seconds since 1970" if violation.pointer == _START else "an integer"
        either = violation.expected == "an integer" and violation.came != MISSING
        expected = f"{number}, as a number or as text" if either else violation.expected
        raise outside_contract(violation._replace(expected=expected))
    if Schedule.of(params) is None:
        raise rejected(_START, "seconds since 1970", "another number")


def demand_transformations(spec: FlowSpec, flow: Mapping[str, Any], *, is_xdm: bool = False) -> None:
    """Require the transformations of the flow spec and the schedule, well-formed. Raises ApiError.

    `is_xdm`: the source delivers XDM, which needs no mapping (Parquet tutorial).
    """
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
    if MAPPING in spec.transformations and MAPPING not in given and not is_xdm:
        raise refusal("mapping_missing", pointer="/transformations")


def demand_patchable(old: Mapping[str, Any], new: Mapping[str, Any], now_ms: int) -> None:
    """Refuse changes to start time, backfill and `once` after the start time has passed. Raises ApiError."""
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
    """Whether the frequency of the schedule is `once`."""
    params = flow.get("scheduleParams")
    return isinstance(params, Mapping) and params.get("frequency") == ONCE


def delta_column(flow: Mapping[str, Any]) -> str | None:
    """The column that distinguishes new rows from old ones, if the flow has one."""
    for _, name, params in transformations(flow):
        if name == COPY and isinstance(params.get("deltaColumn"), Mapping):
            column = params["deltaColumn"].get("name")
            return column if isinstance(column, str) else None
    return None


def transformations(flow: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """JSON Pointer, name and params of each transformation. The name is missing in some public clients' requests."""
    given = flow.get("transformations")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        params = item.get("params")
        yield f"/transformations/{index}", item.get("name"), params if isinstance(params, Mapping) else {}


def _demand_params(spec: FlowSpec, at: str, name: Any, params: Mapping[str, Any]) -> None:
    """Require params that fit the flow spec's schema. Transformations it does not define pass (assumed)."""
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
