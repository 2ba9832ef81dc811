"""Finds requests that name an entity which the recorded service had, and which the recording never shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.comparison.symbols import Bindings, filtered_ids, is_placed_id, symbols_in
from mockserver.exchange import Result
from mockserver.recordings.lives import ENTITIES, SPECS, kind_of
from mockserver.recordings.mentions import Absences
from mockserver.recordings.recording import RecordedExchange, Recording

ENDS = ("sourceConnectionIds", "targetConnectionIds")
_NAMING = ("baseConnectionId", *ENDS, "flowId")
"""Members of a body by which the service looks up another entity."""
_IN_USE = ("1418-400", "1447-400")
"""Errors of a deletion that a flow prevents."""
_NOT_FOUND = (400, 404)
"""Statuses by which an unknown id is refused, in a body and in a path."""


class Unseen:
    """The entities that exist here, and those that are known not to exist, at a point of a recording."""

    def __init__(self, recording: Recording, bindings: Bindings, provided: frozenset[str]) -> None:
        """`provided`: recorded ids of entities that were created before the replay."""
        self._used = frozenset(_in_flows(recording))
        self._bindings, self._provided = bindings, provided
        self._absences = Absences()
        self._first: dict[str, set[str]] = {}
        """Path of a list -> ids on its first pages."""

    def note(self, exchange: RecordedExchange) -> None:
        """Note which entities a recorded response proves to exist or not to exist."""
        self._absences.note(exchange)
        if not exchange.call.query or exchange.call.query.startswith("limit="):
            self._first.setdefault(exchange.call.path, set()).update(_listed(exchange))

    def precedes(self, exchange: RecordedExchange) -> str:
        """Why a request cannot be repeated: it follows from what the client did before. Empty if it can."""
        result = exchange.result
        cursor, listed = _cursor(exchange), _listed(exchange)
        is_known = self._bindings.born.get(("page", cursor), exchange.number) < exchange.number
        # a service that takes any cursor shows the first page again
        goes_on = exchange.gaps.answer or (listed and listed.isdisjoint(self._first.get(exchange.call.path, ())))
        if cursor and not is_known and result.status == 200 and goes_on:
            return "continues a list of which the recording lacks a page"
        in_use = result.error in _IN_USE or (exchange.gaps.answer and result.status == 400)
        if in_use and exchange.call.method == "DELETE":
            entity_id = next(iter(exchange.ids.values()), "")
            if entity_id in self._provided and entity_id not in self._used:
                return "a flow uses the entity that the recording does not show"
        return ""

    def explains(self, exchange: RecordedExchange, ours: Result) -> str:
        """Why our refusal is not a difference: only the recorded service had the entity. Empty if it is one."""
        theirs = exchange.result
        if ours.status not in _NOT_FOUND or (theirs.status, theirs.error) == (ours.status, ours.error):
            return ""
        if theirs.status // 100 not in (2, 4) or shows_nothing(exchange):
            return ""
        found = (place for place, entity_id in named(exchange) if self._is_unseen(exchange, entity_id))
        return next((f"names an entity in {place} that the recording does not show" for place in found), "")

    def _is_unseen(self, exchange: RecordedExchange, entity_id: str) -> bool:
        """Whether an entity may exist for the recorded service, and does not exist here."""
        if not is_placed_id(entity_id) or entity_id in self._provided:
            return False
        return self._bindings.ours(("id", entity_id)) is None and not self._absences.has(exchange, entity_id)


def _cursor(exchange: RecordedExchange) -> str:
    return dict(exchange.call.parameters()).get("continuationToken", "")


def _listed(exchange: RecordedExchange) -> set[str]:
    """The ids of the entities on a page."""
    items = exchange.result.body.get("items") if isinstance(exchange.result.body, dict) else None
    return {str(one.get("id")) for one in items if isinstance(one, dict)} if isinstance(items, list) else set()


def is_lookup(exchange: RecordedExchange) -> bool:
    """Whether a request looks up one entity of Flow Service."""
    return exchange.call.method == "GET" and kind_of(exchange) in [(kind, 2) for kind in ENTITIES]


def shows_nothing(exchange: RecordedExchange) -> bool:
    """Whether a successful lookup does not show the entity that it names, and so does not prove that it exists."""
    shown = {value for _, value in symbols_in(exchange.result.body)}
    answered = exchange.result.status == 200 and not exchange.gaps.answer
    return is_lookup(exchange) and answered and shown.isdisjoint(exchange.ids.values())


def named(exchange: RecordedExchange) -> Iterator[tuple[str, str]]:
    """Place and id of each entity that a request names. Specs should exist everywhere."""
    if exchange.call.path.strip("/").split("/")[0] not in SPECS:
        yield from (("the path", value) for value in exchange.ids.values())
    yield from (("a filter", value) for value in filtered_ids(exchange))
    yield from ((f"/{member}", value) for member, value in named_in_body(exchange))


def named_in_body(exchange: RecordedExchange) -> Iterator[tuple[str, str]]:
    """Member and id of each entity that a body names, also in a patch."""
    body: Any = exchange.body
    if exchange.call.path.startswith("/data/"):  # schemas and data sets
        yield from (("the body", value) for kind, value in symbols_in(body) if kind == "id")
        return
    for step in body if isinstance(body, list) else [body]:
        if isinstance(step, Mapping):
            patched = {str(step.get("path")).strip("/").split("/")[0]: step.get("value")} if "path" in step else {}
            for member in _NAMING:
                value = {**step, **patched}.get(member)
                values = value if isinstance(value, list) else [value]
                yield from ((member, one) for one in values if isinstance(one, str))


def _in_flows(recording: Recording) -> Iterator[str]:
    """The ids that flows contain, in successful requests and responses."""
    for exchange in recording.exchanges:
        if kind_of(exchange)[0] == "flows" and 200 <= exchange.result.status < 300:
            for _, value in (*symbols_in(exchange.body), *symbols_in(exchange.result.body)):
                yield value
