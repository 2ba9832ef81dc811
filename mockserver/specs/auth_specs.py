"""Auth specs: the checks of `auth.params`, compiled from a connector's file.

A check returns what is wrong as a value; the caller turns it into a response. No text made here contains
a value of the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from mockserver.contract.schema import kind_of
from mockserver.exchange import MISSING, UNKNOWN
from mockserver.runtime import day
from mockserver.secrecy import Hide, blank, masked, places
from mockserver.secrecy.placeholders import is_placeholder
from mockserver.secrecy.places import ITEMS, OTHERS, Chosen, Place, Row, table
from mockserver.specs import connection_string, inlets
from mockserver.specs.connection_string import ConnectionString, ConnectionStringError
from mockserver.specs.families import document, object_schema

_CLASSES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
_A = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
}
_OBJECT = Place(lambda value, hide: value if hide is blank else hide(value, False))
_OBJECT.below.update({OTHERS: _OBJECT, ITEMS: _OBJECT})
"""The place of anything below a param of type object: unknown, but the service shows it."""

_ROLES = ("server", "port", "database", "username", "password", "ssl")


class Problem(NamedTuple):
    """Why a value is refused, without the value."""

    expected: str
    came: str


class ParamFault(NamedTuple):
    """A problem and the member of `auth.params` that has it."""

    member: str
    problem: Problem


Check: TypeAlias = Callable[[Any, Mapping[str, str]], Problem | None]
"""A check of a value of the right type, given the quirks in force."""


def _not_empty(value: str, quirks: Mapping[str, str]) -> Problem | None:
    return None if value else Problem("a non-empty string", "an empty string")


def _port(value: Any, quirks: Mapping[str, str]) -> Problem | None:
    """A port number, as text or as a number."""
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535:
        return None
    digits = " in digits" if isinstance(value, str) else ""
    return Problem(f"an integer from 1 to 65535{digits}", kind_of(value))


class OneOf:
    """A list of allowed values. `accepted` adds values of other pages, in any case and with any word separator.

    If the quirk named by `quirk` is set to `documented`, only the listed values are allowed.
    """

    def __init__(self, raw: Mapping[str, Any], platform: str) -> None:
        here = raw.get("platformValues", {}).get(platform, ())
        self._listed = (*raw.get("enum", ()), *here)
        self._accepted = (*self._listed, *raw.get("accepted", ()))
        self._quirk = raw.get("quirk")
        self._spellings: dict[str, str] = {}
        for value in self._accepted if "accepted" in raw else ():
            words = value.lower().replace("-", " ").split(" ")
            for separator in (" ", "-", ""):
                self._spellings.setdefault(separator.join(words), value)

    def __call__(self, value: Any, quirks: Mapping[str, str]) -> Problem | None:
        """The check."""
        if value in self._listed:
            return None
        documented = self._quirk is not None and quirks.get(self._quirk) == "documented"
        if not documented and self.canonical(value) in self._accepted:
            return None
        wanted = self._listed if documented else self._accepted
        return Problem("one of " + ", ".join(wanted), kind_of(value))

    def canonical(self, value: str) -> str:
        """The documented spelling of a value, in whichever spelling it was sent."""
        return self._spellings.get(value.lower(), value)


@dataclass(frozen=True, slots=True)
class _Key:
    """A known key of a connection string."""

    name: str
    names: tuple[str, ...]
    required: bool
    role: str | None
    checks: tuple[Check, ...]

    @property
    def harmless(self) -> bool:
        """Whether its value is no secret: an address, a user name, or one of a list of values."""
        return self.role in ("server", "port", "database", "username") or any(isinstance(c, OneOf) for c in self.checks)

    def value(self, parsed: ConnectionString) -> str | None:
        """The value of this key or a synonym in a connection string."""
        return next((found for name in self.names if (found := parsed.get(name)) is not None), None)


class ConnectionStringRules:
    """The rules for a connector's connection string; unlisted keys are ignored (facts §8.1)."""

    def __init__(self, raw: Mapping[str, Any], platform: str) -> None:
        self._keys = tuple(
            _Key(
                name=name,
                names=(name, *key.get("synonyms", ())),
                required=key.get("required", False),
                role=key.get("role"),
                checks=_checks({**key, "minLength": int(key.get("required", False))}, platform),
            )
            for name, key in raw["keys"].items()
        )
        self._ssl: Sequence[Mapping[str, Any]] = raw.get("ssl", ())
        self._harmless = {name.lower(): key.harmless for key in self._keys for name in key.names}

    def __call__(self, text: str, quirks: Mapping[str, str]) -> Problem | None:
        """The check."""
        try:
            parsed = connection_string.parse(text)
        except ConnectionStringError as error:
            return Problem("key=value pairs separated by semicolons", f"a string with {error}")
        for key in self._keys:
            value = key.value(parsed)
            if value is None:
                if key.required:
                    return Problem(f"a connection string with {self._required()}", f"one without {key.name}")
                continue
            problem = None if is_placeholder(value) else _first(key.checks, value, quirks)
            if problem is not None:
                return Problem(f"{problem.expected} after {key.name}=", problem.came)
        return None

    def roles(self, text: str) -> dict[str, str]:
        """Role -> value, as far as a connection string contains it."""
        try:
            parsed = connection_string.parse(text)
        except ConnectionStringError:
            return {}
        found = {key.name: value for key in self._keys if (value := key.value(parsed)) is not None}
        roles = {key.role: found[key.name] for key in self._keys if key.role and key.name in found}
        for row in self._ssl:
            if all(found.get(name) == wanted for name, wanted in row["when"].items()):
                return {**roles, "ssl": row["mode"]}
        return roles

    def show(self, text: Any, hide: Hide) -> Any:
        """A redacted connection string, key by key, if it has known keys only and no value contains another pair.

        Of a repeated key no value is shown: it may be part of a password that has a `;`.
        """
        try:
            parsed = connection_string.parse(text) if isinstance(text, str) and hide not in (blank, masked) else None
        except ConnectionStringError:
            parsed = None
        if not parsed or any(key.lower() not in self._harmless for key, _ in parsed):
            return hide(text, True)
        open_keys = {key for key, harmless in self._harmless.items() if harmless} - {*parsed.repeated}
        if any(key.lower() in open_keys and "=" in value for key, value in parsed):
            return hide(text, True)
        readers = {True: places.param, False: places.secret}
        return connection_string.format(
            (key, str(readers[key.lower() in open_keys](value, hide))) for key, value in parsed
        )

    def _required(self) -> str:
        return ", ".join(key.name for key in self._keys if key.required)


