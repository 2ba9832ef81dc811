"""Checks that neighbouring services show an entity alike when created, looked up and listed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from contracts.checks.connectors_service import CUSTOMER_KEYS, KEYS
from contracts.checks.neighbours import SANDBOXES
from contracts.checks.next_door import (
    BATCHES,
    CATALOG,
    CONVERSION,
    EVER,
    LIST,
    PERSON,
    PROFILE,
    RAW,
    REGISTRY,
    data_set,
    files_of_a_batch,
    mappings,
    schema,
)
from contracts.findings.verdicts import expect, same
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import ids, succeeded

_SCHEMAS = ("createXdmResource", "listXdmResources", "retrieveXdmResource", "patchXdmResource")
_MAPPING_SETS = ("createMappingSet", "retrieveMappingSet", "putMappingSet")


@check("next-door.schema-state", operations=_SCHEMAS)
def a_schema_is_the_same_everywhere(stage: Stage) -> None:
    """A schema is equal in creation, look-up and list, also after a change; its stamps name the caller."""
    schemas = f"{REGISTRY}/tenant/schemas"
    with schema(stage, PERSON) as made:
        path = f"{schemas}/{made['meta:altId']}"
        stamps = made["meta:registryMetadata"]
        same(set(made["refs"]), {PROFILE, PERSON}, "refs of a new schema")
        same(made["imsOrg"], stage.headers["x-gw-ims-org-id"], "imsOrg")
        same(stamps["xdm:createdClientId"], stage.headers["x-api-key"], "xdm:createdClientId")
        same(stamps["repo:lastModifiedDate"], stamps["repo:createdDate"], "repo:lastModifiedDate of a new schema")
        _registered(stage, path, made, "a new schema")
        change = [{"op": "replace", "path": "/description", "value": "  changed "}]
        changed = succeeded(stage.call("PATCH", path, change))
        same(changed["description"], "  changed ", "description after a change")
        after = changed["meta:registryMetadata"]
        expect(after["eTag"] != stamps["eTag"], "a change kept eTag")
        same(after["repo:createdDate"], stamps["repo:createdDate"], "repo:createdDate after a change")
        _registered(stage, path, changed, "a changed schema")


@check("next-door.data-set-state", operations=("createDataset", "listDatasets", "retrieveDataset", "patchDataset"))
def a_data_set_is_the_same_everywhere(stage: Stage) -> None:
    """A data set keeps its members as sent; a change updates only what it names and the stamps."""
    name = stage.name("data set")
    with schema(stage) as made, data_set(stage, name, made["$id"]) as data_set_id:
        path = f"{CATALOG}/dataSets/{data_set_id}"
        first = _catalogued(stage, path, data_set_id, name)
        same(first["name"], name, "name of the data set")
        same(first["imsOrg"], stage.headers["x-gw-ims-org-id"], "imsOrg of the data set")
        same(first["createdClient"], stage.headers["x-api-key"], "createdClient of the data set")
        same(first["schemaRef"]["id"], made["$id"], "schemaRef.id")
        same(first["updated"], first["created"], "updated of a new data set")
        succeeded(stage.call("PATCH", path, {"description": " changed "}))
        after = _catalogued(stage, path, data_set_id, name)
        same(after["description"], " changed ", "description after a change")
        moved = {"description", "updated", "updatedUser", "version"}
        for member in sorted((first.keys() | after.keys()) - moved):
            same(after.get(member), first.get(member), f"{member} after a change of the description")
        expect(after["version"] != first["version"], "a change kept the version")


@check("next-door.mapping-set-state", lasting=True, operations=_MAPPING_SETS)
def a_mapping_set_is_the_same_everywhere(stage: Stage) -> None:
    """A mapping set is equal in creation, replacement, look-up and list; each mapping as sent."""
    with schema(stage, PERSON) as made:
        given = {**mappings(made["$id"]), "name": stage.name("mapping set")}
        stored = succeeded(stage.call("POST", f"{CONVERSION}/mappingSets", given))
        shown = succeeded(stage.call("GET", f"{CONVERSION}/mappingSets/{stored['id']}"))
        _within(stored, shown, "a new mapping set")
        same(shown["name"], given["name"], "name")
        same(shown["outputSchema"]["schemaRef"], given["outputSchema"]["schemaRef"], "schemaRef")
        same(len(shown["mappings"]), len(given["mappings"]), "number of mappings")
        for sent, kept in zip(given["mappings"], shown["mappings"], strict=True):
            _within(sent, kept, "a mapping")
            same((kept["sourceAttribute"], kept["destinationXdmPath"]), (sent["source"], sent["destination"]), "ends")
        same(stored["modifiedDate"], stored["createdDate"], "modifiedDate of a new mapping set")
        same(stored["modifiedBy"], stored["createdBy"], "modifiedBy of a new mapping set")
        listed = succeeded(stage.call("GET", f"{CONVERSION}/mappingSets?name={quote(given['name'])}"))["data"]
        named = [one for one in listed if one["id"] == stored["id"]]  # those of an earlier run stay
        same(named, [shown], "the mapping set in the list of that name")
        same({one["name"] for one in listed}, {given["name"]}, "names in the list of that name")
        path = f"{CONVERSION}/mappingSets/{stored['id']}"
        same(succeeded(stage.call("PUT", path, given)), succeeded(stage.call("GET", path)), "a replaced mapping set")


@check("connectors.keys-state", operations=("createEncryptionKey", "listEncryptionKeys", "retrieveEncryptionKey"))
def a_key_is_the_same_everywhere(stage: Stage) -> None:
    """A key is equal in creation, look-up and list; name and algorithm as sent."""
    body = {"name": stage.name("key"), "encryptionAlgorithm": "PGP", "params": {"passPhrase": stage.canary}}
    made = succeeded(stage.call("POST", KEYS, body), 201)
    path = f"{KEYS}/{made['publicKeyId']}"
    shown = succeeded(stage.call("GET", path))
    _within(made, shown, "a new key")
    same((shown["name"], shown["encryptionAlgorithm"]), (body["name"], "PGP"), "name and algorithm")
    listed = [one for one in succeeded(stage.call("GET", KEYS)) if one["publicKeyId"] == made["publicKeyId"]]
    same(listed, [shown], "the key in the list")
    stage.call("DELETE", path)


@check("connectors.customer-keys-state", lasting=True, operations=("createCustomerKey", "listCustomerKeys"))
def a_shared_key_is_listed_as_it_was_sent(stage: Stage) -> None:
    """A shared key is listed with its text, name and algorithm."""
    body = {"name": stage.name("key"), "encryptionAlgorithm": "GPG", "publicKey": "LS0tLS1CRUdJTg=="}
    made = succeeded(stage.call("POST", CUSTOMER_KEYS, body), 201)
    listed = succeeded(stage.call("GET", CUSTOMER_KEYS))
    (shown,) = [one for one in listed if one["publicKeyId"] == made["publicKeyId"]]
    _within(body, shown, "a shared key")


@check("next-door.batch-state", writes=False, operations=("listBatches", "retrieveBatch"))
def a_batch_is_the_same_in_list_and_look_up(stage: Stage) -> None:
    """Every member of a batch is equal in list and look-up."""
    for batch_id, batch in succeeded(stage.call("GET", f"{CATALOG}/batches?limit=3")).items():
        shown = succeeded(stage.call("GET", f"{CATALOG}/batches/{batch_id}"), rule="next-door.batches")
        same(shown, {batch_id: batch}, "a batch looked up")


@check("next-door.batch-of-run", lasting=True, operations=(*BATCHES, "createFlowRun"))
def a_completed_run_is_a_batch_of_its_data_set(stage: Stage) -> None:
    """The batch of a completed run names run, flow and data set, has the run's counts, and is the data set's last."""
    flow = stage.make("flows")
    started = succeeded(stage.call("POST", "/runs", {"flowId": flow.id, "params": EVER}), 201)["items"][0]
    run = succeeded(stage.call("GET", f"/runs/{started['id']}"))["items"][0]
    listed = succeeded(stage.call("GET", f"{CATALOG}/batches?limit=100"))
    completed = run["metrics"]["statusSummary"]["status"] == "success"
    ours = {key: one for key, one in listed.items() if (one.get("tags") or {}).get("flowId") == [flow.id]}
    expect(bool(ours) or not completed, "no batch names the flow of a completed run")
    for batch_id, batch in ours.items():
        tags = batch["tags"]
        same(succeeded(stage.call("GET", f"{CATALOG}/batches/{batch_id}")), {batch_id: batch}, "a batch looked up")
        same(tags.get("flowRunId"), [run["id"]], "the run of a batch")
        same(batch["imsOrg"], stage.headers["x-gw-ims-org-id"], "imsOrg")
        same(batch["status"], run["metrics"]["statusSummary"]["status"], "status")
        counts = run["metrics"]["recordSummary"]
        landed = counts["outputRecordCount"], counts["failedRecordCount"]
        same((batch["recordCount"], batch["failedRecordCount"]), landed, "records landed and failed")
        same((batch["metrics"]["recordsWritten"], batch["metrics"]["recordsFailed"]), landed, "records in the metrics")
        expect(batch["started"] <= batch["completed"] <= batch["updated"], "a batch completed before it started")
        files_of_a_batch(stage, batch_id, batch)
        data_sets = [one["id"] for one in batch["relatedObjects"] if one["type"] == "dataSet"]
        last = succeeded(stage.call("GET", f"{CATALOG}/lastBatches"))
        entry = {
            "lastBatchId": batch_id,
            "lastBatchStatus": batch["status"],
            "lastSuccessfulBatchId": batch_id,
            "imsOrg": batch["imsOrg"],
            "sandboxId": run["sandboxId"],
        }
        same([last[one] for one in data_sets], [entry], "the last batch of the data set")


@check("neighbour.sandbox-state", writes=False, operations=("listSandboxes", "retrieveSandbox"))
def a_sandbox_is_the_same_in_list_and_look_up(stage: Stage) -> None:
    """Each listed sandbox is equal in list and look-up."""
    listed = succeeded(stage.call("GET", SANDBOXES.rstrip("/")))["sandboxes"]
    expect(len(set(ids(listed))) == len(listed), "the list shows a sandbox twice")
    for sandbox in listed[:5]:
        shown = succeeded(stage.call("GET", SANDBOXES + quote(sandbox["name"])))
        same(shown, sandbox, "a sandbox looked up", rule="neighbour.sandbox")


def _registered(stage: Stage, path: str, made: dict[str, Any], what: str) -> None:
    """Expect that look-up and list show a schema like the response to its creation or change, except `refs`."""
    made = {name: value for name, value in made.items() if name != "refs"}
    same(succeeded(stage.call("GET", path, headers=RAW)), made, f"{what} looked up")
    answer = stage.call("GET", path.rpartition("/")[0], headers=LIST)
    listed = [one for one in succeeded(answer)["results"] if one["$id"] == made["$id"]]
    same(listed, [made], f"{what} in the list")


def _catalogued(stage: Stage, path: str, data_set_id: str, name: str) -> dict[str, Any]:
    """A data set as shown by look-up and list."""
    shown = succeeded(stage.call("GET", path))
    same(succeeded(stage.call("GET", f"{CATALOG}/dataSets?name={quote(name)}")), shown, "data sets of that name")
    return dict(shown[data_set_id])


def _within(part: dict[str, Any], whole: dict[str, Any], what: str) -> None:
    for member, value in part.items():
        same(whole.get(member), value, f"{what}: {member}")
