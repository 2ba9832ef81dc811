"""Tests that what follows from an earlier difference, or from a masked value, is not a difference of its own.

Each case was seen when an older version of the emulator was recorded in the place of the real service.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator, __version__
from mockserver.comparison import comparing
from mockserver.comparison.replay import ReplayOutcome
from mockserver.contract import Contract
from mockserver.exchange import Call, Result
from mockserver.recordings import moments
from mockserver.recordings.recorder import Recorder
from mockserver.recordings.recording import Recording
from mockserver.specs.connectors import Connectors
from tests.calls import connection, made, send
from tests.dataflows import HOUR, flow, pass_time
from tests.recordings.story import Recorded, Server, as_har

Change = Callable[[list[dict[str, Any]]], None]
SPEC = "/connectionSpecs?property=name==%22postgre-sql%22"


def recording(path: Path, client: Callable[[Emulator], None], change: Change = lambda entries: None) -> Recording:
    """Record a client, and change the entries of the file."""
    recorded = Recorded(Emulator(Config(seed=3)))
    client(recorded.emulator)
    document = as_har(recorded.recording)
    change(document["log"]["entries"])
    path.write_text(json.dumps(document), encoding="utf-8")
    return Recording.load(path, Contract.load())


def compared(recorded: Recording) -> ReplayOutcome:
    server = Server(Emulator(Config(seed=7)))
    return comparing.with_emulator(recorded, server.emulator, server.send)


def findings(outcome: ReplayOutcome) -> list[tuple[str, str]]:
    return [(cause.operation, str(cause.difference)) for cause in outcome.causes]


def reasons(outcome: ReplayOutcome) -> list[str]:
    return [one.why for one in outcome.compared if one.why]


def refuse(entry: dict[str, Any], status: int = 400) -> None:
    """Let the recorded service refuse a request."""
    body = {"type": f"https://ns.adobe.com/aep/errors/FLOW-1100-{status}", "status": status}
    entry["response"] |= {"status": status, "headers": [], "content": {"size": 9, "text": json.dumps(body)}}


def shown(entry: dict[str, Any]) -> Any:
    return json.loads(entry["response"]["content"]["text"])


def show(entry: dict[str, Any], body: Any) -> None:
    entry["response"]["content"] = {"size": 9, "text": json.dumps(body)}


def mask(entry: dict[str, Any], name: str, value: str) -> None:
    rows = entry["request"]["headers"]
    entry["request"]["headers"] = [row for row in rows if row["name"] != name] + [{"name": name, "value": value}]


@pytest.mark.parametrize("header", ["content-type", "x-sandbox-name"])
def test_a_masked_header_that_decides_the_response_is_no_difference(tmp_path: Path, header: str) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        mask(entries[0], header, "pseudo-1234567890")

    def client(emulator: Emulator) -> None:
        sandbox = {"x-sandbox-name": "no such sandbox"} if header == "x-sandbox-name" else {}
        send(emulator, "POST", "/connections", connection(), headers=sandbox)

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == []
    assert reasons(outcome) == [f"the value of the header {header} was not recorded"]


def test_accepting_anything_is_no_masked_header(tmp_path: Path) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        mask(entries[0], "accept", "*/*")
        refuse(entries[0])

    outcome = compared(recording(tmp_path / "x.har", lambda emulator: made(emulator) and None, change))
    assert findings(outcome) == [("createConnection", "status /: recorded 400, here 201")]


@pytest.mark.parametrize(
    "query",
    [
        "count=pseudo-1234567",
        "property=name==pseudo-1234567",
        "property=name==%E2%80%B9string, 4 characters%E2%80%BA,a",
    ],
)
def test_a_masked_parameter_is_no_difference(tmp_path: Path, query: str) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        entries[0]["request"]["url"] += f"?{query}"
        show(entries[0], {"count": 7, "other": "form"})

    outcome = compared(
        recording(tmp_path / "x.har", lambda emulator: send(emulator, "GET", "/connections") and None, change)
    )
    assert findings(outcome) == []
    assert reasons(outcome) == [f"the value of the parameter {query.partition('=')[0]} was not recorded"]


@pytest.mark.parametrize(("status", "found"), [(400, False), (422, False), (404, True), (403, True)])
def test_a_masked_value_in_a_body_explains_only_what_is_refused_by_its_value(
    tmp_path: Path, status: int, found: bool
) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        body = json.loads(entries[0]["request"]["postData"]["text"])
        entries[0]["request"]["postData"]["text"] = json.dumps({**body, "description": "pseudo-0123456"})
        refuse(entries[0], status)

    outcome = compared(recording(tmp_path / "x.har", lambda emulator: made(emulator) and None, change))
    assert bool(findings(outcome)) is found
    assert reasons(outcome) == ([] if found else ["the value at /description in the body was not recorded"])


def test_masked_credentials_explain_nothing(tmp_path: Path) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        text = entries[0]["request"]["postData"]["text"]
        body = json.loads(text)
        body["auth"]["params"]["password"] = "pseudo-0123456"
        entries[0]["request"]["postData"]["text"] = json.dumps(body)
        refuse(entries[0])

    outcome = compared(recording(tmp_path / "x.har", lambda emulator: made(emulator) and None, change))
    assert findings(outcome) == [("createConnection", "status /: recorded 400, here 201")]


def test_a_value_that_the_replay_had_to_send_masked_is_no_difference(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        new = made(emulator, connection(description="clear"))["id"]
        send(emulator, "GET", f"/connections/{new}")

    def change(entries: list[dict[str, Any]]) -> None:
        text = entries[0]["request"]["postData"]["text"]
        entries[0]["request"]["postData"]["text"] = text.replace('"clear"', '"pseudo-0123456"')

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == [] and outcome.count("same") == 2


def test_filters_by_time_find_what_they_found_there(tmp_path: Path) -> None:
    delay = 7

    def client(emulator: Emulator) -> None:
        new = made(emulator, connection("first"))
        emulator.runtime.clock.advance(50)
        send(emulator, "GET", f"/connections/{new['id']}")
        at_ms = send(emulator, "GET", f"/connections/{new['id']}").body["items"][0]["createdAt"] + delay  # type: ignore[call-overload,index]
        send(emulator, "GET", f"/connections?property=createdAt>={at_ms}")

    def change(entries: list[dict[str, Any]]) -> None:
        """The service created it some milliseconds after the request was sent."""
        (found,) = shown(entries[1])["items"]
        later = {**found, "createdAt": found["createdAt"] + delay, "updatedAt": found["updatedAt"] + delay}
        for entry in entries[1:]:
            show(entry, {**shown(entry), "items": [later]})

    emulated = recording(tmp_path / "x.har", client, change)
    assert moments.of_changes(emulated).keys() == {1}
    outcome = compared(emulated)
    assert findings(outcome) == [] and outcome.count("same") == 4


def test_an_update_that_leaves_no_time_does_not_turn_our_clock_back(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        new = made(emulator)
        emulator.runtime.clock.advance(1000)
        patch = [{"op": "replace", "path": "/name", "value": "new"}]
        send(emulator, "PATCH", f"/connections/{new['id']}", patch, headers={"if-match": new["etag"]})
        send(emulator, "GET", f"/connections/{new['id']}")

    def change(entries: list[dict[str, Any]]) -> None:
        page = shown(entries[2])
        page["items"][0]["updatedAt"] = page["items"][0]["createdAt"]
        show(entries[2], page)

    assert moments.of_changes(recording(tmp_path / "x.har", client, change)).keys() == {1}


def test_what_only_we_created_is_in_no_later_list(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        extra = made(emulator, connection("refused there"))["id"]
        send(emulator, "DELETE", f"/connections/{extra}")
        made(emulator, connection("kept"))
        send(emulator, "GET", "/connections")
        send(emulator, "GET", "/connections?limit=1")

    def change(entries: list[dict[str, Any]]) -> None:
        del entries[1]
        refuse(entries[0])

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == [("createConnection", "status /: recorded 400, here 201")]


def test_what_was_not_created_here_moves_the_pages_and_is_one_finding(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        for name in ("a", "b", "refused here", "c", "d"):
            made(emulator, connection(name))
        page: Any = send(emulator, "GET", "/connections?limit=2").body
        while "next" in page["_links"]:
            page = send(emulator, "GET", page["_links"]["next"]["href"]).body

    def change(entries: list[dict[str, Any]]) -> None:
        entries[2]["request"]["postData"]["text"] = json.dumps({"name": "refused here"})

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == [("createConnection", "status /: recorded 201, here 400")]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_what_only_we_changed_is_not_compared_again(tmp_path: Path, method: str) -> None:
    def client(emulator: Emulator) -> None:
        new, other = made(emulator), made(emulator, connection("other"))
        send(emulator, "GET", f"/connections/{new['id']}", headers={"if-match": new["etag"]})
        send(emulator, "GET", f"/connections/{new['id']}")
        send(emulator, "GET", "/connections")
        send(emulator, "GET", f"/connections/{other['id']}")

    def change(entries: list[dict[str, Any]]) -> None:
        """The first GET becomes a change that the recorded service refused."""
        patch = json.dumps([{"op": "replace", "path": "/name", "value": "changed"}])
        body = {"postData": {"mimeType": "application/json", "text": patch}} if method == "PATCH" else {}
        entries[2]["request"] |= {"method": method, **body}
        mask(entries[2], "content-type", "application/json")
        refuse(entries[2])

    outcome = compared(recording(tmp_path / "x.har", client, change))
    ((operation, difference),) = findings(outcome)
    assert operation in ("patchConnection", "deleteConnection")
    assert difference.startswith("status /: recorded 400, here 20")
    assert reasons(outcome) == ["exchange 3 changed the entity on one side only"]
    assert [one.verdict for one in outcome.compared[4:]] == ["same", "same"]


def test_an_id_in_a_refusal_is_no_new_entity(tmp_path: Path) -> None:
    spec = connection()["connectionSpec"]["id"]

    def client(emulator: Emulator) -> None:
        send(emulator, "GET", f"/connectionSpecs/{spec}")
        made(emulator)

    def change(entries: list[dict[str, Any]]) -> None:
        refuse(entries[0], 404)
        show(entries[0], {**shown(entries[0]), "report": {"id": spec}})

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == [("retrieveConnectionSpec", "status /: recorded 404, here 200")]
    assert outcome.compared[1].verdict == "same"


def test_an_event_that_one_side_refused_changes_no_inlet(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        for _ in range(2):
            send(emulator, "POST", f"/collection/{'a' * 64}", {"header": {}, "body": {}})

    def change(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            entry["response"] |= {"status": 303, "content": {"size": 2, "text": "{}"}}

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert [cause.exchanges for cause in outcome.causes] == [(1, 2)]


def test_specs_are_never_taken_for_others(tmp_path: Path) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        page = shown(entries[0])
        (spec,) = page["items"]
        unknown = {**spec, "id": "11111111-1111-4111-8111-111111111111", "name": "new-connector"}
        show(entries[0], {**page, "items": [spec, unknown]})
        entries[0]["request"]["url"] = entries[0]["request"]["url"].partition("?")[0]

    outcome = compared(recording(tmp_path / "x.har", lambda emulator: send(emulator, "GET", SPEC) and None, change))
    kinds = {str(cause.difference).partition(":")[0] for cause in outcome.causes}
    assert kinds == {"missing item /items/*", "added item /items/*"}


def test_new_entities_are_paired_by_the_ids_that_they_name(tmp_path: Path) -> None:
    def client(emulator: Emulator) -> None:
        for name in ("first", "second"):
            made(emulator, flow(emulator, name=name), "/flows")
        pass_time(emulator, HOUR // 6)
        send(emulator, "GET", "/runs")

    def change(entries: list[dict[str, Any]]) -> None:
        page = shown(entries[-1])
        show(entries[-1], {**page, "items": page["items"][::-1]})

    recorded = recording(tmp_path / "x.har", client, change)
    assert len(shown(as_har(recorded)["log"]["entries"][-1])["items"]) == 2
    assert findings(compared(recorded)) == []


SCHEMA = "https://ns.adobe.com/acme/schemas/d6f5d6bbe6e4a2a4c2a0"


def written(path: Path, call: Call) -> Any:
    """The exchange that our recorder writes for a request."""
    recorder = Recorder(
        path, "https://platform.adobe.io", Contract.load(), Connectors.load("azure").auth_place, b"k" * 32, __version__
    )
    recorder.add(call, Result(200, {}), 1)
    recorder.close(complete=True)
    return Recording.load(path, Contract.load()).exchanges[0]


def a_call(method: str, path: str, body: Any = None, **headers: str) -> Call:
    return Call(method, path, "", headers, json.dumps(body).encode() if body else b"", "", 1_700_000_000_000)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/data/foundation/catalog/batches/01M8M7DF80Q1YK05VE1S1JDAMS", "retrieveBatch"),
        (
            "/data/foundation/schemaregistry/tenant/schemas/https:%2F%2Fns.adobe.com%2Facme%2Fschemas%2Fd6f5d6bbe6e4a2a4c2a0",
            "retrieveXdmResource",
        ),
    ],
)
def test_ids_of_batches_and_schemas_are_written_as_they_were_sent(tmp_path: Path, path: str, operation: str) -> None:
    exchange = written(tmp_path / "x.har", a_call("GET", path))
    assert (exchange.operation, exchange.call.path) == (operation, path)
    assert exchange.target == path


def test_a_media_type_is_written_in_any_case(tmp_path: Path) -> None:
    sent = a_call("POST", "/connections", {"name": "x"}, **{"content-type": "Application/JSON; charset=UTF-8"})
    assert written(tmp_path / "x.har", sent).call.headers["content-type"] == "Application/JSON; charset=UTF-8"


def test_a_schema_is_written_without_its_samples(tmp_path: Path) -> None:
    field = {"type": "object", "properties": {"_acme": {"type": "string", "examples": ["c4n4ry"], "const": "c4n4ry"}}}
    body = {"title": "t", "type": "object", "allOf": [{"$ref": SCHEMA}], "definitions": {"own": field}}
    exchange = written(tmp_path / "x.har", a_call("POST", "/data/foundation/schemaregistry/tenant/mixins", body))
    assert "c4n4ry" not in (tmp_path / "x.har").read_text()
    assert exchange.body["type"] == "object" and exchange.body["definitions"]["own"]["type"] == "object"


def test_a_word_in_the_schema_of_a_spec_is_no_secret(tmp_path: Path) -> None:
    emulator = Emulator(Config())
    recorder = Recorder(
        tmp_path / "x.har", "https://platform.adobe.io", emulator.contract, Connectors.load("azure").auth_place,
        b"k" * 32, __version__,
    )  # fmt: skip
    recorder.add(a_call("GET", "/flowSpecs"), send(emulator, "GET", "/flowSpecs"), 1)
    recorder.add(a_call("POST", "/flows", {"name": "f", "scheduleParams": {"frequency": "minute"}}), Result(400, {}), 2)
    recorder.close(complete=True)
    exchange = Recording.load(tmp_path / "x.har", emulator.contract).exchanges[1]
    assert exchange.body == {"name": "f", "scheduleParams": {"frequency": "minute"}}


def test_a_patch_below_a_harmless_member_is_written_as_in_a_creation(tmp_path: Path) -> None:
    path = "/transformations/0/params/segmentSelectors/selectors/-"
    value = {"type": "PLATFORM_SEGMENT", "value": {"id": "chosen"}}
    sent = a_call("PATCH", "/flows/11111111-1111-4111-8111-111111111111", [{"op": "add", "path": path, "value": value}])
    assert written(tmp_path / "x.har", sent).body[0]["value"] == value


def test_an_entity_that_only_one_side_changed_is_not_compared_in_a_list_of_one(tmp_path: Path) -> None:
    """Seen with Prism, which refused a patch. A list of several entities left it out already."""

    def client(emulator: Emulator) -> None:
        new = made(emulator, connection("alone"))
        send(emulator, "GET", f"/connections/{new['id']}")
        patch = [{"op": "replace", "path": "/name", "value": "changed"}]
        send(emulator, "PATCH", f"/connections/{new['id']}", patch, headers={"if-match": new["etag"]})
        send(emulator, "GET", "/connections")

    def change(entries: list[dict[str, Any]]) -> None:
        refuse(entries[2], 405)
        show(entries[3], {**shown(entries[3]), "items": shown(entries[1])["items"]})

    outcome = compared(recording(tmp_path / "x.har", client, change))
    assert findings(outcome) == [("patchConnection", "status /: recorded 405, here 200")]
