"""Tests of connection specs and flow specs, of the catalogue and written by clients with service tokens."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mockserver import Config, Emulator, json_input
from tests.calls import HEADERS, LANDING_ZONE, POSTGRESQL, made, refused, send, source, target

CRM = "14518937-270c-4525-bdec-c2ba7cce3860"
REST = "6499120c-0b15-42dc-936e-847ea3c24d72"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
SERVICE = {"x-api-key": "acme-service"}

AUTH = {
    "name": "Basic Authentication",
    "type": "BasicAuthentication",
    "spec": {
        "type": "object",
        "properties": {"host": {"type": "string"}, "password": {"type": "string", "format": "password"}},
        "required": ["host", "password"],
    },
}
CONNECTION_SPEC = {
    "name": "acme-crm",
    "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a",
    "authSpec": [AUTH],
    "attributes": {"category": "CRM", "isSource": True},
}
FLOW_SPEC = {
    "name": "AcmeToAEP",
    "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a",
    "sourceConnectionSpecIds": [POSTGRESQL],
    "scheduleSpec": {"name": "Often", "type": "Periodic", "spec": {"type": "object", "required": ["startTime"]}},
}
KINDS = [("/connectionSpecs", CONNECTION_SPEC), ("/flowSpecs", FLOW_SPEC)]


@pytest.fixture
def emulator() -> Emulator:
    return Emulator(Config(seed=1, service_clients=("acme-service",)))


def items(emulator: Emulator, path: str, **headers: str) -> Any:
    body: Any = send(emulator, "GET", path, headers=headers).body
    return body["items"]


def written(emulator: Emulator, path: str, spec: Any) -> Any:
    result = send(emulator, "POST", path, spec, headers=SERVICE)
    assert result.status == 201, result.body
    return result.body


@pytest.mark.parametrize(("path", "spec"), KINDS)
def test_a_user_token_writes_no_spec(emulator: Emulator, path: str, spec: Any) -> None:
    """1426 is documented for connection specs, and assumed for flow specs."""
    for method, where in (("POST", path), ("PUT", f"{path}/{UNKNOWN}")):
        assert refused(send(emulator, method, where, spec))[:2] == (400, "1426-400")


@pytest.mark.parametrize(("path", "spec"), KINDS)
def test_a_service_token_writes_a_spec_that_is_answered_unwrapped(emulator: Emulator, path: str, spec: Any) -> None:
    """Documented: 201, the bare spec, Location; a service token's user is its client."""
    result: Any = send(emulator, "POST", path, spec, headers=SERVICE)
    assert result.status == 201 and {**result.body, **spec} == result.body
    assert dict(result.headers)["Location"].endswith(f"{path}/{result.body['id']}")
    assert result.body["version"] == "1.0" and "etag" not in result.body
    assert result.body["createdBy"] == result.body["createdClient"] == "acme-service"
    assert items(emulator, f"{path}/{result.body['id']}") == [result.body]
    assert items(emulator, f"{path}?property=name=={spec['name']}") == [result.body]


@pytest.mark.parametrize(("path", "spec"), KINDS)
def test_a_written_spec_is_replaced_as_a_whole(emulator: Emulator, path: str, spec: Any) -> None:
    first = written(emulator, path, spec)
    lean = {"name": "renamed", "providerId": spec["providerId"], "version": "1.1"}
    result: Any = send(emulator, "PUT", f"{path}/{first['id']}", {**lean, "id": UNKNOWN}, headers=SERVICE)
    assert result.status == 200 and result.body["id"] == first["id"]
    assert {name: result.body[name] for name in lean} == lean and len(result.body) == len(lean) + 10
    assert result.body["updatedAt"] > first["updatedAt"] and result.body["createdAt"] == first["createdAt"]


@pytest.mark.parametrize(("path", "spec"), KINDS)
def test_a_spec_belongs_to_its_sandbox(emulator: Emulator, path: str, spec: Any) -> None:
    mine = written(emulator, path, spec)
    elsewhere = {"x-sandbox-name": "dev"}
    assert refused(send(emulator, "GET", f"{path}/{mine['id']}", headers=elsewhere))[:2] == (404, "1439-404")
    assert mine["id"] not in [spec["id"] for spec in items(emulator, path, **elsewhere)]
    put = send(emulator, "PUT", f"{path}/{mine['id']}", spec, headers={**SERVICE, **elsewhere})
    assert refused(put)[:2] == (404, "1439-404")


