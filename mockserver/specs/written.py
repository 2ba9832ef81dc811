"""The connectors of one tenant: those of the catalogue and the connection specs it wrote itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from mockserver.contract.places import rows_of
from mockserver.exchange import Tenant
from mockserver.secrecy import places
from mockserver.secrecy.places import Place, Row, Steps
from mockserver.specs.auth_specs import UNKNOWN_AUTH, AuthSpec
from mockserver.specs.connectors import Connector, Connectors

OWN_SPECS = "connectionSpecs"
"""The kind of stored connection specs; their members are under `spec`."""

SECRETS = "secrets"
"""Hidden member of a stored spec: auth spec and path of each param that any earlier version called secret."""

_TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array"})
_DEFINITIONS = ("definitions", "$defs")
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


class WrittenSpecs(Protocol):
    """The part of the store that looks up written specs."""

    def get(self, tenant: Tenant, kind: str, record_id: str, /) -> Mapping[str, Any] | None:
        """The record with this tenant, kind and id, or None."""


class OwnConnectors(Connectors):
    """The interface of the catalogue, extended by the tenant's written specs."""

    def __init__(self, catalogue: Connectors, store: WrittenSpecs, tenant: Tenant) -> None:
        self.platform = catalogue.platform
        self._catalogue = catalogue
        self._store = store
        self._tenant = tenant
        self._compiled: dict[str, Connector] = {}

    def get(self, spec_id: Any) -> Connector | None:
        """The connector with this connection spec id, or None. The catalogue takes precedence."""
        connector = self._catalogue.get(spec_id)
        if connector is None and isinstance(spec_id, str):
            return self._own(spec_id)
        return connector

    def _own(self, spec_id: str) -> Connector | None:
        """The connector of a written spec, read and compiled once for this object."""
        if spec_id not in self._compiled:
            doc = self._store.get(self._tenant, OWN_SPECS, spec_id)
            if doc is None:
                return None
            self._compiled[spec_id] = _connector(doc, self.platform)
        return self._compiled[spec_id]

    @property
    def any_auth(self) -> Place:
        """Show no param: a written spec may define secrets that no other spec has."""
        return UNKNOWN_AUTH

    def all(self) -> Sequence[Connector]:
        """The catalogue's connectors. `resources` lists written specs as they were sent."""
        return self._catalogue.all()


_FAMILIES: dict[Any, str] = {"generic-rest": "rest", "generic-streaming": "streaming"}
"""`type` of a spec, as the Sources SDK's templates have it -> connector family; tables for all others."""


def _connector(doc: Mapping[str, Any], platform: str) -> Connector:
    """Compile a written spec. Everything except its auth specs is shown but not interpreted."""
    described = doc["spec"]
    auth_specs = _AuthSpecs(doc, platform)
    return Connector(
        id=doc["id"],
        version=described.get("version", "1.0"),
        name=described["name"],
        label=described["name"],
        category=str((described.get("attributes") or {}).get("category", "")),
        family=_FAMILIES.get(described.get("type"), "crm"),
        provider_id=described["providerId"],
        platforms=(platform,),
        base_connection=bool(auth_specs),
        auth_required=bool(auth_specs),
        documentation="",
        auth_specs=auth_specs,
        elsewhere={},
        provenance={},
    )


class _AuthSpecs(Mapping[str, AuthSpec]):
    """The auth specs of a written spec, compiled as they are needed: a connection uses one, and there may be many."""

    def __init__(self, doc: Mapping[str, Any], platform: str) -> None:
        self._doc, self._platform = doc, platform
        self._made: dict[str, AuthSpec] = {}
        self._raw: dict[str, list[Mapping[str, Any]]] = {}
        for auth in doc["spec"].get("authSpec") or ():
            self._raw.setdefault(auth["name"], []).append(auth)

    def __getitem__(self, name: str) -> AuthSpec:
        if name not in self._made:
            named = self._raw[name]
            (rows,) = auth_rows({"authSpec": named}, self._doc.get(SECRETS, ())).values()
            self._made[name] = AuthSpec.compile(_auth_spec(named[-1]), self._platform, rows)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def auth_rows(spec: Mapping[str, Any], secrets: Iterable[Sequence[str]]) -> dict[str, tuple[Row, ...]]:
    """Auth spec -> which of its params may be shown. `secrets`: see `SECRETS`."""
    rows: dict[str, list[Row]] = {}
    for auth in spec.get("authSpec") or ():  # if several have one name, each may call a param secret
        rows.setdefault(auth["name"], []).extend(schema_rows(auth["spec"]))
    for name, *steps in secrets:
        if name in rows:
            rows[name].append((tuple(steps), places.secret))
    return {name: tuple(found) for name, found in rows.items()}


def schema_rows(schema: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of a client's JSON Schema. A reference is followed to a definition without parts; others are secret."""
    defined = {f"#/{word}/{name}": one for word in _DEFINITIONS for name, one in _members(schema.get(word))}

    def referred(part: Mapping[str, Any], above: Steps) -> Iterator[Row]:
        for word in _REFERENCES & part.keys():
            found = defined.get(part[word]) if isinstance(part[word], str) else None
            yield from rows_of(found, above) if _is_simple(found) else [(above, places.secret)]

    return rows_of(schema, (), referred)


def _is_simple(schema: Any) -> bool:
    """Whether a schema consists of no others."""
    if not isinstance(schema, dict) or _REFERENCES & schema.keys():
        return False
    inner = [one for value in schema.values() for one in (value if isinstance(value, list) else [value])]
    return not any(isinstance(one, dict) for one in inner)


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, Mapping) else ()


MAX_SECRETS = 1_000
"""Maximum params that were ever secret in a spec (assumed): each version may add some, and all are kept."""


def secret_paths(doc: Mapping[str, Any]) -> list[list[str]]:
    """All params that were ever secret in a written spec, so that a later version cannot reveal stored values."""
    rows = auth_rows(doc["spec"], ())
    now = {(name, *steps) for name in rows for steps, read in rows[name] if read is places.secret}
    return [list(path) for path in sorted(now | {tuple(path) for path in doc.get(SECRETS, ())})]


def _auth_spec(auth: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an auth spec's JSON Schema to the form of a catalogue file. `format: password` marks secrets."""
    schema: Mapping[str, Any] = auth["spec"]
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    params = {
        name: {
            "type": next((kind for kind in _TYPES if kind == member.get("type")), "string"),
            "required": name in needed,
            "secret": member.get("format") == "password",
        }
        for name, member in _members(schema.get("properties"))
        if isinstance(member, Mapping)
    }
    return {"name": auth["name"], "type": auth.get("type", ""), "params": params}
