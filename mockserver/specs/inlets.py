"""Inlets: the addresses that receive events.

An HTTP API connection has one, and so has each flow of a source that sends by webhook. The inlet's id identifies
the connection or flow and its tenant.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.exchange import Tenant


class Inlet(NamedTuple):
    """The connection or flow that an inlet belongs to."""

    tenant: Tenant
    entity_id: str


def inlet_id(entity: Mapping[str, Any]) -> str:
    """The inlet id of a connection or flow: 64 hexadecimal digits, as in Adobe's samples."""
    tenant = Tenant(entity.get("imsOrgId", ""), entity.get("sandboxName", ""))
    return str(entity["id"]).replace("-", "") + _mark(tenant)


def inlet_url(entity: Mapping[str, Any]) -> str:
    """The address of an inlet: `inletUrl` in responses."""
    return f"https://dcs.adobedc.net/collection/{inlet_id(entity)}"


def find(inlet: str, tenants: Iterable[Tenant]) -> Inlet | None:
    """The connection or flow of an inlet id, if it belongs to one of these tenants."""
    try:
        entity_id = str(uuid.UUID(hex=inlet[:32]))
    except ValueError:
        return None
    owner = next((tenant for tenant in tenants if _mark(tenant) == inlet[32:]), None)
    return None if owner is None else Inlet(owner, entity_id)


def _mark(tenant: Tenant) -> str:
    return hashlib.blake2b("\n".join(tenant).encode(errors="surrogatepass"), digest_size=16).hexdigest()