@dataclass(frozen=True, slots=True)
class Param:
    """One member of `auth.params`."""

    name: str
    type: str
    required: bool
    secret: bool
    read_only: bool
    """Added by the service to its responses: accepted, but neither required nor part of the schema."""
    listed: bool
    """Whether the published auth spec contains it. Unlisted params are accepted as well."""
    stands_for: str | None
    """The param of which this is an alias."""
    shows: Any
    """The value in responses if the client sent none; None: no value. `{inlet}` is the connection's own inlet id,
    `{created}` the day it was made, `{name}` alone the connection's name."""
    description: str
    enum: tuple[str, ...]
    """All allowed values; empty if anything, or more than the page lists, is accepted."""
    pattern: str | None
    """Shown in the schema, not enforced."""
    role: str | None
    checks: tuple[Check, ...]

    @classmethod
    def compile(cls, name: str, raw: Mapping[str, Any], platform: str) -> Param:
        """Compile the entry of a connector's file. A required text may be empty only if `minLength` is 0."""
        required = raw.get("required", False)
        stands_for = raw.get("standsFor")
        read_only = raw.get("readOnly", False)
        return cls(
            name=name,
            type=raw["type"],
            required=required,
            secret=raw.get("secret", False),
            read_only=read_only,
            listed=raw.get("listed", not read_only and stands_for is None),
            stands_for=stands_for,
            shows=raw.get("shows"),
            description=raw.get("description", ""),
            enum=() if "accepted" in raw else tuple(raw.get("enum", ())),
            pattern=raw.get("pattern"),
            role=raw.get("role"),
            checks=_checks({"minLength": int(required and raw["type"] == "string"), **raw}, platform),
        )

    def problem(self, value: Any, quirks: Mapping[str, str]) -> Problem | None:
        """Why the value is refused, or None. Placeholders of the documentation are always accepted."""
        if is_placeholder(value):
            return None
        if type(value) not in _CLASSES[self.type]:
            return Problem(_A.get(self.type, "an object"), kind_of(value))
        return _first(self.checks, value, quirks)

    @property
    def row(self) -> Row:
        """How its value may be shown."""
        rules = next((check for check in self.checks if isinstance(check, ConnectionStringRules)), None)
        if rules is not None:
            return (self.name,), rules.show
        if self.type == "object" and not self.secret:
            return (self.name, OTHERS), Chosen(lambda param: _OBJECT)
        return (self.name,), places.secret if self.secret else places.param

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema in the auth spec (facts §8.2). `format: password` marks secrets."""
        schema: dict[str, Any] = {"type": self.type}
        if self.enum:
            schema["enum"] = list(self.enum)
        if self.pattern:
            schema["pattern"] = self.pattern
        return {**schema, "format": "password"} if self.secret else schema


def auth_place(params: Iterable[Row]) -> Place:
    """The place of a connection's `auth`, given the rows of its params. Every other param counts as secret."""
    named: list[Row] = [(("specName",), places.text), (("type",), places.text), (("params", OTHERS), places.secret)]
    return table([*named, *((("params", *steps), read) for steps, read in params)])