@pytest.mark.parametrize(("path", "spec"), KINDS)
@pytest.mark.parametrize("without", ["name", "providerId"])
def test_name_and_provider_are_demanded(emulator: Emulator, path: str, spec: Any, without: str) -> None:
    body = {name: value for name, value in spec.items() if name != without}
    assert refused(send(emulator, "POST", path, body, headers=SERVICE)) == (400, "1100-400", f"/{without}")


def test_a_connection_of_a_written_spec_is_checked_and_its_secrets_are_masked(emulator: Emulator) -> None:
    spec = {"id": written(emulator, "/connectionSpecs", CONNECTION_SPEC)["id"], "version": "1.0"}
    params = {"host": "crm.example.com", "password": "c4n4ry"}

    def body(**changes: Any) -> Any:
        auth = {"specName": "Basic Authentication", "params": {**params, **changes}}
        return {"name": "own", "auth": auth, "connectionSpec": spec}

    receipt = made(emulator, body())
    assert items(emulator, f"/connections/{receipt['id']}")[0]["auth"]["params"] == {**params, "password": "********"}
    for changes, member in (({"password": 7}, "password"), ({"user": "x"}, "user")):
        result = send(emulator, "POST", "/connections", body(**changes))
        assert refused(result) == (400, "1100-400", f"/auth/params/{member}")
    elsewhere = send(emulator, "POST", "/connections", body(), headers={"x-sandbox-name": "dev"})
    assert refused(elsewhere)[:2] == (400, "1413-400")
    end = {"name": "s", "baseConnectionId": receipt["id"], "data": {"format": "tabular"}, "connectionSpec": spec}
    assert send(emulator, "POST", "/sourceConnections", end).status == 201


def test_what_a_written_spec_calls_secret_later_is_masked_from_then_on(emulator: Emulator) -> None:
    receipt = written(emulator, "/connectionSpecs", CONNECTION_SPEC)
    params = {"host": "crm.example.com", "password": "c4n4ry"}
    auth = {"specName": "Basic Authentication", "params": params}
    path = (
        f"/connections/{made(emulator, {'name': 'own', 'auth': auth, 'connectionSpec': {'id': receipt['id']}})['id']}"
    )
    assert items(emulator, path)[0]["auth"]["params"] == {**params, "password": "********"}
    later = copy.deepcopy(items(emulator, f"/connectionSpecs/{receipt['id']}")[0])
    later["authSpec"][0]["spec"]["properties"]["host"]["format"] = "password"
    assert send(emulator, "PUT", f"/connectionSpecs/{receipt['id']}", later, headers=SERVICE).status == 200
    for shown in (items(emulator, path), items(emulator, "/connections")):
        assert shown[0]["auth"]["params"] == dict.fromkeys(params, "********")


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": ["string", "null"], "properties": 7, "required": "host"},
        {"properties": {"host": {"type": ["string"]}, "x": 5, "n": {"type": "null"}}, "required": [1]},
        {"$ref": "http://127.0.0.1:9/schema"},
    ],
)
def test_an_odd_auth_spec_harms_nobody(emulator: Emulator, schema: Any) -> None:
    auth = {"name": "Odd", "type": "Odd", "spec": schema}
    spec_id = written(emulator, "/connectionSpecs", {**CONNECTION_SPEC, "authSpec": [auth]})["id"]
    body = {"name": "c", "connectionSpec": {"id": spec_id}, "auth": {"specName": "Odd", "params": {"host": "h"}}}
    assert send(emulator, "POST", "/connections", body).status in (201, 400)


def test_adobes_own_connection_specs_stay_as_they_are(emulator: Emulator) -> None:
    result = send(emulator, "PUT", f"/connectionSpecs/{POSTGRESQL}", CONNECTION_SPEC, headers=SERVICE)
    assert refused(result)[:2] == (403, "2120-403")
    assert items(emulator, f"/connectionSpecs/{POSTGRESQL}")[0]["name"] == "postgre-sql"


