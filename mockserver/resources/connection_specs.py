"""Connection specs: from the connector catalogue, or written by a client with a service token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockserver import listing
from mockserver.contract.written import weight
from mockserver.errors import ApiError
from mockserver.exchange import Request, Result, Tenant
from mockserver.json_input import Json
from mockserver.resources import _specs, operation
from mockserver.runtime import derived_id
from mockserver.secrecy import repeatable
from mockserver.sources import ExploreRequest
from mockserver.specs.connectors import Connector
from mockserver.specs.written import OWN_SPECS
from mockserver.world import World

_SPECS = _specs.SpecKind(
    listable=listing.Listable(
        kind=OWN_SPECS,
        fields=frozenset({"id", "name", "providerId", "version", "attributes"}),
        sortable=frozenset(),
        unknown_field="spec_filter_field",
    ),
    members=(
        *("name", "description", "providerId", "version", "type", "authSpec", "sourceSpec", "targetSpec"),
        "exploreSpec",
        *("encryptionSpecs", "entitlementInfo", "attributes", "settings", "policy", "permissionsInfo"),
    ),
)

_MAX_AUTH_WEIGHT = 500
"""Maximum weight of all auth specs of a spec (assumed). Those of Adobe's templates have below 150."""

_CONFIGS_SHOWN = 20
"""Default number of configs in a response (facts §6)."""

_DATA_SETS = "activationDatasets"
_BUILT_IN_DATA_SETS = ("Customers", "Store visits", "Orders", "Web events", "Loyalty members")


@operation("listConnectionSpecs")
def list_connection_specs(world: World, request: Request) -> Result:
    """All specs, or those matching a `property` filter; never paged (facts §6.1)."""
    query = listing.parse(request.arguments, _SPECS.listable, world.quirks)
    catalogue = (connector.described for connector in world.connectors.all())
    specs = (*catalogue, *_specs.every_written(world, request.tenant, _SPECS))
    return Result(200, {"items": [query.project(spec) for spec in specs if query.matches(spec)]})


@operation("retrieveConnectionSpec")
def retrieve_connection_spec(world: World, request: Request) -> Result:
    """One spec, wrapped in `items`."""
    spec_id = next(iter(request.path.values()))
    own = _specs.written(world, request.tenant, _SPECS, spec_id)
    return Result(200, {"items": [own or _demand(world, request).described]})


@operation("createConnectionSpec")
def create_connection_spec(world: World, request: Request) -> Result:
    """Store a tenant's own connector. Its connections are checked against its auth specs."""
    _specs.demand_service_token(world, request)
    _demand_light(request.body)
    return _specs.create(world, request, _SPECS)


@operation("updateConnectionSpec")
def update_connection_spec(world: World, request: Request) -> Result:
    """Replace a tenant's own spec. Specs of the catalogue cannot be replaced."""
    _specs.demand_service_token(world, request)
    if world.connectors.get(next(iter(request.path.values()))) is not None:
        raise ApiError("forbidden", hint="this connection spec belongs to Adobe: create one of your own")
    _demand_light(request.body)
    return _specs.replace(world, request, _SPECS, catalogued=False)


def _demand_light(body: Any) -> None:
    """Refuse auth specs that would take long to read: each connection in a list is shown by the one it uses."""
    if weight(body.get("authSpec")) > _MAX_AUTH_WEIGHT:
        expected = f"at most {_MAX_AUTH_WEIGHT} keywords, subschemas and listed values together"
        raise ApiError("rejected", message=f"/authSpec: expected {expected}", pointer="/authSpec", expected=expected)


@operation("exploreByConnectionSpecId")
def explore_connection_spec(world: World, request: Request) -> Result:
    """Explore a source without credentials, such as the data landing zone."""
    access = _access(world, request)
    if "objectType" not in request.arguments:
        return Result(200, world.sources.configs(access))
    return Result(200, world.sources.explore(access, ExploreRequest.parse(request.arguments)))


@operation("configByConnectionSpecId")
def configs_of_connection_spec(world: World, request: Request) -> Result:
    """A page of the configurable columns, or of the data sets that can be exported (facts §6)."""
    start, limit = request.arguments.get("start", 0), request.arguments.get("limit", _CONFIGS_SHOWN)
    if request.arguments.get("outputType") == _DATA_SETS:
        _demand(world, request)
        return Result(200, _stretch(exportable(request.tenant), start, limit))
    answer: Any = world.sources.configs(_access(world, request))
    columns = answer["items"]
    more = len(columns) > start + limit
    return Result(200, {"items": columns[start : start + limit], "pageInfo": {"hasNext": more}})


def own_specs(world: World, tenant: Tenant) -> Sequence[dict[str, Any]]:
    """The connection specs that a tenant wrote, latest write first."""
    return _specs.every_written(world, tenant, _SPECS)


def exportable(tenant: Tenant) -> list[Json]:
    """The exportable data sets of a sandbox, as the export tutorial shows them. Some always exist."""
    described: Json = {"persisted": True, "containerFormat": "parquet", "format": "parquet"}
    return [
        {
            "id": derived_id(tenant.sandbox_id, name).replace("-", "")[:24],
            "name": name,
            "description": "Activation profile export dataset",
            "fileDescription": described,
            "aspect": "production",
            "state": "DRAFT",
        }
        for name in _BUILT_IN_DATA_SETS
    ]


def _stretch(items: list[Json], start: int, limit: int) -> Json:
    shown = items[start : start + limit]
    more = len(items) > start + limit
    info: Json = {"start": start, "end": start + len(shown) - 1, "total": len(items), "hasNext": more}
    return {"items": shown, "pageInfo": info}


def _demand(world: World, request: Request) -> Connector:
    spec_id = next(iter(request.path.values()))
    connector = world.connectors_of(request.tenant).get(spec_id)
    if connector is None:
        raise ApiError("not_found", type=_SPECS.name, id=repeatable(spec_id))
    return connector


def _access(world: World, request: Request) -> Any:
    """Access to the source of a connector that needs no connection; others refuse (assumed)."""
    connector = _demand(world, request)
    if connector.base_connection:
        message = f"{connector.name} can be explored only through a connection"
        raise ApiError("rejected", message=message, hint="call /connections/{id}/explore or /connections/{id}/configs")
    access = world.connectors_of(request.tenant).access({"connectionSpec": {"id": connector.id}})
    request.sources.append(world.sources.answering(access))
    return access
