"""Trial whether steps or times distinguish an id of another tenant from an unknown id."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import groupby
from statistics import median
from typing import Any

from tests.calls import HEADERS
from tests.security.estate import Estate
from tests.torture.trial import Outcome, Say, trial

ABSENT = "00000000-0000-4000-8000-000000000000"
ELSEWHERE = {"x-sandbox-name": "dev"}
_FEW = 100
"""Minimum requests to compare times on a busy machine; steps are always compared."""

MAX_APART = 0.1
"""Tolerance of medians as a fraction, and of the probability that a foreign id takes longer, from one half."""


@trial("oracles", "a foreign id takes the same steps and time as an unknown one", full=10_000, short=20)
def oracles(count: int, say: Say) -> Outcome:
    """Call every operation on one entity alternately with an id of another sandbox and an unknown id."""
    outcome, estate, apart = Outcome(), Estate(), 0.0
    operations = _on_one(estate)
    for name in operations:
        foreign, absent = _asker(estate, name, None), _asker(estate, name, ABSENT)
        outcome.demand(foreign() == absent(), f"{name} answers otherwise")
        estate.emulator.journal.clear()  # a full journal evicts entries at any request
        outcome.demand(_steps(foreign) == _steps(absent), f"{name} takes other steps")
        times: tuple[list[int], list[int]] = ([], [])
        for number in range(count):
            for which in (number % 2, 1 - number % 2):
                began = time.perf_counter_ns()
                (foreign, absent)[which]()
                times[which].append(time.perf_counter_ns() - began)
        if count >= _FEW:
            chance, medians = _chance(*times), [median(part) for part in times]
            ratio = abs(medians[0] / medians[1] - 1)
            apart = max(apart, ratio)
            say(f"{name}: the foreign one takes longer with a chance of {chance:.3f}, medians {ratio:.1%} apart")
            outcome.demand(abs(chance - 0.5) < MAX_APART, f"{name}: {chance:.3f} of the foreign ones take longer")
            outcome.demand(ratio < MAX_APART, f"{name}: medians {ratio:.1%} apart")
    outcome.figures = {"operations": len(operations), "calls of each kind to each": count}
    if count >= _FEW:
        outcome.figures["% that medians are apart at most"] = round(apart * 100, 1)
    return outcome


def _on_one(estate: Estate) -> list[str]:
    known = estate.emulator.contract.operations.items()
    return sorted(name for name, row in known if row.segments[0] in estate.ids and "{" in "".join(row.segments[1:2]))


def _asker(estate: Estate, name: str, entity_id: str | None) -> Callable[[], str]:
    """Calls an operation from another sandbox; returns the response without ids."""
    operation = estate.emulator.contract.operations[name]
    own = estate.ids[operation.segments[0]]
    path = f"{estate.path(operation, entity_id)}?{estate.query(operation)}"
    body, headers = estate.example(name), {**HEADERS, "if-match": estate.etag(operation), **ELSEWHERE}

    def ask() -> str:
        result = estate.handle(operation.method, path, body, headers=headers)
        return json.dumps([result.status, result.body]).replace(entity_id or own, "ID")

    return ask


def _steps(act: Callable[[], Any]) -> list[tuple[str, int]]:
    """The functions called by a request, in order, with repetitions counted."""
    came: list[str] = []

    def note(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and "mockserver" in frame.f_code.co_filename:
            came.append(f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}")

    act()  # create now what is created once
    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(before)
    return [(name, len(list(times))) for name, times in groupby(came)]


def _chance(left: list[int], right: list[int]) -> float:
    """The probability that one of the left is greater than one of the right (Mann and Whitney)."""
    ranked = sorted([(value, 1) for value in left] + [(value, 0) for value in right])
    below, wins = 0.0, 0.0
    for _, group in groupby(ranked, key=lambda pair: pair[0]):
        sides = [side for _, side in group]
        rights = sides.count(0)
        wins += sides.count(1) * (below + rights / 2)
        below += rights
    return wins / (len(left) * len(right))
