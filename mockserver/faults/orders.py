"""A fault as somebody ordered it: which kind, on which calls, how often; read from JSON, YAML or a header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.exchange import Call
from mockserver.faults import arguments
from mockserver.faults.kinds import FAULTS, Kind
from mockserver.journal.entries import TOKEN_OPERATION

HEADER = "x-mock-fault"
_MAX_IN_HEADER = 10


class FaultError(ValueError):
    """Faults that cannot be used; `problems` names every mistake and where it is."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Order:
    """One fault to be injected. Selectors that are None let every call through."""

    kind: Kind
    argument: str = ""
    """As written; empty for the kind's default."""
    operation: str | None = None
    """`issueToken` is the token endpoint, which no order strikes unless it is named."""
    method: str | None = None
    path: str | None = None
    """`*` stands for one segment: `/connections/*`."""
    parameter: str | None = None
    """Only calls that send this query parameter."""
    org: str | None = None
    sandbox: str | None = None
    skip: int = 0
    """Calls that are let through first."""
    times: int | None = None
    """Calls that are struck then; None for every one."""
    probability: float = 1.0

    @property
    def value(self) -> arguments.Value:
        """What the argument means."""
        return self.kind.argument.read(self.argument or self.kind.argument.default)

    def selects(self, call: Call, operation: str | None) -> bool:
        """Whether a call is one of those meant."""
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
        """What was ordered, in the form `parse` takes."""
        members = {name: getattr(self, name) for name in _MEMBERS if name != "fault"}
        return {"fault": self.kind.name, **{name: value for name, value in members.items() if value not in (None, "")}}


def _same_path(pattern: str, path: str) -> bool:
    wanted, came = pattern.strip("/").split("/"), path.strip("/").split("/")
    return len(wanted) == len(came) and all(one in ("*", other) for one, other in zip(wanted, came, strict=True))


def parse(raw: Any, operations: Iterable[str]) -> list[Order]:
    """Orders from one object, a list of them, or `{"faults": [...]}`. Raises FaultError with every mistake."""
    if isinstance(raw, dict) and raw.keys() == {"faults"}:
        raw, at = raw["faults"], "/faults"
    else:
        at = ""
    rows = raw if isinstance(raw, list) else [raw]
    places = [f"{at}/{number}" if isinstance(raw, list) else at for number in range(len(rows))]
    known = frozenset(operations)
    problems = [problem for row, place in zip(rows, places, strict=True) for problem in _problems(row, place, known)]
    if problems:
        raise FaultError(problems)
    return [_order(row) for row in rows]


def from_header(text: str) -> list[Order]:
    """Orders for the one call that sent `x-mock-fault: NAME[=ARGUMENT][; ...]`. Raises FaultError."""
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
    """Orders from a YAML or JSON file. Raises FaultError."""
    import yaml  # here: a start without such a file does without

    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FaultError([f"{path}: {error.strerror}"]) from None
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError):
        raise FaultError([f"{path}: is not YAML or JSON"]) from None
    try:
        return parse(raw, operations)
    except FaultError as error:
        raise FaultError(f"{path}: {problem}" for problem in error.problems) from None


def _order(row: Mapping[str, Any]) -> Order:
    members = {name: value for name, value in row.items() if name != "fault" and value is not None}
    if "argument" in members:
        members["argument"] = str(members["argument"])
    return Order(FAULTS[row["fault"]], **members)


def _problems(row: Any, at: str, operations: frozenset[str]) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{at or '/'}: expected an object with the member fault"
        return
    for name in row.keys() - _MEMBERS.keys():
        yield f"{at}/{str(name)[:40]}: no such member; known are {', '.join(_MEMBERS)}"
    for name, (expected, good) in _MEMBERS.items():
        value = row.get(name)
        if value is None and name != "fault":
            continue
        if name == "operation" and isinstance(value, str) and value not in operations:
            yield f"{at}/operation: no such operation; `mockserver operations` lists them"
        elif not good(value):
            yield f"{at}/{name}: expected {expected}"
    kind = FAULTS.get(row["fault"]) if isinstance(row.get("fault"), str) else None
    if kind is not None and not _readable(kind, row.get("argument")):
        yield f"{at}/argument: {kind.name} takes {kind.argument.expected}"


def _readable(kind: Kind, argument: Any) -> bool:
    if not isinstance(argument, str | int | None) or isinstance(argument, bool):
        return True  # already said
    try:
        kind.argument.read(str("" if argument is None else argument) or kind.argument.default)
    except ValueError:
        return False
    return True


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 1024


def _whole(least: int) -> Any:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


_MEMBERS: dict[str, tuple[str, Any]] = {
    "fault": (f"one of {', '.join(FAULTS)}", lambda value: isinstance(value, str) and value in FAULTS),
    "argument": ("text or a whole number", lambda v: isinstance(v, str | int) and not isinstance(v, bool)),
    "operation": ("an operation id", _text),
    "method": ("an HTTP method in capitals", lambda value: _text(value) and value.isupper()),
    "path": ("a path, with * for any segment", lambda value: _text(value) and value.startswith("/")),
    "parameter": ("the name of a query parameter", _text),
    "org": ("an organisation", _text),
    "sandbox": ("a sandbox's name", _text),
    "skip": ("a whole number from 0", _whole(0)),
    "times": ("a whole number from 1", _whole(1)),
    "probability": ("a number from 0 to 1", _share),
}
"""Member -> what it takes, and whether a value is that."""
