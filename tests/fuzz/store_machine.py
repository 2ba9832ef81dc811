"""Compares every store with a dictionary: two tenants insert, replace, delete, transact, list, order, export, restore.

One machine for memory, for an SQLite file that is closed and opened again, and for two stores on one PostgreSQL of
which either is asked. What a store answers must be what the dictionary has.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from mockserver import listing
from mockserver.exchange import Tenant
from mockserver.listing import Cursor, Listable, ListQuery, ordering
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import Missing, Put, Stale, Store, Taken

KIND = "connections"
TENANTS = (Tenant("org", "prod"), Tenant("org", "dev"))
WHO = st.sampled_from(TENANTS)
FIELDS = frozenset({"id", "name", "size", "updatedAt"})
LISTABLE = Listable(KIND, FIELDS, FIELDS)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""Those that a body may have: NUL and half a surrogate pair are refused."""
NAMES = st.one_of(st.sampled_from(["a", "b", "B", "", "é"]), st.text(CHARACTERS, max_size=3))
SIZES = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.5, "1", "x" * 200]))
DOCS = st.fixed_dictionaries({"name": NAMES, "updatedAt": st.sampled_from([0, 999, 5_000])}, optional={"size": SIZES})
ETAGS = st.sampled_from(["right", "right", "right", "old", "made up"])
ORDERS = st.sampled_from(["", "", "name", "-name", "size,-name", "-size", "-id"])
FILTERS = st.sampled_from(["", "name==a", "name!=b", "updatedAt>=1000", "size==x,1"])
MADE_UP = '"00000000-0000-0200-0000-000000000000"'


@dataclass
class Row:
    """The model's knowledge of a record."""

    doc: dict[str, Any]
    written: int
    """Number of the write, which orders records."""


@dataclass
class Begun:
    """A started listing: the remaining ids as of its start, in their order."""

    tenant: Tenant
    query: ListQuery
    rest: list[str]
    after: Cursor | None = None


@dataclass
class Model:
    """The dictionary."""

    rows: dict[Tenant, dict[str, Row]] = field(default_factory=lambda: {tenant: {} for tenant in TENANTS})
    writes: int = 0

    def put(self, tenant: Tenant, doc: dict[str, Any]) -> None:
        self.writes += 1
        self.rows[tenant][doc["id"]] = Row(doc, self.writes)

    def ordered(self, tenant: Tenant, query: ListQuery) -> list[str]:
        def key(row: Row) -> tuple[Any, ...]:
            return ordering.key(query.order, ordering.place(row.doc, query.order), row.written)

        return [row.doc["id"] for row in sorted(self.rows[tenant].values(), key=key)]


