"""Errors reported by a source through its connector.

The connector layer has its own catalogue (codes 1300 to 1404). On the wire its texts arrive inside
FLOW-1100-400, after "Error from flow provider:" (facts §8.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.errors import ApiError, Refusal
from mockserver.exchange import Result
from mockserver.secrecy import described, places

_CLIP = 60

CONNECTOR: dict[str, tuple[str, str]] = {
    "unreachable": ("1308-400", "the source cannot be reached at this address"),
    "credentials": ("1308-400", "the source refuses this user name or password"),
    "elsewhere": (
        "1308-400",
        "the stored password belongs to another server, port, database or user name",
    ),
    "masked": ("1308-400", "the stored credentials are masked"),
    "denied": ("1308-400", "the source does not allow this user to read the object"),
    "broken": ("1308-400", "the source failed while it was read"),
    "value": ("1312-400", "the query parameter {name} is not valid: expected {expected}"),
    "misplaced": ("1312-400", "the query parameter {name} cannot be used with objectType {expected}"),
    "one_id": ("1321-400", "{name} must contain exactly one ID"),
    "table": ("1330-400", "no columns were found for table '{name}'"),
    "empty": ("1334-400", "the query parameter {name} is empty"),
    "explore": ("1336-400", "explore is not supported for the connection spec {name}"),
    "object": ("1337-400", "objectType {name} needs the query parameter object"),
    "filter_invalid": ("1349-400", "the filter is not valid: expected {name}"),
    "filter_operator_missing": ("1350-400", "a condition of the filter has no fnName"),
    "filter_operator": ("1351-400", "the operator '{name}' is not supported in filters"),
    "filters": ("1353-400", "filtering rows is not supported for {name}"),
    "filter_type": ("1355-400", "the filter's type is not PQL"),
    "filter_format": ("1356-400", "the filter's format is not pql/json"),
    "filter_empty": ("1357-400", "the filter has no value"),
    "object_type": ("1358-400", "the objectType is not valid: {name} supports {expected}"),
    "missing": ("1359-400", "the query parameter {name} is missing"),
    "determine_with": ("1359-400", "determineProperties=true finds the file's properties itself; also sent: {name}"),
    "start_passed": ("1366-400", "the start time has passed, so it cannot change"),
    "delta_missing": ("1367-400", "the Copy transformation needs a deltaColumn, unless the flow runs once"),
    "delta_with_once": ("1369-400", "a flow that runs once cannot have a deltaColumn"),
    "mapping_missing": ("1370-400", "the Mapping transformation is missing"),
    "filter_null": ("1377-400", "the filter compares with null; use isNull instead"),
    "filter_column": ("1378-400", "the filter uses '{name}', but the table has no such column"),
    "filter_value": ("1379-400", "the filter compares a column with a value of a different type"),
    "window_reversed": ("1381-400", "windowEndTime is before windowStartTime"),
    "delta_differs": ("1382-400", "the deltaColumn differs from that of earlier runs of the flow"),
    "delta_of_run_missing": ("1383-400", "the params of the run have no deltaColumn"),
    "run_params": ("1384-400", "the params of the run are not valid: {name}: expected {expected}"),
    "run_connector": ("1385-400", "flows of this flow spec cannot be run on demand"),
    "run_frequency": ("1386-400", "a run can be created only for a flow with frequency once"),
    "run_state": ("1387-400", "a run can be triggered again only if it failed or read no records"),
    "run_of_idle_flow": ("1388-400", "the flow is not enabled, so its runs cannot be triggered again"),
    "filter_unreadable": ("1389-400", "the filter is not JSON in Base64"),
    "filter_not": ("1390-400", "not needs exactly one condition"),
    "format": ("1396-400", "the file '{name}' is not {expected}"),
    "operation": ("1398-400", "{expected} is not supported for the connection spec {name}"),
    "once_too_late": ("1403-400", "the start time has passed, so the frequency cannot change to once"),
    "backfill_passed": ("1404-400", "the start time has passed, so backfill cannot change"),
}
"""Key -> the connector's code (Adobe's) and message (ours). 1308 passes on an error of the copy engine."""

HINTS: dict[str, str] = {
    "unreachable": "the sources file of this server declares the source unreachable",
    "credentials": "the sources file of this server declares which credentials it accepts",
    "masked": "they came from a masked export, or the client sent a mask: patch auth.params with the credentials",
    "elsewhere": "send the password again in the same patch that changes the server",
    "table": "objectType=root lists the tables",
    "explore": "a streaming source has nothing to explore",
}
"""Key -> advice, shown in `report.hint` (an addition of the emulator)."""


class SourceError(ApiError):
    """An error of the source behind a connection: a key of `ERRORS`, the connector's message, optionally a hint."""

    def __init__(
        self, key: str, message: str, hint: str | None = None, pointer: str | None = None, *, plain: str | None = None
    ) -> None:
        """`plain` is the message without values sent by the client; by default the message itself."""
        super().__init__(key, message=message, hint=hint, pointer=pointer)
        self.message = message
        self.hint = hint
        self._plain = plain or message

    def reason(self, template: str) -> str:
        """See `ApiError`."""
        return self._plain

    def at(self, pointer: str) -> SourceError:
        """The same error, with the JSON Pointer of a request member."""
        return SourceError(self.key, self.message, self.hint, pointer, plain=self._plain)


class SourceBusy(Refusal):
    """The limit of concurrent live sessions is reached. Not an `ApiError`: it says nothing about the source itself."""

    def result(self, request_id: str, quirks: Mapping[str, str]) -> Result:
        """503 with Retry-After."""
        hint = "too many live sources are being read at the moment"
        return ApiError("unavailable", headers=(("Retry-After", "1"),), hint=hint).result(request_id, quirks)


def refusal(
    key: str, name: str = "", expected: str = "", *, pointer: str | None = None, hint: str | None = None
) -> SourceError:
    """A row of `CONNECTOR` as a SourceError. `name` may come from the client and is clipped."""
    code, message = CONNECTOR[key]
    text, plain = (f"{message.format(name=shown, expected=expected)} ({code})" for shown in (clipped(name), "…"))
    return SourceError("rejected", text, hint or HINTS.get(key), pointer, plain=plain)


def absent(what: str, path: str) -> SourceError:
    """A file or folder does not exist: FLOW-1101-404."""
    hint = "objectType=root lists files and folders"
    text, plain = f"there is no {what} '{clipped(path)}'", f"there is no such {what}"
    return SourceError("source_object_missing", text, hint, plain=plain)


def clipped(text: str) -> str:
    """A client's text made printable and short for a message. One that may be a credential is described."""
    printable = "".join(character if character.isprintable() else " " for character in text[: 4 * _CLIP]).strip()
    return str(places.param(printable, lambda value, secret: described(str(value))))[:_CLIP]
