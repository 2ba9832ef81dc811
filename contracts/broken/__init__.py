"""Deliberately faulty servers. Each is our server with one fault and names the checks that must catch it.

A fault is a function of one request. It may change the request, pass it to the correct server by calling
`right`, and change the response. Put it into the module of its theme; it is discovered automatically.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.broken.wrapping import Asked, Fault, GivenAnswer, Item, Right, Wrapped


@dataclass(frozen=True, slots=True)
class BrokenServer:
    """A faulty server."""

    name: str
    fault: Fault
    caught_by: tuple[str, ...]
    """The checks that must fail against it."""
    by_way_of: tuple[str, ...] = ()
    """Further checks to run, for the traffic that an observer needs."""
    kinds: tuple[str, ...] = ("connections",)
    """The collections to run checks for."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the correct server that differ from the defaults."""

    @property
    def description(self) -> str:
        """The fault in one line."""
        return inspect.getdoc(self.fault) or ""

    @property
    def checks(self) -> tuple[str, ...]:
        """All checks that must run to catch it."""
        return (*self.by_way_of, *self.caught_by)

    def over(self, app: Any) -> Wrapped:
        """Wrap the correct server."""
        return Wrapped(app, self.fault)


SERVERS: dict[str, BrokenServer] = {}


def broken(
    caught_by: str, *, by_way_of: str = "", kinds: Iterable[str] = ("connections",), **options: Any
) -> Callable[[Fault], Fault]:
    """Register a faulty server under the name of its function. `checks` are separated by spaces."""

    def register(fault: Fault) -> Fault:
        name = fault.__name__.replace("_", "-")
        if name in SERVERS:
            raise RuntimeError(f"two broken servers have the name {name}")
        SERVERS[name] = BrokenServer(
            name, fault, tuple(caught_by.split()), tuple(by_way_of.split()), tuple(kinds), options
        )
        return fault

    return register


def load() -> dict[str, BrokenServer]:
    """Return every faulty server of this package."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
    return SERVERS


__all__ = ["SERVERS", "Asked", "BrokenServer", "Fault", "GivenAnswer", "Item", "Right", "broken", "load"]
