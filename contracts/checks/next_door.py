"""Checks of Schema Registry, Catalog and Data Prep, as the tutorials use them around a flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

from contracts.findings.verdicts import among, expect, same
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import names_are, succeeded
from contracts.wire import Answer

REGISTRY = "/data/foundation/schemaregistry"
CATALOG = "/data/foundation/catalog"
EXPORT = "/data/foundation/export"
CONVERSION = "/data/foundation/conversion"
PROFILE = "https://ns.adobe.com/xdm/context/profile"
PERSON = "https://ns.adobe.com/xdm/context/profile-person-details"
RAW = {"Accept": "application/vnd.adobe.xed+json; version=1"}
LIST = {"Accept": "application/vnd.adobe.xed+json"}
_WHOLE = {"Accept": "application/vnd.adobe.xed-full+json; version=1"}
_SCHEMAS = ("createXdmResource", "retrieveXdmResource", "patchXdmResource", "deleteXdmResource")
_DATA_SETS = ("createDataset", "listDatasets", "retrieveDataset", "patchDataset", "deleteDataset")
BATCHES = ("listBatches", "retrieveBatch", "listLastBatches", "listBatchFiles", "retrieveFile")
_MAPPING_SETS = ("createMappingSet", "retrieveMappingSet", "putMappingSet", "listMappingSets", "listMappings")
EVER = {
    "startTime": "1663735590",
    "windowStartTime": "1",
    "windowEndTime": "1790000000",
    "deltaColumn": {"name": "created_at"},
}
"""Params of a run for a window that contains all rows of a table."""
_REFERENCE = "@/dataSets/"
_COUNTED = {"schemas", "mixins", "classes", "datatypes", "unions"}
_ROW = {"id": 1234, "firstName": "Jim"}
_ARRIVES = {"_id": "1234", "person": {"name": {"firstName": "Jim"}}}


@check("next-door.schema", operations=_SCHEMAS)
def a_schema_is_found_by_both_ids_until_it_is_deleted(stage: Stage) -> None:
    """A schema is found by `meta:altId` and by the encoded `$id`."""
    with schema(stage) as made:
        for key in (made["meta:altId"], quote(made["$id"], safe="")):
            found = succeeded(stage.call("GET", f"{REGISTRY}/tenant/schemas/{key}", headers=RAW))
            same((found["$id"], found["title"]), (made["$id"], made["title"]), "id and title of the schema")
        same(found["meta:class"], PROFILE, "meta:class")
    gone = stage.call("GET", f"{REGISTRY}/tenant/schemas/{made['meta:altId']}", headers=RAW)
    same(gone.status, 404, "status of a schema that was deleted")
    kind = gone.json.get("type", "")
    expect(
        kind.startswith("http://ns.adobe.com/aep/errors/XDM-"), f"it is refused with {kind}, not as the registry does"
    )


@check("next-door.field-group", operations=_SCHEMAS)
def a_field_group_adds_its_fields_and_raises_the_version(stage: Stage) -> None:
    """A JSON Patch of allOf adds a field group and its fields."""
    with schema(stage) as made:
        path = f"{REGISTRY}/tenant/schemas/{made['meta:altId']}"
        patch = [{"op": "add", "path": "/allOf/-", "value": {"$ref": PERSON}}]
        changed = succeeded(stage.call("PATCH", path, patch))
        same((made["version"], changed["version"]), ("1.0", "1.1"), "version before and after")
        among(PERSON, changed["meta:extends"], "meta:extends with a field group")
        same(set(changed["refs"]), {PROFILE, PERSON}, "refs of a changed schema")
        whole = succeeded(stage.call("GET", path, headers=_WHOLE))
        expect("person" in whole["properties"], "the whole schema lacks the field group's fields")


@check(
    "next-door.accept", writes=False, operations=("listXdmResources", "retrieveXdmResource", "retrieveRegistryStats")
)
def accept_has_a_version_for_one_resource_and_none_for_lists(stage: Stage) -> None:
    """A wrong Accept is refused with the registry's own codes."""
    stats = succeeded(stage.call("GET", f"{REGISTRY}/stats"))
    same(stats["imsOrg"], stage.headers["x-gw-ims-org-id"], "imsOrg of the stats")
    same(_COUNTED - stats["counts"].keys(), set(), "counts that are missing")
    path = f"{REGISTRY}/global/classes"
    listed = succeeded(stage.call("GET", path, headers=LIST))
    among(PROFILE, [one["$id"] for one in listed["results"]], "the listed classes")
    for target, version, code in ((path, "; version=1", "1006"), (f"{path}/_xdm.context.profile", "", "1007")):
        answer = stage.call("GET", target, headers={"Accept": "application/vnd.adobe.xed+json" + version})
        expected = f"http://ns.adobe.com/aep/errors/XDM-{code}-400"
        same((answer.status, answer.json.get("type")), (400, expected), "status and type of the refusal")


