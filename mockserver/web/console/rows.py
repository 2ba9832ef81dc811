"""Converts records to rows of tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from mockserver.pages import date, grouped
from mockserver.web.console.records import Records

Shown: TypeAlias = Mapping[str, Any]


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    kind: str = ""
    """Its style: badge, number, mono or soft."""
    leads: tuple[str, str] | None = None
    """Kind and id of the record it links to."""


def _text(shown: Shown, member: str) -> str:
    value = shown.get(member)
    return "" if value is None else str(value)


def _named(shown: Shown, kind: str) -> Cell:
    return Cell(_text(shown, "name") or _text(shown, "id"), leads=(kind, _text(shown, "id")))


def _state(shown: Shown) -> Cell:
    return Cell(_text(shown, "state"), "badge")


def _updated(shown: Shown) -> Cell:
    at_ms = shown.get("updatedAt")
    return Cell(date(at_ms) if isinstance(at_ms, int) else "", "soft")


def object_of(shown: Shown) -> str:
    """The table, path or data set of a source or target connection."""
    params = shown.get("params")
    named = params if isinstance(params, Mapping) else {}
    return str(next((named[key] for key in ("tableName", "path", "dataSetId") if key in named), ""))


def _connection(records: Records, shown: Shown) -> list[Cell]:
    auth = shown.get("auth")
    spec = str(auth.get("specName", "")) if isinstance(auth, Mapping) else ""
    label = Cell(records.label(shown.get("connectionSpec")))
    return [_named(shown, "connections"), label, Cell(spec, "soft"), _state(shown), _updated(shown)]


def _end(kind: str) -> Callable[[Records, Shown], list[Cell]]:
    def cells(records: Records, shown: Shown) -> list[Cell]:
        base = _text(shown, "baseConnectionId")
        over = Cell(base[:8], "mono", ("connections", base)) if base else Cell("none", "soft")
        label = Cell(records.label(shown.get("connectionSpec")))
        return [_named(shown, kind), label, Cell(object_of(shown), "mono"), over, _state(shown), _updated(shown)]

    return cells


def _flow(records: Records, shown: Shown) -> list[Cell]:
    last = shown.get("lastRunDetails")
    latest = Cell(str(last.get("state", "")), "badge", ("runs", str(last.get("id")))) if last else Cell("none", "soft")
    schedule = shown.get("scheduleParams")
    spec = Cell(records.flow_spec(shown.get("flowSpec")))
    return [_named(shown, "flows"), spec, Cell(every(schedule), "soft"), latest, _state(shown), _updated(shown)]


def every(schedule: Any) -> str:
    """Describe a schedule."""
    if not isinstance(schedule, Mapping) or "frequency" not in schedule:
        return "not scheduled"
    frequency, interval = str(schedule["frequency"]), str(schedule.get("interval", ""))
    if frequency == "once" or not interval:
        return frequency
    return f"every {frequency}" if interval == "1" else f"every {interval} {frequency}s"


def _run(records: Records, shown: Shown) -> list[Cell]:
    del records
    run, flow = _text(shown, "id"), _text(shown, "flowId")
    read, failed = records_of(shown)
    return [
        Cell(run[:8], "mono", ("runs", run)),
        Cell(flow[:8], "mono", ("flows", flow)),
        _state(shown),
        Cell(grouped(read), "number"),
        Cell(grouped(failed), "number"),
        Cell(took(shown), "number"),
        _updated(shown),
    ]


def records_of(run: Shown) -> tuple[int, int]:
    """Number of records that a run read, and how many of them failed."""
    summary = _metrics(run).get("recordSummary", {})
    return int(summary.get("inputRecordCount", 0)), int(summary.get("failedRecordCount", 0))


def bytes_of(run: Shown) -> int:
    """Number of bytes that a run read."""
    return int(_metrics(run).get("sizeSummary", {}).get("inputBytes", 0))


def span_of(run: Shown) -> tuple[int, int] | None:
    """Start and end of a run in milliseconds; None if it has not started."""
    summary = _metrics(run).get("durationSummary", {})
    if "startedAtUTC" not in summary:
        return None
    return int(summary["startedAtUTC"]), int(summary.get("completedAtUTC", summary["startedAtUTC"]))


def took(run: Shown) -> str:
    """Duration of a run; empty if unknown."""
    span = span_of(run)
    return "" if span is None or span[0] == span[1] else f"{(span[1] - span[0]) / 1000:.0f} s"


def _metrics(run: Shown) -> Mapping[str, Any]:
    metrics = run.get("metrics")
    return metrics if isinstance(metrics, Mapping) else {}


COLUMNS: Mapping[str, tuple[str, ...]] = {
    "connections": ("name", "connector", "auth spec", "state", "updated, UTC"),
    "sourceConnections": ("name", "connector", "reads", "base connection", "state", "updated, UTC"),
    "targetConnections": ("name", "connector", "writes", "base connection", "state", "updated, UTC"),
    "flows": ("name", "flow spec", "schedule", "latest run", "state", "updated, UTC"),
    "runs": ("run", "flow", "state", "records", "failed", "took", "updated, UTC"),
}
_CELLS: Mapping[str, Callable[[Records, Shown], list[Cell]]] = {
    "connections": _connection,
    "sourceConnections": _end("sourceConnections"),
    "targetConnections": _end("targetConnections"),
    "flows": _flow,
    "runs": _run,
}


def cells(records: Records, kind: str, shown: Shown) -> list[Cell]:
    """The cells of a record, in the order of COLUMNS."""
    return _CELLS[kind](records, shown)
