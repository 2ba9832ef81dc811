"""Tests of destinations: their printed specs, accepted params of their connections, and flows to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.specs.connectors import MASK
from tests.calls import made, refused, send
from tests.destinations import (
    ACTIVATION_LAKE,
    PROFILE_STORE,
    S3,
    S3_DATASET_FLOW,
    S3_SEGMENT_FLOW,
    UPS_FLOW,
    audience,
    data_sets,
    exporting,
    profiles,
    s3_target,
    spec,
    transform,
)


def looked_up(emulator: Emulator, path: str) -> Any:
    """The entity of a look-up."""
    result = send(emulator, "GET", path)
    assert result.status == 200, result.body
    return result.body["items"][0]  # type: ignore[index, call-overload]


def patched(emulator: Emulator, path: str, *instructions: Mapping[str, Any]) -> Any:
    """The result of a patch with the current etag."""
    etag = looked_up(emulator, path)["etag"]
    return send(emulator, "PATCH", path, list(instructions), headers={"if-match": etag})


# documented: export-datasets.md and activate-segments-file-based-destinations.md
@pytest.mark.parametrize(
    ("spec_id", "name", "required"),
    [
        (S3, "Amazon S3", ["bucketName", "path", "datasetFileType", "compression", "fileType"]),
        ("6d6b59bf-fb58-4107-9064-4d246c0e5bb2", "Azure Blob Storage",
         ["container", "path", "datasetFileType", "compression", "fileType"]),
        ("be2c3209-53bc-47e7-ab25-145db8b873e1", "Azure Data Lake Gen2",
         ["path", "datasetFileType", "compression", "fileType"]),
        ("10440537-2a7b-4583-ac39-ed38d4b848e8", "Data Landing Zone",
         ["path", "datasetFileType", "compression", "fileType"]),
        ("c5d93acb-ea8b-4b14-8f53-02138444ae99", "Google Cloud Storage",
         ["bucketName", "path", "datasetFileType", "compression", "fileType"]),
        ("36965a81-b1c6-401b-99f8-22508f1e6a26", "SFTP",
         ["remotePath", "datasetFileType", "compression", "fileType"]),
    ],
)  # fmt: skip
def test_a_spec_of_a_destination_is_the_printed_one(
    emulator: Emulator, spec_id: str, name: str, required: list[str]
) -> None:
    found = looked_up(emulator, f"/connectionSpecs/{spec_id}")
    assert (found["name"], found["providerId"]) == (name, "14e34fac-d307-11e9-bb65-2a2ae2dbcce4")
    target = found["targetSpec"]
    assert (target["name"], target["type"]) == ("User based target", "UserNamespace")
    assert target["spec"]["required"] == required
    assert target["spec"]["properties"]["datasetFileType"]["enum"] == ["JSON", "PARQUET"]
    assert target["attributes"]["partnerSchema"]["jsonSchema"]["title"] == "defaultschema"
    assert "encryptionSpecs" in found and not found["attributes"]["isSource"]


# documented: the values of targetSpec.spec.properties.mode.enum, connect-activate-batch-destinations.md
@pytest.mark.parametrize(
    ("spec_id", "modes"),
    [
        ("0b23e41a-cb4a-4321-a78f-3b654f5d7d97", ["S3", "AZURE_BLOB", "FTP"]),
        ("4890fc95-5a1f-4983-94bb-e060c08e3f81", ["S3"]),
        ("e258278b-a4cf-43ac-b158-4fa0ca0d948b", ["AZURE_BLOB"]),
        ("c1e44b6b-e7c8-404b-9031-58f0ef760604", ["S3", "FTP"]),
        ("a5e28ddf-e265-426e-83a1-9d03a3a6822b", ["S3", "FTP"]),
        ("f599a5b3-60a7-4951-950a-cc4115c7ea27", ["S3", "FTP"]),
        ("64ef4b8b-a6e0-41b5-9677-3805d1ee5dd0", ["FTP"]),
    ],
)
def test_an_older_destination_has_modes(emulator: Emulator, spec_id: str, modes: list[str]) -> None:
    target = looked_up(emulator, f"/connectionSpecs/{spec_id}")["targetSpec"]
    assert target["spec"]["properties"]["mode"]["enum"] == modes
    wrong = {"name": "x", "connectionSpec": spec(spec_id), "params": {"mode": "CARRIER_PIGEON"}}
    assert refused(send(emulator, "POST", "/targetConnections", wrong)) == (400, "1100-400", "/params/mode")


# invalid params of a target connection, by kind; documented samples violate patterns and `required`
@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"bucketName": 1}, "/params/bucketName"),
        ({"path": ["a"]}, "/params/path"),
        ({"fileType": "XML"}, "/params/fileType"),
        ({"datasetFileType": "CSV"}, "/params/datasetFileType"),
        ({"compression": "zip"}, "/params/compression"),
        ({"csvOptions": ","}, "/params/csvOptions"),
        ({"csvOptions": {"delimiter": "&"}}, "/params/csvOptions/delimiter"),
    ],
)
def test_params_that_the_target_spec_does_not_take_are_refused(
    emulator: Emulator, params: dict[str, Any], pointer: str
) -> None:
    body = {"name": "Amazon S3", "connectionSpec": spec(S3), "params": params}
    assert refused(send(emulator, "POST", "/targetConnections", body)) == (400, "1100-400", pointer)
    target = s3_target(emulator)
    change = {"op": "replace", "path": "/params", "value": params}
    assert refused(patched(emulator, f"/targetConnections/{target}", change)) == (400, "1100-400", pointer)


@pytest.mark.parametrize(
    "params",
    [
        {"bucketName": "{BUCKET_NAME}", "path": "{FILEPATH}", "compression": "{COMPRESSION}"},
        {"bucketName": "newBucketName", "path": "updatedPath"},
        {"mode": "Server-to-server", "appendSegmentId": True},
        {},
    ],
    ids=["placeholders", "against the pattern", "unknown members", "nothing"],
)
def test_params_as_samples_and_clients_send_them_are_taken(emulator: Emulator, params: dict[str, Any]) -> None:
    body = {"name": "Amazon S3", "connectionSpec": spec(S3), "params": params}
    assert send(emulator, "POST", "/targetConnections", body).status == 201


def test_credentials_are_dated_and_their_other_names_are_taken_and_masked() -> None:
    emulator = Emulator(Config(seed=1))
    path = f"/connections/{looked_up(emulator, f'/targetConnections/{s3_target(emulator)}')['baseConnectionId']}"
    shown = looked_up(emulator, path)["auth"]["params"]
    assert shown == {"s3AccessKey": "reader", "s3SecretKey": MASK, "authorizedDate": "2026-01-01"}
    # documented: edit-destination.md
    change = {"op": "add", "path": "/auth/params", "value": {"accessId": "exampleAccessId", "secretKey": "c4n4ry"}}
    assert patched(emulator, path, change).status == 200
    shown = looked_up(emulator, path)["auth"]["params"]
    assert shown == {"accessId": "exampleAccessId", "secretKey": MASK, "authorizedDate": "2026-01-01"}
    back = {"op": "replace", "path": "/auth/params", "value": {**shown, "accessId": "other"}}
    assert patched(emulator, path, back).status == 200, "what was read can be written back"
    one = {"op": "replace", "path": "/auth/params", "value": {"accessId": "other"}}
    assert refused(patched(emulator, path, one)) == (400, "1100-400", "/auth/params/s3SecretKey")


@pytest.mark.parametrize(
    ("spec_id", "auth"),
    [
        (S3, {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": "c4n4ry"}}),
        ("74a1c565-4e59-48d7-9d67-7c03b8a13137",
         {"specName": "Connection String Based Authentication",
          "params": {"connectionString": "Server=db;Database=shop;Port=5432;UID=reader;Password=c4n4ry"}}),
    ],
    ids=["destination", "source"],
)  # fmt: skip
def test_credentials_can_be_taken_away_and_the_test_fails_until_they_are_back(
    emulator: Emulator, spec_id: str, auth: dict[str, Any]
) -> None:
    """Documented: Patch_Connection_Remove_Auth_Params returns 200."""
    path = f"/connections/{made(emulator, {'name': 'x', 'auth': auth, 'connectionSpec': spec(spec_id)})['id']}"
    revoked = {"op": "remove", "path": "/auth/params", "value": {"accessId": "exampleAccessId"}}
    assert patched(emulator, path, revoked).status == 200
    assert looked_up(emulator, path)["auth"] == {"specName": auth["specName"]}
    assert send(emulator, "GET", f"{path}/test").body == {"result": False}
    given = {"op": "add", "path": "/auth/params", "value": auth["params"]}
    assert patched(emulator, path, given).status == 200
    assert send(emulator, "GET", f"{path}/test").body == {"result": True}
    gone = [{"op": "remove", "path": "/auth/params"}, {"op": "replace", "path": "/auth/specName", "value": "Nothing"}]
    assert patched(emulator, path, *gone).status == 400


def test_encryption_of_exported_files_is_kept_in_both_places_that_pages_put_it(emulator: Emulator) -> None:
    beside = {"encryptionSpecs": {"encryptionAlgo": "PGPGPG", "publicKey": "key"}}
    auth = {"specName": "Access Key", "params": {"s3AccessKey": "reader", "s3SecretKey": "c4n4ry", **beside}}
    own = {"specName": "File Encryption", "params": {"encryptionAlgo": "PGP/GPG", "publicKey": "key"}}
    receipt = made(emulator, {"name": "x", "auth": auth, "encryption": own, "connectionSpec": spec(S3)})
    found = looked_up(emulator, f"/connections/{receipt['id']}")
    assert found["encryption"] == own
    assert found["auth"]["params"].items() >= beside.items()


def test_profiles_say_what_they_are_in_the_source_connection_and_in_the_flow(emulator: Emulator) -> None:
    flow = looked_up(emulator, f"/flows/{exporting(emulator)['id']}")
    inherited = flow["inheritedAttributes"]
    assert inherited["properties"] == {"isDestinationFlow": True}
    (source,) = inherited["sourceConnections"]
    assert source["typeInfo"] == {"type": "ProfileFragments", "id": "ups"}
    assert looked_up(emulator, f"/sourceConnections/{source['id']}")["typeInfo"] == source["typeInfo"]
    assert inherited["targetConnections"][0]["baseConnection"]["connectionSpec"] == spec(S3)
    listed: Any = send(emulator, "GET", "/flows?property=inheritedAttributes.properties.isDestinationFlow==true").body
    assert [item["id"] for item in listed["items"]] == [flow["id"]]


def test_profiles_can_have_a_base_connection_without_auth(emulator: Emulator) -> None:
    base = made(emulator, {"name": "Profiles", "connectionSpec": spec(PROFILE_STORE)})["id"]
    body = {
        "name": "Connecting to Profile Store",
        "connectionSpec": spec(PROFILE_STORE),
        "baseConnectionId": base,
        "data": {"format": "CSV", "schema": None},
        "params": {},
    }
    receipt = made(emulator, body, "/sourceConnections")
    found = looked_up(emulator, f"/sourceConnections/{receipt['id']}")
    assert found["inheritedAttributes"]["baseConnection"]["id"] == base and found["data"]["format"] == "CSV"


# instructions of the pages and of the document, each on a published flow, and the result
CHANGES: dict[str, tuple[list[dict[str, Any]], Any]] = {
    "an audience is added": (
        [{"op": "add", "path": "/transformations/0/params/segmentSelectors/selectors/-", "value": audience("new")}],
        lambda params: [s["value"]["id"] for s in params["segmentSelectors"]["selectors"]] == ["a", "b", "new"],
    ),
    "an audience is removed, with the value that samples send": (
        [{"op": "remove", "path": "/transformations/0/params/segmentSelectors/selectors/0",
          "value": {"type": "PLATFORM_SEGMENT", "value": {}}}],
        lambda params: [s["value"]["id"] for s in params["segmentSelectors"]["selectors"]] == ["b"],
    ),
    "an audience is replaced": (
        [{"op": "replace", "path": "/transformations/0/params/segmentSelectors/selectors/1", "value": audience("c")}],
        lambda params: [s["value"]["id"] for s in params["segmentSelectors"]["selectors"]] == ["a", "c"],
    ),
    "a profile attribute is added": (
        [{"op": "add", "path": "/transformations/0/params/profileSelectors/selectors/-",
          "value": {"type": "JSON_PATH", "value": {"path": "mobilePhone.status"}}}],
        lambda params: params["profileSelectors"]["selectors"][0]["value"]["path"] == "mobilePhone.status",
    ),
    "a mapping": (
        [{"op": "ADD", "path": "/transformations/0/params/profileMapping",
          "value": {"mappingId": "304ca6a2fff244949c956cad1cd9eae6", "mappingVersion": 0}}],
        lambda params: params["profileMapping"]["mappingVersion"] == 0,
    ),
    "primary fields": (
        [{"op": "add", "path": "/transformations/0/params/primaryFields",
          "value": [{"identityNamespace": "GAID", "fieldType": "IDENTITY"}]}],
        lambda params: params["primaryFields"][0]["fieldType"] == "IDENTITY",
    ),
    "mandatory fields": (
        [{"op": "add", "path": "/transformations/0/params/mandatoryFields", "value": ["GAID"]}],
        lambda params: params["mandatoryFields"] == ["GAID"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("flow_spec", [S3_SEGMENT_FLOW, S3_DATASET_FLOW, UPS_FLOW])
def test_what_an_export_holds_can_be_changed_while_it_is_enabled(
    emulator: Emulator, change: str, flow_spec: str
) -> None:
    flow_id = exporting(emulator, flow_spec, transformations=transform(audience("a"), audience("b")))["id"]
    instructions, holds = CHANGES[change]
    result = patched(emulator, f"/flows/{flow_id}", *instructions)
    assert result.status == 200 and set(result.body) == {"id", "etag"}
    after = looked_up(emulator, f"/flows/{flow_id}")
    assert holds(after["transformations"][0]["params"]) and after["state"] == "enabled"
    assert after["lastOperation"]["operation"] == "update"


# invalid in every documented form, by kind
@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"segmentSelectors": {"selectors": "all"}}, "/segmentSelectors/selectors"),
        ({"segmentSelectors": {"selectors": [{"type": "PLATFORM_SEGMENT"}]}}, "/segmentSelectors/selectors/0/value"),
        ({"segmentSelectors": {"selectors": [audience("a", frequency="HOURLY")]}},
         "/segmentSelectors/selectors/0/value/schedule/frequency"),
        ({"mandatoryFields": "GAID"}, "/mandatoryFields"),
        ({"primaryFields": [{"identityNamespace": "GAID"}]}, "/primaryFields/0/fieldType"),
        ({"profileMapping": "304ca6a2"}, "/profileMapping"),
    ],
)  # fmt: skip
def test_a_transformation_that_no_page_has_is_refused(emulator: Emulator, params: dict[str, Any], pointer: str) -> None:
    body = {
        "name": "x",
        "flowSpec": spec(S3_SEGMENT_FLOW),
        "sourceConnectionIds": [profiles(emulator)],
        "targetConnectionIds": [s3_target(emulator)],
        "transformations": [{"name": "GeneralTransform", "params": params}],
    }
    result = refused(send(emulator, "POST", "/flows", body))
    assert result == (400, "1100-400", f"/transformations/0/params{pointer}")


def test_audiences_carry_the_moment_they_were_added_and_changed() -> None:
    emulator = Emulator(Config(seed=1))
    flow_id = exporting(emulator, transformations=transform(audience("a"), audience("b")))["id"]
    (first, _) = looked_up(emulator, f"/flows/{flow_id}")["transformations"][0]["params"]["segmentSelectors"][
        "selectors"
    ]
    made_at = first["value"]["createTime"]
    assert made_at == first["value"]["updateTime"] == "1767225600"
    emulator.runtime.clock.advance(60_000)
    at = "/transformations/0/params/segmentSelectors/selectors/0"
    assert patched(
        emulator, f"/flows/{flow_id}", {"op": "replace", "path": at, "value": audience("a", frequency="DAILY")}
    )
    (one, two) = looked_up(emulator, f"/flows/{flow_id}")["transformations"][0]["params"]["segmentSelectors"][
        "selectors"
    ]
    assert (one["value"]["createTime"], one["value"]["updateTime"]) == (made_at, "1767225660")
    assert two["value"]["updateTime"] == made_at


def test_an_export_can_read_something_else_and_a_sources_flow_cannot(emulator: Emulator) -> None:
    """Documented: Update_Source_Connection. Assumed for flows of sources."""
    schedule = {"interval": 3, "timeUnit": "hour", "startTime": 1668474000}
    sources = [data_sets(emulator, "5ef3e3259ad2a1191ab7dd7d")]
    flow_id = exporting(
        emulator, S3_DATASET_FLOW, sourceConnectionIds=sources, transformations=[], scheduleParams=schedule
    )["id"]
    other = data_sets(emulator, "616d53e0a6de2719486fb024")
    change = {"op": "replace", "path": "/sourceConnectionIds", "value": [other]}
    assert patched(emulator, f"/flows/{flow_id}", change).status == 200
    after = looked_up(emulator, f"/flows/{flow_id}")
    assert after["sourceConnectionIds"] == [other]
    assert after["inheritedAttributes"]["sourceConnections"] == [{"id": other, "connectionSpec": spec(ACTIVATION_LAKE)}]
    for wrong in (["nowhere"], [other, sources[0]], []):
        change = {"op": "replace", "path": "/sourceConnectionIds", "value": wrong}
        assert patched(emulator, f"/flows/{flow_id}", change).status == 400
    target = {"op": "replace", "path": "/targetConnectionIds", "value": [s3_target(emulator)]}
    assert refused(patched(emulator, f"/flows/{flow_id}", target))[:2] == (400, "1455-400")


@pytest.mark.parametrize(
    ("schedule", "status"),
    [
        ({"interval": 3, "timeUnit": "hour", "startTime": 1668470400, "endTime": 1668479500}, 200),
        ({"interval": "1", "timeUnit": "day", "startTime": "1668470400"}, 200),
        ({"interval": 24, "timeUnit": "hour", "startTime": 1668470400, "exportMode": "DAILY_FULL_EXPORT"}, 200),
        ({"interval": 2, "timeUnit": "hour", "startTime": 1668470400}, 400),
        ({"interval": 1, "timeUnit": "week", "startTime": 1668470400}, 400),
        ({"interval": 1, "timeUnit": "day"}, 400),
        ({"interval": 1, "timeUnit": "day", "startTime": 1668470400, "exportMode": "NOW"}, 400),
    ],
)
def test_an_export_of_data_sets_has_its_own_schedule(emulator: Emulator, schedule: dict[str, Any], status: int) -> None:
    sources = [data_sets(emulator, "5ef3e3259ad2a1191ab7dd7d")]
    flow_id = exporting(emulator, S3_DATASET_FLOW, sourceConnectionIds=sources, transformations=[])["id"]
    change = {"op": "add", "path": "/scheduleParams", "value": schedule}
    assert patched(emulator, f"/flows/{flow_id}", change).status == status


def test_a_client_that_names_the_flow_spec_alone_gets_its_flow(emulator: Emulator) -> None:
    """The activate-segment tool of a public MCP server sends this."""
    target = {"name": "Bucket", "connectionSpec": spec(S3), "params": {"bucketName": "b", "path": "p"}}
    body = {
        "name": "Activate a segment",
        "description": "Activation flow",
        "flowSpec": UPS_FLOW,
        "sourceConnectionIds": [profiles(emulator)],
        "targetConnectionIds": [made(emulator, target, "/targetConnections")["id"]],
        "transformations": [
            {
                "name": "GeneralTransform",
                "params": {
                    "profileSelectors": {
                        "selectors": [
                            {"type": "PROFILE_ATTRIBUTE", "value": {"name": "identityMap", "matcher": "EXISTS"}}
                        ]
                    },
                    "segmentSelectors": {"selectors": [{"type": "PLATFORM_SEGMENT", "value": {"id": "segment"}}]},
                },
            }
        ],
        "scheduleParams": {"frequency": "day", "startTime": "1767225600"},
    }
    flow = looked_up(emulator, f"/flows/{made(emulator, body, '/flows')['id']}")
    assert flow["flowSpec"] == spec(UPS_FLOW)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/policy", {"enforcementRefs": ["/dulepolicy/marketingActions/06621fe3q"]}),
        ("/partialIngestionPercentage", 5),
    ],
)
def test_what_public_clients_add_to_a_flow_is_kept(emulator: Emulator, path: str, value: Any) -> None:
    flow_id = exporting(emulator)["id"]
    for operation in ("Add", "Replace"):
        assert patched(emulator, f"/flows/{flow_id}", {"op": operation, "path": path, "value": value}).status == 200
        assert looked_up(emulator, f"/flows/{flow_id}")[path[1:]] == value


def test_the_data_sets_that_can_be_exported_come_in_stretches(emulator: Emulator) -> None:
    """Documented: export-datasets.md; aepp pages by `hasNext`."""
    path = f"/connectionSpecs/{ACTIVATION_LAKE}/configs?outputType=activationDatasets&outputField=datasets"
    whole: Any = send(emulator, "GET", path).body
    total = len(whole["items"])
    assert whole["pageInfo"] == {"start": 0, "end": total - 1, "total": total, "hasNext": False}
    first: Any = send(emulator, "GET", f"{path}&limit=2").body
    rest: Any = send(emulator, "GET", f"{path}&start=2&limit=100").body
    assert first["pageInfo"] == {"start": 0, "end": 1, "total": total, "hasNext": True}
    assert [*first["items"], *rest["items"]] == whole["items"]
    empty: Any = send(emulator, "GET", f"{path}&start=99").body
    assert empty["items"] == [] and empty["pageInfo"]["hasNext"] is False
    other: Any = send(emulator, "GET", path, headers={"x-sandbox-name": "dev"}).body
    assert not {item["id"] for item in other["items"]} & {item["id"] for item in whole["items"]}
