"""Target connections. The code shared with source connections is in `_ends`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.contract.schema import kind_of
from mockserver.errors import rejected
from mockserver.exchange import MISSING, Request, Result, Tenant
from mockserver.resources import _crud, _ends, _made_here, operation
from mockserver.specs.connectors import Connector
from mockserver.world import World

DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
"""The connection spec of the data lake, the target of source flows (facts §8.4)."""


def _check(world: World, tenant: Tenant, connector: Connector, doc: Mapping[str, Any]) -> None:
    """Require a data set for the data lake. Any data sets and schemas, or those the operator listed, are accepted.

    Types and enum values of a destination's params are checked against its target spec.
    """
    params = doc.get("params") or {}
    for violation in connector.target.violations(params) if connector.target else ():
        raise rejected(f"/params{violation.pointer}", violation.expected, violation.came)
    data_set = params.get("dataSetId")
    if connector.id == DATA_LAKE and not (isinstance(data_set, str) and data_set):
        raise rejected("/params/dataSetId", "the ID of a dataset", MISSING if data_set is None else kind_of(data_set))
    _made_here.demand_data_set(world, tenant, data_set, (doc.get("data") or {}).get("schema") or {})


TARGET_CONNECTIONS = _ends.end("targetConnections", "createTargetConnection", "targetConnectionIds", _check)


@operation("createTargetConnection")
def create_target_connection(world: World, request: Request) -> Result:
    """Check base connection, spec, data and params, then store."""
    return _ends.create(world, request, TARGET_CONNECTIONS)


@operation("retrieveTargetConnection")
def retrieve_target_connection(world: World, request: Request) -> Result:
    """One target connection, with the members inherited from its base connection."""
    return _crud.lookup(world, request, TARGET_CONNECTIONS.collection)


@operation("getTargetConnections")
def list_target_connections(world: World, request: Request) -> Result:
    """A page of target connections, newest write first."""
    collection = TARGET_CONNECTIONS.collection
    return _crud.page(world, request, collection, _crud.asked(world, request, collection))


@operation("patchTargetConnection")
def patch_target_connection(world: World, request: Request) -> Result:
    """Change name, description, data or params. Existing flows are not affected (facts §7)."""
    return _ends.patch(world, request, TARGET_CONNECTIONS)


@operation("deleteTargetConnection")
def delete_target_connection(world: World, request: Request) -> Result:
    """Delete a target connection unless an active flow uses it (1447)."""
    return _ends.remove(world, request, TARGET_CONNECTIONS)


@operation("performAction_2")
def publish_target_connection(world: World, request: Request) -> Result:
    """Publish a draft."""
    return _ends.publish(world, request, TARGET_CONNECTIONS)
