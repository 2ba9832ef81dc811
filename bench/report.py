"""Formats a run: tables for people, JSON for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from bench.load import Figures
from bench.measure import FigureRow, Judged, LoadOutcome, Memory
from bench.peers import report as peers_report

_MIB = 1024 * 1024


def table(outcome: LoadOutcome) -> str:
    """The run as text of at most 120 columns."""
    plan = outcome.plan
    fewest, *more = (f"{number:,}" for number in plan.stored)
    rates, ratios = "".join(f"{'ours,':>9}" for _ in plan.stored), "".join(f"{one:>9}" for one in (fewest, *more))
    lines = [
        f"Mock Flow Service {outcome.version} next to a bare Flask application, both under {outcome.http_server}",
        f"{outcome.python}, {outcome.cores} cores; load by {outcome.generator} on the same machine",
        f"Requests per second and ms, medians of {plan.rounds} x {plan.seconds:g} s, taken in turn",
        "",
        f"{'':<16}{'at a':>5}{'bare':>8}{rates}{'ours /':>8}"
        + "".join(f"{one + ' /':>10}" for one in more)
        + f"{'p50':>8}{'p99':>8}{'µs CPU':>8}{'µs CPU':>8}",
        f"{'':<16}{'time':>5}{'Flask':>8}{ratios}{'bare':>8}"
        + "".join(f"{fewest:>10}" for _ in more)
        + f"{'ours':>8}{'ours':>8}{'bare':>8}{'ours':>8}",
        *map(_line, outcome.rows),
        "",
        f"start to first answer  ours {outcome.start:.2f} s, bare {outcome.start_bare:.2f} s,"
        f" ratio {outcome.start / outcome.start_bare:.2f}",
    ]
    lines += [
        "",
        f"{'Journal':<16}{'at a':>5} {'off':>8} {'on':>8} {'on /':>7} {'µs CPU':>7} {'µs CPU':>7}",
        f"{'':<16}{'time':>5} {'':>8} {'':>8} {'off':>7} {'off':>7} {'on':>7}",
        *map(_judged, outcome.judged),
        "",
    ]
    if outcome.memory:
        lines += _memory(outcome.memory)
    lines += [*_durable(outcome.durable), "", *peers_report.tables(outcome.peers, plan)]
    return "\n".join(lines)


def _line(row: FigureRow) -> str:
    fewest = row.ours[0]
    wrong = row.bare.wrong + sum(one.wrong for one in row.ours)
    return (
        f"{row.load:<16}{row.connections:>5}{row.bare.per_second:>8,.0f}"
        + "".join(f"{one.per_second:>9,.0f}" for one in row.ours)
        + f"{row.to_bare:>8.2f}"
        + "".join(f"{one:>10.2f}" for one in row.to_fewest)
        + f"{fewest.p50_ms:>8.2f}{fewest.p99_ms:>8.2f}{row.bare.cpu_us:>8,.0f}{fewest.cpu_us:>8,.0f}"
        + (f"  {wrong} wrong answers" if wrong else "")
    )


def _judged(row: Judged) -> str:
    return (
        f"{row.load:<16}{row.connections:>5} {row.off.per_second:>8,.0f} {row.on.per_second:>8,.0f}"
        f" {row.on_to_off:>7.2f} {row.off.cpu_us:>7,.0f} {row.on.cpu_us:>7,.0f}"
        + (f"  {row.wrong} wrong answers" if row.wrong else "")
    )


def _memory(memory: Memory) -> list[str]:
    ours = ", ".join(
        f"{size / _MIB:.0f} MiB with {number:,}" for size, number in zip(memory.ours, memory.stored, strict=True)
    )
    return [
        f"memory after load      ours {ours} connections;",
        f"  ({memory.kind})                bare {memory.bare / _MIB:.0f} MiB; one more connection takes"
        f" {memory.each / 1024:.2f} KiB",
    ]


def _durable(rows: tuple[tuple[int, Figures], ...]) -> Iterator[str]:
    for connections, seen in rows:
        wrong = f"  {seen.wrong} wrong answers" if seen.wrong else ""
        yield (
            f"on disk, POST valid    {connections:>2} at a time: {seen.per_second:,.0f} a second,"
            f" p50 {seen.p50_ms:.1f} ms, p99 {seen.p99_ms:.1f} ms{wrong}"
        )


def as_json(outcome: LoadOutcome) -> dict[str, Any]:
    """The run as JSON: the fields of `LoadOutcome`."""
    shown = dataclasses.asdict(outcome)
    if outcome.memory:
        shown["memory"]["each"] = outcome.memory.each
    return shown
