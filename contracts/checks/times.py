"""Checks of times: milliseconds since 1970, constant creation, increasing update, never backwards."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.findings.causes import Fault
from contracts.findings.verdicts import expect, same
from contracts.registry import Watch, any_kind, check, observe, patched
from contracts.stage import Stage
from contracts.stage.expectations import receipt, replacing
from contracts.stage.kinds import Kind
from contracts.wire import Answer

TIMES = "times of entities"
"""The cause of times that contradict each other, or the etag."""
_TIMES = frozenset({"createdAt", "updatedAt"})
_ETAG = frozenset({"etag"})
_GROUP = re.compile(r"[0-9a-f]{8}0000")
_TOLERANCE = 5
_PRESENT = 5 * 365 * 86_400
"""Seconds from now within which a group of an etag counts as a time: an emulated clock may be ahead."""


@check("time.milliseconds", each=any_kind)
def times_are_in_milliseconds(stage: Stage, kind: Kind) -> None:
    """Times are whole numbers of thirteen digits."""
    item = stage.read(stage.make(kind))
    for member in ("createdAt", "updatedAt"):
        came = item.get(member)
        right = type(came) is int and 10**12 <= came < 10**13
        expect(right, f"{member} is {came!r}, expected milliseconds since 1970 as a whole number")


@check("time.order", each=patched)
def times_do_not_run_backwards(stage: Stage, kind: Kind) -> None:
    """A later entity is not older; a write increases `updatedAt` and keeps `createdAt`."""
    made = stage.make(kind)
    first = stage.read(made)
    receipt(stage.patch(made, replacing("description", "later")))
    written = stage.read(made)
    same(written["createdAt"], first["createdAt"], "createdAt after a write")
    expect(written["updatedAt"] >= first["updatedAt"], "updatedAt went backwards")
    later = stage.read(stage.make(kind))
    expect(later["createdAt"] >= first["createdAt"], "an entity made later was created earlier")
    expect(later["createdAt"] >= written["updatedAt"], "an entity made after a write was created before it")


@observe("time.created-first")
def nothing_is_updated_before_it_is_created(watch: Watch, answer: Answer) -> Fault | None:
    """No entity was updated before it was created."""
    for item in _stamped(answer):
        if item["updatedAt"] < item["createdAt"]:
            message = f"{answer} with updatedAt {item['updatedAt']}, which is before createdAt {item['createdAt']}"
            return Fault(message, TIMES, _TIMES)
    return None


@observe("time.etag-second")
def the_etag_holds_the_second_of_writing(watch: Watch, answer: Answer) -> Fault | None:
    """The last group of an etag is `updatedAt` in hexadecimal seconds, within five."""
    for item in _stamped(answer):
        group = str(item.get("etag")).strip('"').split("-")[-1]
        if "etag" not in item or not _GROUP.fullmatch(group):
            continue  # reported by etag.shape
        second = int(group[:8], 16)
        if abs(second - item["updatedAt"] // 1000) > _TOLERANCE:
            now = int(time.time())
            is_time = second in range(now - _PRESENT, now + _PRESENT)
            message = f"{answer} with an etag whose last group is not the second of updatedAt, {item['updatedAt']}"
            return Fault(message, "time.etag-second", _TIMES if is_time else _ETAG)
    return None


def _stamped(answer: Answer) -> Iterator[Mapping[str, Any]]:
    """The entities of a response whose times are whole numbers: others are reported by answer.schema."""
    for item in answer.entities:
        if all(type(item.get(name)) is int for name in _TIMES):
            yield item
