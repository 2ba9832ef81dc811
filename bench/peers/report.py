"""Formats the comparison: a table for each load, and what each tool checks."""

from __future__ import annotations

from collections.abc import Iterator

from bench.peers.race import PeerAnswer, Race, Standing
from bench.plan import Plan

_MIB = 1024 * 1024
_HOW_TO = "Other tools were not measured. Install them by `make peers` and repeat `make bench`."


def tables(race: Race, plan: Plan) -> list[str]:
    """Lines of text, of at most 120 columns."""
    absent = [f"not measured: {name}: {' '.join(reason.split())[:300]}" for name, reason in race.absent]
    if not race.standings:
        return absent or [_HOW_TO]
    loads = tuple(dict.fromkeys(seen.load for one in race.standings for seen in one.seen))
    lines = [
        f"Beside other tools, medians of {plan.peer_rounds} x {plan.seconds:g} s, taken in turn, all of them up",
    ]
    for load in loads:
        lines += ["", *_load(load, race.standings, plan)]
    return [*lines, "", *_checks(race.standings), *absent]


def _load(load: str, standings: tuple[Standing, ...], plan: Plan) -> Iterator[str]:
    counts = [count for count in plan.connections if any(standing.at(load, count) for standing in standings)]
    yield f"{load:<16}" + "".join(f"{f'{count} at a time':^41}" for count in counts).rstrip()
    yield f"{'':<16}" + f"{'a second':>10}{'ours/it':>8}{'p50':>8}{'p99':>8}{'µs CPU':>7}" * len(counts)
    for standing in standings:
        found = [seen for seen in (standing.at(load, count) for count in counts) if seen]
        if found:
            yield f"{standing.name:<16}" + "".join(map(_cell, found)) + _remark(found)


def _cell(seen: PeerAnswer) -> str:
    one = seen.figures
    return f"{one.per_second:>10,.0f}{seen.ours:>8.2f}{one.p50_ms:>8.2f}{one.p99_ms:>8.2f}{one.cpu_us:>7,.0f}"


def _remark(found: list[PeerAnswer]) -> str:
    wrong = sum(seen.figures.wrong for seen in found)
    return (f"  {found[0].status}: not refused" if passes(found[0]) else "") + (f"  {wrong} failed" if wrong else "")


def passes(seen: PeerAnswer) -> bool:
    """Whether the invalid request was accepted."""
    return seen.load == "POST wrong type" and seen.status < 400


def _checks(standings: tuple[Standing, ...]) -> Iterator[str]:
    yield (
        f"{'':<16}{'':>8}{'start':>8}{'memory, MiB':>14}{'wrong':>8}{'invalid':>9}{'unknown':>9}{'stale':>7}"
        "  what was created"
    )
    yield f"{'':<16}{'':>8}{'s':>8}{'start':>7}{'load':>7}{'type':>8}{'params':>9}{'id':>9}{'etag':>7}  can be read"
    for one in standings:
        checks = one.checks
        seen = (checks.wrong_type, checks.invalid, checks.unknown_id, checks.stale_etag) if checks else (None,) * 4
        wide = zip(seen, (8, 9, 9, 7), strict=True)
        kept = ("yes" if checks.kept else "no") if checks else "-"
        yield (
            f"{one.name:<16}{one.version:>8}{one.start:>8.2f}{one.memory_before / _MIB:>7.0f}"
            f"{one.memory_after / _MIB:>7.0f}"
            + "".join(f"{status or '-':>{width}}" for status, width in wide)
            + f"  {kept:<5} {one.kind}"
        )
