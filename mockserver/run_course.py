"""How one flow run goes: from queued over in progress to its end, with metrics and activities.

Shapes are those of the monitoring tutorial (facts §6.5, §9); durations, the number of part files and
the split of a failure between the two activities are made up, always the same for the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.records import Doc
from mockserver.runtime import derived_id

if TYPE_CHECKING:
    from mockserver.sources.files import File
    from mockserver.sources.source import RunRule
    from mockserver.sources.tables import Table

QUEUED, SCHEDULED, RUNNING, SUCCESS, FAILED = "queued", "scheduled", "inProgress", "success", "failed"
COPY, PROMOTION = "4f008a00-3a04-11eb-adc1-0242ac120002", "37b34f84-1ada-11eb-adc1-0242ac120002"
"""Ids of the two activities: the same in every documented run."""

_ROWS_A_MS = 20
_ROWS_A_FILE = 10_000
_CONNECTOR = "CONNECTOR"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Span:
    """What a run reads: rows from `start_ms` (None: from the beginning) up to, not at, `end_ms`."""

    start_ms: int | None
    end_ms: int
    column: str | None = None
    """The column that places rows in time; None: files or a one-time table, which are read whole or not at all."""
    whole: bool = True
    """Without a column: whether everything is read or, because an earlier run has, nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What was found there."""

    rows: int = 0
    bytes: int = 0
    files: int = 0

    @classmethod
    def of(cls, objects: tuple[Table | File, ...], span: Span) -> Load:
        """Count it. Raises SourceError when the column holds no moments."""
        from mockserver.sources.files import File

        if span.column is None:
            found = objects if span.whole else ()
            rows, size = sum(item.row_count for item in found), sum(item.byte_count for item in found)
        else:
            windows = [item.window(span.column, span.start_ms, span.end_ms) for item in objects]
            rows, size = sum(window.rows for window in windows), sum(window.bytes for window in windows)
            found = objects if rows else ()
        stored = all(isinstance(item, File) for item in found)
        return cls(rows, size, len(found) if stored else -(-rows // _ROWS_A_FILE))


@dataclass(frozen=True, slots=True)
class Run:
    """One run, decided in full when it is made: what its readers see of it depends on the clock."""

    members: Doc
    """What stays the same: id, who and where, flow, provider's reference, params."""
    due_ms: int
    source_id: str
    target_id: str
    """The connections at its ends."""
    made_ms: int
    """When it was asked for; a schedule's runs are made when they are due."""
    span: Span
    load: Load
    rule: RunRule | None
    """How it ends; None: well."""
    partial: str
    """The status of a run of which some rows failed (quirk `partial-run-status`)."""

    def phases(self, now_ms: int) -> list[Doc]:
        """The record in the state it is in now, or is made in, and in each that it has ahead.

        `updatedAt` says from when on it is in that one.
        """
        dice = int(self._id[:8], 16)
        start = self.due_ms + 3_000 + dice % 9_000
        copied = start + 20_000 + dice // 7 % 20_000 + self.load.rows // _ROWS_A_MS
        end = copied + (0 if self._copy_failed else 10_000 + dice // 11 % 15_000)
        course: list[tuple[int, Callable[[], Doc]]] = [
            (self.due_ms, lambda: self._waiting(QUEUED, self.due_ms)),
            (start, lambda: self._running(start)),
            (end, lambda: self._ended(start, copied, end)),
        ]
        if self.made_ms < self.due_ms:
            course.insert(0, (self.made_ms, lambda: self._waiting(SCHEDULED, self.made_ms)))
        passed = sum(at <= now_ms for at, _ in course)
        return [state() for _, state in course[max(passed, 1) - 1 :]]

    @property
    def _id(self) -> str:
        return str(self.members["id"])

    @property
    def _copy_failed(self) -> bool:
        return self.rule is not None and self._status == FAILED and self.rule.code.startswith(_CONNECTOR)

    @property
    def _status(self) -> str:
        if self.rule is None:
            return SUCCESS
        return FAILED if self.rule.status == FAILED else self.partial

    def _record(self, state: str, at_ms: int, metrics: dict[str, Any], activities: list[Any]) -> Doc:
        times = {"createdAt": self.made_ms, "updatedAt": at_ms}
        return {**self.members, **times, "state": state, "metrics": metrics, "activities": activities}

    def _waiting(self, state: str, at_ms: int) -> Doc:
        return self._record(state, at_ms, {"statusSummary": {"status": state}}, [])

    def _running(self, start: int) -> Doc:
        duration, status = {"startedAtUTC": start}, {"status": RUNNING}
        copy = {**_activity(COPY, "Copy Activity"), "durationSummary": duration, "statusSummary": status}
        return self._record(RUNNING, start, {"durationSummary": duration, "statusSummary": status}, [copy])

    def _ended(self, start: int, copied: int, end: int) -> Doc:
        load, failing = self.load, self.rule.failing(self.load.rows) if self.rule else 0
        good = load.rows - failing
        written = load.bytes * good // load.rows if load.rows else load.bytes
        files_out = load.files if good else 0
        last = COPY if self._copy_failed else PROMOTION
        metrics = {
            "durationSummary": {"startedAtUTC": start, "completedAtUTC": end},
            "sizeSummary": {"inputBytes": load.bytes, "outputBytes": written},
            "recordSummary": {
                "inputRecordCount": load.rows,
                "createdRecordCount": good,
                "outputRecordCount": good,
                "failedRecordCount": failing,
            },
            "fileSummary": {"inputFileCount": load.files, "outputFileCount": files_out, "activityRefs": [last]},
            "statusSummary": self._summary(self._status),
        }
        activities = [self._copy(start, copied)]
        if not self._copy_failed:
            activities.append(self._promotion(copied, end, metrics))
        return self._record(self._status, end, metrics, activities)

    def _copy(self, start: int, end: int) -> dict[str, Any]:
        load, out = self.load, Load() if self._copy_failed else self.load
        window = {"windowEnd": self.span.end_ms}
        if self.span.start_ms is not None:
            window = {"windowStart": self.span.start_ms, **window}
        status = self._summary(FAILED) if self._copy_failed else {"status": SUCCESS}
        return {
            **_activity(COPY, "Copy Activity"),
            "durationSummary": {"startedAtUTC": start, "completedAtUTC": end, "extensions": window},
            "sizeSummary": {"inputBytes": load.bytes, "outputBytes": out.bytes},
            "recordSummary": {"inputRecordCount": load.rows, "outputRecordCount": out.rows},
            "fileSummary": {"inputFileCount": load.files, "outputFileCount": out.files},
            "statusSummary": {**status, "extensions": {"type": "one-time"}},
            "sourceInfo": [_reference("SourceConnection", self.source_id, "AdfRunId", derived_id(self._id, "copy"))],
        }

    def _promotion(self, start: int, end: int, metrics: Mapping[str, Any]) -> dict[str, Any]:
        counts = metrics["recordSummary"]
        names = ("inputRecordCount", "outputRecordCount", "failedRecordCount")
        files = {name: count for name, count in metrics["fileSummary"].items() if name != "activityRefs"}
        return {
            **_activity(PROMOTION, "Promotion Activity"),
            "durationSummary": {"startedAtUTC": start, "completedAtUTC": end},
            "sizeSummary": metrics["sizeSummary"],
            "recordSummary": {name: counts[name] for name in names},
            "fileSummary": files,
            "statusSummary": {**self._summary(self._status), "extensions": {"type": "one-time"}},
            "targetInfo": [_reference("TargetConnection", self.target_id, "Batch", _batch_id(self._id, start))],
        }

    def _summary(self, status: str) -> dict[str, Any]:
        if self.rule is None:
            return {"status": status}
        return {"status": status, "errors": [{"code": self.rule.code, "message": self.rule.message}]}


def _reference(kind: str, entity_id: str, type_: str, ref: str) -> dict[str, Any]:
    """Where an activity read or wrote: the connection, and the provider's own run or batch."""
    return {"id": entity_id, "type": kind, "reference": {"type": type_, "ids": [ref]}}


def _activity(activity_id: str, name: str) -> dict[str, Any]:
    return {"id": activity_id, "name": name, "updatedAtUTC": 0}


def _batch_id(run_id: str, at_ms: int) -> str:
    """A batch's id is a ULID: a moment and 80 bits, here the run's, in 26 characters."""
    bits = at_ms << 80 | int(run_id.replace("-", "")[:20], 16)
    return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(125, -1, -5))
