"""Compares responses with recorded ones. A difference names its place and kind, never a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from mockserver.comparison import forms, masked, stages
from mockserver.comparison.pairing import Pairing
from mockserver.comparison.symbols import Bindings, is_catalogued, is_made_id, kind_of, page_token, parts_of, quoted
from mockserver.exchange import Result
from mockserver.har.gaps import STAND_IN, is_hidden, is_left_out
from mockserver.json_input import Json
from mockserver.recordings.lives import ENTITIES
from mockserver.recordings.recording import RecordedExchange, scalars
from mockserver.secrecy import MASK

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
"""Kind of difference -> its importance for clients."""

_PROMISED_HEADERS = ("etag", "location", "retry-after", "allow")
_EXACT = frozenset({"state", "result", "title", "format", "error", "error_code", "token_type", "operation"})
_VERSION = re.compile(r"\d+(\.\d+)*")
_INSTANT = re.compile(r"(?:At|AtUTC|At_ms|Ms|UTC|Date|startTime|windowStartTime|windowEndTime|started|updated)$")
_DATA_KEYED = frozenset({"properties", "extensions", "metadata"})
"""Objects whose keys are data. Only the types of common members are compared."""

_OF_THE_CALLER = (
    ("createdClient", "x-api-key"),
    ("updatedClient", "x-api-key"),
    ("imsOrgId", "x-gw-ims-org-id"),
    ("imsOrg", "x-gw-ims-org-id"),
    ("sandboxName", "x-sandbox-name"),
)
"""Member of an entity -> request header with the same value."""
_SPECS = ("connectionSpecs", "flowSpecs")
_OF_THE_SOURCE = ("explore", "configs", "preview")
_OF_EVERY_STAGE = ("id", "flowId", "createdAt")
"""Members of a run that do not change while it runs."""
_MOVING = ("createdAt", "updatedAt")
_MANY = 4
"""Minimum number of missing or added members of one object that are reported as one difference."""

_Walk: TypeAlias = Iterator["Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. In `pointer`, `*` stands for the items of a list."""

    kind: str
    pointer: str
    recorded: str
    """A status, code, JSON type or description; never a value that a client or the service sent."""
    ours: str

    @property
    def grade(self) -> Grade:
        """Its importance."""
        return GRADES[self.kind]

    def __str__(self) -> str:
        return f"{self.kind} {self.pointer or '/'}: recorded {self.recorded}, here {self.ours}"


