"""What a source refuses, and the connector's own words for it.

The connector layer has a catalogue of its own (codes 1300 to 1398). On the wire its texts come inside
Flow Service's general refusal, FLOW-1100-400, after "Error from flow provider:" (facts §8.3).
"""

from __future__ import annotations

from mockserver.errors import ApiError

_CLIP = 60

CONNECTOR: dict[str, tuple[str, str]] = {
    "unreachable": ("1308-400", "the source cannot be reached at the address given"),
    "credentials": ("1308-400", "the source refuses the user name or password given"),
    "value": ("1312-400", "the query parameter {name} takes {expected}"),
    "misplaced": ("1312-400", "the query parameter {name} does not go with objectType {expected}"),
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
    "filter_null": ("1377-400", "the filter compares with null: use isNull"),
    "filter_column": ("1378-400", "the filter names '{name}', which is no column of the table"),
    "filter_value": ("1379-400", "the filter compares a column with a value of another type"),
    "filter_unreadable": ("1389-400", "the filter is not JSON in Base64"),
    "filter_not": ("1390-400", "not takes one condition"),
    "format": ("1396-400", "the file '{name}' is not {expected}"),
    "operation": ("1398-400", "{expected} is not supported for the connection spec {name}"),
}
"""Key -> the connector's code (Adobe's) and message (our words). 1308 passes on what the copy engine says."""

HINTS: dict[str, str] = {
    "unreachable": "this server's sources file declares it out of reach",
    "credentials": "this server's sources file declares what is accepted",
    "table": "objectType=root lists the tables",
    "explore": "a stream has nothing to look into",
}
"""Key -> what helps: ours, in `report.hint`."""


class SourceError(ApiError):
    """A refusal by what stands behind a connection: a key of `ERRORS`, the connector's message, perhaps a hint."""

    def __init__(self, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(key, message=message, hint=hint)
        self.message = message
        self.hint = hint


def refusal(key: str, name: str = "", expected: str = "") -> SourceError:
    """A row of `CONNECTOR` as the service passes it on. `name` may be the client's: it is clipped."""
    code, message = CONNECTOR[key]
    return SourceError("rejected", f"{message.format(name=clipped(name), expected=expected)} ({code})", HINTS.get(key))


def absent(what: str, path: str) -> SourceError:
    """A file or folder that is not there: FLOW-1101-404."""
    return SourceError(
        "source_object_missing", f"there is no {what} '{clipped(path)}'", "objectType=root lists files and folders"
    )


def clipped(text: str) -> str:
    """A client's text, fit for a message: printable and short."""
    return "".join(character for character in text[: 4 * _CLIP] if character.isprintable())[:_CLIP]
