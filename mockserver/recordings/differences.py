"""Where a response departs from the recorded one. Differences are values: places and kinds, never what stood there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mockserver.exchange import Result
from mockserver.json_input import Json
from mockserver.recordings.recording import RecordedExchange, scalars
from mockserver.recordings.symbols import Bindings, kind_of, page_token

Grade: TypeAlias = Literal["high", "medium", "low"]

GRADES: dict[str, Grade] = {
    "status": "high",
    "error code": "high",
    "missing member": "high",
    "type": "high",
    "missing header": "high",
    "missing item": "high",
    "reference": "high",
    "value": "medium",
    "form": "medium",
    "order": "medium",
    "items": "medium",
    "added member": "low",
    "added header": "low",
    "added item": "low",
}
"""Kind of difference -> how much it matters to a client."""

_PROMISED_HEADERS = ("etag", "location", "retry-after", "allow")
_EXACT = frozenset({"state", "result", "title", "format", "error", "error_code", "token_type", "operation"})
_INSTANT = re.compile(r"(?:At|AtUTC|At_ms|Ms|UTC|Date|startTime|windowStartTime|windowEndTime|started|updated)$")
_DATA_KEYED = frozenset({"properties", "extensions", "metadata"})
"""Objects whose keys are data: only the kinds of their values are compared where both have them."""

_Walk: TypeAlias = Iterator["Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One departure. `pointer` is a template: items of a list are `*`."""

    kind: str
    pointer: str
    recorded: str
    """A status, code, JSON type or name; never a value that a client or the service sent."""
    ours: str

    @property
    def grade(self) -> Grade:
        """How much it matters."""
        return GRADES[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} {self.pointer or '/'}: recorded {self.recorded}, here {self.ours}"


