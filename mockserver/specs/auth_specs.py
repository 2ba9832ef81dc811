"""What an auth spec demands of `auth.params`, compiled from a connector's file into plain checks.

A check returns what is wrong as a value; the caller turns it into an answer. No text made here holds
a value of the request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from mockserver.contract.schema import kind_of
from mockserver.exchange import MISSING, UNKNOWN
from mockserver.runtime import day
from mockserver.secrecy import PARAM, SECRET, UNKNOWN_PLACE, Hide, Place, blank, clean, hidden, is_placeholder
from mockserver.specs import connection_string
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
_OBJECT = Place(read=lambda value, hide: value if hide is blank and isinstance(value, dict) else hide(value))
"""Of an object nobody knows what it holds; the service shows it all the same."""

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
"""Takes a value of the right type and the quirks in force."""


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
    """Listed values; `accepted` adds what other pages list, then in any case and with any word separator.

    The quirk `quirk`, where one is named, narrows this to the listed values when it says `documented`.
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
        """The documented spelling of a value."""
        return self._spellings.get(value.lower(), value)


@dataclass(frozen=True, slots=True)
class _Key:
    """One key that a connection string may hold."""

    name: str
    names: tuple[str, ...]
    required: bool
    role: str | None
    checks: tuple[Check, ...]

    @property
    def harmless(self) -> bool:
        """Whether its value is no secret: where it leads, who asks, or one of listed values."""
        return self.role in ("server", "port", "database", "username") or any(isinstance(c, OneOf) for c in self.checks)

    def value(self, parsed: ConnectionString) -> str | None:
        """What the string holds under this key or a synonym."""
        return next((found for name in self.names if (found := parsed.get(name)) is not None), None)


class ConnectionStringRules:
    """What a connector demands of its connection string; keys it does not list are ignored (facts §8.1)."""

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
        """Role -> value, for what can be read of a connection string."""
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
        """A connection string key by key, if it has the connector's keys alone and no value that holds another pair."""
        try:
            pairs = connection_string.parse(text).pairs if isinstance(text, str) and hide is not blank else ()
        except ConnectionStringError:
            pairs = ()
        harmless = {name.lower(): key.harmless for key in self._keys for name in key.names}
        good = all(key.lower() in harmless and not (harmless[key.lower()] and "=" in value) for key, value in pairs)
        if not pairs or not good:
            return hide(text)
        shown = ((key, clean(value) if harmless[key.lower()] else hidden(value)) for key, value in pairs)
        return connection_string.format(shown)

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
    """Added by the service to what it answers: known, and neither demanded nor part of the schema."""
    listed: bool
    """Whether the auth spec that clients see has it; others are taken too."""
    stands_for: str | None
    """The param that this is another name of."""
    shows: Any
    """What answers hold where the client sent nothing; None: nothing. `{inlet}` is the connection's own inlet id,
    `{created}` the day it was made."""
    description: str
    enum: tuple[str, ...]
    """The only values there are; empty where anything goes or more is accepted than the page lists."""
    pattern: str | None
    """Shown in the schema, never enforced."""
    role: str | None
    checks: tuple[Check, ...]

    @classmethod
    def compile(cls, name: str, raw: Mapping[str, Any], platform: str) -> Param:
        """From its entry in a connector's file. A required text may not be empty unless `minLength` says so."""
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
        """Why the value is refused, or None. A placeholder of the documentation is always fine."""
        if is_placeholder(value):
            return None
        if type(value) not in _CLASSES[self.type]:
            return Problem(_A.get(self.type, "an object"), kind_of(value))
        return _first(self.checks, value, quirks)

    @property
    def place(self) -> Place:
        """What may be shown of its value."""
        rules = next((check for check in self.checks if isinstance(check, ConnectionStringRules)), None)
        if rules is not None:
            return Place(read=rules.show)
        return SECRET if self.secret else _OBJECT if self.type == "object" else PARAM

    def schema(self) -> dict[str, Any]:
        """As it stands in the auth spec's JSON Schema (facts §8.2); `format: password` marks secrets."""
        schema: dict[str, Any] = {"type": self.type}
        if self.enum:
            schema["enum"] = list(self.enum)
        if self.pattern:
            schema["pattern"] = self.pattern
        return {**schema, "format": "password"} if self.secret else schema


@dataclass(frozen=True, slots=True)
class AuthSpec:
    """One way to authenticate to a connector, on the platform it was compiled for."""

    name: str
    type: str
    params: Mapping[str, Param]
    quirk: str | None = None
    """The quirk that decides whether this spec is taken at all; the spec that clients see does not list it then."""
    required: tuple[str, ...] = field(init=False)
    secrets: frozenset[str] = field(init=False)
    place: Place = UNKNOWN_PLACE
    """What may be shown of the params."""
    shows: Mapping[str, Any] = field(init=False)
    """What answers hold where the client sent nothing, by param."""

    def __post_init__(self) -> None:
        members = self.params.values()
        object.__setattr__(self, "required", tuple(param.name for param in members if param.required))
        object.__setattr__(self, "secrets", frozenset(param.name for param in members if param.secret))
        if self.place is UNKNOWN_PLACE:
            object.__setattr__(self, "place", Place(members={param.name: param.place for param in members}))
        object.__setattr__(self, "shows", {param.name: param.shows for param in members if param.shows is not None})

    @classmethod
    def compile(cls, raw: Mapping[str, Any], platform: str) -> AuthSpec:
        """From its entry in a connector's file."""
        params = {name: Param.compile(name, param, platform) for name, param in raw["params"].items()}
        return cls(raw["name"], raw["type"], params, raw.get("quirk"))

    def fault(self, params: Mapping[str, Any], quirks: Mapping[str, str]) -> ParamFault | None:
        """The first thing wrong with `auth.params`: of what was sent, then of what was not."""
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
        """What the service adds to the params of a connection when it shows them.

        An inlet id has the form of Adobe's samples, 64 hexadecimal digits; here it follows from the connection's id.
        """
        if not self.shows:
            return {}
        inlet = hashlib.sha256(connection["id"].encode()).hexdigest()
        created = day(connection["createdAt"])
        return {
            name: value.replace("{inlet}", inlet).replace("{created}", created) if isinstance(value, str) else value
            for name, value in self.shows.items()
            if name not in params
        }

    def roles(self, params: Mapping[str, Any]) -> dict[str, str]:
        """server, port, database, username, password and ssl, as far as the params tell them."""
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
    """What a param or a key demands beyond its type."""
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
