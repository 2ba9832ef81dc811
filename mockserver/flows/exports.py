"""Flows to destinations: when they run, what a run exports, and its metrics.

An export of data sets follows the flow's schedule; each audience has a schedule of its own. Nothing is really
exported: the sizes of audiences and data sets are synthesised from their ids, so they never change.
Shapes are those of the runs in Adobe's destinations document.
"""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.flows.schedule import ONCE, DueMoments, Schedule, coerced
from mockserver.flows.selectors import selectors
from mockserver.runtime import derived_id
from mockserver.state.records import Doc

PROCESSOR, PUBLISHER = "c4f238e3-7334-4933-8b56-64d7ea43ea54", "51d82b36-6b8f-11eb-9439-0242ac130002"
"""Ids of the two activities, as the document prints them."""

_NAMES = {PROCESSOR: "Activation Batch XdmProcessor Activity", PUBLISHER: "Activation Batch Publisher Activity"}
_FREQUENCIES = {"ONCE": (ONCE, 1), "DAILY": ("day", 1), "CHAINED": ("day", 1)}
_EVERY = re.compile(r"EVERY_([0-9]{1,2})_HOURS")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY_MS = 86_400_000
_BYTES_A_ROW = 96
_ROWS_A_FILE = 1_000_000


@dataclass(frozen=True, slots=True)
class Range:
    """A schedule and the time at which it ends."""

    schedule: Schedule
    end_ms: int | None

    def holds(self, at_ms: int) -> bool:
        """Whether a moment lies in the range."""
        return self.schedule.start_ms <= at_ms and (self.end_ms is None or at_ms <= self.end_ms)


def exports(flow: Mapping[str, Any]) -> bool:
    """Whether the flow's target is a destination."""
    return bool(flow["inheritedAttributes"]["properties"].get("isDestinationFlow"))


def due(
    flow: Mapping[str, Any], last: Mapping[str, int], active_ms: int, until_ms: int
) -> Iterator[tuple[str, DueMoments]]:
    """Each audience, empty for the flow as a whole, and the runs due up to `until_ms`.

    `last`: audience id -> moment of its latest run.
    """
    for audience, span, since_ms in _ranges(flow, active_ms):
        until = until_ms if span.end_ms is None else min(until_ms, span.end_ms)
        yield audience, span.schedule.moments(last.get(audience), since_ms, until)


def scheduled(flow: Mapping[str, Any], audience: str, at_ms: int) -> bool:
    """Whether the flow exports this audience now: it is selected and its schedule, if any, has begun and not ended."""
    value = next((value for value in selectors(flow) if value.get("id") == audience), None)
    if value is None:
        return False
    span = _range(value.get("schedule"))
    return span is None or span.holds(at_ms)


def entities(flow: Mapping[str, Any], source: Mapping[str, Any] | None, audience: str) -> list[str]:
    """What one run exports: an audience, or the data sets of the flow's source."""
    if audience:
        return [f"segment:{audience}"]
    chosen = ((source or {}).get("params") or {}).get("datasets")
    given = chosen if isinstance(chosen, list) else []
    return [f"dataset:{item['dataSetId']}" for item in given if isinstance(item, dict) and "dataSetId" in item]


def rows(entity: str) -> int:
    """Number of records of an audience or a data set, synthesised from its id."""
    return 1_000 + int(derived_id(entity)[:8], 16) % 99_000