def test_a_flow_spec_of_the_catalogue_is_replaced_for_one_sandbox_only(emulator: Emulator) -> None:
    """Documented: authors of a source add their spec to RestStorageToAEP by PUT."""
    own = {**FLOW_SPEC, "name": "RestStorageToAEP", "sourceConnectionSpecIds": [UNKNOWN]}
    assert send(emulator, "PUT", f"/flowSpecs/{REST}", own, headers=SERVICE).status == 200
    assert items(emulator, f"/flowSpecs/{REST}")[0]["sourceConnectionSpecIds"] == [UNKNOWN]
    everywhere = [spec["id"] for spec in items(emulator, "/flowSpecs")]
    assert everywhere.count(REST) == 1
    assert (
        UNKNOWN not in items(emulator, f"/flowSpecs/{REST}", **{"x-sandbox-name": "dev"})[0]["sourceConnectionSpecIds"]
    )


def test_a_flow_reads_a_written_connector_once_a_flow_spec_lists_it(emulator: Emulator) -> None:
    spec = {"id": written(emulator, "/connectionSpecs", CONNECTION_SPEC)["id"], "version": "1.0"}
    auth = {"specName": "Basic Authentication", "params": {"host": "crm.example.com", "password": "c4n4ry"}}
    base = made(emulator, {"name": "own", "auth": auth, "connectionSpec": spec})["id"]
    flow = {
        "name": "own",
        "flowSpec": {"id": REST, "version": "1.0"},
        "sourceConnectionIds": [made(emulator, source(base, connectionSpec=spec), "/sourceConnections")["id"]],
        "targetConnectionIds": [made(emulator, target(), "/targetConnections")["id"]],
        "transformations": [{"name": "Mapping", "params": {"mappingId": "m", "mappingVersion": 0}}],
        "scheduleParams": {"startTime": "1893456000", "frequency": "day", "interval": "1"},
    }
    assert refused(send(emulator, "POST", "/flows", flow)) == (400, "1100-400", "/sourceConnectionIds/0")
    rest = items(emulator, f"/flowSpecs/{REST}")[0]
    rest["sourceConnectionSpecIds"].append(spec["id"])
    assert send(emulator, "PUT", f"/flowSpecs/{REST}", rest, headers=SERVICE).status == 200
    assert send(emulator, "POST", "/flows", flow).status == 201


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"properties": {"startTime": {"pattern": "(a+)+$"}}},
        {"allOf": [{"patternProperties": {"(a+)+$": {}}}]},
        {"$id": "urn:other"},
        {"$schema": "http://127.0.0.1:9/schema"},
        {"properties": {"startTime": {"$schema": 7}}},
        {"properties": {"startTime": {"multipleOf": 0.1}}},
        {"required": "startTime"},
    ],
)
def test_a_flow_spec_with_a_schema_that_cannot_be_used_is_refused(emulator: Emulator, schema: Any) -> None:
    schedule = {**FLOW_SPEC, "scheduleSpec": {"name": "x", "spec": schema}}
    assert refused(send(emulator, "POST", "/flowSpecs", schedule, headers=SERVICE))[2] == "/scheduleSpec/spec"
    mapping = {**FLOW_SPEC, "transformationSpec": [{"name": "Mapping", "spec": schema}]}
    assert refused(send(emulator, "POST", "/flowSpecs", mapping, headers=SERVICE))[2] == "/transformationSpec/0/spec"


def test_words_of_json_schema_may_name_members(emulator: Emulator) -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"pattern": {"type": "string"}, "id": {"enum": [{"$ref": "x"}]}},
    }
    assert written(emulator, "/flowSpecs", {**FLOW_SPEC, "scheduleSpec": {"name": "x", "spec": schema}})


# documented: the database tutorial's lookup, and the form of its query
@pytest.mark.parametrize("query", ['property=name=="CRMToAEP"', "property=name==CRMToAEP", f"property=id=={CRM}"])
def test_the_flow_spec_of_databases_is_found_by_name(emulator: Emulator, query: str) -> None:
    (spec,) = items(emulator, f"/flowSpecs?{query}")
    assert spec["id"] == CRM and POSTGRESQL in spec["sourceConnectionSpecIds"]
    assert spec == items(emulator, f"/flowSpecs/{CRM}")[0]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"queryString": 'property=name=="CRMToAEP"'}, ["CRMToAEP"]),
        ({"queryString": "property=attributes.frequency==batch", "orderby": "-name"},
         ["RestStorageToAEP", "CloudStorageToAEP", "CRMToAEP"]),
        ({"queryString": "property=attributes.frequency==batch", "orderby": "name", "limit": 1}, ["CRMToAEP"]),
        ({"queryString": "property=name==nobody"}, []),
        ({"queryString": f"property=id=={CRM}", "groupByProperty": "name"}, ["CRMToAEP"]),
    ],
)  # fmt: skip
def test_flow_specs_are_searched_by_a_body(emulator: Emulator, body: Any, names: list[str]) -> None:
    result: Any = send(emulator, "POST", "/flowSpecs/search", body).body
    assert [spec["name"] for spec in result["items"]] == names


