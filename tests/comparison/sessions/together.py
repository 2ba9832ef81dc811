"""Sessions beside others: clients, sandboxes, organisations, services next door, earlier sessions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from mockserver import Emulator
from tests.calls import HEADERS, POSTGRESQL, connection, made, send, source
from tests.comparison.sessions import delete, get, patch, session
from tests.dataflows import CRM_TO_AEP, HOUR, flow, once, pass_time, seconds
from tests.dataflows import source as source_id
from tests.dataflows import target as target_id
from tests.destinations import audience, exporting

DEVELOPMENT = {"x-sandbox-name": "development"}


@session
def another_client_works_between(emulator: Emulator) -> Iterator[None]:
    olds = [made(emulator, connection(name)) for name in ("changed", "deleted", "kept")]
    yield
    handle = emulator.handle
    get(emulator, "/connections")
    unrecorded(emulator)
    made(emulator, connection("of another"))
    steps = [{"op": "replace", "path": "/name", "value": "renamed by another"}]
    other = {"if-match": olds[0]["etag"], "x-api-key": "exc_app"}
    send(emulator, "PATCH", f"/connections/{olds[0]['id']}", steps, headers=other)
    delete(emulator, f"/connections/{olds[1]['id']}")
    emulator.handle = handle  # type: ignore[method-assign]
    mine = made(emulator, connection("mine"))
    page = get(emulator, "/connections")
    for one in page["items"]:
        get(emulator, f"/connections/{one['id']}")
    get(emulator, f"/connections/{olds[1]['id']}")
    patch(emulator, f"/connections/{olds[0]['id']}", page["items"][-1]["etag"])
    delete(emulator, f"/connections/{mine['id']}")
    get(emulator, "/connections")


def unrecorded(emulator: Emulator) -> None:
    """Let the emulator answer without being recorded."""
    del emulator.handle  # type: ignore[attr-defined]


@session
def a_creation_that_timed_out(emulator: Emulator) -> Iterator[None]:
    yield
    handle = emulator.handle
    unrecorded(emulator)
    made(emulator, connection("twice"))
    emulator.handle = handle  # type: ignore[method-assign]
    get(emulator, "/connections?property=name==twice")
    made(emulator, connection("twice"))
    get(emulator, "/connections?property=name==twice")


@session
def two_sandboxes(emulator: Emulator) -> Iterator[None]:
    here = made(emulator, connection("here"))["id"]
    there = send(emulator, "POST", "/connections", connection("there"), headers=DEVELOPMENT).body["id"]  # type: ignore[index,call-overload]
    unseen = send(emulator, "POST", "/connections", connection("unseen"), headers=DEVELOPMENT).body["id"]  # type: ignore[index,call-overload]
    yield
    get(emulator, "/connections")
    get(emulator, f"/connections/{there}")
    get(emulator, f"/connections/{there}", headers=DEVELOPMENT)
    get(emulator, f"/connections/{here}", headers=DEVELOPMENT)
    get(emulator, f"/connections/{unseen}")
    send(emulator, "POST", "/sourceConnections", source(unseen))
    send(emulator, "POST", "/sourceConnections", source(unseen), headers=DEVELOPMENT)
    get(emulator, "/sourceConnections", headers=DEVELOPMENT)
    get(emulator, "/connections?property=name==there", headers=DEVELOPMENT)


@session
def two_organisations(emulator: Emulator) -> Iterator[None]:
    other = {"x-gw-ims-org-id": "0123456789ABCDEF01234567@AdobeOrg"}
    there = send(emulator, "POST", "/connections", connection("there"), headers=other).body["id"]  # type: ignore[index,call-overload]
    yield
    made(emulator, connection("here"))
    get(emulator, "/connections", headers=other)
    get(emulator, f"/connections/{there}")
    send(emulator, "POST", "/sourceConnections", source(there), headers=other)


@session
def a_second_session_on_top_of_the_first(emulator: Emulator) -> Iterator[None]:
    yield
    for _ in range(2):
        new = made(emulator, connection("same name"))["id"]
        get(emulator, "/connections?property=name==%22same name%22".replace(" ", "%20"))
        made(emulator, source(new), "/sourceConnections")
        get(emulator, "/sourceConnections")
        made(emulator, once(emulator, sourceConnectionIds=[source_id(emulator, baseConnectionId=new)]), "/flows")
        pass_time(emulator, HOUR)
        get(emulator, "/flows")
        get(emulator, "/runs")


@session
def a_session_after_a_whole_session(emulator: Emulator) -> Iterator[None]:
    for _ in a_second_session_on_top_of_the_first(emulator):
        pass
    yield
    for _ in a_second_session_on_top_of_the_first(emulator):
        pass


@session
def tokens_that_expire(emulator: Emulator) -> Iterator[None]:
    yield
    new = made(emulator)["id"]
    at_ms = emulator.runtime.clock.now_ms() - 25 * HOUR
    old = expired(at_ms)
    get(emulator, f"/connections/{new}", headers={"authorization": f"Bearer {old}"})
    get(emulator, f"/connections/{new}", headers={"authorization": "Bearer not.a.token"})
    get(emulator, f"/connections/{new}")


def expired(at_ms: int) -> str:
    """A token that was issued at a time."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part({'created_at': str(at_ms), 'expires_in': '86400000'})}.c2ln"


