"""Connection specs: read only, made from the connector catalogue."""

from __future__ import annotations

from mockserver import listing
from mockserver.errors import ApiError
from mockserver.exchange import Request, Result
from mockserver.resources import operation
from mockserver.world import World

_LISTABLE = listing.Listable(
    kind="connectionSpecs",
    fields=frozenset({"id", "name", "providerId", "version", "attributes"}),
    sortable=frozenset(),
    unknown_field="spec_filter_field",
)


@operation("listConnectionSpecs")
def list_connection_specs(world: World, request: Request) -> Result:
    """All specs, or those a `property` filter picks; never paged (facts §6.1)."""
    asked = tuple(pair for pair in request.query if pair[0] == "property")
    query = listing.parse(asked, _LISTABLE, world.quirks)
    specs = (connector.describe() for connector in world.connectors.all())
    return Result(200, {"items": [query.project(spec) for spec in specs if query.matches(spec)]})


@operation("retrieveConnectionSpec")
def retrieve_connection_spec(world: World, request: Request) -> Result:
    """One spec, wrapped in `items`."""
    spec_id = next(iter(request.path.values()))
    connector = world.connectors.get(spec_id)
    if connector is None:
        raise ApiError("not_found", type="connectionSpecs", id=spec_id[:80])
    return Result(200, {"items": [connector.describe()]})
