"""Checks of times: milliseconds since 1970, constant creation, increasing update, never backwards."""

from __future__ import annotations

from contracts.findings.verdicts import expect, same
from contracts.registry import any_kind, check, patched
from contracts.stage import Stage
from contracts.stage.expectations import receipt, replacing
from contracts.stage.kinds import Kind


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


@check("time.etag-second", each=any_kind)
def the_etag_holds_the_second_of_writing(stage: Stage, kind: Kind) -> None:
    """The last group of an etag is `updatedAt` in hexadecimal seconds, within five."""
    item = stage.read(stage.make(kind))
    second = int(str(item["etag"]).strip('"').split("-")[-1][:8], 16)
    expect(abs(second - item["updatedAt"] // 1000) <= 5, "the etag's last group is not the second of updatedAt")
