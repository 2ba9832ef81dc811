"""Pairs the entities of a recorded response with ours, and decides which responses cannot show the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mockserver.comparison.symbols import Bindings, Symbol, is_made_id, page_token, symbols_in
from mockserver.exchange import Result
from mockserver.json_input import Json
from mockserver.recordings.lives import ENTITIES, SPECS
from mockserver.recordings.recording import RecordedExchange

_CURSOR = "continuationToken"


class Pairing:
    """Pairs entities in the order of the recording, and binds the ids of those that both sides show."""

    def __init__(self, bindings: Bindings, provided: frozenset[str] = frozenset(), *, shared: bool = False) -> None:
        """`provided`: recorded ids of entities that were created before the replay.

        `shared`: others write to the server too. Their entities in a list are not a difference.
        """
        self.bindings, self._provided = bindings, provided
        self.apart: dict[str, str] = {}
        """Recorded id of an entity whose state differs here because of an earlier exchange -> why."""
        self.is_shifted = False
        """Whether the response is a page that ends elsewhere here."""
        self.lists_batches = False
        """Whether the response has batches, of which a page may have others here."""
        self._shared = shared
        self._shifted_pages: set[str] = set()
        """Recorded cursors of pages that begin elsewhere here."""
        self._number = 0
        self._asked: frozenset[str] = frozenset()
        """Recorded ids of the entities that the request is about."""
        self._collection = ""
        self._by_metrics = False
        """Whether the request filters runs by their metrics, which differ."""

    def begin(self, exchange: RecordedExchange, ours: Result) -> None:
        """Start with the next exchange and our response."""
        parameters = exchange.call.parameters()
        self._number, self._collection = exchange.number, exchange.call.path.strip("/").split("/")[0]
        self._asked = frozenset(exchange.ids.values())
        self._by_metrics = any(name == "property" and value.startswith("metrics.") for name, value in parameters)
        limited = any(name == "limit" for name, _ in parameters)
        # runs and their batches are listed by when they ended, and how long a run takes depends on its data
        self.is_shifted = self._ends_elsewhere(exchange, ours) or (
            limited and (self._is_undated or self._collection == "runs")
        )
        self.lists_batches = exchange.operation in ("listBatches", "retrieveBatch")

    def _ends_elsewhere(self, exchange: RecordedExchange, ours: Result) -> bool:
        """Whether a page shows entities that do not exist or differ on the other side, or follows such a page."""
        body: Any = exchange.result.body if isinstance(exchange.result.body, dict) else {}
        items, links = body.get("items"), body.get("_links")
        asked = dict(exchange.call.parameters()).get(_CURSOR, "")
        known = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        if self._asked:
            return False  # a lookup
        if asked not in self._shifted_pages and not any(map(self._is_lost, known)) and not self._shows_apart(ours):
            return False
        following = links.get("next") if isinstance(links, dict) else None
        if isinstance(following, dict) and (cursor := page_token(following.get("href"))):
            self._shifted_pages.add(cursor)
        return bool(asked or following)

    def _is_lost(self, item: Mapping[str, Json]) -> bool:
        entity = item.get("id")
        if not isinstance(entity, str):
            return False
        if entity in self.apart or entity in self.bindings.others:
            return True
        return self.bindings.is_lost(("id", entity), self._number) or self._is_unprovided(item)

    def _shows_apart(self, ours: Result) -> bool:
        """Whether our list contains an entity that differs there, or does not exist there."""
        items = ours.body.get("items") if isinstance(ours.body, dict) else None
        return isinstance(items, list) and any(isinstance(one, dict) and self._is_changed(one) for one in items)

    def _is_changed(self, ours: Mapping[str, Json]) -> bool:
        """Whether one of our entities differs there, and the request is not about it."""
        entity = ours.get("id")
        if not isinstance(entity, str):
            return False
        return any(one in self.apart and one not in self._asked for one in self.bindings.recorded(entity))

    def may_have_more(self, links: Mapping[str, Json]) -> bool:
        """Whether a list goes on with entities that existed before: the client did not follow its link."""
        following = links.get("next")
        cursor = page_token(following.get("href")) if isinstance(following, dict) else ""
        return bool(cursor) and cursor not in self.bindings.followed

    def is_elsewhere(self, theirs: Sequence[Mapping[str, Json]]) -> bool:
        """Whether a list has runs of flows that the recording did not create, or is filtered by metrics of runs."""
        return self._by_metrics or any(map(self._is_earlier_run, theirs))

    def _is_earlier_run(self, item: Mapping[str, Json]) -> bool:
        flow = item.get("flowId") if self._collection == "runs" else None
        if not isinstance(flow, str):
            return False
        return self._is_undated or self.bindings.ours(("id", flow)) in (None, flow)

    def is_of_others(self, item: Any) -> bool:
        """Whether an item of a list is an entity that another client created meanwhile. A lookup shows no other."""
        return not self._asked and isinstance(item, dict) and item.get("id") in self.bindings.others

    def is_consequence(self, item: Mapping[str, Json]) -> bool:
        """Whether an item is absent here because of an earlier difference, or as it existed before."""
        return self.is_shifted or self._is_lost(item)

    def _is_unprovided(self, item: Mapping[str, Json]) -> bool:
        """Whether an entity existed before the recording, which never shows it completely."""
        symbol: Symbol = "id", str(item["id"])
        if self._collection not in ENTITIES or symbol in self.bindings.created or symbol[1] in self._provided:
            return False
        at_ms = item.get("createdAt")
        is_earlier = self._is_undated or not isinstance(at_ms, int) or at_ms < self.bindings.began_ms
        return is_earlier and self.bindings.ours(symbol) is None

    def is_apart(self, theirs: Mapping[str, Json], ours: Mapping[str, Json] | None = None) -> bool:
        """Whether a listed entity, there or here, differs for another reason. A lookup of one is compared."""
        if ours is not None and self._is_changed(ours):
            return True
        return theirs["id"] in self.apart and theirs["id"] not in self._asked

    @property
    def may_list_more(self) -> bool:
        """Whether items that only our list has are not a difference."""
        return self._shared or self.is_shifted or self._is_undated

    @property
    def _is_undated(self) -> bool:
        """Whether the recording has no times, so that it is unknown what existed before it."""
        return not self.bindings.began_ms

    def pair(self, theirs: list[Any], ours: list[Any]) -> tuple[list[Any], list[Any]]:
        """Bind entities that both lists show for the first time. Returns the lists without those to leave out."""
        theirs = [item for item in theirs if not self.is_apart(item)]
        ours = [item for item in ours if not self._is_changed(item)]
        if not self._shared and self._collection not in SPECS:  # specs have the same ids everywhere
            self._bind_new({item["id"]: item for item in theirs}, {item["id"]: item for item in ours})
        return theirs, ours

    def named_alike(self, theirs: Mapping[str, Json], ours: Mapping[str, Json]) -> Mapping[str, Json]:
        """Rename the keys of an object `{id: entity}` to the recorded ids, and bind ids that are new in both."""
        if not any(map(is_made_id, theirs)):
            return ours
        new = {key: value for key, value in theirs.items() if is_made_id(key) and self._may_be_ours(value)}
        self._bind_new(new, {key: value for key, value in ours.items() if is_made_id(key)})
        recorded_as = {self.bindings.ours(("id", key)): key for key in theirs}
        return {recorded_as.get(key, key): value for key, value in ours.items()}

    def _may_be_ours(self, entity: Any) -> bool:
        """False for batches of flows that the recording did not create."""
        tags = entity.get("tags") if self.lists_batches and isinstance(entity, dict) else None
        flows = tags.get("flowId") if isinstance(tags, dict) else None
        return not isinstance(flows, list) or any(self.bindings.ours(("id", str(one))) for one in flows)

    def _bind_new(self, theirs: Mapping[str, Json], ours: Mapping[str, Json]) -> None:
        """Bind the ids of new entities: of those that name the same other entities, then in their order."""
        known = {self.bindings.ours(("id", key)) for key in theirs}
        new = [key for key in theirs if key not in ours and self.bindings.ours(("id", key)) is None]
        left = {
            key: {value for _, value in symbols_in(entity)}
            for key, entity in ours.items()
            if key not in theirs and key not in known and not self.bindings.is_ours(key)
        }
        for recorded, here in self._counterparts(theirs, new, left):
            self.bindings.bind(("id", recorded), here)

    def _counterparts(
        self, theirs: Mapping[str, Json], new: list[str], left: dict[str, set[str]]
    ) -> Iterator[tuple[str, str]]:
        for recorded in new:
            if not left:
                return
            named = {self.bindings.ours(symbol) for symbol in symbols_in(theirs[recorded])}
            here = max(left, key=lambda key: len(named & left[key]))  # the first one of equal ones
            del left[here]
            yield recorded, here