class Comparison:
    """Compares responses in the order of the recording, and binds symbols that both contain."""

    def __init__(self, bindings: Bindings, pairing: Pairing | None = None) -> None:
        self.bindings, self.pairing = bindings, pairing or Pairing(bindings)
        self.given: frozenset[tuple[str, Any]] = frozenset()
        """Name and value of members of entities that existed before."""
        self._sent: set[tuple[str, Any]] = set()
        self._stamps: dict[tuple[str, str], tuple[Json, Json]] = {}
        """Id and `createdAt` or `updatedAt` -> last value in the recording and here."""
        self._is_refusal = False
        self._about = ""
        """The collection of the request, or `explore` if the response contains data of a source."""

    def compare(self, exchange: RecordedExchange, ours: Result) -> list[Difference]:
        """Compare one exchange and bind the symbols of its response."""
        self.pairing.begin(exchange, ours)
        self._sent.update((name, value) for name, value in _sent(exchange.body) if _is_told(value))
        caller = ((name, exchange.call.headers.get(header, "")) for name, header in _OF_THE_CALLER)
        self._sent.update((name, value) for name, value in caller if not is_left_out(value, passed=True))
        segments = exchange.call.path.strip("/").split("/")
        self._about = "explore" if segments[-1] in _OF_THE_SOURCE else segments[0]
        recorded = exchange.result
        self._is_refusal = recorded.status >= 400
        if recorded.status != ours.status:
            return [Difference("status", "", str(recorded.status), str(ours.status))]
        if exchange.gaps.answer:
            return [*self._headers(exchange, ours)]
        if recorded.error != ours.error:
            return [Difference("error code", "", recorded.error or "none", ours.error or "none")]
        found = [*self._reused(recorded, ours), *self._headers(exchange, ours)]
        ordered = any(name == "orderby" for name, _ in exchange.call.parameters())
        return list(dict.fromkeys([*found, *self._walk("", "", recorded.body, ours.body, ordered)]))

    def _reused(self, recorded: Result, ours: Result) -> _Walk:
        """Whether only the recorded service used a new id before. Later requests are about the new entity."""
        if recorded.status != 201 or not isinstance(recorded.body, dict) or not isinstance(ours.body, dict):
            return
        there, here = recorded.body.get("id"), ours.body.get("id")
        if isinstance(there, str) and isinstance(here, str) and self.bindings.ours(("id", there)) not in (None, here):
            yield Difference("reference", "/id", "the id of an earlier entity", "a new id")
            self.bindings.rebind(("id", there), here)
            for name in _MOVING:
                self._stamps.pop((there, name), None)

    def _headers(self, exchange: RecordedExchange, ours: Result) -> _Walk:
        recorded = exchange.result
        if exchange.gaps.answer_headers:
            return
        theirs = {name.lower(): value for name, value in recorded.headers}
        here = {name.lower(): value for name, value in ours.headers}
        for name in _PROMISED_HEADERS:
            if name in theirs and name not in here:
                yield Difference("missing header", name, "sent", "absent")
            elif name in here and name not in theirs:
                yield Difference("added header", name, "absent", "sent")
        if "location" in theirs and "location" in here:
            yield from self._location(theirs["location"], here["location"])
        if "etag" in theirs and "etag" in here:
            if (quoted(theirs["etag"]), theirs["etag"][:1] == "W") != (quoted(here["etag"]), here["etag"][:1] == "W"):
                yield Difference("form", "etag", forms.strength(theirs["etag"]), forms.strength(here["etag"]))
            elif quoted(here["etag"]) and not stages.are_apart(stages.stage_shown(recorded), stages.stage_shown(ours)):
                yield from self._symbol("etag", "etag", "etag", theirs["etag"], here["etag"])

    def _location(self, theirs: str, ours: str) -> _Walk:
        """Compare the path and the entity of two Location headers."""
        there, here = (urlsplit(one).path.rsplit("/", 1) for one in (theirs, ours))
        if there[0] != here[0] or len(there) != len(here) or kind_of("id", there[-1]) != kind_of("id", here[-1]):
            yield Difference("form", "location", "a path", "another path")
        elif (self.bindings.ours(("id", there[-1])) or here[-1]) != here[-1]:
            yield Difference("reference", "location", "the same id as before", "another id")
        else:
            self.bindings.bind(("id", there[-1]), here[-1])

    def _walk(self, pointer: str, name: str, theirs: Json, ours: Json, ordered: bool = False) -> _Walk:
        if forms.kind(theirs) != forms.kind(ours):
            yield Difference("type", pointer, forms.kind(theirs), forms.kind(ours))
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            if others := self._is_another(pointer, theirs, ours):
                yield from others  # the rest of another entity says nothing
            else:
                yield from self._object(pointer, name, theirs, ours, ordered)
        elif isinstance(theirs, list) and isinstance(ours, list):
            yield from self._list(pointer, name, theirs, ours, ordered)
        else:
            yield from self._scalar(pointer, name, theirs, ours)

    def _object(
        self, pointer: str, name: str, theirs: Mapping[str, Json], ours: Mapping[str, Json], ordered: bool
    ) -> _Walk:
        if stages.are_apart(
            stages.stage(name, theirs), stages.stage(name, ours)
        ):  # how long a run takes depends on its data
            theirs, ours = ({key: one[key] for key in _OF_EVERY_STAGE if key in one} for one in (theirs, ours))
        if not self.bindings.began_ms:  # without times, runs are not due
            theirs, ours = ({key: one[key] for key in one if key != "lastRunDetails"} for one in (theirs, ours))
        ours = self.pairing.named_alike(theirs, ours)
        for key, value in theirs.items():
            if key in ours:
                yield from self._walk(f"{pointer}/{'*' if is_made_id(key) else key}", key, value, ours[key], ordered)
        if name in _DATA_KEYED and not pointer.endswith("/inheritedAttributes/properties"):
            return
        yield from self._moved(pointer, theirs, ours)
        if pointer == "/_links" and (self.pairing.is_shifted or self.pairing.may_have_more(theirs)):
            return
        missing = _only_in({key: one for key, one in theirs.items() if not self._is_earlier(key)}, ours)
        added = _only_in(ours, theirs)
        if self.pairing.lists_batches:
            missing.pop("*", None), added.pop("*", None)
        masked.pair_names(missing, added)
        if missing and added and not theirs.keys() & ours.keys():
            yield Difference("type", pointer, *(f"an object of {', '.join(sorted(one))}" for one in (missing, added)))
            return
        yield from (Difference("missing member", at, kind, "absent") for at, kind in _members(pointer, missing))
        yield from (Difference("added member", at, "absent", kind) for at, kind in _members(pointer, added))

    def _is_earlier(self, key: str) -> bool:
        """Whether a member is an entity of a neighbouring service that existed before the recording, or is lost."""
        return is_made_id(key) and self.bindings.ours(("id", key)) is None

    def _is_another(self, pointer: str, theirs: Mapping[str, Json], ours: Mapping[str, Json]) -> list[Difference]:
        """The difference if two objects with the members of an entity have ids that do not correspond."""
        there, here = theirs.get("id"), ours.get("id")
        are_entities = ("etag" in theirs and "etag" in ours) or (self._about in _SPECS and pointer == "/items/*")
        if not are_entities or not isinstance(there, str) or not isinstance(here, str):
            return []
        if pointer and kind_of("id", there) != kind_of("id", here) and self.bindings.ours(("id", there)) != here:
            return [Difference("form", f"{pointer}/id", "another text", "an id")]
        return [*self._walk(f"{pointer}/id", "id", there, here)]

    def _moved(self, pointer: str, theirs: Mapping[str, Json], ours: Mapping[str, Json]) -> _Walk:
        """Compare whether `createdAt` and `updatedAt` of an entity have changed, and which of them is later."""
        if _is_reversed(theirs) and not _is_reversed(ours):
            yield Difference("value", f"{pointer}/createdAt", "later than updatedAt", "a time before it")
        for name in _MOVING:
            times = theirs.get(name), ours.get(name)
            if not isinstance(theirs.get("id"), str) or None in times:
                continue
            before = self._stamps.get((str(theirs["id"]), name), times)
            self._stamps[str(theirs["id"]), name] = times
            moved = times[0] != before[0], times[1] != before[1]
            if moved[0] is not moved[1]:
                yield Difference("value", f"{pointer}/{name}", *("changed" if one else "unchanged" for one in moved))

    def _list(self, pointer: str, name: str, theirs: list[Any], ours: list[Any], ordered: bool) -> _Walk:
        inside = f"{pointer}/*"
        theirs = [one for one in theirs if not self._is_earlier_schema(one) and not self.pairing.is_of_others(one)]
        if name.endswith("SpecIds"):
            yield from self._spec_ids(inside, theirs, ours)
            return
        if not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in (*theirs, *ours)):
            alike = bool(theirs) is bool(ours) if self._about == "explore" else len(theirs) == len(ours)
            if not alike:  # sources differ in how many tables and columns they have
                yield Difference("items", pointer, str(len(theirs)), str(len(ours)))
            for one, other in zip(theirs, ours, strict=False):
                yield from self._walk(inside, name, one, other)
            return
        if self.pairing.is_elsewhere(theirs):
            return
        if len(theirs) == len(ours) == 1 and not (self.pairing.is_shifted or self.pairing.is_apart(theirs[0], ours[0])):
            yield from self._walk(inside, name, theirs[0], ours[0])
            return
        yield from self._entities(inside, name, theirs, ours, ordered)

    def _spec_ids(self, inside: str, theirs: list[Any], ours: list[Any]) -> _Walk:
        """Compare the specs that a flow spec accepts, in any order."""
        there, here = {self.bindings.ours(("id", str(one))) or str(one) for one in theirs}, set(map(str, ours))
        for one in here.intersection(map(str, theirs)):  # later requests may name them
            self.bindings.bind(("id", one), one)
        if there - here:
            yield Difference("missing item", inside, "listed", "absent")
        if here - there:
            yield Difference("added item", inside, "absent", "listed")

    def _is_earlier_schema(self, listed: Any) -> bool:
        uri = listed.get("$id") if isinstance(listed, dict) else None
        return isinstance(uri, str) and any(map(self._is_earlier, list(parts_of(uri))[1:]))

    def _entities(self, inside: str, name: str, theirs: list[Any], ours: list[Any], ordered: bool) -> _Walk:
        """Compare the entities of two lists, and their order if the client requested one."""
        theirs, ours = self.pairing.pair(theirs, ours)
        here = {item["id"]: item for item in ours}
        if _repeats(theirs) != _repeats(ours):
            yield Difference("items", inside, *("listed twice" if _repeats(one) else "once" for one in (theirs, ours)))
        met: list[str] = []
        for item in theirs:
            counterpart = here.get(self.bindings.ours(("id", item["id"])) or item["id"])
            if counterpart is not None:
                met.append(counterpart["id"])
                yield from self._walk(inside, name, item, counterpart)
            elif not self.pairing.is_consequence(item):
                yield Difference("missing item", inside, "listed", "absent")
        matched = set(met)
        if len(here) > len(matched) and not self.pairing.may_list_more:
            yield Difference("added item", inside, "absent", "listed")
        places = [place for place, item in enumerate(ours) if item["id"] in matched]
        if ordered and [ours[place]["id"] for place in places] != met:
            yield Difference("order", inside, "as requested", "another order")

    def _scalar(self, pointer: str, name: str, theirs: Any, ours: Any) -> _Walk:
        if masked.is_another(name, theirs, ours, refused=self._is_refusal):
            yield Difference("value", pointer, "an unknown text", "a fixed value")
            return
        if any(str(one).startswith(STAND_IN) for one in (theirs, ours)):  # ours because the replay sent a stand-in
            if MASK in (theirs, ours):
                yield Difference("value", pointer, *("a mask" if one == MASK else "a value" for one in (theirs, ours)))
            return
        if name == "href" and (page := page_token(theirs)):
            if token := page_token(ours):
                self.bindings.bind(("page", page), token)
                if forms.link(theirs) != forms.link(ours):
                    yield Difference("form", pointer, "a link", "a link of another form")
            else:
                yield Difference("missing member", pointer, "a cursor", "no cursor")
        elif (
            name == "href"
            and isinstance(theirs, str)
            and isinstance(ours, str)
            and forms.link(theirs) != forms.link(ours)
        ):
            yield Difference("form", pointer, "a link", "a link of another form")
        elif kind := kind_of(name, theirs):
            yield from self._symbol(pointer, name, kind, str(theirs), ours)
        elif (here := kind_of(name, ours)) == "etag" or (here == "id" and pointer == "/id"):
            yield Difference("form", pointer, "another text", forms.an(here))
            if here == "id" and isinstance(theirs, str):  # of a new entity; later requests need its counterpart
                self.bindings.bind(("id", theirs), str(ours))
        elif (name, theirs) in self._sent:
            if ours != self.bindings.in_body(theirs, name):
                other = "another value sent" if (name, ours) in self._sent else "another value"
                yield Difference("value", pointer, "the value sent", other)
        elif (name, ours) in self._sent and not is_hidden(theirs):
            yield Difference("value", pointer, "another value", "the value sent")
        elif self._is_given(name, theirs, ours):
            yield Difference("value", pointer, "another value than before", "the value shown before")
        elif _INSTANT.search(name) and isinstance(theirs, int) and isinstance(ours, int):
            if 0 in (theirs, ours) and theirs != ours:
                yield Difference("value", pointer, *("a time" if one else "no time" for one in (theirs, ours)))
            elif len(str(abs(theirs))) != len(str(abs(ours))):
                yield Difference("form", pointer, f"{len(str(abs(theirs)))} digits", f"{len(str(abs(ours)))} digits")
        elif self._is_fixed(pointer, name, theirs) and theirs != ours and not is_hidden(theirs):
            yield Difference("value", pointer, "a fixed value", "another value")

    def _is_given(self, name: str, theirs: Any, ours: Any) -> bool:
        """Whether the recorded value of an entity from before differs from the one it was created with."""
        return self._about in ENTITIES and theirs != ours and (name, ours) in self.given and not is_hidden(theirs)

    def _is_fixed(self, pointer: str, name: str, theirs: Any) -> bool:
        """Whether a value is defined by the service: a state, a boolean, or the name of a spec in the catalogue."""
        if name in _EXACT or pointer == "/status":  # of an error
            return True
        if name == "version" and _VERSION.fullmatch(str(theirs)):
            return True
        if self._about == "explore":
            return False
        return isinstance(theirs, bool) or (self._about in _SPECS and name in ("name", "type", "category"))

    def _symbol(self, pointer: str, name: str, kind: Any, theirs: str, ours: Any) -> _Walk:
        if kind_of(name, ours) != kind:
            yield Difference("form", pointer, forms.an(kind), "another text")
            return
        if kind == "etag" and (theirs[:1] == "W") is not (ours[:1] == "W"):
            yield Difference("form", pointer, forms.strength(theirs), forms.strength(ours))
        if kind == "id":
            pairs = list(zip(parts_of(theirs), parts_of(ours), strict=False))
            theirs, ours = pairs[-1]
            if len(pairs) > 1 and self.bindings.ours((kind, pairs[0][0])) is None:
                self.bindings.bind((kind, pairs[0][0]), pairs[0][1])
        bound = self.bindings.ours((kind, theirs))
        if bound is None and theirs != ours and is_catalogued(ours):
            yield Difference("reference", pointer, "an id", "the id of another spec")
        elif bound is None and kind != "token" and self.bindings.is_ours(ours):
            yield Difference("reference", pointer, f"a new {kind}", f"the same {kind} as before")
        elif bound is None and not self._is_refusal:  # which names an id that may not exist
            self.bindings.bind((kind, theirs), ours)
        elif bound not in (None, ours) and kind != "token":
            yield Difference("reference", pointer, f"the same {kind} as before", f"another {kind}")