def test_a_search_projects_and_counts(emulator: Emulator) -> None:
    body: Any = send(emulator, "POST", "/flowSpecs/search", {"projectionFields": "id,name", "limit": 2}).body
    assert [list(spec) for spec in body["items"]] == [["id", "name"]] * 2
    assert send(emulator, "POST", "/flowSpecs/search", {"count": True}).body == {
        "count": len(items(emulator, "/flowSpecs"))
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/flowSpecs/{UNKNOWN}", 404, "1439-404"),
        ("GET", f"/connectionSpecs/{UNKNOWN}", 404, "1439-404"),
        ("GET", f"/connectionSpecs/{UNKNOWN}/explore", 404, "1439-404"),
        ("GET", f"/connectionSpecs/{UNKNOWN}/configs", 404, "1439-404"),
        ("GET", "/connectionSpecs?property=colour==red", 400, "1423-400"),
        ("GET", "/flowSpecs?property=colour==red", 400, "1449-400"),
        ("GET", f"/connectionSpecs/{POSTGRESQL}/explore?objectType=root", 400, "1100-400"),  # assumed
        ("GET", f"/connectionSpecs/{POSTGRESQL}/configs", 400, "1100-400"),  # assumed
        ("GET", f"/connectionSpecs/{LANDING_ZONE}/explore?objectType=shelf", 400, "1100-400"),
        ("GET", f"/connectionSpecs/{LANDING_ZONE}/configs?limit=0", 400, "1452-400"),
        ("GET", f"/connectionSpecs/{LANDING_ZONE}/configs?limit=101", 400, "1452-400"),
        ("GET", f"/connectionSpecs/{LANDING_ZONE}/configs?start=-1", 400, "1452-400"),
    ],
)
def test_what_cannot_be_answered_is_refused(emulator: Emulator, method: str, path: str, status: int, code: str) -> None:
    assert refused(send(emulator, method, path))[:2] == (status, code)


def test_the_landing_zone_is_explored_by_its_spec(emulator: Emulator) -> None:
    """Documented: the landing zone tutorial; without objectType as in the official document."""
    explore = f"/connectionSpecs/{LANDING_ZONE}/explore"
    root: Any = send(emulator, "GET", f"{explore}?objectType=root").body
    file = next(entry for entry in root if entry["type"] == "file")
    asked = f"{explore}?objectType=file&object={file['path']}&fileType=delimited&preview=true"
    previewed: Any = send(emulator, "GET", asked).body
    assert previewed["format"] == "flat" and previewed["data"]
    assert set(items(emulator, explore)[0]) == {"columnName", "columnType"}


def test_configs_come_a_stretch_at_a_time(emulator: Emulator) -> None:
    """Clients continue while pageInfo.hasNext is true."""
    configs = f"/connectionSpecs/{LANDING_ZONE}/configs?outputType=columns&outputField=columns"
    whole: Any = send(emulator, "GET", configs).body
    assert whole["pageInfo"] == {"hasNext": False} and len(whole["items"]) > 1
    first: Any = send(emulator, "GET", f"{configs}&limit=1").body
    assert (first["items"], first["pageInfo"]) == (whole["items"][:1], {"hasNext": True})
    rest: Any = send(emulator, "GET", f"{configs}&start=1&limit=100").body
    assert (rest["items"], rest["pageInfo"]) == (whole["items"][1:], {"hasNext": False})


def test_a_record_says_who_wrote_it(emulator: Emulator) -> None:
    made_by = items(emulator, f"/connections/{made(emulator)['id']}")[0]
    assert made_by["createdClient"] == HEADERS["x-api-key"] != made_by["createdBy"]


