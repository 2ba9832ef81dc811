"""Records for tests of stores, and readers of pages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mockserver import listing
from mockserver.exchange import Tenant
from mockserver.listing import Listable, ListQuery
from mockserver.quirks import Quirks
from mockserver.runtime import SEEDED_START_MS
from mockserver.state.store import Missing, Stale, Store

TENANT = Tenant("org", "prod")
KIND = "connections"
LISTABLE = Listable(KIND, frozenset({"id", "name", "state"}), frozenset({"id", "name", "state"}))


def doc(entity_id: str, name: Any = "a", **more: Any) -> dict[str, Any]:
    return {"id": entity_id, "name": name, "updatedAt": SEEDED_START_MS, **more}


def put(store: Store, entity_id: str, name: Any = "a", tenant: Tenant = TENANT) -> dict[str, Any]:
    return dict(store.insert(tenant, KIND, doc(entity_id, name)))


def rename(store: Store, entity_id: str, name: Any) -> str:
    now = store.get(TENANT, KIND, entity_id)
    assert now is not None
    return str(store.replace(TENANT, KIND, entity_id, {**now, "name": name}, now["etag"])["etag"])


def asked(limit: int = 100, orderby: str = "", *filters: str) -> ListQuery:
    return listing.parse({"limit": limit, "property": filters, "orderby": orderby or None}, LISTABLE, Quirks())


def walk(store: Store, query: ListQuery, between: Callable[[int], None] = lambda _: None) -> list[str]:
    """The ids on all pages, following links; `between` is called after each page."""
    seen: list[str] = []
    pages = 0
    while True:
        docs, after = store.page(TENANT, KIND, query, query.matches)
        assert len(docs) <= query.limit
        seen += [item["id"] for item in docs]
        if after is None:
            return seen
        token = listing.next_href(LISTABLE, query, after).split("=")[1]
        query = listing.parse({"continuationToken": token}, LISTABLE, Quirks())
        between(pages)
        pages += 1


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """The outcomes of threads that start together; a refusal is an outcome."""
    ready = threading.Barrier(count)

    def run(number: int) -> Any:
        ready.wait()
        try:
            return act(number)
        except (Stale, Missing, ValueError) as refusal:
            return type(refusal)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
