"""Derives the quirks of the emulator from a recording."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mockserver.quirks import QUIRKS
from mockserver.recordings.observers import NOT_OBSERVABLE, OBSERVERS
from mockserver.recordings.recording import Recording

Finding: TypeAlias = Literal["observed", "not observed", "contradictory", "not observable"]


@dataclass(frozen=True, slots=True)
class Observed:
    """The evidence in a recording for one quirk."""

    quirk: str
    finding: Finding
    seen: Mapping[str, tuple[int, ...]]
    """Value -> the exchanges that show it."""

    @property
    def value(self) -> str | None:
        """The observed value, if there is exactly one."""
        return next(iter(self.seen)) if self.finding == "observed" else None

    def __str__(self) -> str:
        default = QUIRKS[self.quirk].default
        if self.finding == "not observable":
            return NOT_OBSERVABLE[self.quirk]
        if self.finding == "not observed":
            return f"default {default}"
        shown = " · ".join(f"{value} in exchange {_list(numbers)}" for value, numbers in self.seen.items())
        return f"contradictory, not changed: {shown}" if len(self.seen) > 1 else shown


def observe(recording: Recording) -> list[Observed]:
    """The evidence for every quirk, in the order of the table."""
    return [_observed(quirk, recording) for quirk in QUIRKS]


def _observed(quirk: str, recording: Recording) -> Observed:
    observer = OBSERVERS.get(quirk)
    if observer is None:
        return Observed(quirk, "not observable", {})
    numbers: dict[str, list[int]] = {}
    for exchange in recording.exchanges:
        value = observer(exchange)
        if value is not None:
            numbers.setdefault(value, []).append(exchange.number)
    seen = {value: tuple(found) for value, found in numbers.items()}
    finding: Finding = "contradictory" if len(seen) > 1 else "observed" if seen else "not observed"
    return Observed(quirk, finding, seen)


def chosen(found: list[Observed]) -> dict[str, str]:
    """Quirk -> observed value, including defaults."""
    return {one.quirk: one.value for one in found if one.value is not None}


def fragment(found: list[Observed]) -> str:
    """Lines for `mockserver.toml`."""
    rows = [
        f"{one.quirk} = {json.dumps(one.value)}  # exchange {_list(one.seen[one.value])}"
        for one in found
        if one.value is not None
    ]
    return "\n".join(["[quirk]", *rows, ""])


def _list(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"{shown} and {len(numbers) - 5} more" if len(numbers) > 5 else shown