# documented: sources-sdk/api/update-flow-specs.md prints them of this flow spec, other pages print none
def test_a_flow_spec_of_the_catalogue_shows_who_made_it_where_its_page_does(emulator: Emulator) -> None:
    (rest,), (crm,) = (items(emulator, f"/flowSpecs/{spec_id}") for spec_id in (REST, CRM))
    assert (rest["createdAt"], rest["sandboxName"], rest["imsOrgId"]) == (
        1633080822911, "prod", HEADERS["x-gw-ims-org-id"]
    )  # fmt: skip
    assert "createdAt" not in crm


# documented: sources-sdk/api/update-flow-specs.md sends transformationSpec and receives transformationSpecs
@pytest.mark.parametrize("name", ["transformationSpec", "transformationSpecs"])
def test_a_flow_spec_answers_transformation_specs_whatever_they_were_called(emulator: Emulator, name: str) -> None:
    parts = [{"name": "Mapping", "spec": {"type": "object"}}]
    answer = written(emulator, "/flowSpecs", {**FLOW_SPEC, name: parts})
    assert answer["transformationSpecs"] == parts and "transformationSpec" not in answer
    (shown,) = items(emulator, f"/flowSpecs/{answer['id']}")
    assert shown["transformationSpecs"] == parts


def test_a_source_of_the_sources_sdk_goes_all_the_way(emulator: Emulator) -> None:
    """Create connection spec, account, source connection that reads JSON, flow spec and flow."""
    rest = written(emulator, "/connectionSpecs", {**CONNECTION_SPEC, "type": "generic-rest"})
    spec = {"id": rest["id"], "version": "1.0"}
    catalogued = items(emulator, f"/flowSpecs/{REST}")[0]
    listing = [*catalogued["sourceConnectionSpecIds"], rest["id"]]
    members = {
        name: catalogued[name]
        for name in ("name", "providerId", "version", "targetConnectionSpecIds", "scheduleSpec")
        if name in catalogued
    }
    members |= {"sourceConnectionSpecIds": listing, "transformationSpec": catalogued["transformationSpecs"]}
    replaced: Any = send(emulator, "PUT", f"/flowSpecs/{REST}", members, headers=SERVICE)
    assert replaced.status == 200, replaced.body
    assert "transformationSpecs" in items(emulator, f"/flowSpecs/{REST}")[0]
    auth = {"specName": "Basic Authentication", "params": {"host": "members.example.com", "password": "secret"}}
    base = made(emulator, {"name": "Members", "connectionSpec": spec, "auth": auth})["id"]
    explored = send(
        emulator, "GET", f"/connections/{base}/explore?objectType=rest&object=json&fileType=json&preview=true"
    )
    assert explored.status == 200, explored.body
    assert send(emulator, "GET", f"/connections/{base}/explore?objectType=root").status == 400
    read = {"name": "Members", "baseConnectionId": base, "connectionSpec": spec, "data": {"format": "json"}}
    source_id = made(emulator, read, "/sourceConnections")["id"]
    target_id = made(emulator, target(), "/targetConnections")["id"]
    flow = {
        "name": "Members",
        "flowSpec": {"id": REST, "version": "1.0"},
        "sourceConnectionIds": [source_id],
        "targetConnectionIds": [target_id],
        "transformations": [{"name": "Mapping", "params": {"mappingId": "a" * 32, "mappingVersion": 0}}],
        "scheduleParams": {"startTime": "1893456000", "frequency": "minute", "interval": 15},
    }
    assert made(emulator, flow, "/flows")["id"]


def test_a_streaming_source_of_the_sources_sdk_needs_no_format(emulator: Emulator) -> None:
    stream = written(emulator, "/connectionSpecs", {**CONNECTION_SPEC, "type": "generic-streaming", "authSpec": []})
    read = {"name": "Events", "connectionSpec": {"id": stream["id"], "version": "1.0"}}
    assert made(emulator, read, "/sourceConnections")["id"]


@pytest.mark.parametrize("path", ["/connectionSpecs", f"/connectionSpecs/{POSTGRESQL}", "/flowSpecs"])
@pytest.mark.parametrize("fault", ["unknown-members", "reordered-members"])
def test_a_damaged_response_leaves_the_specs_of_the_catalogue_as_they_are(
    emulator: Emulator, path: str, fault: str
) -> None:
    before = json_input.dumps(items(emulator, path))
    damaged = json_input.dumps(items(emulator, path, **{"x-mock-fault": fault}))
    assert damaged != before == json_input.dumps(items(emulator, path))
