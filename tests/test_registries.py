"""Tests that registering a name twice fails at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contracts import broken, clients, registry
from mockserver import resources
from mockserver.conformance import Level, rules


def _rule() -> Callable[[Any], Any]:
    rules.load()
    return rules.rule("etag.missing", Level.FAIL, "", source="", hint="")


def _operation() -> Callable[[Any], Any]:
    resources.load()
    return resources.operation("listConnections")


def _check() -> Callable[[Any], Any]:
    registry.load()
    return registry.check("if-match.stale")


def _observer() -> Callable[[Any], Any]:
    registry.load()
    return registry.observe(next(iter(registry.OBSERVERS)))


def _server() -> Callable[[Any], Any]:
    name = next(iter(broken.load()))

    def decorate(function: Any) -> Any:
        function.__name__ = name
        return broken.broken("if-match.stale")(function)

    return decorate


def _client() -> Callable[[Any], Any]:
    clients.load()
    return clients.breaks("etag.missing")


@pytest.mark.parametrize("decorator", [_rule, _operation, _check, _observer, _server, _client])
def test_no_name_is_registered_twice(decorator: Callable[[], Callable[[Any], Any]]) -> None:
    with pytest.raises((RuntimeError, ValueError), match="two "):
        decorator()(lambda *arguments: None)
