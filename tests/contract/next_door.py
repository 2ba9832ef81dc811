"""Entities of neighbouring services for example requests: each is created by the example of its collection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mockserver import Emulator
from mockserver.contract import load_document
from tests import dataflows
from tests.calls import send
from tests.contract.test_published import resolved
from tests.destinations import audience, exporting, transform
from tests.resources import test_inlet

DOCUMENT = load_document()
_CATALOG, _EXPORT = "/data/foundation/catalog", "/data/foundation/export"
_IDS = ("publicKeyId", "meta:altId", "id")


def entity(emulator: Emulator, path: str, body: Any) -> dict[str, str]:
    """The values of an example's parameters that name an entity, which is created."""
    [*_, name] = re.findall(r"\{(\w+)\}", path) or [""]
    if name in ("", "SANDBOX_NAME", "RESOURCE_TYPE"):
        return {}
    if name == "INLET_ID":
        raw = not isinstance(body, dict) or "header" not in body
        base = test_inlet.connection(emulator, dataType="raw" if raw else "xdm")
        flow = test_inlet.flow(emulator, base, mapped=raw)
        return {name: test_inlet.inlet(emulator, base), "x-adobe-flow-id": flow}
    if name in ("BATCH_ID", "FILE_ID"):
        batch = _batch(emulator)
        files: Any = send(emulator, "GET", f"{_EXPORT}/batches/{batch}/files").body
        return {"BATCH_ID": batch, "FILE_ID": files["data"][0]["dataSetFileId"]}
    return {name: _created(emulator, path)}


def body_of(emulator: Emulator, body: Any, values: Mapping[str, Any]) -> Any:
    """An example's body, with the ids of flows that are here."""
    if not isinstance(body, dict):
        return body
    if "activationInfo" in body:
        audiences = [one for ones in body["activationInfo"].values() for one in ones]
        flow = exporting(emulator, transformations=transform(*map(audience, audiences)))["id"]
        return {"activationInfo": {flow: audiences}}
    if "flowId" in body.get("header", {}):
        return {**body, "header": {**body["header"], "flowId": values["x-adobe-flow-id"]}}
    return body


def _created(emulator: Emulator, path: str) -> str:
    collection = re.sub(r"(/validate)?/\{\w+\}(/mappings)?$", "", path)
    operation = DOCUMENT["paths"][collection]["post"]
    examples = {
        one["name"]: one["example"] for one in map(resolved, operation.get("parameters", ())) if "example" in one
    }
    example = next(iter(operation["requestBody"]["content"]["application/json"]["examples"].values()))
    at = re.sub(r"\{(\w+)\}", lambda found: str(examples[found[1]]), collection)
    result: Any = send(emulator, "POST", at, resolved(example)["value"])
    assert result.status < 300, result.body
    if isinstance(result.body, list):  # Catalog: "@/dataSets/ID"
        return str(result.body[0]).rpartition("/")[2]
    return str(next(result.body[member] for member in _IDS if member in result.body))


def _batch(emulator: Emulator) -> str:
    flow = dataflows.flowing(emulator, dataflows.once(emulator))
    dataflows.pass_time(emulator, 3_600_000)
    runs = {run["id"] for run in dataflows.runs_of(emulator, flow)}
    batches: Any = send(emulator, "GET", f"{_CATALOG}/batches?limit=100").body
    return next(name for name, batch in batches.items() if batch["tags"]["flowRunId"][0] in runs)
