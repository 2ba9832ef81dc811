"""Looks up the fields of schemas created in the Schema Registry, for flows and mapping sets."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from mockserver.exchange import Tenant
from mockserver.specs import xdm
from mockserver.world import World

XDM = "xdmResources"
"""Kind of the records. All resource types share it, because a reference does not name the type."""


def finder(world: World, tenant: Tenant) -> xdm.Find:
    """A function that looks up resources by `$id` or `meta:altId`, the tenant's first, then Adobe's, each once."""

    @functools.cache
    def find(uri: str) -> Mapping[str, Any] | None:
        doc = world.store.get(tenant, XDM, xdm.alt_id(uri) if uri.startswith(xdm.NAMESPACE) else uri)
        return doc["body"] if doc is not None else xdm.adobe(uri)

    return find


def schema(world: World, tenant: Tenant, uri: str) -> Mapping[str, Any] | None:
    """A schema created here, by its `$id`."""
    doc = world.store.get(tenant, XDM, xdm.alt_id(uri))
    return doc["body"] if doc is not None and doc["body"]["meta:resourceType"] == "schemas" else None


def fields(world: World, tenant: Tenant, uri: str | None) -> dict[str, Any] | None:
    """All fields of a schema created here; None if it or a part of it is unknown, or if they are too many."""
    found = None if uri is None else schema(world, tenant, uri)
    if found is None:
        return None
    try:
        composed = xdm.Composition(found, finder(world, tenant))
    except xdm.TooManyFields:
        return None
    return composed.fields if composed.is_whole else None
