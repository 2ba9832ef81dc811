"""Schemas made in the Schema Registry, as flows and mapping sets see them: their fields, if all of them are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.exchange import Tenant
from mockserver.specs import xdm
from mockserver.world import World

XDM = "xdmResources"
"""Kind of the records: resources of all kinds in one, for a reference does not say which kind it leads to."""


def finder(world: World, tenant: Tenant) -> xdm.Find:
    """Looks resources up by either id: the tenant's own, then Adobe's."""

    def find(uri: str) -> Mapping[str, Any] | None:
        doc = world.store.get(tenant, XDM, xdm.alt_id(uri) if uri.startswith(xdm.NAMESPACE) else uri)
        return doc["body"] if doc is not None else xdm.adobe(uri)

    return find


def schema(world: World, tenant: Tenant, uri: str) -> Mapping[str, Any] | None:
    """A schema that was made here, by its `$id`."""
    doc = world.store.get(tenant, XDM, xdm.alt_id(uri))
    return doc["body"] if doc is not None and doc["body"]["meta:resourceType"] == "schemas" else None


def fields(world: World, tenant: Tenant, uri: str | None) -> dict[str, Any] | None:
    """All fields of a schema made here; None where the schema, or something it is composed of, is not known."""
    found, find = None if uri is None else schema(world, tenant, uri), finder(world, tenant)
    return xdm.fields(found, find) if found is not None and xdm.is_whole(found, find) else None
