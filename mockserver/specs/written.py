"""What one tenant can connect to: the catalogue's connectors, and the connection specs it wrote itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mockserver.exchange import Tenant
from mockserver.specs.auth_specs import AuthSpec
from mockserver.specs.connectors import Connector, Connectors

OWN_SPECS = "connectionSpecs"
"""The kind under which the store keeps written connection specs; their members are under `spec`."""

_TYPES = frozenset({"string", "integer", "number", "boolean", "object"})


class WrittenSpecs(Protocol):
    """Where a tenant's written specs are looked up: the store, of which this room needs no more."""

    def get(self, tenant: Tenant, kind: str, record_id: str, /) -> Mapping[str, Any] | None:
        """The record of this tenant, kind and id, or None."""


class OwnConnectors(Connectors):
    """The catalogue's answers to every question about a connection, for written specs too."""

    def __init__(self, catalogue: Connectors, store: WrittenSpecs, tenant: Tenant) -> None:
        self.platform = catalogue.platform
        self._catalogue = catalogue
        self._store = store
        self._tenant = tenant

    def get(self, spec_id: Any) -> Connector | None:
        """The connector with this connection spec id, or None. The catalogue's come first."""
        connector = self._catalogue.get(spec_id)
        if connector is None and isinstance(spec_id, str):
            doc = self._store.get(self._tenant, OWN_SPECS, spec_id)
            return None if doc is None else _connector(doc, self.platform)
        return connector

    def all(self) -> Sequence[Connector]:
        """The catalogue's connectors; what a tenant wrote is listed as it was written, by `resources`."""
        return self._catalogue.all()


def _connector(doc: Mapping[str, Any], platform: str) -> Connector:
    """A written spec as the checks want it. What it says beyond auth specs is shown and not interpreted."""
    described = doc["spec"]
    raw = {auth["name"]: _auth_spec(auth) for auth in described.get("authSpec") or ()}
    return Connector(
        id=doc["id"],
        version=described.get("version", "1.0"),
        name=described["name"],
        label=described["name"],
        category=str((described.get("attributes") or {}).get("category", "")),
        family="crm",
        provider_id=described["providerId"],
        platforms=(platform,),
        base_connection=bool(raw),
        auth_required=bool(raw),
        documentation="",
        auth_specs={name: AuthSpec.compile(auth, platform) for name, auth in raw.items()},
        elsewhere={},
        provenance={},
    )


def _auth_spec(auth: Mapping[str, Any]) -> dict[str, Any]:
    """An auth spec's JSON Schema in the form of a catalogue file; `format: password` marks secrets."""
    schema: Mapping[str, Any] = auth["spec"]
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    members = schema.get("properties")
    params = {
        name: {
            "type": next((kind for kind in _TYPES if kind == member.get("type")), "string"),
            "required": name in needed,
            "secret": member.get("format") == "password",
        }
        for name, member in (members if isinstance(members, Mapping) else {}).items()
        if isinstance(member, Mapping)
    }
    return {"name": auth["name"], "type": auth.get("type", ""), "params": params}
