"""Clients for the judge: one that breaks each rule, one that fails each scenario, and good ones.

A client is a function of a `Service`. It speaks HTTP to any server of ours; its docstring says what it does, and a
decorator what the judge must make of it. `python -m contracts.clients` lists and runs them. `programs/` holds
programs as people write them, one for each way of connecting, to be run as they are.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.clients.service import Service, Stopped

Script: TypeAlias = Callable[[Service], None]
"""The client's function. It raises Stopped if the client stops with an error."""

Kind: TypeAlias = Literal["good", "rule", "scenario"]


@dataclass(frozen=True, slots=True)
class Client:
    """A client. The name of a bad one is the rule it breaks or the scenario it fails."""

    name: str
    kind: Kind
    script: Script
    also: frozenset[str] = frozenset()
    """Other rules that are necessarily broken as well."""

    @property
    def does(self) -> str:
        """What it does, in one line."""
        return inspect.getdoc(self.script) or ""


_REGISTERED: dict[str, Client] = {}


def good(script: Script) -> Script:
    """Register a good client under the name of its function."""
    return _register(script.__name__.replace("_", "-"), "good", script)


def breaks(rule: str, *also: str) -> Callable[[Script], Script]:
    """Register a client that breaks only this rule and those in `also`."""
    return functools.partial(_register, rule, "rule", also=frozenset(also))


def fails(scenario: str) -> Callable[[Script], Script]:
    """Register a client that fails this scenario and does nothing else wrong."""
    return functools.partial(_register, scenario, "scenario")


def _register(name: str, kind: Kind, script: Script, *, also: frozenset[str] = frozenset()) -> Script:
    if name in _REGISTERED:
        raise RuntimeError(f"two clients are called {name}")
    _REGISTERED[name] = Client(name, kind, script, also)
    return script


@functools.cache
def load() -> dict[str, Client]:
    """Load every module of this package; returns name -> client, sorted by kind and name."""
    for found in pkgutil.walk_packages(__path__, f"{__name__}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    return {client.name: client for client in sorted(_REGISTERED.values(), key=lambda one: (one.kind, one.name))}


__all__ = ["Client", "Script", "Service", "Stopped", "breaks", "fails", "good", "load"]