class Records(RuleBasedStateMachine):
    """A store in memory. Other stores are subclasses with another `place`."""

    listings = Bundle("listings")
    exports = Bundle("exports")
    lasts = False

    def __init__(self) -> None:
        super().__init__()
        self.stores = self.opened()
        self.model = Model()
        self.etags: set[str] = set()
        self.last_etags: dict[str, str] = {}
        self.made = self.turns = self.epoch = 0

    def opened(self) -> list[Store]:
        """Open stores on one place, which are used in turn."""
        return [open_store(None, Runtime())]

    def close(self) -> None:
        for store in self.stores:
            store.close()

    def teardown(self) -> None:
        """Verify that a durable store has everything at the end."""
        if self.lasts:
            self.close_and_open_all()
            self.everything_is_there()
        self.close()

    @property
    def store(self) -> Store:
        """The store whose turn it is, up to date as at the beginning of a request."""
        self.turns += 1
        store = self.stores[self.turns % len(self.stores)]
        return store

    def written(self, tenant: Tenant, sent: dict[str, Any], stored: Any) -> None:
        assert {**sent, "etag": stored["etag"], "version": stored["etag"]} == dict(stored)
        assert stored["etag"] not in self.etags
        self.etags.add(stored["etag"])
        known = self.model.rows[tenant].get(sent["id"])
        if known:
            self.last_etags[sent["id"]] = known.doc["etag"]
        self.model.put(tenant, dict(stored))

    def someone(self, tenant: Tenant, pick: int) -> str:
        """An id that exists, or one that does not."""
        ids = [*self.model.rows[tenant], "nobody"]
        return ids[pick % len(ids)]

    def etag(self, tenant: Tenant, entity_id: str, which: str) -> str:
        row = self.model.rows[tenant].get(entity_id)
        right = row.doc["etag"] if row else MADE_UP
        return {"right": right, "old": self.last_etags.get(entity_id, MADE_UP), "made up": MADE_UP}[which]

    def expected(self, tenant: Tenant, put: Put) -> type[Exception] | None:
        row = self.model.rows[tenant].get(put.doc["id"])
        if put.if_match is None:
            return Taken if row else None
        if row is None:
            return Missing
        return None if row.doc["etag"] == put.if_match else Stale

    @initialize(docs=st.lists(DOCS, min_size=3, max_size=9))
    def fill(self, docs: list[dict[str, Any]]) -> None:
        puts = [self.new(TENANTS[0], doc, taken=False, pick=0) for doc in docs]
        self.attempt(TENANTS[0], puts, lambda: self.store.transact(TENANTS[0], puts))

    @rule(tenant=WHO, doc=DOCS, taken=st.booleans(), pick=st.integers(0, 50))
    def insert(self, tenant: Tenant, doc: dict[str, Any], taken: bool, pick: int) -> None:
        put = self.new(tenant, doc, taken, pick)
        self.attempt(tenant, [put], lambda: [self.store.insert(tenant, KIND, put.doc)])

    @rule(tenant=WHO, doc=DOCS, pick=st.integers(0, 50), which=ETAGS)
    def replace(self, tenant: Tenant, doc: dict[str, Any], pick: int, which: str) -> None:
        self.change_one(tenant, doc, pick, which)

    def change_one(self, tenant: Tenant, doc: dict[str, Any], pick: int, which: str) -> None:
        put = self.change(tenant, doc, pick, which)
        etag = put.if_match or ""
        self.attempt(tenant, [put], lambda: [self.store.replace(tenant, KIND, put.doc["id"], put.doc, etag)])

    @rule(tenant=WHO, docs=st.lists(st.tuples(DOCS, st.booleans(), st.integers(0, 50), ETAGS), max_size=4))
    def transact(self, tenant: Tenant, docs: list[tuple[dict[str, Any], bool, int, str]]) -> None:
        puts: dict[str, Put] = {}
        for doc, new, pick, which in docs:
            put = self.new(tenant, doc, pick % 7 == 0, pick) if new else self.change(tenant, doc, pick, which)
            puts.setdefault(put.doc["id"], put)
        self.attempt(tenant, list(puts.values()), lambda: self.store.transact(tenant, list(puts.values())))

    def new(self, tenant: Tenant, doc: dict[str, Any], taken: bool, pick: int) -> Put:
        self.made += 1
        there = list(self.model.rows[tenant])
        return Put(KIND, {"id": there[pick % len(there)] if taken and there else f"{self.made:04}", **doc})

    def change(self, tenant: Tenant, doc: dict[str, Any], pick: int, which: str) -> Put:
        entity_id = self.someone(tenant, pick)
        return Put(KIND, {"id": entity_id, **doc}, self.etag(tenant, entity_id, which))

    def attempt(self, tenant: Tenant, puts: list[Put], write: Callable[[], list[Any]]) -> None:
        """All records are written, or the first invalid one says why and none is."""
        wrong = next((error for put in puts if (error := self.expected(tenant, put))), None)
        if wrong is None:
            for put, stored in zip(puts, write(), strict=True):
                self.written(tenant, dict(put.doc), stored)
            return
        with pytest.raises(wrong):
            write()

    @rule(tenant=WHO, pick=st.integers(0, 50), forbidden=st.sampled_from([None, False, True]))
    def delete(self, tenant: Tenant, pick: int, forbidden: bool | None) -> None:
        def unless() -> None:
            if forbidden:
                raise PermissionError

        entity_id = self.someone(tenant, pick)
        there = entity_id in self.model.rows[tenant]
        condition = None if forbidden is None else unless
        if there and not forbidden:
            self.store.delete(tenant, KIND, entity_id, condition)
            del self.model.rows[tenant][entity_id]
        else:
            with pytest.raises(PermissionError if there else Missing):
                self.store.delete(tenant, KIND, entity_id, condition)

    @rule(target=listings, tenant=WHO, limit=st.integers(1, 4), order=ORDERS, condition=FILTERS)
    def begin_filtered_list(self, tenant: Tenant, limit: int, order: str, condition: str) -> tuple[int, Begun]:
        return self.begin_list(tenant, limit, order, condition)

    def begin_list(self, tenant: Tenant, limit: int, order: str, condition: str) -> tuple[int, Begun]:
        asked = {"limit": limit, "orderby": order or None, "property": [condition] if condition else []}
        query = listing.parse(asked, LISTABLE, Quirks())
        begun = Begun(tenant, query, self.model.ordered(tenant, query))
        self.turn_page(begun)
        return self.epoch, begun

    @rule(tenant=WHO, limit=st.integers(1, 4), order=ORDERS, doc=DOCS, picks=st.lists(st.integers(0, 50), max_size=6))
    def walk_list(self, tenant: Tenant, limit: int, order: str, doc: dict[str, Any], picks: list[int]) -> None:
        """Read all pages, with a record changed after each of them."""
        _, begun = self.begin_list(tenant, limit, order, "")
        while begun.after is not None:
            if picks and self.model.rows[tenant]:
                self.change_one(tenant, doc, picks.pop(), "right")
            self.turn_page(begun)

    @rule(listing=listings)
    def go_on_with_list(self, listing: tuple[int, Begun]) -> None:
        epoch, begun = listing
        if epoch == self.epoch and begun.after is not None:  # otherwise it has ended, or is older than a restart
            self.turn_page(begun)

    def turn_page(self, begun: Begun) -> None:
        """Expect the records of the start that still exist and match, in their current form."""
        rows, query = self.model.rows[begun.tenant], begun.query
        asked = ListQuery(query.filters, query.conditions, order=query.order, limit=query.limit, after=begun.after)
        follow = [one for one in begun.rest if one in rows and query.matches(rows[one].doc)]
        docs, begun.after = self.store.page(begun.tenant, KIND, asked, query.matches)
        assert [dict(doc) for doc in docs] == [rows[one].doc for one in follow[: query.limit]]
        assert (begun.after is not None) == (len(follow) > query.limit)
        if begun.after is not None:
            begun.rest = begun.rest[begun.rest.index(docs[-1]["id"]) + 1 :]

    @rule(target=exports)
    def export(self) -> tuple[str, dict[Tenant, dict[str, Row]]]:
        text = json.dumps(self.store.export())
        found = {(row["sandbox"], row["doc"]["id"]): row["doc"] for row in json.loads(text)["records"]}
        rows = self.model.rows
        assert found == {(who.sandbox, one): row.doc for who in rows for one, row in rows[who].items()}
        return text, {tenant: dict(known) for tenant, known in rows.items()}

    @rule(export=exports, damaged=st.booleans())
    def restore(self, export: tuple[str, dict[Tenant, dict[str, Row]]], damaged: bool) -> None:
        text, rows = export
        if damaged:
            with pytest.raises(ValueError, match="/revision"):
                self.store.restore({**json.loads(text), "revision": -1})
            return
        self.store.restore(json.loads(text))
        self.model.rows = {tenant: dict(known) for tenant, known in rows.items()}
        self.epoch += 1

    @rule(listing=consumes(listings))
    def clear(self, listing: tuple[int, Begun]) -> None:
        del listing  # consumed so that this happens rarely
        self.store.clear()
        self.model.rows = {tenant: {} for tenant in TENANTS}
        self.epoch += 1

    @precondition(lambda self: self.lasts)
    @rule()
    def close_and_open(self) -> None:
        self.close_and_open_all()

    def close_and_open_all(self) -> None:
        self.close()
        self.stores = self.opened()
        self.epoch += 1

    @invariant()
    def everything_is_there(self) -> None:
        store = self.store
        for tenant, rows in self.model.rows.items():
            newest_first = sorted(rows.values(), key=lambda row: -row.written)
            assert [dict(doc) for doc in store.all(tenant, KIND)] == [row.doc for row in newest_first]
            assert store.count(tenant, KIND) == len(rows)
            for one in [*rows, "nobody"]:
                found = store.get(tenant, KIND, one)
                assert (dict(found) if found else None) == (rows[one].doc if one in rows else None)


class RecordsInFile(Records):
    """A store in an SQLite file."""

    lasts = True

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        super().__init__()

    def opened(self) -> list[Store]:
        return [open_store(str(self.folder / "state.db"), Runtime())]

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.folder)


class RecordsInDatabase(Records):
    """Two stores in one PostgreSQL database, shared by all histories, because creating it takes time."""

    lasts = True

    def __init__(self) -> None:
        super().__init__()
        self.stores[0].clear()

    def opened(self) -> list[Store]:
        return [open_store(_url(), Runtime()) for _ in range(2)]


@cache
def _url() -> str:
    from tests.postgres import new_url  # imported here, because most need no database

    return new_url()


STORES = {"memory": Records, "sqlite": RecordsInFile, "postgresql": RecordsInDatabase}