class Comparison:
    """Compares responses in the order of the recording, and binds symbols where both show one."""

    def __init__(self, bindings: Bindings, *, shared: bool = False) -> None:
        self.bindings = bindings
        self._shared = shared
        """Whether others write on the server too: their entities in a list are no difference."""
        self._sent: set[tuple[str, Any]] = set()

    def compare(self, exchange: RecordedExchange, ours: Result) -> list[Difference]:
        """The differences of one exchange; symbols of the response are bound."""
        self._sent.update((name, value) for name, value in scalars(exchange.body) if value not in (None, ""))
        recorded = exchange.result
        if recorded.status != ours.status:
            return [Difference("status", "", str(recorded.status), str(ours.status))]
        if recorded.error != ours.error:
            return [Difference("error code", "", recorded.error or "none", ours.error or "none")]
        found = [*self._headers(recorded, ours)]
        if exchange.gaps.answer:
            return found
        ordered = any(name == "orderby" for name, _ in exchange.call.parameters())
        return list(dict.fromkeys([*found, *self._walk("", "", recorded.body, ours.body, ordered)]))

    def _headers(self, recorded: Result, ours: Result) -> _Walk:
        theirs = {name.lower(): value for name, value in recorded.headers}
        here = {name.lower(): value for name, value in ours.headers}
        for name in _PROMISED_HEADERS:
            if name in theirs and name not in here:
                yield Difference("missing header", name, "sent", "absent")
            elif name in here and name not in theirs:
                yield Difference("added header", name, "absent", "sent")
        if "etag" in theirs and "etag" in here:
            self.bindings.bind(("etag", theirs["etag"]), here["etag"])

    def _walk(self, pointer: str, name: str, theirs: Json, ours: Json, ordered: bool = False) -> _Walk:
        if _kind(theirs) != _kind(ours):
            yield Difference("type", pointer, _kind(theirs), _kind(ours))
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            yield from self._object(pointer, name, theirs, ours, ordered)
        elif isinstance(theirs, list) and isinstance(ours, list):
            yield from self._list(pointer, name, theirs, ours, ordered)
        else:
            yield from self._scalar(pointer, name, theirs, ours)

    def _object(
        self, pointer: str, name: str, theirs: Mapping[str, Json], ours: Mapping[str, Json], ordered: bool
    ) -> _Walk:
        for key, value in theirs.items():
            if key in ours:
                yield from self._walk(f"{pointer}/{key}", key, value, ours[key], ordered)
            elif name not in _DATA_KEYED:
                yield Difference("missing member", f"{pointer}/{key}", _kind(value), "absent")
        if name not in _DATA_KEYED:
            for key in ours.keys() - theirs.keys():
                yield Difference("added member", f"{pointer}/{key}", "absent", _kind(ours[key]))

    def _list(self, pointer: str, name: str, theirs: list[Any], ours: list[Any], ordered: bool) -> _Walk:
        inside = f"{pointer}/*"
        if not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in (*theirs, *ours)):
            if len(theirs) != len(ours):
                yield Difference("items", pointer, str(len(theirs)), str(len(ours)))
            for one, other in zip(theirs, ours, strict=False):
                yield from self._walk(inside, name, one, other)
            return
        if len(theirs) == len(ours) == 1:
            yield from self._walk(inside, name, theirs[0], ours[0])
            return
        yield from self._entities(inside, name, theirs, ours, ordered)

    def _entities(self, inside: str, name: str, theirs: list[Any], ours: list[Any], ordered: bool) -> _Walk:
        """Lists are compared by membership; their order only where the client asked for one."""
        if any(item["id"] in self.bindings.others for item in theirs):
            return  # a page that others filled too has another end here
        here = {item["id"]: item for item in ours}
        self._pair(theirs, ours)
        met = []
        for item in theirs:
            counterpart = here.get(self.bindings.ours(("id", item["id"])) or item["id"])
            if counterpart is None:
                yield Difference("missing item", inside, "listed", "absent")
            else:
                met.append(counterpart["id"])
                yield from self._walk(inside, name, item, counterpart)
        if not self._shared and len(here) > len(set(met)):
            yield Difference("added item", inside, "absent", "listed")
        places = [place for place, item in enumerate(ours) if item["id"] in met]
        if ordered and [ours[place]["id"] for place in places] != met:
            yield Difference("order", inside, "as asked for", "another")

    def _pair(self, theirs: list[Any], ours: list[Any]) -> None:
        """Bind entities that both show for the first time, in their order; not where others write too."""
        known = {self.bindings.ours(("id", item["id"])) for item in theirs}
        if self._shared:
            return
        new = [item["id"] for item in theirs if self.bindings.ours(("id", item["id"])) is None]
        here = {item["id"] for item in ours}
        unmet = [item["id"] for item in ours if item["id"] not in known and not self.bindings.is_ours(item["id"])]
        for recorded, counterpart in zip((one for one in new if one not in here), unmet, strict=False):
            self.bindings.bind(("id", recorded), counterpart)

    def _scalar(self, pointer: str, name: str, theirs: Any, ours: Any) -> _Walk:
        if name == "href" and (page := page_token(theirs)):
            if token := page_token(ours):
                self.bindings.bind(("page", page), token)
            else:
                yield Difference("missing member", pointer, "a cursor", "no cursor")
        elif kind := kind_of(name, theirs):
            yield from self._symbol(pointer, name, kind, str(theirs), ours)
        elif (name, theirs) in self._sent:
            if ours != self.bindings.in_body(theirs, name):
                yield Difference("value", pointer, "as it was sent", "another")
        elif _INSTANT.search(name) and isinstance(theirs, int) and isinstance(ours, int):
            if len(str(abs(theirs))) != len(str(abs(ours))) and theirs and ours:
                yield Difference("form", pointer, f"{len(str(abs(theirs)))} digits", f"{len(str(abs(ours)))} digits")
        elif name in _EXACT and theirs != ours:
            yield Difference("value", pointer, "one of the service's words", "another")

    def _symbol(self, pointer: str, name: str, kind: Any, theirs: str, ours: Any) -> _Walk:
        if kind_of(name, ours) != kind:
            yield Difference("form", pointer, f"a {kind}", "another text")
            return
        bound = self.bindings.ours((kind, theirs))
        if bound is None:
            self.bindings.bind((kind, theirs), ours)
        elif bound != ours and kind != "token":
            yield Difference("reference", pointer, f"the {kind} of before", f"another {kind}")


def _kind(value: Json) -> str:
    """The JSON type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"
