"""Orders for faults: which fault, on which calls, how often. Parsed from JSON, YAML or a header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.contract import documents
from mockserver.contract.schema import SchemaCheck, kind_of
from mockserver.exchange import Call, Violation, departure
from mockserver.faults import arguments
from mockserver.faults.kinds import FAULTS, FaultKind
from mockserver.journal.entries import TOKEN_OPERATION

HEADER = "x-mock-fault"
_MAX_IN_HEADER = 10
MAX_ORDERS = 1_000
"""Maximum orders in force. Each call is compared with all of them."""


class FaultError(ValueError):
    """An order is invalid; `problems` lists every mistake with its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Order:
    """One fault to inject. A selector that is None matches every call."""

    kind: FaultKind
    argument: str = ""
    """As written; empty for the default."""
    operation: str | None = None
    """`issueToken` is the token endpoint, which is affected only if named."""
    method: str | None = None
    path: str | None = None
    """`*` matches one segment: `/connections/*`."""
    parameter: str | None = None
    """Selects calls with this query parameter."""
    org: str | None = None
    sandbox: str | None = None
    skip: int = 0
    """Number of selected calls that pass first."""
    times: int | None = None
    """Number of calls affected after that; None for all."""
    probability: float = 1.0

    @property
    def value(self) -> arguments.Value:
        """The parsed argument."""
        return self.kind.argument.read(self.argument or self.kind.argument.default)

    def selects(self, call: Call, operation: str | None) -> bool:
        """Whether a call matches the selectors."""
        headers = call.headers
        return (
            (self.operation == operation or (self.operation is None and operation != TOKEN_OPERATION))
            and (self.method is None or self.method == call.method)
            and (self.path is None or _same_path(self.path, call.path))
            and (self.parameter is None or any(name == self.parameter for name, _ in call.parameters()))
            and (self.org is None or self.org == headers.get("x-gw-ims-org-id"))
            and (self.sandbox is None or self.sandbox == headers.get("x-sandbox-name"))
            and self.kind.fits(call)
        )

    def as_json(self) -> dict[str, Any]:
        """The order in the form that `parse` accepts."""
        members = {name: getattr(self, name) for name in _MEMBERS if name != "fault"}
        return {"fault": self.kind.name, **{name: value for name, value in members.items() if value not in (None, "")}}


def _same_path(pattern: str, path: str) -> bool:
    wanted, came = pattern.strip("/").split("/"), path.strip("/").split("/")
    return len(wanted) == len(came) and all(one in ("*", other) for one, other in zip(wanted, came, strict=True))


def parse(raw: Any, operations: Iterable[str]) -> list[Order]:
    """Parse one object, a list of them, or `{"faults": [...]}`. Raises FaultError listing every mistake."""
    if isinstance(raw, dict) and raw.keys() == {"faults"}:
        raw, at = raw["faults"], "/faults"
    else:
        at = ""
    rows = raw if isinstance(raw, list) else [raw]
    if len(rows) > MAX_ORDERS:
        raise FaultError([f"{at or '/'}: expected at most {MAX_ORDERS} orders, got {len(rows)}"])
    places = [f"{at}/{number}" if isinstance(raw, list) else at for number in range(len(rows))]
    known = frozenset(operations)
    problems = [problem for row, place in zip(rows, places, strict=True) for problem in _problems(row, place, known)]
    if problems:
        raise FaultError(problems)
    return [_order(row) for row in rows]


def from_header(text: str) -> list[Order]:
    """Parse the header `x-mock-fault: NAME[=ARGUMENT][; ...]`. Raises FaultError."""
    parts = [part.strip() for part in text.replace(",", ";").split(";") if part.strip()]
    if not 0 < len(parts) <= _MAX_IN_HEADER:
        raise FaultError([f"{HEADER}: expected NAME or NAME=ARGUMENT, up to {_MAX_IN_HEADER} with ; between them"])
    pairs = [part.partition("=") for part in parts]
    rows = [{"fault": name.strip(), "argument": argument.strip()} for name, _, argument in pairs]
    problems = [problem for row in rows for problem in _problems(row, HEADER, frozenset())]
    if problems:
        raise FaultError(
            problem.replace(f"{HEADER}/fault", HEADER).replace(f"{HEADER}/argument", HEADER) for problem in problems
        )
    return [_order(row) for row in rows]


def from_file(path: Path, operations: Iterable[str]) -> list[Order]:
    """Parse a YAML or JSON file. Raises FaultError."""
    try:
        raw = documents.parse_of_user(path.read_bytes().decode("utf-8-sig"))
    except documents.NotYaml as error:
        raise FaultError([f"{path}: {error}"]) from None
    except (OSError, ValueError) as error:
        raise FaultError([f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8'}"]) from None
    try:
        return parse(raw, operations)
    except FaultError as error:
        raise FaultError(f"{path}: {problem}" for problem in error.problems) from None


def _order(row: Mapping[str, Any]) -> Order:
    members = {name: value for name, value in row.items() if name != "fault" and value is not None}
    members = {name: int(value) if name in _COUNTS else value for name, value in members.items()}
    if "argument" in members:
        members["argument"] = str(members["argument"])
    return Order(FAULTS[row["fault"]], **members)


def _problems(row: Any, at: str, operations: frozenset[str]) -> Iterator[str]:
    """The mistakes in one order: first in single members, then in those that depend on the fault."""
    if not isinstance(row, dict):
        yield departure("Member", at or "/", "an object with the member fault", kind_of(row))
        return
    sent = {str(name): value for name, value in row.items() if value is not None}
    wrong = list(_SCHEMA.violations(sent, "body", at=at))
    yield from (str(_in_words(violation)) for violation in wrong)
    if wrong:
        return
    if "operation" in sent and sent["operation"] not in operations:
        yield f"{at}/operation: expected an operation that `mockserver operations` lists, got another name"
    kind = FAULTS[sent["fault"]]
    if not _readable(kind, str(sent.get("argument", ""))):
        yield f"{at}/argument: {kind.name} takes {kind.argument.expected}"


def _in_words(violation: Violation) -> Violation:
    """The error text, with a description in place of a schema's pattern."""
    words = _WORDS.get(violation.pointer.rpartition("/")[2])
    return violation._replace(expected=words) if words and violation.keyword == "pattern" else violation


def _readable(kind: FaultKind, argument: str) -> bool:
    try:
        kind.argument.read(argument or kind.argument.default)
    except ValueError:
        return False
    return True


_TEXT = {"type": "string", "minLength": 1, "maxLength": 1024}
_COUNTS = ("skip", "times")
_MEMBERS: dict[str, dict[str, Any]] = {
    "fault": {"enum": list(FAULTS)},
    "argument": {**_TEXT, "type": ["string", "integer"], "minLength": 0},
    "operation": _TEXT,
    "method": {**_TEXT, "pattern": "^[A-Z]+$"},
    "path": {**_TEXT, "pattern": "^/"},
    "parameter": _TEXT,
    "org": _TEXT,
    "sandbox": _TEXT,
    "skip": {"type": "integer", "minimum": 0},
    "times": {"type": "integer", "minimum": 1},
    "probability": {"type": "number", "minimum": 0, "maximum": 1},
}
"""Member of an order -> its schema."""

_SCHEMA = SchemaCheck.of(
    {"type": "object", "properties": _MEMBERS, "required": ["fault"], "additionalProperties": False}
)
_WORDS = {"method": "an HTTP method in capitals", "path": "a path such as /connections/*"}
