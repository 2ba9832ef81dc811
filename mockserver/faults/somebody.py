"""Records of a simulated other client, used to fill lists that have too few.

Each is a record that the service would have stored, including the records it refers to. None of them causes runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.exchange import SETTLED, Tenant
from mockserver.world import World

SOMEBODY = "someone-else@AdobeID"
_POSTGRESQL = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
_DATA_LAKE = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
_CRM_TO_AEP = {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"}
_MONTH_MS = 30 * 86_400_000

Doc = Mapping[str, Any]


def stamps(world: World, tenant: Tenant, kind: str) -> dict[str, Any]:
    """What a new record gets when another client creates it."""
    now = world.runtime.clock.now_ms()
    return {
        "id": world.runtime.new_id(f"somebody's {kind}"),  # its own stream: faults do not shift the ids of others
        "createdAt": now,
        "updatedAt": now,
        "createdBy": SOMEBODY,
        "updatedBy": SOMEBODY,
        "createdClient": "someone-else",
        "updatedClient": "someone-else",
        "sandboxId": tenant.sandbox_id,
        "sandboxName": tenant.sandbox,
        "imsOrgId": tenant.org,
    }


def made_up(world: World, tenant: Tenant, kind: str) -> Doc:
    """The members of a record of this kind. The records it refers to are stored."""
    return _MADE_UP[kind](world, tenant)


def _connection(world: World, tenant: Tenant) -> Doc:
    params = {
        "server": "db.example.com",
        "port": "5432",
        "database": "shop",
        "username": "reader",
        "password": "not-a-secret",
    }
    auth = {"specName": "Basic Authentication", "params": params}
    return {"name": "Another client's", "connectionSpec": _POSTGRESQL, "state": "enabled", "auth": auth}


def _source(world: World, tenant: Tenant) -> Doc:
    return {
        "name": "Another client's",
        "baseConnectionId": _stored(world, tenant, "connections")["id"],
        "state": "enabled",
        "data": {"format": "tabular"},
        "connectionSpec": _POSTGRESQL,
        "params": {"tableName": "public.orders"},
    }


def _target(world: World, tenant: Tenant) -> Doc:
    schema = {
        "id": "https://ns.adobe.com/example/schemas/1",
        "version": "application/vnd.adobe.xed-full+json;version=1",
    }
    return {
        "name": "Another client's",
        "state": "enabled",
        "data": {"schema": schema},
        "connectionSpec": _DATA_LAKE,
        "params": {"dataSetId": "5f3c3cedb2805c194ff0b69a"},
    }


def _flow(world: World, tenant: Tenant) -> Doc:
    now = world.runtime.clock.now_ms()
    source, target = _stored(world, tenant, "sourceConnections"), _stored(world, tenant, "targetConnections")
    base = {"id": source["baseConnectionId"], "connectionSpec": _POSTGRESQL}
    return {
        "name": "Another client's",
        "flowSpec": _CRM_TO_AEP,
        "sourceConnectionIds": [source["id"]],
        "targetConnectionIds": [target["id"]],
        # the first run is due long after any test
        "scheduleParams": {"startTime": str((now + _MONTH_MS) // 1000), "frequency": "day", "interval": "1"},
        "transformations": [{"name": "Copy", "params": {"deltaColumn": {"name": "updated_at"}}}],
        "state": "enabled",
        "inheritedAttributes": {
            "properties": {"isSourceFlow": True},
            "sourceConnections": [{"id": source["id"], "connectionSpec": _POSTGRESQL, "baseConnection": base}],
            "targetConnections": [{"id": target["id"], "connectionSpec": _DATA_LAKE}],
        },
        "provider": {
            "activeMs": now,
            "scheduled": True,
            "baseConnectionId": base["id"],
            "connectionSpec": _POSTGRESQL,
            "object": "public.orders",
        },
        "lastOperation": {"started": now, "updated": 0, "operation": "create"},
    }


def _run(world: World, tenant: Tenant) -> Doc:
    flow = _stored(world, tenant, "flows")
    now = world.runtime.clock.now_ms()
    start, copied, end = now - 60_000, now - 30_000, now - 10_000
    return {
        "flowId": flow["id"],
        "flowSpec": flow["flowSpec"],
        "sourceConnectionIds": flow["sourceConnectionIds"],
        "targetConnectionIds": flow["targetConnectionIds"],
        "span": [None, start, None, True],
        "course": [start, copied, end, 10, 1000, 1, 0, None, ""],
        "state": "success",
    }


def _stored(world: World, tenant: Tenant, kind: str) -> Doc:
    made = made_up(world, tenant, kind)
    return world.store.create(tenant, kind, lambda: {**made, **stamps(world, tenant, kind)})


_MADE_UP: Mapping[str, Callable[[World, Tenant], Doc]] = {
    "connections": _connection,
    "sourceConnections": _source,
    "targetConnections": _target,
    "flows": _flow,
    "runs": _run,
}

KINDS = tuple(_MADE_UP)
"""Collections whose records are stored."""

STATES = frozenset(SETTLED)
RUN_STATES = frozenset({"queued", "inProgress", "success", "partialSuccess", "failed"})
"""States that such a record may be given; a filter by any other state finds none."""
