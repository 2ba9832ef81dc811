"""A recording: the exchanges between a client and the service, by start time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mockserver import har
from mockserver.contract import Contract
from mockserver.exchange import BASE_PATH, Call, Result, decoded_segment
from mockserver.har.gaps import Gaps
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.json_input import Json, JsonProblem, parse

_NO_GAPS = Gaps(frozenset(), body=False, answer=False)
_OUTSIDE = ("/data/", "/ims/")
SAFE_IN_SEGMENT = ":@!$&'()*+,;=~-._"
"""Characters of a path segment that are not encoded, besides letters and digits."""
_MAX_BODY = 16 * 1_048_576


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One request and its response."""

    number: int
    operation: str | None
    """None if path or method is not in the contract."""
    ids: Mapping[str, str]
    """Path parameters by name."""
    call: Call
    result: Result
    host: str = ""
    gaps: Gaps = _NO_GAPS
    whole: bool = True
    """False if the response is incomplete."""
    ended_ms: int = 0
    """When the response ended."""

    @property
    def whole_path(self) -> str:
        """The decoded path with the base path, unless the request is to another service."""
        below = self.operation is not None or self.call.mounted
        return BASE_PATH + self.call.path if below and not self.call.path.startswith(_OUTSIDE) else self.call.path

    @property
    def target(self) -> str:
        """The encoded path with the base path, without the query."""
        return encoded(self.whole_path)

    @property
    def body(self) -> Json:
        """The request body; None if there is none or it is not JSON."""
        try:
            return parse(self.call.body, max_bytes=_MAX_BODY, max_values=None) if self.call.body else None
        except JsonProblem:
            return None


@dataclass(frozen=True, slots=True)
class Recording:
    """Exchanges, and how completely they were recorded."""

    exchanges: tuple[RecordedExchange, ...]
    complete: bool = True
    """False if the recording was interrupted."""
    remarks: tuple[str, ...] = ()
    """The gaps of the file."""
    controls: tuple[tuple[int, Call], ...] = ()
    """Requests that changed an emulator through `/_mock`, each with the number of the exchange that followed."""
    masked: bool = False
    """Whether organisations and credentials are stand-ins."""
    holes: frozenset[int] = frozenset()
    """Numbers of exchanges before which the file lacks some."""

    @classmethod
    def load(cls, path: Path, contract: Contract) -> Recording:
        """Read a HAR file of our recorder, a browser or a proxy. Raises `har.HarError`."""
        loaded = har.load(path, contract)
        exchanges: list[RecordedExchange] = []
        controls: list[tuple[int, Call]] = []
        lacks, holes = sorted(loaded.lacks, reverse=True), set[int]()
        for one in har.in_order([*loaded.exchanges, *loaded.controls]):
            number = len(exchanges) + 1
            if har.is_control(one):
                controls.append((number, one.call))
            else:
                while lacks and lacks[-1] < one.sequence:
                    lacks.pop()
                    holes.add(number)
                known = exchange(number, one.call, one.result, contract, host=one.host, gaps=one.gaps, whole=one.whole)
                exchanges.append(replace(known, ended_ms=one.ended_ms))
        remarks = tuple(loaded.remarks())
        return cls(tuple(exchanges), loaded.complete, remarks, tuple(controls), loaded.masked, frozenset(holes))


def exchange(
    number: int, call: Call, result: Result, contract: Contract, *, host: str = "", gaps: Gaps = _NO_GAPS,
    whole: bool = True,
) -> RecordedExchange:  # fmt: skip
    """Create an exchange with the operation of its request."""
    if call.path.startswith("/ims/"):
        return RecordedExchange(number, TOKEN_OPERATION, {}, call, result, host, gaps, whole)
    seen = contract.check_request(call)
    operation = seen.operation.id if seen.operation else None
    return RecordedExchange(number, operation, seen.path, call, result, host, gaps, whole)


def encoded(path: str) -> str:
    """Undo `decoded_path`: encode each segment, also the slashes inside it, as in the id of a schema."""
    return "/".join(quote(decoded_segment(part), safe=SAFE_IN_SEGMENT) for part in path.split("/"))


def scalars(value: Json, name: str = "") -> Iterator[tuple[str, Any]]:
    """Member name and value of every scalar in a JSON value; items of an array have the name of the array."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from scalars(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from scalars(inner, name)
    else:
        yield name, value
