"""Tests of inlets of HTTP API connections and flows: messages, refusals, and the runs that count messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Call, Result
from tests.calls import made, send

SPEC = {"id": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "version": "1.0"}
LAKE = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
URI = "https://ns.adobe.com/acme/schemas/7f682c29"
REF = {"id": URI, "contentType": "application/vnd.adobe.xed-full+json;version=1"}
RAW = {"name": "Johnson Smith", "location": {"city": "Seattle"}}
INLET = "http://ns.adobe.com/adobecloud/problem/data-collection-service/inlet"


def connection(emulator: Emulator, **params: Any) -> str:
    auth = {"specName": "Streaming Connection", "params": params}
    return str(made(emulator, {"name": "stream", "connectionSpec": SPEC, "auth": auth})["id"])


def inlet(emulator: Emulator, base: str) -> str:
    body: Any = send(emulator, "GET", f"/connections/{base}").body
    return str(body["items"][0]["auth"]["params"]["inletId"])


def flow(emulator: Emulator, base: str, *, mapped: bool = False, schema: str = URI, data_set: str = "6" * 24) -> str:
    source = {"name": "s", "baseConnectionId": base, "connectionSpec": SPEC}
    target = {
        "name": "t",
        "connectionSpec": LAKE,
        "data": {"schema": {"id": schema, "version": "application/vnd.adobe.xed-full+json;version=1"}},
        "params": {"dataSetId": data_set},
    }
    ends = [send(emulator, "POST", kind, doc).body for kind, doc in _ends(source, target)]
    spec = "c1a19761-d2c7-4702-b9fa-fe91f0613e81" if mapped else "d8a6f005-7eaf-4153-983e-e8574508b877"
    body: dict[str, Any] = {"name": "f", "flowSpec": {"id": spec, "version": "1.0"}}
    body |= {"sourceConnectionIds": [_id(ends[0])], "targetConnectionIds": [_id(ends[1])]}
    if mapped:
        body["transformations"] = [{"name": "Mapping", "params": {"mappingId": "a" * 32, "mappingVersion": 0}}]
    return _id(send(emulator, "POST", "/flows", body).body)


def _ends(source: Any, target: Any) -> list[tuple[str, Any]]:
    return [("/sourceConnections", source), ("/targetConnections", target)]


def _id(body: Any) -> str:
    return str(body["id"])


def post(emulator: Emulator, path: str, body: Any, query: str = "", **headers: str) -> Result:
    """Send a request like a sender: without key, organisation and sandbox."""
    sent = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    call = Call("POST", f"/collection/{path}", query, sent, json.dumps(body).encode(), "0" * 32, 0)
    return emulator.handle(call)


def message(entity: Any = None, **header: Any) -> dict[str, Any]:
    entity = {"_id": "1"} if entity is None else entity
    return {"header": {"schemaRef": REF, **header}, "body": {"xdmMeta": {"schemaRef": REF}, "xdmEntity": entity}}


def runs(emulator: Emulator, flow_id: str) -> list[Any]:
    body: Any = send(emulator, "GET", f"/runs?property=flowId=={flow_id}").body
    return list(body["items"])


def counted(emulator: Emulator, flow_id: str) -> list[tuple[int, int]]:
    found = [run["metrics"]["recordSummary"] for run in runs(emulator, flow_id)]
    return [(one["inputRecordCount"], one["failedRecordCount"]) for one in found]


# documented: create/streaming/http.md prints receipt and both ways to name the flow
def test_an_event_is_taken_without_any_header_of_the_gateway(emulator: Emulator) -> None:
    base = connection(emulator, dataType="xdm")
    flow_id = flow(emulator, base)
    result = post(emulator, inlet(emulator, base), message(flowId=flow_id))
    answer: Any = result.body
    assert result.status == 200
    assert (answer["inletId"], answer["syncValidation"]) == (inlet(emulator, base), {"skipped": True})
    assert answer["receivedTimeMs"] == emulator.runtime.clock.now_ms() or answer["receivedTimeMs"] > 0
    assert counted(emulator, flow_id) == [(1, 0)]


@pytest.mark.parametrize("place", ["query", "header", "nowhere"])
def test_raw_events_find_their_flow(emulator: Emulator, place: str) -> None:
    base = connection(emulator, dataType="raw")
    flow_id = flow(emulator, base, mapped=True)
    query = f"x-adobe-flow-id={flow_id}" if place == "query" else ""
    headers = {"x_adobe_flow_id": flow_id} if place == "header" else {}
    assert post(emulator, inlet(emulator, base), RAW, query, **headers).status == 200
    assert counted(emulator, flow_id) == [(1, 0)]


def test_an_event_for_one_of_several_flows_names_it(emulator: Emulator) -> None:
    base = connection(emulator, dataType="raw")
    first, second = (flow(emulator, base, mapped=True) for _ in range(2))
    assert post(emulator, inlet(emulator, base), RAW).status == 400
    assert post(emulator, inlet(emulator, base), RAW, "x-adobe-flow-id=nobody").status == 400
    assert post(emulator, inlet(emulator, base), RAW, f"x-adobe-flow-id={second}").status == 200
    assert (counted(emulator, first), counted(emulator, second)) == ([], [(1, 0)])


def test_a_connection_that_no_flow_reads_takes_events_and_counts_none(emulator: Emulator) -> None:
    assert post(emulator, inlet(emulator, connection(emulator, dataType="raw")), RAW).status == 200


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"header": {"schemaRef": REF}}, "unknown xdm format"),
        ({"body": {"xdmEntity": {}}}, "unknown xdm format"),
        ({"header": {"xdmSchema": {"name": "x"}}, "body": {"xdmEntity": {}}}, "unknown xdm format"),
        ([], "unknown xdm format"),
        (message(imsOrgId="invalidIMSOrg@AdobeOrg"), "absent or wrong ims org in the header"),
    ],
    ids=["no body", "no header", "old schema", "no object", "another organisation"],
)
def test_a_message_that_is_none_is_refused_in_the_services_form(emulator: Emulator, event: Any, says: str) -> None:
    base = connection(emulator, dataType="xdm")
    result = post(emulator, inlet(emulator, base), event)
    body: Any = result.body
    assert (result.status, body["status"], body["type"]) == (400, 400, INLET)
    assert says in body["report"]["message"] or isinstance(event, list)


# documented: streaming-multiple-messages.md, its second request with its response
def test_each_of_several_messages_has_its_own_outcome(emulator: Emulator) -> None:
    base = connection(emulator, dataType="xdm")
    flow_id = flow(emulator, base)
    sent = [message(), {"header": {"schemaRef": REF}}, message(imsOrgId="invalidIMSOrg@AdobeOrg"), message()]
    result = post(emulator, f"batch/{inlet(emulator, base)}", {"messages": sent})
    answer: Any = result.body
    assert result.status == 207
    assert [one.get("statusCode") for one in answer["responses"]] == [None, 400, 400, None]
    assert answer["responses"][3]["xactionId"] == f"{answer['batchId']}:3"
    assert counted(emulator, flow_id) == [(2, 0)]


@pytest.mark.parametrize("body", [{}, {"messages": []}, {"messages": {}}, []], ids=str)
def test_a_batch_without_messages_is_refused(emulator: Emulator, body: Any) -> None:
    base = connection(emulator, dataType="xdm")
    result = post(emulator, f"batch/{inlet(emulator, base)}", body)
    answer: Any = result.body
    assert (result.status, answer["type"]) == (400, INLET)


# documented: streaming-validation.md
def test_synchronous_validation_tells_what_is_wrong_with_an_event(emulator: Emulator) -> None:
    base = connection(emulator, dataType="xdm")
    schema, data_set = _registered(emulator)
    flow_id = flow(emulator, base, schema=schema, data_set=data_set)
    ref = {"id": schema, "contentType": REF["contentType"]}
    wrong = message(
        {"_id": 1, "nickname": "x", "person": {"name": {"firstName": "Ada", "colour": "red"}}}, schemaRef=ref
    )
    asked = inlet(emulator, base), wrong
    result = post(emulator, *asked, "syncValidation=true")
    body: Any = result.body
    assert (result.status, body["title"]) == (400, "Invalid XDM Message Format")
    (whole,) = body["report"]["cause"]["_streamingValidation"]
    causes = {one["message"] for one in whole["causingExceptions"]}
    assert "expected type: String, found: Long" in causes
    assert {"extraneous key [nickname] is not permitted", "extraneous key [colour] is not permitted"} <= causes
    assert counted(emulator, flow_id) == [], "what synchronous validation refuses goes nowhere"
    assert post(emulator, *asked, "synchronousValidation=true").status == 400
    right = message({"_id": "1", "person": {"name": {"firstName": "Ada"}}}, schemaRef=ref)
    good: Any = post(emulator, inlet(emulator, base), right, "syncValidation=true").body
    assert good["syncValidation"] == {"status": "pass"}
    assert post(emulator, *asked).status == 200, "without it the event is taken, and fails later"
    assert counted(emulator, flow_id) == [(2, 1)]
    assert runs(emulator, flow_id)[0]["metrics"]["statusSummary"]["status"] == "partialSuccess"


def _registered(emulator: Emulator) -> tuple[str, str]:
    profile = "https://ns.adobe.com/xdm/context/profile"
    parts = [{"$ref": profile}, {"$ref": profile + "-person-details"}]
    schema = {"type": "object", "title": "S", "allOf": parts}
    uri: Any = send(emulator, "POST", "/data/foundation/schemaregistry/tenant/schemas", schema).body
    ref = {"id": uri["$id"], "contentType": "application/vnd.adobe.xed+json;version=1"}
    made_: Any = send(emulator, "POST", "/data/foundation/catalog/dataSets", {"name": "d", "schemaRef": ref}).body
    return uri["$id"], made_[0].rpartition("/")[2]


# documented: create/streaming/http.md, appendix
@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic abc"])
def test_an_authenticated_inlet_wants_a_token(emulator: Emulator, authorization: str) -> None:
    base = connection(emulator, dataType="raw", authenticationRequired=True)
    result = post(emulator, inlet(emulator, base), RAW, authorization=authorization)
    body: Any = result.body
    assert (result.status, body["status"], body["title"]) == (401, "401", "Authorization")
    assert post(emulator, inlet(emulator, base), RAW, authorization="Bearer abc.def").status == 200


@pytest.mark.parametrize("end", ["x", "0" * 64, "not-hexadecimal-" * 4])
def test_an_inlet_that_nobody_has_is_not_found(emulator: Emulator, end: str) -> None:
    connection(emulator, dataType="raw")
    assert post(emulator, end, RAW).status == 404


def test_an_inlet_goes_with_its_connection(emulator: Emulator) -> None:
    base = connection(emulator, dataType="raw")
    door = inlet(emulator, base)
    assert send(emulator, "DELETE", f"/connections/{base}").status == 204
    assert post(emulator, door, RAW).status == 404


def test_other_connections_have_no_inlet(emulator: Emulator) -> None:
    base = connection(emulator, dataType="raw")
    plain = _id(made(emulator))
    assert post(emulator, plain.replace("-", "") + inlet(emulator, base)[32:], RAW).status == 404


def test_events_of_one_hour_are_one_run_and_one_batch(emulator: Emulator) -> None:
    base = connection(emulator, dataType="raw")
    flow_id = flow(emulator, base, mapped=True)
    for _ in range(3):
        post(emulator, inlet(emulator, base), RAW)
    emulator.runtime.clock.advance(3_600_000)
    post(emulator, inlet(emulator, base), RAW)
    assert sorted(counted(emulator, flow_id)) == [(1, 0), (3, 0)]
    shown: Any = send(emulator, "GET", f"/flows/{flow_id}").body
    assert shown["items"][0]["lastRunDetails"]["state"] == "success"
    batches: Any = send(emulator, "GET", "/data/foundation/catalog/batches").body
    assert sorted(batch["metrics"]["recordsWritten"] for batch in batches.values()) == [1, 3]


def test_events_land_in_the_lake_as_they_came(tmp_path: Path) -> None:
    emulator = Emulator(Config(lake=str(tmp_path)))
    base = connection(emulator, dataType="raw")
    flow(emulator, base, mapped=True)
    for name in ("Ada", "Grace"):
        post(emulator, inlet(emulator, base), {"name": name})
    (file,) = tmp_path.rglob("*.jsonl")
    assert [json.loads(line) for line in file.read_text().splitlines()] == [{"name": "Ada"}, {"name": "Grace"}]
    emulator.close()


def test_events_are_not_written_through_a_planted_link(tmp_path: Path) -> None:
    emulator, victim = Emulator(Config(lake=str(tmp_path / "lake"))), tmp_path / "victim"
    victim.write_text("precious")
    base = connection(emulator, dataType="raw")
    flow(emulator, base, mapped=True)
    post(emulator, inlet(emulator, base), {"name": "Ada"})
    (file,) = tmp_path.rglob("*.jsonl")
    file.unlink()
    file.symlink_to(victim)
    assert post(emulator, inlet(emulator, base), {"name": "Grace"}).status == 503
    assert victim.read_text() == "precious"


def test_a_sender_is_found_after_a_restart(tmp_path: Path) -> None:
    place = str(tmp_path / "state.db")
    first = Emulator(Config(state=place))
    base = connection(first, dataType="raw")
    door = inlet(first, base)
    first.close()
    second = Emulator(Config(state=place))
    assert post(second, door, RAW).status == 200
    second.close()


def webhook(emulator: Emulator, **changes: Any) -> str:
    """A flow of Shopify Streaming, as its tutorial makes it."""
    spec = {"id": "e77fd9d2-22a8-11ed-861d-0242ac120002", "version": "1.0"}
    source = {"name": "s", "connectionSpec": spec, "data": {"format": "json"}}
    ref = {"id": URI, "version": "application/vnd.adobe.xed-full+json;version=1"}
    target = {"name": "t", "connectionSpec": LAKE, "data": {"schema": ref}, "params": {"dataSetId": "6" * 24}}
    ends = [_id(send(emulator, "POST", kind, doc).body) for kind, doc in _ends(source, target)]
    body = {
        "name": "f",
        "flowSpec": {"id": "e77fde5a-22a8-11ed-861d-0242ac120002", "version": "1.0"},
        "sourceConnectionIds": ends[:1],
        "targetConnectionIds": ends[1:],
        "transformations": [{"name": "Mapping", "params": {"mappingId": "a" * 32, "mappingVersion": 0}}],
        **changes,
    }
    return _id(send(emulator, "POST", "/flows", body).body)


def inlet_of_flow(emulator: Emulator, flow_id: str) -> str:
    body: Any = send(emulator, "GET", f"/flows/{flow_id}").body
    url: str = body["items"][0]["options"]["inletUrl"]
    assert url.startswith("https://dcs.adobedc.net/collection/")
    return url.rpartition("/")[2]


# documented: create/analytics/pendo-webhook.md and the other webhooks print options.inletUrl
def test_a_flow_of_a_webhook_has_an_inlet_that_counts_its_events(emulator: Emulator) -> None:
    flow_id, other = webhook(emulator), webhook(emulator)
    door = inlet_of_flow(emulator, flow_id)
    assert len(door) == 64 and door != inlet_of_flow(emulator, other)
    answer: Any = post(emulator, door, RAW, x_adobe_flow_id=flow_id).body
    assert answer["inletId"] == door
    assert post(emulator, f"batch/{door}", {"messages": [RAW, RAW]}).status == 207
    assert (counted(emulator, flow_id), counted(emulator, other)) == ([(3, 0)], [])
    assert post(emulator, door, RAW, x_adobe_flow_id=other).status == 400, "an inlet leads to its own flow alone"


def test_the_inlet_of_a_flow_stays_beside_options_of_its_own(emulator: Emulator) -> None:
    flow_id = webhook(emulator, options={"errorDiagnosticsEnabled": True})
    door = inlet_of_flow(emulator, flow_id)
    item: Any = send(emulator, "GET", f"/flows/{flow_id}").body
    shown = item["items"][0]
    assert shown["options"]["errorDiagnosticsEnabled"] is True
    patch = [{"op": "replace", "path": "/options", "value": {"inletUrl": "https://elsewhere.example.com"}}]
    changed = send(emulator, "PATCH", f"/flows/{flow_id}", patch, headers={"if-match": shown["etag"]})
    assert changed.status == 200 and inlet_of_flow(emulator, flow_id) == door
    found: Any = send(emulator, "GET", f"/flows?property=options.inletUrl=={shown['options']['inletUrl']}").body
    assert [flow["id"] for flow in found["items"]] == [flow_id]


def test_the_inlet_of_a_flow_closes_with_it(emulator: Emulator) -> None:
    flow_id = webhook(emulator)
    door = inlet_of_flow(emulator, flow_id)
    assert send(emulator, "POST", f"/flows/{flow_id}/action?op=disable").status == 200
    assert post(emulator, door, RAW).status == 400
    assert send(emulator, "DELETE", f"/flows/{flow_id}").status == 204
    assert post(emulator, door, RAW).status == 404


def test_other_flows_have_no_inlet_of_their_own(emulator: Emulator) -> None:
    base = connection(emulator, dataType="raw")
    flow_id = flow(emulator, base, mapped=True)
    body: Any = send(emulator, "GET", f"/flows/{flow_id}").body
    assert "options" not in body["items"][0]
    assert post(emulator, flow_id.replace("-", "") + inlet(emulator, base)[32:], RAW).status == 404
