"""Catalog: data sets and the batches written by runs.

Responses are objects keyed by id, as printed below `help/catalog/` and in Adobe's catalog document. Accounts, views,
labels and other objects of the service are not emulated, nor are batches created by clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mockserver.exchange import Request, Result
from mockserver.flows import batches, schemas
from mockserver.flows.batches import Batch
from mockserver.listing import ordering
from mockserver.resources import _catalog_filters as _filters
from mockserver.resources import _nearby, _patching, operation
from mockserver.resources._forms import NeighbourError
from mockserver.secrecy import repeatable
from mockserver.state.records import Doc
from mockserver.world import World

DATA_SETS = "dataSets"
_SENT = frozenset(
    {
        "name", "description", "tags", "enableErrorDiagnostics", "observableSchema", "basePath", "fileDescription",
        "schema", "schemaRef", "dataSourceId", "classification", "persistence", "unifiedProfile", "unifiedIdentity",
        "streamingIngestionEnabled", "extensions",
    }
)  # fmt: skip
"""Members of a data set that a client may send."""

_LIMIT = 20
MAX_RUNS = 4_000
"""Maximum runs whose batches lists show, the newest (assumed). Any batch can be looked up."""


@operation("createDataset")
def create_dataset(world: World, request: Request) -> Result:
    """Store a new data set: 201 with a reference to it."""
    sent: Any = request.body
    body = {**{name: value for name, value in sent.items() if name in _SENT}, "version": "1.0.0"}
    _demand_schema(world, request, body)
    draw = world.runtime.new_id
    data_set = _nearby.create(world, request, DATA_SETS, lambda: (draw("dataSets").replace("-", "")[:24], body))["id"]
    location = f"{request.call.origin}/data/foundation/catalog/dataSets/{data_set}"
    return Result(201, [f"@/dataSets/{data_set}"], (("Location", location),))


@operation("listDatasets")
def list_datasets(world: World, request: Request) -> Result:
    """Data sets by id, oldest first (as the page on `start` says), filtered by name, `property` or tags."""
    last = _last_batches(world, request)

    def again(data_set: str) -> dict[str, Any] | None:
        doc = _nearby.find(world, request, DATA_SETS, data_set)
        return None if doc is None else _shown(doc, last)

    found = ((doc["id"], _shown(doc, last)) for doc in _nearby.every(world, request, DATA_SETS))
    return _listed(request, found, ("name",), again, oldest_first=True)


@operation("retrieveDataset")
def retrieve_dataset(world: World, request: Request) -> Result:
    """One data set, under its id."""
    doc = _data_set(world, request)
    return Result(200, {doc["id"]: _projected(request, _shown(doc, _last_batches(world, request)))})


@operation("patchDataset")
def patch_dataset(world: World, request: Request) -> Result:
    """Change a data set by the members sent, or by JSON Patch."""
    sent = request.body

    def changed(current: Doc) -> Mapping[str, Any]:
        old = current["body"]
        if isinstance(sent, dict):
            body = {**old, **{name: value for name, value in sent.items() if name in _SENT}}
        else:
            body = _patching.apply(old, sent, _SENT)
        for violation in world.contract.check_body(
            "createDataset", {name: body[name] for name in body if name in _SENT}
        ):
            raise NeighbourError(400, "Bad request", str(violation))
        _demand_schema(world, request, body)
        major, minor, patch = str(old["version"]).split(".")
        return {**body, "version": f"{major}.{minor}.{int(patch) + 1}"}

    doc = _nearby.change(world, request, DATA_SETS, _data_set(world, request), changed)
    return Result(200, [f"@/dataSets/{doc['id']}"])


@operation("deleteDataset")
def delete_dataset(world: World, request: Request) -> Result:
    """Delete a data set. Its batches remain visible."""
    doc = _data_set(world, request)
    _nearby.drop(world, request, DATA_SETS, doc)
    return Result(200, [f"@/dataSets/{doc['id']}"])


@operation("listBatches")
def list_batches(world: World, request: Request) -> Result:
    """Batches by id, newest first, filtered by data set, status, time or id."""
    asked = request.arguments
    found = [
        (batch.id, _batch(batch))
        for batch in batches.every(world, request.tenant, MAX_RUNS)
        if asked.get("dataSet", batch.data_set) == batch.data_set
        and asked.get("batch", batch.id) == batch.id
        and asked.get("createdAfter", -1) < batch.course.start
        and asked.get("createdBefore", batch.course.start + 1) > batch.course.start
    ]
    return _listed(request, found, ("status",), dict(found).get)


@operation("retrieveBatch")
def retrieve_batch(world: World, request: Request) -> Result:
    """One batch, under its id."""
    found = batch_of(world, request)
    return Result(200, {found.id: _batch(found)})


@operation("listLastBatches")
def list_last_batches(world: World, request: Request) -> Result:
    """Data set -> its last batch, last successful batch and last failed batch."""
    found = []
    for data_set, members in _last_batches(world, request).items():
        wanted = request.arguments.get("dataSetId", data_set)
        if wanted == data_set:
            shown = {**members, "imsOrg": request.tenant.org, "sandboxId": request.tenant.sandbox_id}
            shown["lastSuccessfulBatchId"] = shown.pop("lastSuccessfulBatch", None)
            shown["lastFailedBatchId"] = shown.pop("lastFailedBatch", None)
            found.append((data_set, {name: value for name, value in shown.items() if value is not None}))
    return _listed(request, found, (), dict(found).get)


def batch_of(world: World, request: Request) -> Batch:
    """The batch named by the path. Raises NeighbourError."""
    wanted = request.path["BATCH_ID"]
    for batch in batches.every(world, request.tenant):
        if batch.id == wanted:
            return batch
    raise NeighbourError(404, "Not found", f"There is no batch {repeatable(wanted)}")


def _data_set(world: World, request: Request) -> Doc:
    wanted = request.path["DATASET_ID"]
    doc = _nearby.find(world, request, DATA_SETS, wanted)
    if doc is None:
        raise NeighbourError(404, "Not found", f"There is no dataSet {repeatable(wanted)}")
    return doc


def _demand_schema(world: World, request: Request, body: Mapping[str, Any]) -> None:
    """Require an existing schema in a closed sandbox, and one of this tenant if its id says so."""
    uri = (body.get("schemaRef") or {}).get("id")
    if uri is None or not world.config.closed or uri in world.config.schemas:
        return
    if schemas.schema(world, request.tenant, uri) is None:
        detail = "schemaRef.id is no schema of this sandbox"
        raise NeighbourError(400, "Bad request", detail)


def _shown(doc: Doc, last: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    body = doc["body"]
    shown = {
        "name": body["name"],
        **({"description": body["description"]} if "description" in body else {}),
        "imsOrg": doc["imsOrgId"],
        "sandboxId": doc["sandboxId"],
        "created": doc["createdAt"],
        "updated": doc["updatedAt"],
        "createdClient": doc["createdClient"],
        "createdUser": doc["createdBy"],
        "updatedUser": doc["updatedBy"],
        "viewId": f"{int(doc['id'][:24], 16) + 1 & (1 << 96) - 1:024x}" if _is_hex(doc["id"]) else doc["id"],
        "files": f"@/dataSetFiles?dataSetId={doc['id']}",
        "tags": {},
        "dule": {},
        "statsCache": {},
        "state": "DRAFT",
        "observableSchema": {},
    }
    return {**shown, **body, **last.get(doc["id"], {})}


def _is_hex(text: str) -> bool:
    return len(text) == 24 and all(letter in "0123456789abcdef" for letter in text)


def _batch(batch: Batch) -> dict[str, Any]:
    run, course = batch.run, batch.course
    failed = course.rows - batch.written
    errors = [{"code": course.code, "description": course.message}] if course.code else []
    return {
        "imsOrg": run["imsOrgId"],
        "created": course.start,
        "createdClient": run["createdClient"],
        "createdUser": run["createdBy"],
        "updatedUser": run["updatedBy"],
        "updated": course.end,
        "externalId": batch.id,
        "started": course.start,
        "completed": course.end,
        "status": batch.status,
        "replay": {},
        "errors": errors,
        "version": "1.0.3",
        "availableDates": {},
        "recordCount": batch.written,
        "failedRecordCount": failed,
        "size": batch.size,
        "relatedObjects": [{"type": "dataSet", "id": batch.data_set}, {"type": "batch", "id": batch.id}],
        "metrics": {
            "startTime": course.copied,
            "endTime": course.end,
            "recordsRead": course.rows,
            "recordsWritten": batch.written,
            "recordsFailed": failed,
        },
        "tags": {"flowId": [run["flowId"]], "flowRunId": [run["id"]]},
        "inputFormat": {"format": "parquet"},
    }


def _last_batches(world: World, request: Request) -> dict[str, dict[str, Any]]:
    """Data set -> the batch members it shows."""
    found: dict[str, dict[str, Any]] = {}
    for batch in sorted(batches.every(world, request.tenant, MAX_RUNS), key=lambda batch: -batch.course.end):
        members = found.setdefault(batch.data_set, {"lastBatchId": batch.id, "lastBatchStatus": batch.status})
        members.setdefault("lastSuccessfulBatch" if batch.status == "success" else "lastFailedBatch", batch.id)
    return found


def _listed(
    request: Request,
    found: Iterable[tuple[str, dict[str, Any]]],
    filters: Iterable[str],
    again: Callable[[str], dict[str, Any] | None],
    *,
    oldest_first: bool = False,
) -> Result:
    """The page of entries that the query selects, in its order.

    Ids and places are sorted, not entries, which may be large: `again` returns those of the page.
    """
    asked = request.arguments
    keys = _selected(asked, found, filters, oldest_first=oldest_first)
    start, limit = asked.get("start", 0), asked.get("limit", _LIMIT)
    page = ((key, again(key)) for key in keys[start : start + limit])
    return Result(200, dict(_nearby.fitting((key, _projected(request, shown)) for key, shown in page if shown)))


def _selected(
    asked: Mapping[str, Any],
    found: Iterable[tuple[str, dict[str, Any]]],
    filters: Iterable[str],
    *,
    oldest_first: bool,
) -> list[str]:
    """The ids of the entries that a query selects, in its order."""
    cost = _filters.cost(asked, filters)
    tests = [_filters.simple(name, str(asked[name])) for name in filters if name in asked]
    tests += [_filters.tagged(asked["tags"])] if "tags" in asked else []
    tests += map(_filters.conditional, asked.get("property", ()))
    orders = [order.rpartition(":") for order in (asked.get("orderBy") or "").split(",") if order.rpartition(":")[2]]
    orders += [("asc", ":", "created")] if oldest_first else []
    rows, work = [], 0
    for key, shown in found:
        work += cost * _filters.width(shown)
        _filters.demand_little(work)
        if all(test(shown) for test in tests):
            rows.append((key, [_sortable(_filters.member(shown, name)) for _, _, name in orders]))
    if oldest_first:
        rows.reverse()
    for number, (direction, _, _) in reversed(list(enumerate(orders))):
        rows.sort(key=lambda row: row[1][number], reverse=direction == "desc")
    return [key for key, _ in rows]


def _sortable(value: Any) -> tuple[bool, float, str]:
    number = type(value) in (int, float)
    return (not number, value if number else 0, str(value)[: ordering.MAX_CHARACTERS])


def _projected(request: Request, shown: dict[str, Any]) -> dict[str, Any]:
    """The entry reduced to the members named by `properties`, if given."""
    asked = request.arguments.get("properties")
    names = {name.strip() for name in asked.split(",")} if asked else None
    return shown if names is None else {name: value for name, value in shown.items() if name in names}
