"""One module per resource type; `@operation` ties a function to an operation of the contract."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeAlias

from mockserver.exchange import Request, Result
from mockserver.world import World

Handler: TypeAlias = Callable[[World, Request], Result]

_HANDLERS: dict[str, Handler] = {}


def operation(operation_id: str) -> Callable[[Handler], Handler]:
    """Register the handler of one operation of `openapi.yaml`."""

    def register(handler: Handler) -> Handler:
        if operation_id in _HANDLERS:
            raise RuntimeError(f"{operation_id} has two handlers")
        _HANDLERS[operation_id] = handler
        return handler

    return register


def load() -> dict[str, Handler]:
    """Import every module of this package; operation id -> handler."""
    _import_all()
    return dict(_HANDLERS)


@functools.cache  # a client under test may have an emulator for each of its tests
def _import_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
