"""Violations of a schema: finds the most informative one of a body, and how its value differs."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, relevance

from contracts.schema.differences import (
    ABSENT_NULL,
    CASE,
    CUT,
    MIN_CUT,
    NAMES,
    NULL,
    QUOTES,
    SECONDS,
    TEXTS,
    WHOLE,
    added,
    is_numbered,
    of_type,
    spelled,
)

MAX_MESSAGE = 200
"""Maximum characters of a validator's message; longer ones repeat the whole value."""
MAX_WRONG_VALUES = 200
"""Maximum wrong values of a body that are kept."""
_FIRST_MILLISECOND = 100_000_000_000
"""Minimum of a time in milliseconds; less would be before 1973, or is in seconds until the year 5138."""
_TEXT_RULES = ("const", "enum", "format", "pattern")
_WHOLE_TEXTS = ("00000000-0000-4000-8000-000000000000", '"00000000-0000-0200-0000-000000000000"')
"""An id and an etag, with which the rest of one that was cut can be completed."""


def _is_whole(checker: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Explaining: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole)
)
"""Validates like JSON Schema, but `integer` is a number without a fraction: typed clients cannot read 5.0."""


def hastened(compiled: Callable[[Any], Any]) -> Any:
    """An `Explaining` that looks closer only at what the fast validator of a schema, from `compiled`, refuses.

    Not for bodies with a whole number that is written with a fraction: fast validators accept it.
    """
    made: Any = validators.extend(Explaining)  # type: ignore[no-untyped-call]
    plain = made.descend
    known: dict[int, tuple[Any, Any]] = {}
    """Identity of a schema -> the schema, kept so that no other gets its identity, and its fast validator."""

    def descend(self: Any, instance: Any, schema: Any, *args: Any, **options: Any) -> Iterator[ValidationError]:
        if isinstance(schema, Mapping):
            if id(schema) not in known:
                known[id(schema)] = schema, compiled(schema)
            if known[id(schema)][1].is_valid(instance):
                return
        yield from plain(self, instance, schema, *args, **options)

    made.descend = descend
    return made


class Departure(NamedTuple):
    """A violation of a schema by a body."""

    path: str
    """`$.items[0].etag`."""
    rule: str
    """The violated keyword of JSON Schema."""
    message: str
    members: frozenset[str]
    """Names of all members that violate it, including those around them."""
    kind: str = ""
    """How the value differs from a right one, if that is known: `number, string` for a text in place of a number."""
    wrong_values: frozenset[str] = frozenset()
    """The wrong values, as texts."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def nearest(errors: list[ValidationError]) -> Departure:
    """The most informative violation. If there are alternatives, it is that of the one which fits best."""
    leaves = [leaf for error in errors for leaf in _leaves(error)]
    error = max(errors, key=relevance)
    while error.context:
        error = max(_alternative(error), key=relevance)
    kind = _kind(error)
    message = error.message.replace(repr(error.instance), "this value")  # which may be a credential
    message = message if len(message) <= MAX_MESSAGE else f"breaks {error.validator} of its schema"
    message = "a whole number written with a fraction" if kind == WHOLE else message
    members = frozenset(name for leaf in leaves for name in _members(leaf))
    instances = [leaf.instance for leaf in leaves[:MAX_WRONG_VALUES]]
    wrong_values = frozenset(str(one) for one in instances if not isinstance(one, dict | list))
    return Departure(error.json_path, str(error.validator), message, members, kind, wrong_values)


def has_whole_fraction(value: Any) -> bool:
    """Whether a body has a whole number that is written with a fraction, anywhere."""
    left: list[Any] = [[value]]
    while left:  # without recursion, and without a call for each text, because every response is searched
        one = left.pop()
        for inner in one.values() if type(one) is dict else one:
            kind = type(inner)
            if kind is dict or kind is list:
                left.append(inner)
            elif kind is float and inner.is_integer():
                return True
    return False


def with_present_times(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contract with times of the present: a server under test works now, an emulated clock may stand in 1970."""
    components = source.get("components", {})
    schemas = components.get("schemas", {})
    if "Milliseconds" not in schemas:
        return source
    present = {**schemas["Milliseconds"], "minimum": _FIRST_MILLISECOND}
    return {**source, "components": {**components, "schemas": {**schemas, "Milliseconds": present}}}


