"""Creates flows with their connections and runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mockserver import Emulator
from mockserver.exchange import Tenant
from mockserver.sources import Sources
from tests.calls import HEADERS, POSTGRESQL, connection, made, send

DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
AMAZON_S3 = "ecadc60c-7455-4d87-84dc-2a0e293d997b"
HTTP_API = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
CRM_TO_AEP = "14518937-270c-4525-bdec-c2ba7cce3860"
STREAM = "d8a6f005-7eaf-4153-983e-e8574508b877"
CLOUD_STORAGE_TO_AEP = "9753525b-82c7-4dce-8a9b-5ccfce2b9876"

EXAMPLE_SOURCES = Path(__file__).parent.parent / "examples" / "sources.yaml"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
TENANT = Tenant(HEADERS["x-gw-ims-org-id"], HEADERS["x-sandbox-name"])

COPY = {"name": "Copy", "params": {"deltaColumn": {"name": "entered_at"}}}
MAPPING = {"name": "Mapping", "params": {"mappingId": "0b090130b58b4819afc78b6dc98b484d", "mappingVersion": 0}}


BASES: dict[str, dict[str, Any]] = {
    AMAZON_S3: {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": "c4n4ry"}},
    HTTP_API: {
        "specName": "Streaming Connection",
        "params": {"dataType": "xdm"},
    },
}
"""Connection spec -> credentials of a base connection."""


def source_of(emulator: Emulator, spec_id: str, **members: Any) -> str:
    """Create a source connection of another connector, with its base connection."""
    spec = {"id": spec_id, "version": "1.0"}
    base = made(emulator, {"name": "base", "auth": BASES[spec_id], "connectionSpec": spec})
    body = {"name": "source", "baseConnectionId": base["id"], "connectionSpec": spec, **members}
    return made(emulator, body, "/sourceConnections")["id"]


def files(emulator: Emulator, path: str = "/shop/customers.csv", **changes: Any) -> dict[str, Any]:
    """The body of a flow over files, every hour from now on."""
    read = source_of(emulator, AMAZON_S3, data={"format": "delimited"}, params={"path": path})
    schedule = {"startTime": seconds(emulator), "frequency": "hour", "interval": 1}
    body = {"flowSpec": {"id": CLOUD_STORAGE_TO_AEP, "version": "1.0"}, "sourceConnectionIds": [read]}
    return flow(emulator, **{**body, "transformations": [MAPPING], "scheduleParams": schedule, **changes})


def stream(emulator: Emulator, **changes: Any) -> dict[str, Any]:
    """The body of a flow from an HTTP API connection."""
    body = {"flowSpec": {"id": STREAM}, "sourceConnectionIds": [source_of(emulator, HTTP_API)]}
    return flow(emulator, **{**body, "transformations": None, "scheduleParams": None, **changes})


def source(emulator: Emulator, table: str = "sales.store_visits", *, query: str = "", **changes: Any) -> str:
    """Create a source connection for a table, with its base connection."""
    body = {
        "name": "source",
        "baseConnectionId": made(emulator)["id"],
        "data": {"format": "tabular"},
        "params": {"tableName": table},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }
    return made(emulator, {**body, **changes}, f"/sourceConnections{query}")["id"]


def target(emulator: Emulator, *, query: str = "") -> str:
    """Create a target connection for a data set of the data lake."""
    body = {
        "name": "target",
        "data": {"schema": {"id": "https://ns.adobe.com/acme/schemas/1f2e", "version": "1"}},
        "params": {"dataSetId": "5e8b2d8a1d2f3a18a8a1b2c3"},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }
    return made(emulator, body, f"/targetConnections{query}")["id"]


def flow(emulator: Emulator, table: str = "sales.store_visits", **changes: Any) -> dict[str, Any]:
    """The body of a flow over a table every 15 minutes from a given minute; None omits a member."""
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


def declared(emulator: Emulator, file: Path) -> None:
    """Use a sources file for the emulator's connections."""
    emulator.world = emulator.world._replace(sources=Sources.load(str(file)))


def events(emulator: Emulator, **changes: Any) -> dict[str, Any]:
    """The body of a flow over the million events of the example sources file, every 15 minutes from now on."""
    base = connection()
    base["auth"]["params"]["server"] = "events.example.com"
    read = source(emulator, "public.events", baseConnectionId=made(emulator, base)["id"])
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "updated_at"}}}
    schedule = {"startTime": seconds(emulator), "frequency": "minute", "interval": 15}
    body = {"sourceConnectionIds": [read], "transformations": [copy, MAPPING], "scheduleParams": schedule}
    return flow(emulator, **{**body, **changes})


def once(emulator: Emulator, start: int | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a flow that runs once, by default now."""
    schedule = {"startTime": seconds(emulator) if start is None else start, "frequency": "once"}
    return flow(emulator, **{"transformations": [MAPPING], "scheduleParams": schedule, **changes})


def flowing(emulator: Emulator, body: dict[str, Any] | None = None, *, query: str = "") -> str:
    """Create a flow; returns its id."""
    return made(emulator, body or flow(emulator), f"/flows{query}")["id"]


def looked_up(emulator: Emulator, path: str) -> dict[str, Any]:
    """The entity at a path."""
    result = send(emulator, "GET", path)
    assert result.status == 200, result.body
    assert isinstance(result.body, dict)
    item: dict[str, Any] = result.body["items"][0]
    return item


def runs_of(emulator: Emulator, flow_id: str, query: str = "") -> list[dict[str, Any]]:
    """All runs of a flow, over pages, the earliest first."""
    path, found = f"/runs?property=flowId=={flow_id}{query}", []
    while path:
        result = send(emulator, "GET", path)
        assert result.status == 200, result.body
        assert isinstance(result.body, dict)
        found += result.body["items"]
        path = result.body["_links"].get("next", {}).get("href")
    return found[::-1]


def pass_time(emulator: Emulator, milliseconds: int) -> None:
    """Advance the clock."""
    emulator.runtime.clock.advance(milliseconds)


def seconds(emulator: Emulator) -> int:
    """The current time in seconds since 1970."""
    return emulator.runtime.clock.now_ms() // 1000


def total(runs: list[dict[str, Any]], member: str = "inputRecordCount") -> int:
    """A count of records, added over several runs."""
    return sum(run["metrics"].get("recordSummary", {}).get(member, 0) for run in runs)


def status_of(run: dict[str, Any]) -> str:
    """The status in a run's metrics."""
    status: str = run["metrics"]["statusSummary"]["status"]
    return status