def load(found: list[str]) -> tuple[int, int, int]:
    """Records, bytes and files of one run."""
    count = sum(rows(entity) for entity in found)
    return count, count * _BYTES_A_ROW, -(-count // _ROWS_A_FILE)


def reported(run: Doc, start: int, copied: int, end: int) -> dict[str, Any]:
    """`metrics` and `activities` of a finished run."""
    counted = {entity: rows(entity) for entity in run["entities"]}
    count, size, files = load(run["entities"])
    read = {"inputRecordCount": count, "skippedRecordCount": 0}
    written = {"createdRecordCount": count, "outputRecordCount": count}
    summaries = {
        "sourceSummaries": [
            {
                "id": run["sourceConnectionIds"][0],
                **read,
                "entitySummaries": [
                    {"id": name, "inputRecordCount": each, "skippedRecordCount": 0} for name, each in counted.items()
                ],
            }
        ],
        "targetSummaries": [
            {
                "id": run["targetConnectionIds"][0],
                **written,
                "entitySummaries": [
                    {"id": name, "createdRecordCount": each, "outputRecordCount": each}
                    for name, each in counted.items()
                ],
            }
        ],
    }
    sizes = {"inputBytes": size, "outputBytes": size}
    numbers = {**read, **written}
    in_and_out = {"inputFileCount": files, "outputFileCount": files}
    metrics = {
        "durationSummary": {"startedAtUTC": start, "completedAtUTC": end},
        "sizeSummary": sizes,
        "recordSummary": {**numbers, **summaries},
        "fileSummary": in_and_out,
        "statusSummary": {"status": "success", "activityRefs": [PROCESSOR]},
    }
    activities = [
        _activity(PROCESSOR, start, copied, sizes, numbers, in_and_out),
        _activity(PUBLISHER, copied, end, {"outputBytes": size}, numbers, {"outputFileCount": files}),
    ]
    return {"metrics": metrics, "activities": activities}


def begun() -> dict[str, Any]:
    """The first activity, as it looks when a run has just started."""
    return {"id": PROCESSOR, "name": _NAMES[PROCESSOR], "updatedAtUTC": 0}


def _activity(name: str, start: int, end: int, size: Any, record: Any, file: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": _NAMES[name],
        "updatedAtUTC": 0,
        "durationSummary": {"startedAtUTC": start, "completedAtUTC": end},
        "latencySummary": {},
        "sizeSummary": size,
        "recordSummary": record,
        "fileSummary": file,
        "statusSummary": {"status": "success", "extensions": {}},
    }


def _ranges(flow: Mapping[str, Any], active_ms: int) -> Iterator[tuple[str, Range, int]]:
    """Audience id (empty: the whole flow), its schedule, and the moment from which it counts."""
    own = Schedule.of(flow.get("scheduleParams"))
    if own is not None and "timeUnit" in flow["scheduleParams"]:
        end = coerced(flow["scheduleParams"]).get("endTime")
        yield "", Range(own, end * 1000 if type(end) is int else None), active_ms
    for value in selectors(flow):
        span = _range(value.get("schedule"))
        if span is not None and isinstance(value.get("id"), str):
            added = value.get("createTime", "")
            since = int(added) * 1000 if isinstance(added, str) and added.isascii() and added.isdigit() else 0
            yield value["id"], span, max(active_ms, since)


def _range(schedule: Any) -> Range | None:
    """The schedule of an audience. Dates and times are UTC; without a time it starts at midnight (assumed)."""
    if not isinstance(schedule, Mapping):
        return None
    start, frequency = _moment(schedule.get("startDate")), schedule.get("frequency")
    at = _TIME.fullmatch(str(schedule.get("startTime", "00:00")))
    if start is None or at is None or not isinstance(frequency, str):
        return None
    start += (int(at[1]) * 60 + int(at[2])) * 60_000
    hours = _EVERY.fullmatch(frequency)
    unit, interval = ("hour", int(hours[1])) if hours else _FREQUENCIES.get(frequency, ("", 0))
    found = Schedule.of({"startTime": start // 1000, "frequency": unit, "interval": interval})
    end = _moment(schedule.get("endDate"))
    if end is None and frequency == "ONCE":
        end = start
    return None if found is None else Range(found, None if end is None else end + _DAY_MS - 1)


def _moment(day: Any) -> int | None:
    """Midnight (UTC) of a date such as `2022-01-05`."""
    found = _DAY.fullmatch(day) if isinstance(day, str) else None
    if found is None:
        return None
    year, month, of_month = (int(part) for part in found.groups())
    try:
        parsed = time.strptime(f"{year:04}-{month:02}-{of_month:02}", "%Y-%m-%d")
    except ValueError:
        return None
    return calendar.timegm(parsed) * 1000
