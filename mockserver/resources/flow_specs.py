"""Flow specs: from the catalogue, or written by a client with a service token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mockserver import listing
from mockserver.contract.written import unusable_schema
from mockserver.errors import ApiError, rejected
from mockserver.exchange import MISSING, Request, Result, Tenant
from mockserver.resources import _crud, _specs, operation
from mockserver.secrecy import repeatable
from mockserver.specs.flow_specs import FlowSpec
from mockserver.state.records import Doc
from mockserver.world import World

_ADOBE = "acp_foundation_connectors"
"""The client that created the catalogue's specs in Adobe's samples."""

_FILTERS = frozenset({"id", "name", "providerId", "version", "attributes"})

_SPECS = _specs.SpecKind(
    listable=listing.Listable(
        kind="flowSpecs",
        fields=_FILTERS | {"sourceConnectionSpecIds", "targetConnectionSpecIds"},
        sortable=frozenset({"id", "name", "providerId", "version"}),
    ),
    members=(
        *("name", "providerId", "version", "type", "attributes", "sourceConnectionSpecIds", "targetConnectionSpecIds"),
        *("permissionsInfo", "optionSpec", "scheduleSpec", "transformationSpecs", "runSpec"),
        *("entitlementInfo", "policy"),
    ),
    renamed={"transformationSpec": "transformationSpecs"},
)


def find(world: World, tenant: Tenant, spec_id: str) -> FlowSpec | None:
    """The tenant's flow spec: its own, else the catalogue's; None if unknown."""
    own = _specs.written(world, tenant, _SPECS, spec_id)
    return world.flow_specs.get(spec_id) if own is None else FlowSpec(own)


def has_inlets(world: World, flow: Doc) -> bool:
    """Whether a flow has an inlet of its own, also where the tenant replaced the flow spec."""
    spec = world.flow_specs.get(flow["flowSpec"]["id"])
    return spec is not None and spec.inlet


def own_specs(world: World, tenant: Tenant) -> Sequence[dict[str, Any]]:
    """The flow specs that a tenant wrote or replaced, latest write first."""
    return _specs.every_written(world, tenant, _SPECS)


@operation("listFlowSpecs")
def list_flow_specs(world: World, request: Request) -> Result:
    """All flow specs, or those matching a `property` filter; never paged (facts §6.1)."""
    query = listing.parse(request.arguments, _SPECS.listable, world.quirks)
    return Result(
        200, {"items": [query.project(spec) for spec in _every(world, request.tenant) if query.matches(spec)]}
    )


@operation("searchFlowSpecs")
def search_flow_specs(world: World, request: Request) -> Result:
    """The same list, requested in a body. `groupByProperty` is undocumented and has no effect."""
    body = request.body if isinstance(request.body, dict) else {}
    query = listing.parse_search(body, {}, _SPECS.listable, world.quirks)
    return _specs.answer(query, _every(world, request.tenant))


@operation("retrieveFlowSpec")
def retrieve_flow_spec(world: World, request: Request) -> Result:
    """One flow spec, wrapped in `items`."""
    spec_id = next(iter(request.path.values()))
    spec = find(world, request.tenant, spec_id)
    if spec is None:
        raise ApiError("not_found", type=_SPECS.name, id=repeatable(spec_id))
    return Result(200, {"items": [_shown(request.tenant, spec)]})


@operation("createFlowSpec")
def create_flow_spec(world: World, request: Request) -> Result:
    """Store a tenant's own flow spec."""
    _specs.demand_service_token(world, request)
    _demand_usable_schemas(request.body)
    return _specs.create(world, request, _SPECS)


@operation("updateFlowSpec")
def update_flow_spec(world: World, request: Request) -> Result:
    """Replace a flow spec for this tenant, including those of the catalogue: this is how authors add their sources."""
    _specs.demand_service_token(world, request)
    _demand_usable_schemas(request.body)
    catalogued = world.flow_specs.get(next(iter(request.path.values()))) is not None
    return _specs.replace(world, request, _SPECS, catalogued)


def _shown(tenant: Tenant, spec: FlowSpec) -> Mapping[str, Any]:
    """A flow spec, with its creator and the tenant's sandbox if a sample shows when it was created."""
    if spec.created_ms is None:
        return spec.described
    values = (spec.id, spec.created_ms, spec.created_ms, _ADOBE, _ADOBE, _ADOBE, _ADOBE)
    stamps = dict(zip(_crud.STAMPS, (*values, tenant.sandbox_id, tenant.sandbox, tenant.org), strict=True))
    return {**stamps, **spec.described}


def _demand_usable_schemas(body: Any) -> None:
    """Refuse schemas that cannot be used to check flows."""
    unusable = unusable_schema(body)
    if unusable is None:
        return
    at, fault = unusable
    if fault == MISSING:
        raise rejected(at, "a string", MISSING)
    raise ApiError("rejected", message=f"{at}: {fault}", pointer=at, expected="a JSON Schema")


def _every(world: World, tenant: Tenant) -> list[Mapping[str, Any]]:
    """The catalogue's flow specs as this tenant replaced them, then its own."""
    own = {spec["id"]: spec for spec in own_specs(world, tenant)}
    catalogue: list[Mapping[str, Any]] = [
        own.pop(spec.id) if spec.id in own else _shown(tenant, spec) for spec in world.flow_specs.all()
    ]
    return [*catalogue, *own.values()]
