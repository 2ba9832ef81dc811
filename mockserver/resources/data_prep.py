"""Data Prep: mapping sets, which map columns to fields of a schema, with validation and preview.

Shapes are those of Adobe's data-prep document and the tutorials that collect data. Samples, schemas and functions of
the service are not emulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, TypeVar

from mockserver.exchange import Request, Result, Tenant
from mockserver.flows import mapping, schemas
from mockserver.flows.landing import MAPPING_SETS
from mockserver.resources import _nearby, operation
from mockserver.resources._forms import NeighbourError
from mockserver.runtime import derived_id
from mockserver.secrecy import repeatable
from mockserver.state.records import Doc
from mockserver.world import World

T = TypeVar("T")

_LIMIT = 10
_FLAGS: dict[str, Any] = {"identity": False, "primaryIdentity": False, "functionVersion": 0, "copyModeMapping": False}


@operation("createMappingSet")
def create_mapping_set(world: World, request: Request) -> Result:
    """Store a new mapping set; answers its id and version, as the tutorials print them."""
    sent: Any = request.body
    _demand_sound(world, request, sent)
    draw, body = world.runtime.new_id, {"version": 0, "sent": sent}
    doc = _nearby.create(world, request, MAPPING_SETS, lambda: (draw("mappingSets").replace("-", ""), body))
    return Result(200, _receipt(doc))


@operation("listMappingSets")
def list_mapping_sets(world: World, request: Request) -> Result:
    """Mapping sets, latest write first."""
    asked = request.arguments
    found = (
        _shown(doc)
        for doc in _nearby.every(world, request, MAPPING_SETS)
        if asked.get("name", doc["body"]["sent"].get("name")) == doc["body"]["sent"].get("name")
    )
    start, limit = asked.get("start", 0), asked.get("limit", _LIMIT)
    page = _nearby.fitting(islice(found, start, start + limit))
    return Result(200, {"data": page, "_page": {"count": len(page), "limit": limit}, "_links": {}})


@operation("retrieveMappingSet")
def retrieve_mapping_set(world: World, request: Request) -> Result:
    """The latest version of a mapping set."""
    return Result(200, _shown(_mapping_set(world, request)))


@operation("putMappingSet")
def put_mapping_set(world: World, request: Request) -> Result:
    """Replace the mappings of a set, which increments its version."""
    sent: Any = request.body
    doc = _mapping_set(world, request)
    _demand_sound(world, request, sent)
    changed = _nearby.change(
        world, request, MAPPING_SETS, doc, lambda old: {"version": old["body"]["version"] + 1, "sent": sent}
    )
    return Result(200, _shown(changed))


@operation("listMappings")
def list_mappings(world: World, request: Request) -> Result:
    """The mappings of a set."""
    shown = _shown(_mapping_set(world, request))["mappings"]
    return Result(200, {"data": shown, "_page": {"count": len(shown), "limit": len(shown)}, "_links": {}})


@operation("validateMappingSet")
def validate_mapping_set(world: World, request: Request) -> Result:
    """Whether each mapping can be applied and its destination is a field of the schema (if all fields are known)."""
    sent: Any = request.body
    fields, work = schemas.fields(world, request.tenant, mapping.schema_of(sent)), mapping.Work()
    answers: list[Any] = []
    for item in sent["mappings"]:
        rule = mapping.MappingRule.of(item)
        why = "source or destination is missing" if rule is None else _within(mapping.fault, rule, fields, work)
        errors = None if why is None else [_error(item, rule, why)]
        answers.append({"status": "SUCCESS" if why is None else "FAILED", "errors": errors})
    return Result(200, {"validationResponse": answers})


@operation("previewMappingSet")
def preview_mapping_set(world: World, request: Request) -> Result:
    """Apply a mapping set to one row or a list of rows."""
    sent: Any = request.body
    given, rows = sent["mappingSet"], sent["data"]
    fields = schemas.fields(world, request.tenant, mapping.schema_of(given))
    rules, work = mapping.rules(given.get("mappings") or ()), mapping.Work()
    data: list[Any] = []
    errors: list[Any] = []
    for row in rows if isinstance(rows, list) else [rows]:
        if not isinstance(row, Mapping):
            raise NeighbourError(400, "Bad request", "data: expected objects")
        made, wrong = _within(mapping.mapped, row, rules, fields, work)
        data.append(made)
        errors += [_error({}, rule, why) for rule, why in wrong]
    answer = {"data": data if isinstance(rows, list) else data[0]}
    return Result(200, {**answer, "errors": errors} if errors else answer)


def mapping_set(world: World, tenant: Tenant, mapping_id: str) -> Mapping[str, Any] | None:
    """A mapping set created here: `version`, and `sent`, the body it was created from."""
    doc = world.store.get(tenant, MAPPING_SETS, mapping_id)
    return None if doc is None else doc["body"]


def _mapping_set(world: World, request: Request) -> Doc:
    wanted = request.path["MAPPING_SET_ID"]
    doc = _nearby.find(world, request, MAPPING_SETS, wanted)
    if doc is None or request.arguments.get("version", doc["body"]["version"]) > doc["body"]["version"]:
        raise NeighbourError(404, "Not found", f"There is no mapping set {repeatable(wanted)}")
    return doc


def _within(function: Callable[..., T], *given: Any) -> T:
    """Call a function of `mapping`. Raises NeighbourError if the mappings take too much work."""
    try:
        return function(*given)
    except mapping.TooMuchWork as why:
        raise NeighbourError(400, "Bad request", f"/mappings: {why}") from None


def _demand_sound(world: World, request: Request, sent: Mapping[str, Any]) -> None:
    work = mapping.Work(mapping.MAX_ROW_WORK)
    for index, item in enumerate(sent["mappings"]):
        rule = mapping.MappingRule.of(item)
        if rule is None:
            detail = f"/mappings/{index}: expected source and destination"
            raise NeighbourError(400, "Bad request", detail)
        _within(work.spend, rule.cost)
    uri = mapping.schema_of(sent)
    known = uri is None or not world.config.closed or uri in world.config.schemas
    if not known and schemas.schema(world, request.tenant, str(uri)) is None:
        detail = "the output schema is no schema of this sandbox"
        raise NeighbourError(400, "Bad request", detail)


def _receipt(doc: Doc) -> dict[str, Any]:
    return {
        "id": doc["id"],
        "version": doc["body"]["version"],
        "createdDate": doc["createdAt"],
        "modifiedDate": doc["updatedAt"],
        "createdBy": doc["createdBy"],
        "modifiedBy": doc["updatedBy"],
    }


def _shown(doc: Doc) -> dict[str, Any]:
    sent = doc["body"]["sent"]
    receipt = _receipt(doc)
    stamps = {name: value for name, value in receipt.items() if name != "id"}
    uri = mapping.schema_of(sent)
    output = sent.get("outputSchema") or {"schemaRef": {"id": uri, "contentType": "1.0"}}
    mappings = []
    for index, item in enumerate(sent["mappings"]):
        rule = mapping.MappingRule.of(item)
        if rule is None:
            continue
        ends = {"source": rule.source, "destination": rule.destination}
        older = {"sourceAttribute": rule.source, "destinationXdmPath": rule.destination}
        known = {"id": derived_id(doc["id"], str(index)).replace("-", ""), **stamps, "version": 0}
        mappings.append({**_FLAGS, "sourceType": rule.kind, **item, **known, **ends, **older})
    named = {name: sent[name] for name in ("name", "inputSchema") if sent.get(name) is not None}
    whole = {**receipt, **named}
    if uri is not None:
        whole["outputSchema"] = {"id": derived_id(doc["id"], "schema").replace("-", ""), "version": 0, **output}
    return {**whole, "mappings": mappings}


def _error(item: Mapping[str, Any], rule: mapping.MappingRule | None, why: str) -> dict[str, Any]:
    if rule is None:
        return {"exception": why}
    return {
        "source": rule.source,
        "destination": rule.destination,
        "sourceType": rule.kind,
        "exception": why,
    }
