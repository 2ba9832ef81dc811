"""Servers whose bodies are wrong everywhere in one way."""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from tests.contracts.test_wrong_servers import Fault


def values(change: Callable[[str, Any], Any]) -> Fault:
    """A server that changes each value of each response, by its member's name."""

    def deep(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return change(name, {key: deep(key, inner) for key, inner in value.items()})
        return change(name, [deep(name, item) for item in value] if isinstance(value, list) else value)

    @functools.lru_cache(maxsize=8)  # lists of specs are long, and the same in most requests
    def changed(body: bytes) -> bytes:
        return json.dumps(deep("", json.loads(body))).encode()

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return replace(given, body=changed(given.body)) if given.done and given.body else given

    return fault


def names(change: Callable[[str], str]) -> Fault:
    """A server that changes the name of each member."""
    return values(lambda _, value: {change(k): v for k, v in value.items()} if isinstance(value, dict) else value)


def entities(**changes: Callable[[Any], Any] | None) -> Fault:
    """A server that changes members of each entity, or leaves them out (None)."""

    def changed(entity: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in entity.items() if changes.get(name, str) is not None}
        return {name: changes[name](value) if name in changes else value for name, value in kept.items()}  # type: ignore[misc]

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return given.telling(items=[changed(item) for item in given.items]) if given.done and given.items else given

    return fault


def in_lists(server: Fault) -> Fault:
    """A server that is wrong in lists only."""
    return lambda asked, right: server(asked, right) if asked.lists else right(asked)


def in_lookups(server: Fault) -> Fault:
    """A server that is wrong in look-ups only."""
    return lambda asked, right: server(asked, right) if asked.looks_up else right(asked)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numbered(value: Any) -> Any:
    """A list as an object with positions as names."""
    return {str(at): item for at, item in enumerate(value)} if isinstance(value, list) else value


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and value.count("-") == 4


def entity_members(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    """A server that shows each entity with other members."""
    return lambda asked, right: right(asked).showing(change)


def the_only(value: Any) -> Any:
    """The item of a list with only one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def enveloped(asked: Asked, right: Right) -> GivenAnswer:
    """A server that puts each body into another one."""
    given = right(asked)
    return given.saying({"status": "fine", "result": given.json}) if given.done and given.body else given


NUMBERS_AS_TEXTS = values(lambda _, value: str(value) if is_number(value) else value)
