"""What a source refuses, and the connector's own words for it.

The connector layer has a catalogue of its own (codes 1300 to 1404). On the wire its texts come inside
Flow Service's general refusal, FLOW-1100-400, after "Error from flow provider:" (facts §8.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.errors import ApiError, Refusal
from mockserver.exchange import Result

_CLIP = 60

CONNECTOR: dict[str, tuple[str, str]] = {
    "unreachable": ("1308-400", "the source cannot be reached at the address given"),
    "credentials": ("1308-400", "the source refuses the user name or password given"),
    "elsewhere": (
        "1308-400",
        "the stored password was given for another server, port, database or user name than it now stands by",
    ),
    "denied": ("1308-400", "the source denies this user access to what was asked for"),
    "broken": ("1308-400", "the source failed while it was read"),
    "value": ("1312-400", "the query parameter {name} takes {expected}"),
    "misplaced": ("1312-400", "the query parameter {name} does not go with objectType {expected}"),
    "one_id": ("1321-400", "{name} must hold one id"),
    "table": ("1330-400", "no columns were found for table '{name}'"),
    "empty": ("1334-400", "the query parameter {name} is empty"),
    "explore": ("1336-400", "explore is not supported for the connection spec {name}"),
    "object": ("1337-400", "the query parameter object is empty for objectType {name}"),
    "filter_invalid": ("1349-400", "the filter is invalid: it needs {name}"),
    "filter_operator_missing": ("1350-400", "the filter has a condition without fnName"),
    "filter_operator": ("1351-400", "the operator '{name}' is not supported in filters"),
    "filters": ("1353-400", "filter at source is not supported for {name}"),
    "filter_type": ("1355-400", "the filter's type is not PQL"),
    "filter_format": ("1356-400", "the filter's format is not pql/json"),
    "filter_empty": ("1357-400", "the filter has no value"),
    "object_type": ("1358-400", "the objectType is invalid: {name} takes {expected}"),
    "missing": ("1359-400", "the query parameter {name} is missing"),
    "start_passed": ("1366-400", "the start time has passed and cannot change"),
    "delta_missing": ("1367-400", "the Copy transformation needs a deltaColumn, unless the flow runs once"),
    "delta_with_once": ("1369-400", "a flow that runs once takes no deltaColumn"),
    "mapping_missing": ("1370-400", "the Mapping transformation is missing"),
    "filter_null": ("1377-400", "the filter compares with null: use isNull"),
    "filter_column": ("1378-400", "the filter names '{name}', which is no column of the table"),
    "filter_value": ("1379-400", "the filter compares a column with a value of another type"),
    "window_reversed": ("1381-400", "windowEndTime lies before windowStartTime"),
    "delta_differs": ("1382-400", "the deltaColumn differs from the one of the flow's runs so far"),
    "delta_of_run_missing": ("1383-400", "the params of the run need a deltaColumn"),
    "run_params": ("1384-400", "the params of the run are invalid: {name} takes {expected}"),
    "run_connector": ("1385-400", "flows of this flow spec have no runs on demand"),
    "run_frequency": ("1386-400", "runs are created for flows that run once only"),
    "run_state": ("1387-400", "a run is triggered again only when it failed or brought no records"),
    "run_of_idle_flow": ("1388-400", "the flow is not enabled, so its runs are not triggered again"),
    "filter_unreadable": ("1389-400", "the filter is not JSON in Base64"),
    "filter_not": ("1390-400", "not takes one condition"),
    "format": ("1396-400", "the file '{name}' is not {expected}"),
    "operation": ("1398-400", "{expected} is not supported for the connection spec {name}"),
    "once_too_late": ("1403-400", "the start time has passed: the frequency cannot become once"),
    "backfill_passed": ("1404-400", "the start time has passed: backfill cannot change"),
}
"""Key -> the connector's code (Adobe's) and message (our words). 1308 passes on what the copy engine says."""

HINTS: dict[str, str] = {
    "unreachable": "this server's sources file declares it out of reach",
    "credentials": "this server's sources file declares what is accepted",
    "elsewhere": "send the password again, in the same patch as the change",
    "table": "objectType=root lists the tables",
    "explore": "a stream has nothing to look into",
}
"""Key -> what helps: ours, in `report.hint`."""


class SourceError(ApiError):
    """A refusal by what stands behind a connection: a key of `ERRORS`, the connector's message, perhaps a hint."""

    def __init__(self, key: str, message: str, hint: str | None = None, pointer: str | None = None) -> None:
        super().__init__(key, message=message, hint=hint, pointer=pointer)
        self.message = message
        self.hint = hint


class SourceBusy(Refusal):
    """As many live sources are being read as may be at a time. No `ApiError`: it decides nothing about the source."""

    def result(self, request_id: str, quirks: Mapping[str, str]) -> Result:
        """503 with a time to come back."""
        hint = "too many live sources are being read at this moment"
        return ApiError("unavailable", headers=(("Retry-After", "1"),), hint=hint).result(request_id, quirks)


def refusal(
    key: str, name: str = "", expected: str = "", *, pointer: str | None = None, hint: str | None = None
) -> SourceError:
    """A row of `CONNECTOR` as the service passes it on. `name` may be the client's: it is clipped."""
    code, message = CONNECTOR[key]
    text = f"{message.format(name=clipped(name), expected=expected)} ({code})"
    return SourceError("rejected", text, hint or HINTS.get(key), pointer)


def absent(what: str, path: str) -> SourceError:
    """A file or folder that is not there: FLOW-1101-404."""
    return SourceError(
        "source_object_missing", f"there is no {what} '{clipped(path)}'", "objectType=root lists files and folders"
    )


def clipped(text: str) -> str:
    """A client's text, fit for a message: printable and short."""
    return "".join(character for character in text[: 4 * _CLIP] if character.isprintable())[:_CLIP]