@session
def specs_of_a_tenant(emulator: Emulator) -> Iterator[None]:
    yield
    get(emulator, "/connectionSpecs?limit=3")
    get(emulator, f"/connectionSpecs/{POSTGRESQL}")
    get(emulator, "/flowSpecs?property=name==CRMToAEP")
    get(emulator, f"/connectionSpecs/{HEADERS['x-api-key']}")


@session
def specs_that_a_flow_spec_names(emulator: Emulator) -> Iterator[None]:
    yield
    get(emulator, f"/flowSpecs/{CRM_TO_AEP}")
    get(emulator, f"/connectionSpecs/{POSTGRESQL}")


@session
def a_run_on_demand(emulator: Emulator) -> Iterator[None]:
    yield
    flow_id = made(emulator, once(emulator), "/flows")["id"]
    now = seconds(emulator)
    window = {"startTime": now + 60, "windowStartTime": now - 3600, "windowEndTime": now}
    params = {**window, "deltaColumn": {"name": "entered_at"}}
    send(emulator, "POST", "/runs", {"flowId": flow_id, "params": params})
    get(emulator, f"/runs?property=flowId=={flow_id}")


@session
def an_audience_that_is_added_to_a_flow(emulator: Emulator) -> Iterator[None]:
    yield
    made_flow = exporting(emulator)
    step = {"op": "add", "path": "/transformations/0/params/segmentSelectors/selectors/-"}
    steps = [{**step, "value": audience("5e8b2d8a-1d2f-4a18-a8a1-b2c300000001")}]
    path = f"/flows/{made_flow['id']}"
    send(emulator, "PATCH", path, steps, headers={"if-match": made_flow["etag"]})
    get(emulator, path)


@session
def entities_of_the_neighbours(emulator: Emulator) -> Iterator[None]:
    schema: Any = send(emulator, "POST", f"{REGISTRY}/schemas", SCHEMA).body
    data_set = send(emulator, "POST", f"{CATALOG}/dataSets", of_schema(schema)).body[0]  # type: ignore[index,call-overload]
    mapping = send(emulator, "POST", f"{PREP}/mappingSets", MAPPING_SET).body
    made(emulator, flow(emulator), "/flows")
    pass_time(emulator, 3 * HOUR)
    yield
    get(emulator, f"{CATALOG}/dataSets?limit=5")
    get(emulator, f"{CATALOG}/{data_set.removeprefix('@/')}")
    get(emulator, f"{CATALOG}/batches?limit=2")
    get(emulator, f"{REGISTRY}/schemas", headers={"accept": "application/vnd.adobe.xed-id+json"})
    uri = quote(schema["$id"], safe=":")
    get(emulator, f"{REGISTRY}/schemas/{uri}", headers=FULL)
    get(emulator, f"{REGISTRY}/schemas/{schema['meta:altId']}", headers=FULL)  # type: ignore[index,call-overload]
    get(emulator, f"{PREP}/mappingSets/{mapping['id']}")  # type: ignore[index,call-overload]
    get(emulator, "/data/foundation/sandbox-management/")
    made(emulator, flow(emulator, targetConnectionIds=[target_id(emulator)]), "/flows")
    send(emulator, "POST", f"{CATALOG}/dataSets", of_schema(schema, "second"))
    get(emulator, f"{CATALOG}/dataSets?limit=5")


REGISTRY = "/data/foundation/schemaregistry/tenant"
CATALOG = "/data/foundation/catalog"
PREP = "/data/foundation/conversion"
FULL = {"accept": "application/vnd.adobe.xed-full+json;version=1"}
SCHEMA = {
    "title": "Visits",
    "type": "object",
    "allOf": [{"$ref": "https://ns.adobe.com/xdm/context/profile"}],
}
MAPPING_SET = {
    "version": 0,
    "xdmSchema": "_xdm.context.profile",
    "xdmVersion": "1.0",
    "mappings": [{"destinationXdmPath": "person.name.firstName", "sourceAttribute": "name", "identity": False}],
}


def of_schema(schema: Any, name: str = "first") -> Any:
    return {"name": name, "schemaRef": {"id": schema["$id"], "contentType": "application/vnd.adobe.xed+json;version=1"}}
