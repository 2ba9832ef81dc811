"""The course of one flow run: queued, in progress, finished, with metrics and activities.

The outcome of a run is decided when it is created and stored as a few numbers, from which `reported` derives
the response. Shapes are those of the monitoring tutorial (facts §6.5, §9). Durations, the number
of part files and the split of a failure between the two activities are synthesised and constant for
the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.flows import exports
from mockserver.runtime import derived_id
from mockserver.state.records import Doc

if TYPE_CHECKING:
    from mockserver.sources.files import File
    from mockserver.sources.source import RunRule
    from mockserver.sources.tables import Tabular

SCHEDULED, QUEUED, RUNNING, SUCCESS, FAILED = "scheduled", "queued", "inProgress", "success", "failed"
COPY, PROMOTION = "4f008a00-3a04-11eb-adc1-0242ac120002", "37b34f84-1ada-11eb-adc1-0242ac120002"
"""Ids of the two activities: the same in every documented run."""

_ROWS_A_MS = 20
_ROWS_A_FILE = 10_000
_CONNECTOR = "CONNECTOR"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Span(NamedTuple):
    """The rows a run reads: from `start_ms` (None: from the beginning), up to and excluding `end_ms`."""

    start_ms: int | None
    end_ms: int
    column: str | None = None
    """The delta column; None for files and one-time tables, which are read completely or not at all."""
    whole: bool = True
    """Without a delta column: True to read everything, False if an earlier run already has."""


@dataclass(frozen=True, slots=True)
class Load:
    """Rows and bytes found in the source."""

    rows: int = 0
    bytes: int = 0
    files: int = 0

    @classmethod
    def of(cls, objects: tuple[Tabular | File, ...], span: Span) -> Load:
        """Count rows and bytes. Raises SourceError if the delta column holds no timestamps."""
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


class Course(NamedTuple):
    """When a run starts, finishes copying and ends (milliseconds), and its load. Stored in the run's record."""

    start: int
    copied: int
    end: int
    rows: int
    bytes: int
    files: int
    failing: int
    """Number of rows that fail."""
    code: str | None = None
    """The error code, if the run fails."""
    message: str = ""


def decided(run_id: str, due_ms: int, load: Load, rule: RunRule | None) -> Course:
    """Decide the course of a run. `rule` declares a failure; None means success."""
    dice = int(run_id[:8], 16)
    start = due_ms + 3_000 + dice % 9_000
    copied = start + 20_000 + dice // 7 % 20_000 + load.rows // _ROWS_A_MS
    end = copied + 10_000 + dice // 11 % 15_000
    if rule is None:
        return Course(start, copied, end, load.rows, load.bytes, load.files, 0)
    if rule.status == FAILED and rule.code.startswith(_CONNECTOR):
        end = copied
    failing = rule.failing(load.rows)
    return Course(start, copied, end, load.rows, load.bytes, load.files, failing, rule.code, rule.message)


def broken(course: Course, rule: RunRule) -> Course:
    """The course of a run whose source failed while its rows were being copied."""
    return course._replace(end=course.copied, failing=course.rows, code=rule.code, message=rule.message)


def reported(run: Doc) -> dict[str, Any]:
    """`providerRefId`, `metrics` and `activities` of a run in its current state."""
    ref = f"M-{run['flowId']}-incremental-0:{derived_id(run['id'])}"
    state, course = run["state"], Course(*run["course"])
    if state in (SCHEDULED, QUEUED):
        return {"providerRefId": ref, "metrics": {"statusSummary": {"status": state}}, "activities": []}
    if state == RUNNING:
        metrics = {"durationSummary": {"startedAtUTC": course.start}, "statusSummary": {"status": state}}
        activity = exports.begun() if "entities" in run else _activity(COPY)
        return {"providerRefId": ref, "metrics": metrics, "activities": [{**activity, **metrics}]}
    if "entities" in run:
        return {"providerRefId": ref, **exports.reported(run, course.start, course.copied, course.end)}
    metrics = _metrics(state, course)
    activities = [_copy(run, course)] if _copy_failed(state, course) else [
        _copy(run, course), _promotion(run, course, metrics),
    ]  # fmt: skip
    return {"providerRefId": ref, "metrics": metrics, "activities": activities}


