"""Inlets: where senders of events post to. An inlet's id tells its connection and whose it is, and nothing else can."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.exchange import Tenant


class Inlet(NamedTuple):
    """Where an inlet leads to."""

    tenant: Tenant
    connection_id: str


def inlet_id(connection: Mapping[str, Any]) -> str:
    """The inlet of a connection: 64 hexadecimal digits as in Adobe's samples, of its id and of its tenant."""
    tenant = Tenant(connection.get("imsOrgId", ""), connection.get("sandboxName", ""))
    return str(connection["id"]).replace("-", "") + _mark(tenant)


def find(inlet: str, tenants: Iterable[Tenant]) -> Inlet | None:
    """The connection of an inlet id, if one of these tenants can have it."""
    try:
        connection_id = str(uuid.UUID(hex=inlet[:32]))
    except ValueError:
        return None
    owner = next((tenant for tenant in tenants if _mark(tenant) == inlet[32:]), None)
    return None if owner is None else Inlet(owner, connection_id)


def _mark(tenant: Tenant) -> str:
    return hashlib.blake2b("\n".join(tenant).encode(errors="surrogatepass"), digest_size=16).hexdigest()
