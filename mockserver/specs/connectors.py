"""The connector catalogue: looks up connectors, checks the credentials of connections, and knows what is secret.

`catalogue/` has one file per connector. Loading reads only the id on each file's first line; the rest
is read on first use.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mockserver.contract import documents
from mockserver.contract.schema import kind_of, pointer
from mockserver.errors import ApiError, rejected
from mockserver.exchange import MISSING, UNKNOWN
from mockserver.secrecy import MASK, Hide, blank, is_masked, repeatable
from mockserver.secrecy.places import Place, show
from mockserver.specs.auth_specs import UNKNOWN_AUTH, AuthSpec, auth_place
from mockserver.specs.families import FAMILIES
from mockserver.specs.target_specs import TargetSpec, shared_part

PASSWORD_FOR = "passwordFor"  # noqa: S105  (a name)
"""Hidden member of a stored connection: the `Access.target` its password was sent for, if that has changed since."""

PLATFORMS = ("azure", "aws")
"""The clouds that Experience Platform runs on. Auth specs differ between them."""

CATALOGUE = Path(__file__).parent.parent / "catalogue"

_CANARY = "c4n4ry"
"""The secret in all examples, so that tests find it where it must not be."""

_FIRST_LINE = re.compile(r"id: (?P<id>[0-9a-f-]{36}|null)\s*\n")
_AUTH_MEMBERS = frozenset({"specName", "params", "type"})


_PROTECTION = {"Allow": 1, None: 2, "Prefer": 2, "Require": 3, "true": 3, "Verify Ca": 4, "Verify Full": 5}
"""sslMode -> how well it protects a password in transit; others do not protect it."""


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """The address and credentials of the system behind a connection. `repr` omits the password."""

    family: str
    connector: str
    server: str | None = None
    port: str | None = None
    database: str | None = None
    username: str | None = None
    password: str | None = None
    ssl: str | None = None
    """sslMode in its documented spelling."""
    misdirected: bool = False
    """Whether the password was sent for another server, port, database or user name, so it must not be sent here."""
    masked: bool = False
    """Whether credentials are masked: the connection was imported from a masked export."""

    @property
    def target(self) -> str:
        """The target of the password: server, port, database, user name (hashed), and the level of protection."""
        parts = [self.server.lower() if self.server else None, self.port, self.database, self.username]
        return f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}.{_PROTECTION.get(self.ssl, 0)}"

    def is_meant_by(self, target: str) -> bool:
        """Whether a password sent for `target` may be used here: for the same server and with no less protection."""
        place, _, protection = target.partition(".")
        own_place, _, own_protection = self.target.partition(".")
        return place == own_place and own_protection >= protection

    def __repr__(self) -> str:
        password = None if self.password is None else MASK
        return (
            f"Access(family={self.family!r}, connector={self.connector!r}, server={self.server!r}, "
            f"port={self.port!r}, database={self.database!r}, username={self.username!r}, "
            f"password={password!r}, ssl={self.ssl!r})"
        )


@dataclass(frozen=True)
class Connector:
    """A connector, with the auth specs of one platform."""

    id: str
    version: str
    name: str
    """The service's internal name, such as `postgre-sql`."""
    label: str
    category: str
    family: str
    provider_id: str
    platforms: tuple[str, ...]
    base_connection: bool
    """Whether a source connection needs a base connection."""
    auth_required: bool
    documentation: str
    auth_specs: Mapping[str, AuthSpec]
    elsewhere: Mapping[str, str]
    """Auth spec of another platform -> that platform."""
    provenance: Mapping[str, Any]
    target: TargetSpec | None = None
    """The target spec; None if it is undocumented or the connector is not a target."""
    encrypts: bool = False
    """Whether exported files can be encrypted."""
    filter_at_source: Mapping[str, Any] | None = None
    """The filters of rows that its page prints, if any."""
    type_info: Mapping[str, str] | None = None
    """`typeInfo` of its source connections."""

    @classmethod
    def read(cls, path: Path, platform: str) -> Connector:
        """Read a connector from its file."""
        raw = documents.read(path)
        here = [spec for spec in raw["authSpecs"] if platform in spec["platforms"]]
        away = [spec for spec in raw["authSpecs"] if platform not in spec["platforms"]]
        more = FAMILIES[raw["family"]].params
        here = [{**spec, "params": {**spec["params"], **more}} for spec in here] if more else here
        return cls(
            id=raw["id"],
            version=raw["version"],
            name=raw["name"],
            label=raw["label"],
            category=raw["category"],
            family=raw["family"],
            provider_id=raw["providerId"],
            platforms=tuple(raw["platforms"]),
            base_connection=raw["baseConnection"],
            auth_required=raw["authRequired"],
            documentation=raw["documentation"],
            auth_specs={spec["name"]: AuthSpec.compile(spec, platform) for spec in here},
            elsewhere={spec["name"]: ", ".join(spec["platforms"]) for spec in away},
            provenance=raw["provenance"],
            target=TargetSpec.read(raw["targetSpec"]) if "targetSpec" in raw else None,
            encrypts=raw.get("encryption", False),
            filter_at_source=raw.get("filterAtSource"),
            type_info=raw.get("typeInfo"),
        )

    @functools.cached_property
    def reference(self) -> dict[str, Any]:
        """The `connectionSpec` member of connections, shared by all of them. Do not modify it."""
        return {"id": self.id, "version": self.version}

    def describe(self) -> dict[str, Any]:
        """The connection spec: `items[0]` of `GET /connectionSpecs/{id}` (facts §8.2). Returns a new copy."""
        spec: dict[str, Any] = orjson.loads(self._description)
        return spec

    @functools.cached_property
    def described(self) -> Mapping[str, Any]:
        """The same, shared by all who only look at it. Do not modify it."""
        return self.describe()

    @functools.cached_property
    def _description(self) -> bytes:
        family = FAMILIES[self.family]
        attributes: dict[str, Any] = {
            "category": self.category,
            "isSource": family.source,
            "documentationLink": self.documentation,
        }
        if family.drafts:
            attributes["isDraftModeSupported"] = True
        if self.filter_at_source:
            attributes["filterAtSource"] = self.filter_at_source
        spec: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "providerId": self.provider_id,
            "version": self.version,
            "authSpec": [spec.describe() for spec in self.auth_specs.values() if spec.quirk is None],
        }
        if self.target is not None:
            spec |= self._encryption() | {"targetSpec": self.target.describe()}
        if family.source:
            spec |= {"sourceSpec": family.source_spec(self._ui_attributes()), "exploreSpec": family.explore}
        if family.api_features:
            attributes["uiAttributes"] = {"apiFeatures": family.api_features}
        permissions = {"permissionsInfo": family.permissions()} if family.permission else {}
        return orjson.dumps({**spec, "attributes": attributes, **permissions})

    def _encryption(self) -> dict[str, Any]:
        """`encryptionSpecs`, which destinations have."""
        if self.family != "destination":
            return {}
        return {"encryptionSpecs": [shared_part("encryption")] if self.encrypts else []}

    def _ui_attributes(self) -> dict[str, Any]:
        """Keys of texts and icons, in the form of Azure File Storage's (draft tutorial)."""
        key = _camel(self.name)
        return {
            "isSource": True,
            "category": {"key": _camel(self.category)},
            "documentationLink": self.documentation,
            "icon": {"key": key},
            "description": {"key": key + "Description"},
            "label": {"key": key + "Label"},
        }