UNKNOWN_AUTH = auth_place(())
"""The place of an `auth` that names no known spec."""


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """An auth spec of a connector, compiled for one platform."""

    name: str
    type: str
    params: Mapping[str, Param]
    quirk: str | None = None
    """The quirk that decides whether this auth spec is accepted; the published connection spec does not list it."""
    rows: tuple[Row, ...] = ()
    """How its params may be shown."""
    required: tuple[str, ...] = field(init=False)
    secrets: frozenset[str] = field(init=False)
    auth_place: Place = field(init=False)
    """The place of an `auth` that names this spec."""
    shows: Mapping[str, Any] = field(init=False)
    """Param -> value in responses if the client sent none."""

    def __post_init__(self) -> None:
        members = self.params.values()
        object.__setattr__(self, "required", tuple(param.name for param in members if param.required))
        object.__setattr__(self, "secrets", frozenset(param.name for param in members if param.secret))
        object.__setattr__(self, "auth_place", auth_place(self.rows))
        object.__setattr__(self, "shows", {param.name: param.shows for param in members if param.shows is not None})

    @classmethod
    def compile(cls, raw: Mapping[str, Any], platform: str, rows: tuple[Row, ...] | None = None) -> AuthSpec:
        """Compile the entry of a connector's file. `rows`: how its params may be shown, if not by their kinds."""
        params = {name: Param.compile(name, param, platform) for name, param in raw["params"].items()}
        shown = tuple(param.row for param in params.values()) if rows is None else rows
        return cls(raw["name"], raw["type"], params, raw.get("quirk"), shown)

    def fault(self, params: Mapping[str, Any], quirks: Mapping[str, str]) -> ParamFault | None:
        """The first fault of `auth.params`: first among the members sent, then among missing ones."""
        for name, value in params.items():
            param = self.params.get(name)
            if param is None:
                known = ", ".join(param.name for param in self.params.values() if param.listed)
                return ParamFault(name, Problem(f"one of {known}", UNKNOWN))
            problem = param.problem(value, quirks)
            if problem is not None:
                return ParamFault(name, problem)
        given = {self.params[name].stands_for or name for name in params}
        for name in self.required:
            if name not in given:
                return ParamFault(name, Problem(_A.get(self.params[name].type, "an object"), MISSING))
        return None

    def added(self, params: Mapping[str, Any], connection: Mapping[str, Any]) -> dict[str, Any]:
        """The params that the service adds in responses."""
        if not self.shows:
            return {}
        inlet, created = inlets.inlet_id(connection), day(connection["createdAt"])
        made = {"{name}": connection["name"], "{inletUrl}": inlets.inlet_url(connection)}
        return {
            name: made.get(value) or value.replace("{inlet}", inlet).replace("{created}", created)
            if isinstance(value, str)
            else value
            for name, value in self.shows.items()
            if name not in params
        }

    def roles(self, params: Mapping[str, Any]) -> dict[str, str]:
        """Role -> value for server, port, database, username, password and ssl, as far as the params contain them."""
        roles: dict[str, str] = {}
        for name, value in params.items():
            param = self.params.get(name)
            if param is None or not isinstance(value, str):
                continue
            for check in param.checks:
                if isinstance(check, ConnectionStringRules):
                    roles.update(check.roles(value))
                elif isinstance(check, OneOf):
                    value = check.canonical(value)
            if param.role:
                roles[param.role] = value
        return {role: roles[role] for role in _ROLES if role in roles}

    def describe(self) -> dict[str, Any]:
        """The entry of `authSpec` in a connection spec (facts §8.2)."""
        schema = {name: param.schema() for name, param in self.params.items() if param.listed}
        return {"name": self.name, "type": self.type, "spec": document(object_schema(schema, self.required))}


def _checks(raw: Mapping[str, Any], platform: str) -> tuple[Check, ...]:
    """The checks of a param or key beyond its type."""
    checks: list[Check] = []
    if raw.get("minLength"):
        checks.append(_not_empty)
    if "enum" in raw:
        checks.append(OneOf(raw, platform))
    if raw.get("format") == "port":
        checks.append(_port)
    if raw.get("format") == "connection-string":
        checks.append(ConnectionStringRules(raw, platform))
    return tuple(checks)


def _first(checks: Iterable[Check], value: Any, quirks: Mapping[str, str]) -> Problem | None:
    for check in checks:
        problem = check(value, quirks)
        if problem is not None:
            return problem
    return None
