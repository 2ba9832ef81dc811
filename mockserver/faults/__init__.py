"""Fault injection: the kinds of faults (`FAULTS`), orders for them (`Order`), and the orders in force (`Faults`)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.errors import ApiError
from mockserver.exchange import Call, Request, Result
from mockserver.faults.kinds import FAULTS, FaultKind, Strike
from mockserver.faults.orders import HEADER, MAX_ORDERS, FaultError, Order, from_file, from_header, parse
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime
from mockserver.tokens import Tokens
from mockserver.world import World

__all__ = [
    "FAULTS",
    "HEADER",
    "FaultError",
    "FaultKind",
    "Faults",
    "Injection",
    "Order",
    "from_file",
    "parse",
]


@dataclass(slots=True)
class Active:
    """An order in force and its counters."""

    number: int
    order: Order
    seen: int = 0
    """Number of selected calls."""
    struck: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether it was applied as often as ordered, so that no call is affected any more."""
        return self.order.times is not None and self.struck >= self.order.times

    def as_json(self) -> dict[str, Any]:
        """The entry of `/_mock/faults`."""
        return {"id": self.number, **self.order.as_json(), "seen": self.seen, "struck": self.struck}


class Injection:
    """The faults that apply to one call, in the order they were set."""

    def __init__(self, struck: Sequence[tuple[FaultKind, Strike]], name: str) -> None:
        self._struck = struck
        self.name = name
        """The text shown in the journal."""

    def refuse(self) -> None:
        """Raise the Refusal of the first fault that answers instead of the service."""
        for kind, strike in self._struck:
            refusal = kind.refuse(strike) if kind.refuse else None
            if refusal is not None:
                raise refusal

    def act(self, world: World, request: Request) -> Request:
        """Change the state or the request before the service sees it."""
        for kind, strike in self._struck:
            if kind.act is not None:
                request = kind.act(strike, world, request)
        return request

    def spoil(self, result: Result) -> Result:
        """Change the response."""
        for kind, strike in self._struck:
            if kind.spoil is not None:
                result = kind.spoil(strike, result)
        return result


class Faults:
    """The orders in force. Thread-safe. Which call is affected depends only on the sequence of calls and the seed."""

    def __init__(
        self,
        runtime: Runtime,
        tokens: Tokens,
        quirks: Quirks,
        operations: Iterable[str] = (),
        *,
        file: str | None = None,
        by_header: bool = True,
    ) -> None:
        """`operations` may be named in orders. Orders of `file` are in force from the start and after `reset`.

        Raises FaultError for a file that cannot be used.
        """
        self._parts = (runtime, tokens, quirks)
        self._operations = frozenset({*operations, TOKEN_OPERATION})
        self._initial = from_file(Path(file), self._operations) if file else []
        self._by_header = by_header
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._active: tuple[Active, ...] = ()
        self.reset()

    def take(self, call: Call, operation: str | None) -> Injection | None:
        """The faults for this call. Raises ApiError for an invalid `x-mock-fault` header."""
        asked = call.headers.get(HEADER) if self._by_header else None
        if not self._active and asked is None:
            return None
        orders = [(active.order, False) for active in self._active if self._strikes(active, call, operation)]
        if asked is not None:
            orders += [(order, True) for order in _asked(asked) if order.kind.fits(call)]
        if not orders:
            return None
        struck = [(order.kind, Strike(call, order.value, *self._parts, by_header)) for order, by_header in orders]
        return Injection(struck, "; ".join(_name(order) for order, _ in orders))

    def strike(self, fault: str, argument: str | int | None = None, **selectors: Any) -> Active:
        """Add one order: `strike("rate-limit", 2, method="GET", times=1)`. Raises FaultError."""
        [added] = self.order({"fault": fault, "argument": argument, **selectors})
        return added

    def order(self, raw: Any) -> list[Active]:
        """Add orders in the form of `parse`, all or none. Raises FaultError listing every mistake."""
        return self._add(parse(raw, self._operations))

    def _add(self, orders: Iterable[Order]) -> list[Active]:
        added = [Active(next(self._numbers), order) for order in orders]
        with self._lock:
            if len(self._active) + len(added) > MAX_ORDERS:
                raise FaultError([f"at most {MAX_ORDERS} orders can be in force; remove some first"])
            self._active = (*self._active, *added)
        return added

    def remove(self, number: int | None = None) -> bool:
        """Remove one order, or all of them; returns whether it existed."""
        with self._lock:
            before = self._active
            self._active = tuple(active for active in before if number is not None and active.number != number)
        return len(self._active) < len(before)

    def active(self) -> list[Active]:
        """The orders in force, in the order they were set."""
        return list(self._active)

    def reset(self) -> None:
        """Restore the initial orders."""
        self.remove()
        self._add(self._initial)

    def _strikes(self, active: Active, call: Call, operation: str | None) -> bool:
        order = active.order
        if not order.selects(call, operation):
            return False
        with self._lock:
            active.seen += 1
            if active.seen <= order.skip or active.exhausted:
                return False
            if order.probability < 1 and self._parts[0].chance() >= order.probability:
                return False
            active.struck += 1
        return True


def _asked(text: str) -> list[Order]:
    try:
        return from_header(text)
    except FaultError as error:
        raise ApiError("bad_request", detail=str(error), hint="`mockserver faults` lists them") from None


def _name(order: Order) -> str:
    return f"{order.kind.name}={order.argument}" if order.argument else order.kind.name
