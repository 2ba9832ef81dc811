"""Creates what a flow needs at neighbouring services: a schema, its data set, a mapping set."""

from __future__ import annotations

from typing import Any, NamedTuple

from mockserver import Emulator
from tests.calls import made, send
from tests.dataflows import DATA_LAKE, flow

REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
CONVERSION = "/data/foundation/conversion"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
FULL = "application/vnd.adobe.xed-full+json;version=1"


class Arrival(NamedTuple):
    """Ids of a schema, its data set, a mapping set and a target connection."""

    schema: str
    data_set: str
    mapping: str
    target: str


def schema(emulator: Emulator, *references: str, title: str = "Store visits") -> str:
    """Create a schema of people; returns its `$id`."""
    parts = [{"$ref": uri} for uri in (PROFILE, PERSON, *references)]
    result: Any = send(
        emulator, "POST", f"{REGISTRY}/tenant/schemas", {"type": "object", "title": title, "allOf": parts}
    )
    assert result.status == 201, result
    return str(result.body["$id"])


def data_set(emulator: Emulator, schema_id: str, name: str = "Store visits") -> str:
    """Create a data set; returns its id."""
    body = {"name": name, "schemaRef": {"id": schema_id, "contentType": FULL}}
    result: Any = send(emulator, "POST", f"{CATALOG}/dataSets", body)
    assert result.status == 201, result
    return str(result.body[0]).removeprefix("@/dataSets/")


def mapping(emulator: Emulator, schema_id: str, **fields: str) -> str:
    """Create a mapping set of destination (__ for each dot) to source; returns its id."""
    mappings = [
        {"sourceType": "ATTRIBUTE", "source": source, "destination": name.replace("__", ".")}
        for name, source in fields.items()
    ]
    output = {"schemaRef": {"id": schema_id, "contentType": FULL}}
    result: Any = send(emulator, "POST", f"{CONVERSION}/mappingSets", {"outputSchema": output, "mappings": mappings})
    assert result.status == 200, result
    return str(result.body["id"])


def arrival(emulator: Emulator) -> Arrival:
    """Create a schema, its data set and mapping set, and a target connection."""
    uri = schema(emulator)
    found = data_set(emulator, uri)
    mapped = mapping(emulator, uri, _id="visit_id", person__name__fullName="city")
    return Arrival(uri, found, mapped, target_to(emulator, found, uri))


def target_to(emulator: Emulator, data_set_id: str, schema_id: str) -> str:
    """Create a target connection to a data set."""
    body = {
        "name": "target",
        "data": {"schema": {"id": schema_id, "version": FULL}},
        "params": {"dataSetId": data_set_id},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }
    return made(emulator, body, "/targetConnections")["id"]


def arriving(emulator: Emulator, to: Arrival, **changes: Any) -> dict[str, Any]:
    """The body of a flow into the data set every 15 minutes."""
    copy = {"name": "Copy", "params": {"deltaColumn": {"name": "entered_at"}}}
    mapped = {"name": "Mapping", "params": {"mappingId": to.mapping, "mappingVersion": 0}}
    return flow(emulator, **{"targetConnectionIds": [to.target], "transformations": [copy, mapped], **changes})
