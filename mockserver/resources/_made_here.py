"""Checks the schemas, data sets and mapping sets that flows and target connections refer to.

Those created here are checked against each other. Other ids are accepted unless the operator listed the known ones
or closed the sandbox to them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mockserver.errors import ApiError, rejected
from mockserver.exchange import UNKNOWN_ID, Tenant
from mockserver.flows import mapping, rules, schemas
from mockserver.flows.schedule import whole
from mockserver.resources import data_prep
from mockserver.resources.catalog import DATA_SETS
from mockserver.secrecy import repeatable
from mockserver.specs import xdm
from mockserver.world import World


def demand_data_set(world: World, tenant: Tenant, data_set: Any, schema: Mapping[str, Any]) -> None:
    """Require a known data set and schema of a target connection that belong together. Raises ApiError."""
    made = world.store.get(tenant, DATA_SETS, data_set) if isinstance(data_set, str) else None
    if data_set is not None and made is None and _unknown(world, data_set, world.config.datasets):
        raise rejected("/params/dataSetId", "the ID of a known dataset", UNKNOWN_ID)
    uri = schema.get("id")
    if uri is None:
        return
    here = isinstance(uri, str) and schemas.schema(world, tenant, uri) is not None
    if not here and _unknown(world, uri, world.config.schemas):
        raise rejected("/data/schema/id", "the ID of a known schema", UNKNOWN_ID)
    of_data_set = (made["body"].get("schemaRef") or {}).get("id") if made is not None else None
    if of_data_set is not None and of_data_set != uri:
        raise rejected("/data/schema/id", "the schema of the dataset", "the ID of another schema")


def demand_mappings(world: World, tenant: Tenant, flow: Mapping[str, Any]) -> None:
    """Require known mapping sets of a flow that map to the target's schema. Raises ApiError.

    Schemas are compared if both were created here: tutorials print different ids in their mapping set and target.
    """
    for at, name, params in rules.transformations(flow):
        wanted = params.get("mappingId")
        if name != rules.MAPPING or wanted is None:
            continue
        made = data_prep.mapping_set(world, tenant, wanted) if isinstance(wanted, str) else None
        version = whole(params.get("mappingVersion", 0))
        late = made is not None and type(version) is int and version > made["version"]
        if late or (made is None and _unknown(world, wanted, world.config.mappings)):
            pointer = f"{at}/params/mappingId"
            raise ApiError("mapping_refused", id=repeatable(str(wanted)), version=str(version)[:20], pointer=pointer)
        target = _target_schema(world, tenant, flow)
        mapped = mapping.schema_of(made["sent"]) if made is not None else None
        if mapped is None or target is None or xdm.alt_id(mapped) == xdm.alt_id(target):
            continue
        if all(schemas.schema(world, tenant, uri) is not None for uri in (mapped, target)):
            expected = "a mapping set for the schema of the target connection"
            raise rejected(f"{at}/params/mappingId", expected, "one for another schema")


def _target_schema(world: World, tenant: Tenant, flow: Mapping[str, Any]) -> str | None:
    ids = flow.get("targetConnectionIds")
    target: Any = world.store.get(tenant, "targetConnections", str(ids[0])) if isinstance(ids, list) and ids else None
    schema = ((target or {}).get("data") or {}).get("schema") or {}
    uri = schema.get("id") if isinstance(schema, Mapping) else None
    return uri if isinstance(uri, str) else None


def _unknown(world: World, wanted: Any, listed: Collection[str]) -> bool:
    return wanted not in listed and (bool(listed) or world.config.closed)
