"""What an object keeps in memory: everything that can be reached from it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from mockserver import Emulator
from mockserver.contract import Contract
from mockserver.journal.redaction import Redaction
from mockserver.runtime import Runtime

_SHARED = (ModuleType, type, FunctionType, BuiltinFunctionType, MethodType, Contract, Emulator, Redaction, Runtime)


def reachable(*roots: Any) -> Iterator[Any]:
    """Everything that the roots refer to, except code and the parts that all share."""
    seen: set[int] = set()
    waiting = [held for root in roots for held in gc.get_referents(root)]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen and not isinstance(one, _SHARED):
            seen.add(id(one))
            yield one
            waiting += gc.get_referents(one)
            waiting += one if isinstance(one, dict) else ()  # a dict of texts does not tell the collector its keys


def size_of(*roots: Any) -> int:
    """Bytes of all this."""
    return sum(map(sys.getsizeof, reachable(*roots)))


def texts_of(*roots: Any) -> list[str]:
    """The texts and byte strings among it."""
    found = (one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in reachable(*roots))
    return [one for one in found if isinstance(one, str)]