class Connectors:
    """The connectors of one platform."""

    def __init__(self, platform: str = "azure", folder: Path = CATALOGUE) -> None:
        if platform not in PLATFORMS:
            raise ValueError(f"a platform is {' or '.join(PLATFORMS)}, not {platform!r}")
        self.platform = platform
        self._files = _index(folder)
        self._read: dict[str, Connector | None] = {}

    @staticmethod
    @functools.cache
    def load(platform: str = "azure") -> Connectors:
        """The catalogue of a platform (azure or aws), read once per process. Raises ValueError for another name."""
        return Connectors(platform)

    def get(self, spec_id: Any) -> Connector | None:
        """The connector with this connection spec id, or None if the platform has none."""
        if not isinstance(spec_id, str) or spec_id not in self._files:
            return None
        if spec_id not in self._read:
            connector = Connector.read(self._files[spec_id], self.platform)
            self._read[spec_id] = connector if self.platform in connector.platforms else None
        return self._read[spec_id]

    def all(self) -> Sequence[Connector]:
        """All connectors of the platform, sorted by file name."""
        return [connector for spec_id in self._files if (connector := self.get(spec_id))]

    def examples(self, spec_id: str) -> list[dict[str, Any]]:
        """Credentials that a connector takes, in the form of `auth`: of each auth spec of the platform one or more."""
        connector = self.get(spec_id)
        raw = json.loads(json.dumps(documents.read(self._files[spec_id])).replace(_CANARY, "example-secret"))
        names = connector.auth_specs if connector else {}
        passing = [one["auth"] for one in raw["examples"] if "refused" not in one and "auth" in one]
        return [auth for auth in passing if auth["specName"] in names]

    def check(self, connection: Mapping[str, Any], quirks: Mapping[str, str], *, strict: bool = False) -> None:
        """Raise ApiError unless the connection names a known spec and fits one of its auth specs.

        `unknown_spec` (1413), `unknown_auth_spec` (1415) or `rejected` (1100). `strict` also refuses
        members of `auth` that no page knows.
        """
        connector, auth = self._demand(connection), connection.get("auth")
        version = connection["connectionSpec"].get("version", connector.version)
        if version != connector.version:
            raise rejected("/connectionSpec/version", f"version {connector.version}", "another version")
        if auth is None:
            if connector.auth_required:
                raise rejected("/auth", "an object with specName and params", MISSING)
            return
        if not isinstance(auth, dict):
            raise rejected("/auth", "an object with specName and params", kind_of(auth))
        spec, params = _auth_spec(connector, auth, quirks), auth.get("params")
        if not isinstance(params, dict):
            came = kind_of(params) if "params" in auth else MISSING
            raise rejected("/auth/params", "an object", came)
        fault = spec.fault(params, quirks)
        if fault is not None:
            raise rejected(pointer(("auth", "params", repeatable(fault.member))), *fault.problem)
        if strict and (unknown := next((name for name in auth if name not in _AUTH_MEMBERS), None)):
            raise rejected(pointer(("auth", repeatable(unknown))), "specName or params", UNKNOWN)

    def complete(self, connection: Mapping[str, Any]) -> Mapping[str, Any]:
        """The stored connection with the params that the service adds, such as a stream's `inletUrl`."""
        spec, auth = self._auth_spec_of(connection), connection.get("auth")
        params = auth.get("params") if isinstance(auth, dict) else None
        if spec is None or not isinstance(auth, dict) or not isinstance(params, dict):
            return connection
        added = spec.added(params, connection)
        return {**connection, "auth": {**auth, "params": {**params, **added}}} if added else connection

    def mask(self, connection: Mapping[str, Any], hide: Hide = blank) -> dict[str, Any]:
        """A copy with `MASK` in place of secrets and of unknown members: a draft may contain anything."""
        auth = connection.get("auth")
        return (
            dict(connection) if auth is None else {**connection, "auth": show(auth, self.auth_place(connection), hide)}
        )

    def auth_place(self, connection: Mapping[str, Any]) -> Place:
        """The members of `auth` that may be shown. Without a connection spec: those that no auth spec calls secret."""
        spec = self._auth_spec_of(connection)
        if spec is not None:
            return spec.auth_place
        return UNKNOWN_AUTH if "connectionSpec" in connection else self.any_auth

    @functools.cached_property
    def any_auth(self) -> Place:
        """The place of `auth` for an unknown auth spec: params are shown that no auth spec calls secret."""
        specs = [spec for connector in self.all() for spec in connector.auth_specs.values()]
        return auth_place(row for spec in specs for row in spec.rows)

    def access(self, connection: Mapping[str, Any]) -> Access:
        """Address and credentials, as far as the connection contains them: a draft may lack all.

        Raises ApiError `unknown_spec`.
        """
        connector, spec = self._demand(connection), self._auth_spec_of(connection)
        auth = connection.get("auth")
        params = auth.get("params") if isinstance(auth, dict) else None
        roles: Mapping[str, Any] = spec.roles(params) if spec is not None and isinstance(params, dict) else {}
        access = Access(connector.family, connector.name, **roles, masked=is_masked(params))
        meant = connection.get(PASSWORD_FOR)
        return access if meant is None or access.is_meant_by(meant) else dataclasses.replace(access, misdirected=True)

    def _demand(self, connection: Mapping[str, Any]) -> Connector:
        spec = connection.get("connectionSpec")
        connector = self.get(spec.get("id", "")) if isinstance(spec, dict) else None
        if connector is None:
            raise ApiError("unknown_spec", pointer="/connectionSpec/id")
        return connector

    def _auth_spec_of(self, connection: Mapping[str, Any]) -> AuthSpec | None:
        spec, auth = connection.get("connectionSpec"), connection.get("auth")
        connector = self.get(spec.get("id", "")) if isinstance(spec, dict) else None
        name = auth.get("specName") if isinstance(auth, dict) else None
        return connector.auth_specs.get(name) if connector and isinstance(name, str) else None


