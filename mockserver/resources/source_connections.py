"""Source connections. The code shared with target connections is in `_ends`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.contract.schema import kind_of
from mockserver.errors import rejected
from mockserver.exchange import MISSING, Request, Result, Tenant
from mockserver.resources import _crud, _ends, operation
from mockserver.specs.connectors import Connector
from mockserver.world import World

_FILES = ("delimited", "json", "parquet", "parquet_xdm")
_TABLES = ("tabular", "parquet_xdm")
_FORMATS = {"database": _TABLES, "crm": _TABLES, "storage": _FILES}
"""Connector family -> values of `data.format` (facts §8.4). `parquet_xdm` is from older tutorials.

Other families accept any: streaming tutorials send json, delimited or no data.
"""

_READ = {"database": "tableName", "crm": "tableName", "table-stream": "tableName", "storage": "path"}
"""Connector family -> the param that names what is read, which `sourceSpec` requires (facts §8.2).

The tutorial on marketing automation names a table by `path`.
"""


def _check(world: World, tenant: Tenant, connector: Connector, doc: Mapping[str, Any]) -> None:
    """Require a base connection if the connector needs one, a supported format, and the name of a table or file."""
    if connector.base_connection and "baseConnectionId" not in doc:
        raise rejected("/baseConnectionId", "the ID of a base connection", MISSING)
    formats, data = _FORMATS.get(connector.family), doc.get("data") or {}
    if formats and data.get("format") not in formats:
        came = kind_of(data["format"]) if "format" in data else MISSING
        raise rejected("/data/format", "one of " + ", ".join(formats), came)
    catalogued = world.connectors.get(connector.id) is not None  # specs of tenants have params of their own
    param, params = _READ.get(connector.family) if catalogued else None, doc.get("params") or {}
    if param and not (params.get("tableName") or params.get("path")):
        raise rejected(f"/params/{param}", "the name of a table" if param == "tableName" else "a path", MISSING)


SOURCE_CONNECTIONS = _ends.end("sourceConnections", "createSourceConnection", "sourceConnectionIds", _check)


@operation("createSourceConnection")
def create_source_connection(world: World, request: Request) -> Result:
    """Check base connection, spec, data and params, then store."""
    return _ends.create(world, request, SOURCE_CONNECTIONS)


@operation("retrieveSourceConnection")
def retrieve_source_connection(world: World, request: Request) -> Result:
    """One source connection, with the members inherited from its base connection."""
    return _crud.lookup(world, request, SOURCE_CONNECTIONS.collection)


@operation("getSourceConnections")
def list_source_connections(world: World, request: Request) -> Result:
    """A page of source connections, newest write first."""
    collection = SOURCE_CONNECTIONS.collection
    return _crud.page(world, request, collection, _crud.asked(world, request, collection))


@operation("patchSourceConnection")
def patch_source_connection(world: World, request: Request) -> Result:
    """Change name, description, data or params. Existing flows are not affected (facts §7)."""
    return _ends.patch(world, request, SOURCE_CONNECTIONS)


@operation("deleteSourceConnection")
def delete_source_connection(world: World, request: Request) -> Result:
    """Delete a source connection unless an active flow uses it (1447)."""
    return _ends.remove(world, request, SOURCE_CONNECTIONS)


@operation("performAction_1")
def publish_source_connection(world: World, request: Request) -> Result:
    """Publish a draft."""
    return _ends.publish(world, request, SOURCE_CONNECTIONS)