def _copy_failed(state: str, course: Course) -> bool:
    return state == FAILED and course.end == course.copied


def _metrics(state: str, course: Course) -> dict[str, Any]:
    good = course.rows - course.failing
    written = course.bytes * good // course.rows if course.rows else course.bytes
    files = {"inputFileCount": course.files, "outputFileCount": course.files if good else 0}
    return {
        "durationSummary": {"startedAtUTC": course.start, "completedAtUTC": course.end},
        "sizeSummary": {"inputBytes": course.bytes, "outputBytes": written},
        "recordSummary": {
            "inputRecordCount": course.rows,
            "createdRecordCount": good,
            "outputRecordCount": good,
            "failedRecordCount": course.failing,
        },
        "fileSummary": {**files, "activityRefs": [COPY if _copy_failed(state, course) else PROMOTION]},
        "statusSummary": _status(state, course),
    }


def _status(state: str, course: Course) -> dict[str, Any]:
    if course.code is None:
        return {"status": state}
    return {"status": state, "errors": [{"code": course.code, "message": course.message}]}


def _copy(run: Doc, course: Course) -> dict[str, Any]:
    failed = _copy_failed(run["state"], course)
    span = Span(*run["span"])
    window = {"windowEnd": span.end_ms}
    if span.start_ms is not None:
        window = {"windowStart": span.start_ms, **window}
    status = _status(FAILED, course) if failed else {"status": SUCCESS}
    provider = derived_id(run["id"], "copy")
    return {
        **_activity(COPY),
        "durationSummary": {"startedAtUTC": course.start, "completedAtUTC": course.copied, "extensions": window},
        "sizeSummary": {"inputBytes": course.bytes, "outputBytes": 0 if failed else course.bytes},
        "recordSummary": {"inputRecordCount": course.rows, "outputRecordCount": 0 if failed else course.rows},
        "fileSummary": {"inputFileCount": course.files, "outputFileCount": 0 if failed else course.files},
        "statusSummary": {**status, "extensions": {"type": "one-time"}},
        "sourceInfo": [_reference("SourceConnection", run["sourceConnectionIds"][0], "AdfRunId", provider)],
    }


def _promotion(run: Doc, course: Course, metrics: dict[str, Any]) -> dict[str, Any]:
    names = ("inputRecordCount", "outputRecordCount", "failedRecordCount")
    batch = batch_id(run["id"], course.copied)
    return {
        **_activity(PROMOTION),
        "durationSummary": {"startedAtUTC": course.copied, "completedAtUTC": course.end},
        "sizeSummary": metrics["sizeSummary"],
        "recordSummary": {name: metrics["recordSummary"][name] for name in names},
        "fileSummary": {name: metrics["fileSummary"][name] for name in ("inputFileCount", "outputFileCount")},
        "statusSummary": {**metrics["statusSummary"], "extensions": {"type": "one-time"}},
        "targetInfo": [_reference("TargetConnection", run["targetConnectionIds"][0], "Batch", batch)],
    }


def _activity(activity_id: str) -> dict[str, Any]:
    name = "Copy Activity" if activity_id == COPY else "Promotion Activity"
    return {"id": activity_id, "name": name, "updatedAtUTC": 0}


def _reference(kind: str, entity_id: str, type_: str, ref: str) -> dict[str, Any]:
    """The reference of an activity: its connection and the provider's run or batch id."""
    return {"id": entity_id, "type": kind, "reference": {"type": type_, "ids": [ref]}}


def batch_id(run_id: str, at_ms: int) -> str:
    """A batch id: a ULID (26 characters) of a moment and 80 bits of the run's id."""
    bits = at_ms << 80 | int(run_id.replace("-", "")[:20], 16)
    return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(125, -1, -5))