@check("next-door.data-set", operations=_DATA_SETS)
def a_data_set_is_answered_by_reference_and_shown_under_its_id(stage: Stage) -> None:
    """A data set is created, changed, listed by name and deleted."""
    name = stage.name("data set")
    other = stage.name("another")
    with (
        schema(stage) as made,
        data_set(stage, name, made["$id"]) as data_set_id,
        data_set(stage, other, made["$id"]) as other_id,
    ):
        path = f"{CATALOG}/dataSets/{data_set_id}"
        changed = succeeded(stage.call("PATCH", path, {"description": "changed"}))
        same(changed, [f"@/dataSets/{data_set_id}"], "answer to a change")
        shown = succeeded(stage.call("GET", path))
        same((list(shown), shown[data_set_id]["description"]), ([data_set_id], "changed"), "id and description")
        same(shown[data_set_id]["schemaRef"]["id"], made["$id"], "schemaRef.id")
        for wanted, its_id in ((name, data_set_id), (other, other_id)):
            listed = succeeded(stage.call("GET", f"{CATALOG}/dataSets?name={quote(wanted)}"))
            same(list(listed), [its_id], "data sets of a name")
    same(stage.call("GET", path).status, 404, "status of a data set that was deleted")


@check("next-door.target-schema", operations=("createTargetConnection", "createDataset"))
def a_target_connection_has_the_schema_of_its_data_set(stage: Stage) -> None:
    """Another schema is refused if both were created here."""
    with schema(stage) as made, data_set(stage, stage.name("data set"), made["$id"]) as data_set_id:
        for uri, status in ((made["$id"], 201), (made["$id"] + "0", 400)):
            ends = {"params": {"dataSetId": data_set_id}, "data": {"schema": {"id": uri, "version": "1"}}}
            body = stage.body("targetConnections", **ends)
            same(stage.call("POST", "/targetConnections", body).status, status, f"status with schema {uri}")


@check("next-door.batches", writes=False, operations=BATCHES)
def batches_are_shown_under_their_id_and_name_their_data_set(stage: Stage) -> None:
    """All listed batches are shown; an unknown one is not found."""
    listed = succeeded(stage.call("GET", f"{CATALOG}/batches?limit=2"))
    succeeded(stage.call("GET", f"{CATALOG}/lastBatches"))
    for batch_id, batch in listed.items():
        among(
            "dataSet", [one["type"] for one in batch["relatedObjects"]], f"types in relatedObjects of batch {batch_id}"
        )
        files_of_a_batch(stage, batch_id, batch)
        names_are(succeeded(stage.call("GET", f"{CATALOG}/batches/{batch_id}")), [batch_id], "the batch looked up")
    same(stage.call("GET", f"{CATALOG}/batches/none").status, 404, "status of a batch that is not there")


@check("next-door.preview", operations=("previewMappingSet", "validateMappingSet"))
def a_mapping_set_is_tried_before_it_is_stored(stage: Stage) -> None:
    """A preview maps a row; validation has one outcome per mapping."""
    with schema(stage, PERSON) as described:
        given = mappings(described["$id"])
        sets = f"{CONVERSION}/mappingSets"
        preview = succeeded(stage.call("POST", f"{sets}/preview", {"data": _ROW, "mappingSet": given}))
        same(preview["data"], _ARRIVES, "the row as it would arrive")
        outcomes = succeeded(stage.call("POST", f"{sets}/validate", given))["validationResponse"]
        same([one["status"] for one in outcomes], ["SUCCESS"] * 2, "outcomes")