def _is_reversed(entity: Mapping[str, Json]) -> bool:
    """Whether an entity was created later than updated."""
    created, updated = (entity.get(name) for name in _MOVING)
    return isinstance(created, int) and isinstance(updated, int) and created > updated


def _is_told(value: Any) -> bool:
    """Whether the recording shows a value of a request, so that a response may repeat it."""
    return value not in (None, "") and not is_hidden(value)


def _sent(body: Json) -> Iterator[tuple[str, Any]]:
    """Name and value of each member that a request sets, also by the path of a patch instruction."""
    yield from scalars(body)
    for step in body if isinstance(body, list) else ():
        if isinstance(step, dict) and isinstance(step.get("path"), str):
            yield from scalars(step.get("value"), step["path"].rpartition("/")[2])


def _only_in(one: Mapping[str, Json], other: Mapping[str, Json]) -> dict[str, str]:
    """Name and type of the members that only one of two objects has. Ids as names are one name."""
    return {"*" if is_made_id(key) else key: forms.kind(value) for key, value in one.items() if key not in other}


def _members(pointer: str, kinds: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Pointer and type of members. Many members of one object share one pointer, because they have one cause."""
    if len(kinds) < _MANY:
        yield from ((f"{pointer}/{key}", kind) for key, kind in kinds.items())
    else:
        yield f"{pointer}/{{{','.join(sorted(kinds))}}}", f"{len(kinds)} members"


def _repeats(items: list[Any]) -> bool:
    """Whether a list contains an entity twice."""
    return len({item["id"] for item in items}) < len(items)