def as_choices(node: Any) -> Any:
    """A copy of a schema with `anyOf: [A, B]` for `if: A, else: B`, which is the same and explains itself."""
    if isinstance(node, list):
        return [as_choices(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    plain = {name: as_choices(value) for name, value in node.items()}
    if {"if", "else"} <= plain.keys() and not {"then", "anyOf"} & plain.keys():
        plain["anyOf"] = [plain.pop("if"), plain.pop("else")]
    return plain


def _alternative(error: ValidationError) -> list[ValidationError]:
    """The errors of the alternative that fits best: the deepest, then the one of the right type."""
    alternatives: dict[Any, list[ValidationError]] = {}
    for inner in error.context:
        alternatives.setdefault(inner.schema_path[0], []).append(inner)
    return max(alternatives.values(), key=lambda ones: min(map(_fit, ones)), default=[])


def _fit(error: ValidationError) -> tuple[int, bool, int]:
    """How well a value with this error fits: depth, right type, number of required members."""
    if inner := _alternative(error):
        return min(map(_fit, inner))
    body: Any = error.instance
    required: Any = error.validator_value if error.validator == "required" else ()
    there = len({spelled(name) for name in required} & set(map(spelled, body))) if required else 0
    if strange := _strange(error):
        there = len(body.keys() - strange)
    right = error.validator != "type" or (error.validator_value == "array" and is_numbered(body))
    return len(error.absolute_path), right, there


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The errors that caused one."""
    for inner in _alternative(error):
        yield from _leaves(inner)
    if not error.context:
        yield error


def _lacking(error: ValidationError) -> list[str]:
    """The required members that a value lacks."""
    body: Any = error.instance
    required: Any = error.validator_value if error.validator == "required" else ()
    return [name for name in required if name not in body]


def _members(error: ValidationError) -> Iterator[str]:
    """Names of the members that an error is about."""
    strange = _strange(error)
    yield from strange or (step for step in error.absolute_path if isinstance(step, str))
    yield from _lacking(error)


def _kind(error: ValidationError) -> str:
    """The kind of difference from a right value; empty if it is of no known kind."""
    rule, expected, came = str(error.validator), error.validator_value, error.instance
    if rule == "type":
        return of_type({expected} if isinstance(expected, str) else set(_strings(expected)), came)
    if came is None:
        return NULL
    if rule == "minimum" and expected == _FIRST_MILLISECOND:
        return SECONDS
    if lacking := _lacking(error):
        return _renamed(error, lacking)
    if strange := _strange(error):
        return added(strange)
    if rule in _TEXT_RULES and isinstance(came, str):
        return another_text(rule, expected, came)
    return ""


def _strange(error: ValidationError) -> frozenset[str]:
    """The members that the schema of an error does not allow."""
    body, schema = cast(Any, error.instance), cast(Any, error.schema)
    if error.validator == "additionalProperties" and error.validator_value is False:
        return frozenset(body.keys() - _described(error).keys())
    alone = schema.get("required", ()) if error.validator == "maxProperties" else ()
    return frozenset(body.keys() - set(alone)) if alone else frozenset()


def _described(error: ValidationError) -> Mapping[str, Any]:
    """The members that the schema of an error describes."""
    schema: Any = error.schema
    return dict(schema.get("properties", {}))


def _renamed(error: ValidationError, lacking: list[str]) -> str:
    """Whether required members are there under names of another spelling, or may be null."""
    there: Any = error.instance
    if {spelled(name) for name in lacking} <= set(map(spelled, there)):
        return NAMES
    described = _described(error)
    types = [described.get(name, {}).get("type", ()) for name in lacking]
    return ABSENT_NULL if all("null" in named for named in types) else ""


def another_text(rule: str, expected: Any, came: str) -> str:
    """The kind of difference of a text, if the text that it stands for would be right by a rule of JSON Schema."""
    if rule == "pattern" and re.search(expected, came, re.IGNORECASE):
        return CASE
    if isinstance(expected, str):
        return _standing_for(rule, expected, came)
    return _standing_for.__wrapped__(rule, expected, came)


@functools.lru_cache(maxsize=256)  # an etag is in several responses
def _standing_for(rule: str, expected: Any, came: str) -> str:
    """The kind of difference of a text that stands for a right one."""
    choices = list(_strings(expected)) if rule == "enum" else [expected] if rule == "const" else []
    right = Draft202012Validator({rule: expected}, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for kind, plain in TEXTS.items():
        candidates = {plain(came), *(choice for choice in choices if plain(choice) == plain(came))}
        candidates |= {f'"{plain(came)}"'} if kind == QUOTES else set()
        if any(right.is_valid(one) for one in candidates):
            return kind
    cut = len(came) >= MIN_CUT and any(right.is_valid(came + text[len(came) :]) for text in _WHOLE_TEXTS)
    return CUT if cut else ""


def _strings(values: Any) -> Iterator[str]:
    return (value for value in values if isinstance(value, str))