@check("next-door.mapping-set", lasting=True, operations=_MAPPING_SETS)
def a_mapping_set_is_kept_under_an_id_of_its_own(stage: Stage) -> None:
    """A mapping set has its own id, and replacing it increases its version."""
    with schema(stage, PERSON) as described:
        given = {**mappings(described["$id"]), "name": stage.name("mapping set")}
        made = succeeded(stage.call("POST", f"{CONVERSION}/mappingSets", given))
        succeeded(stage.call("POST", f"{CONVERSION}/mappingSets", {**given, "name": stage.name("another")}))
        path = f"{CONVERSION}/mappingSets/{made['id']}"
        shown = succeeded(stage.call("GET", path))
        same([one["destination"] for one in shown["mappings"]], ["_id", "person.name.firstName"], "destinations")
        same(succeeded(stage.call("GET", f"{path}/mappings"))["data"], shown["mappings"], "the mappings alone")
        listed = succeeded(stage.call("GET", f"{CONVERSION}/mappingSets?name={quote(given['name'])}"))["data"]
        named = [one["id"] for one in listed if one["id"] == made["id"]]  # those of an earlier run stay
        same(named, [made["id"]], "the mapping set in the list of that name")
        same({one["name"] for one in listed}, {given["name"]}, "names in the list of that name")
        same(succeeded(stage.call("PUT", path, given))["version"], made["version"] + 1, "version after a change")


def files_of_a_batch(stage: Stage, batch_id: str, batch: Mapping[str, Any]) -> None:
    """Expect that a batch's files name its data set, lead to themselves, and are as large as the batch."""
    data_sets = [one["id"] for one in batch["relatedObjects"] if one["type"] == "dataSet"]
    files = succeeded(stage.call("GET", f"{EXPORT}/batches/{batch_id}/files"))["data"]
    found = []
    for one in files:
        expect(one["dataSetViewId"] in data_sets, "a file is of another data set than its batch")
        numbers = [part.isdecimal() for part in one["version"].split(".")]
        same((one["isValid"], numbers), (True, [True] * 3), "isValid, and numbers in the version of a file")
        expect(batch["started"] <= int(one["created"]) <= int(one["updated"]), "a file is older than its batch")
        content = succeeded(stage.call("GET", f"{EXPORT}/files/{one['dataSetFileId']}"))["data"][0]
        for shown, end in ((one, one["dataSetFileId"]), (content, "?path=" + content["name"])):
            expect(shown["_links"]["self"]["href"].endswith(end), f"the link of a file does not end in {end}")
        found.append(content)
    same(sum(int(one["length"]) for one in found), batch["size"], f"bytes of all files of batch {batch_id}")


@contextmanager
def schema(stage: Stage, *references: str) -> Iterator[dict[str, Any]]:
    """Create a schema; deleted at the end, or after a check that failed."""
    parts = [{"$ref": uri} for uri in (PROFILE, *references)]
    body = {"type": "object", "title": stage.name("schema"), "description": "x", "allOf": parts}
    answer = stage.call("POST", f"{REGISTRY}/tenant/schemas", body)
    made = succeeded(answer, 201)
    leads_to(answer, f"/{made['meta:altId']}", f"/{quote(made['$id'], safe='')}")
    yield made
    deleted = stage.call("DELETE", f"{REGISTRY}/tenant/schemas/{made['meta:altId']}")
    same(deleted.status, 204, "status of the deletion")


@contextmanager
def data_set(stage: Stage, name: str, schema_id: str) -> Iterator[str]:
    """Create a data set; deleted at the end, or after a check that failed."""
    reference = {"id": schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"}
    answer = stage.call("POST", f"{CATALOG}/dataSets", {"name": name, "schemaRef": reference})
    made = succeeded(answer, 201)
    one = isinstance(made, list) and len(made) == 1
    start = str(made[0])[: len(_REFERENCE)] if one else made
    same(start, _REFERENCE, f"{answer}, the start of its one reference")
    data_set_id = made[0].removeprefix(_REFERENCE)
    leads_to(answer, f"/dataSets/{data_set_id}")
    yield data_set_id
    deleted = stage.call("DELETE", f"{CATALOG}/dataSets/{data_set_id}")
    same(deleted.status, 200, "status of the deletion")


def mappings(schema_id: str) -> dict[str, Any]:
    """A mapping set for a schema with a person's name."""
    ends = {"_id": "id", "person.name.firstName": "firstName"}
    mappings = [{"sourceType": "ATTRIBUTE", "source": source, "destination": name} for name, source in ends.items()]
    reference = {"id": schema_id, "contentType": "application/vnd.adobe.xed-full+json;version=1"}
    return {"outputSchema": {"schemaRef": reference}, "mappings": mappings}


def leads_to(answer: Answer, *paths: str) -> None:
    """Expect that `Location`, if present, ends with one of the paths of the new entity."""
    place = answer.header("location")
    if place is not None:
        single = "," not in place and urlsplit(place).path.endswith(paths)
        expect(single, f"{answer}, Location {place!r} does not end in {paths[0]}", "place of Location")
