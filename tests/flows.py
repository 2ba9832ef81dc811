"""Flows as a good client makes them: a base connection, its two ends, the flow, its runs."""

from __future__ import annotations

from typing import Any

from mockserver import Emulator
from mockserver.exchange import Tenant
from tests.calls import HEADERS, POSTGRESQL, made, send

DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
FILE_STORAGE = "be5ec48c-5b78-49d5-b8fa-7c89ec4569b8"
CRM_TO_AEP = "14518937-270c-4525-bdec-c2ba7cce3860"
CLOUD_STORAGE_TO_AEP = "9753525b-82c7-4dce-8a9b-5ccfce2b9876"

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TENANT = Tenant(HEADERS["x-gw-ims-org-id"], HEADERS["x-sandbox-name"])

COPY = {"name": "Copy", "params": {"deltaColumn": {"name": "entered_at"}}}
MAPPING = {"name": "Mapping", "params": {"mappingId": "0b090130b58b4819afc78b6dc98b484d", "mappingVersion": 0}}


def source(emulator: Emulator, table: str = "sales.store_visits", *, query: str = "", **changes: Any) -> str:
    """A source connection that reads a table through a new base connection."""
    body = {
        "name": "source",
        "baseConnectionId": made(emulator)["id"],
        "data": {"format": "tabular"},
        "params": {"tableName": table},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }
    return made(emulator, {**body, **changes}, f"/sourceConnections{query}")["id"]


def target(emulator: Emulator, *, query: str = "") -> str:
    """A target connection to a data set of the data lake."""
    body = {
        "name": "target",
        "data": {"schema": {"id": "https://ns.adobe.com/acme/schemas/1f2e", "version": "1"}},
        "params": {"dataSetId": "5e8b2d8a1d2f3a18a8a1b2c3"},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }
    return made(emulator, body, f"/targetConnections{query}")["id"]


def flow(emulator: Emulator, table: str = "sales.store_visits", **changes: Any) -> dict[str, Any]:
    """The body of a flow over a table every 15 minutes from a minute on; None leaves a member out."""
    ends = {} if "sourceConnectionIds" in changes else {"sourceConnectionIds": [source(emulator, table)]}
    ends |= {} if "targetConnectionIds" in changes else {"targetConnectionIds": [target(emulator)]}
    body = {
        "name": "Store visits",
        "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
        **ends,
        "transformations": [COPY, MAPPING],
        "scheduleParams": {"startTime": str(seconds(emulator) + 60), "frequency": "minute", "interval": "15"},
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def once(emulator: Emulator, start: int | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a flow that runs once, now unless told otherwise."""
    schedule = {"startTime": seconds(emulator) if start is None else start, "frequency": "once"}
    return flow(emulator, **{"transformations": [MAPPING], "scheduleParams": schedule, **changes})


def flowing(emulator: Emulator, body: dict[str, Any] | None = None, *, query: str = "") -> str:
    """The id of a new flow."""
    return made(emulator, body or flow(emulator), f"/flows{query}")["id"]


def looked_up(emulator: Emulator, path: str) -> dict[str, Any]:
    """The entity at a path."""
    result = send(emulator, "GET", path)
    assert result.status == 200, result.body
    assert isinstance(result.body, dict)
    item: dict[str, Any] = result.body["items"][0]
    return item


def runs_of(emulator: Emulator, flow_id: str, query: str = "") -> list[dict[str, Any]]:
    """All runs of a flow as its pages show them, the earliest first."""
    path, found = f"/runs?property=flowId=={flow_id}{query}", []
    while path:
        result = send(emulator, "GET", path)
        assert result.status == 200, result.body
        assert isinstance(result.body, dict)
        found += result.body["items"]
        path = result.body["_links"].get("next", {}).get("href")
    return found[::-1]


def pass_time(emulator: Emulator, milliseconds: int) -> None:
    """Move the clock on."""
    emulator.runtime.clock.advance(milliseconds)


def seconds(emulator: Emulator) -> int:
    """The present moment in seconds since 1970."""
    return emulator.runtime.clock.peek_ms() // 1000


def total(runs: list[dict[str, Any]], member: str = "inputRecordCount") -> int:
    """A count of records over several runs."""
    return sum(run["metrics"].get("recordSummary", {}).get(member, 0) for run in runs)


def status_of(run: dict[str, Any]) -> str:
    """The status in a run's metrics."""
    status: str = run["metrics"]["statusSummary"]["status"]
    return status