def _index(folder: Path) -> dict[str, Path]:
    """Connection spec id -> file. Files without an id document connectors whose id is not public."""
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        with path.open(encoding="utf-8") as file:
            first = _FIRST_LINE.fullmatch(file.readline())
        if first is None:
            raise ValueError(f"{path.name} does not begin with 'id: ' and a connection spec id or null")
        if first["id"] == "null":
            continue
        if first["id"] in files:
            raise ValueError(f"{path.name} has the connection spec id of {files[first['id']].name}")
        files[first["id"]] = path
    return files


def _auth_spec(connector: Connector, auth: Mapping[str, Any], quirks: Mapping[str, str]) -> AuthSpec:
    """The auth spec named by `auth`. Raises ApiError."""
    name = auth.get("specName")
    if not isinstance(name, str):
        came = kind_of(name) if "specName" in auth else MISSING
        raise rejected("/auth/specName", "the name of an auth spec", came)
    spec = connector.auth_specs.get(name)
    if spec is None or (spec.quirk and quirks[spec.quirk] != "both"):
        raise ApiError(
            "unknown_auth_spec",
            id=connector.id,
            spec=repeatable(name),
            pointer="/auth/specName",
            expected="one of " + ", ".join(connector.auth_specs)
            if connector.auth_specs
            else "no auth: this connector has no auth specs",
            hint=f"this auth spec exists only on {connector.elsewhere[name]}" if name in connector.elsewhere else None,
        )
    return spec


def _camel(name: str) -> str:
    first, *rest = re.split(r"[^0-9A-Za-z]+", name)
    return first.lower() + "".join(word[:1].upper() + word[1:] for word in rest)
