"""Tests that pages neither skip nor repeat records, in any store, while others write."""

from __future__ import annotations

import base64
import threading
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver import listing
from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.listing import ListQuery
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime
from mockserver.state.memory import MemoryStore
from mockserver.state.store import Put, Store
from tests.state.stored import KIND, LISTABLE, TENANT, asked, doc, put, race, rename, walk

_names = st.sampled_from(["a", "b", "c", None, 5, 2.5, True, ["x"]])
_writes = st.lists(st.tuples(st.sampled_from(["insert", "rename", "delete"]), st.integers(0, 9), _names), max_size=4)


def test_the_last_written_comes_first_and_pages_join_up(store: Store) -> None:
    for number in range(7):
        put(store, str(number))
    rename(store, "3", "b")
    assert store.page(TENANT, KIND, asked(7))[1] is None  # exactly full, without a next page
    assert walk(store, asked()) == walk(store, asked(1)) == walk(store, asked(3)) == ["3", "6", "5", "4", "2", "1", "0"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(_names, min_size=1, max_size=10),
    orderby=st.sampled_from(["", "name", "-name", "state,-name", "-id"]),
    limit=st.integers(1, 4),
    meanwhile=st.lists(_writes, max_size=12),
)
def test_pages_neither_skip_nor_repeat_whatever_is_written(
    names: list[Any], orderby: str, limit: int, meanwhile: list[Any]
) -> None:
    store = MemoryStore(Runtime(1))
    for number, name in enumerate(names):
        put(store, str(number), name)
    order = walk(store, asked(100, orderby))
    gone: set[str] = set()
    fresh = iter(range(10, 10_000))

    def write(page: int) -> None:
        for what, number, name in meanwhile[page] if page < len(meanwhile) else ():
            if what == "insert":
                put(store, str(next(fresh)), name)
            elif store.get(TENANT, KIND, str(number)) is not None:
                if what == "rename":
                    rename(store, str(number), name)
                else:
                    store.delete(TENANT, KIND, str(number))
                    gone.add(str(number))

    seen = walk(store, asked(limit, orderby), write)
    assert [item for item in seen if item not in gone] == [item for item in order if item not in gone]
    assert len(set(seen)) == len(seen)


def test_a_listing_outlives_a_thousand_updates(store: Store) -> None:
    for number in range(40):
        put(store, str(number), f"n{number:02}")

    def write(page: int) -> None:
        if page == 0:
            for step in range(1000):
                rename(store, str(step % 40), f"m{step % 7}")

    assert walk(store, asked(10, "name"), write) == [str(number) for number in range(40)]


def test_superseded_records_do_not_pile_up() -> None:
    store = MemoryStore(Runtime(1))
    put(store, "1", "x" * 1_000_000)
    tracemalloc.start()
    try:
        for step in range(5000):
            rename(store, "1", f"{step}" + "x" * 100_000)
        assert tracemalloc.get_traced_memory()[0] < 4_000_000
    finally:
        tracemalloc.stop()


def test_filtered_pages_hold_what_matches_now(store: Store) -> None:
    for number in range(9):
        put(store, str(number), "ab"[number % 2])
    query = asked(2, "", "name==a")
    assert store.count(TENANT, KIND, query.matches) == 5
    assert walk(store, query, lambda page: (rename(store, "0", "b"), None)[1] if page == 0 else None) == [
        "8",
        "6",
        "4",
        "2",
    ]


def test_readers_see_whole_lists_while_others_write(store: Store) -> None:
    for number in range(30):
        put(store, str(number))
    done = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not done.wait(0.001):  # with pauses, because the writers need the interpreter too
            for orderby in ("", "-name"):
                ids = walk(store, asked(7, orderby))
                if len(set(ids)) != len(ids) or not {str(number) for number in range(30)} <= set(ids):
                    faults.append(f"{orderby}: {ids}")

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()

    def write(n: int) -> None:
        for step in range(5):
            put(store, f"{n}-{step}")
            for number in range(n, 30, 4):
                rename(store, str(number), f"{step}")
            store.delete(TENANT, KIND, f"{n}-{step}")

    race(4, write)
    done.set()
    for reader in readers:
        reader.join()
    assert faults == [] and store.count(TENANT, KIND) == 30


def test_every_etag_of_parallel_writers_is_its_own_and_the_list_has_them_in_order(store: Store) -> None:
    made = [item for part in race(8, lambda n: [put(store, f"{n}-{k}") for k in range(20)]) for item in part]
    assert len({item["etag"] for item in made}) == 160
    assert sorted(walk(store, asked(9))) == sorted(item["id"] for item in made)


@pytest.mark.parametrize("size", [30, 3000])
def test_a_page_costs_the_same_in_a_small_and_a_large_store(store: Store, size: int) -> None:
    """Counted in records read, independent of the machine's load."""
    store.transact(TENANT, [Put(KIND, doc(str(number))) for number in range(size)])
    _, after = store.page(TENANT, KIND, asked(10))
    looked: list[str] = []
    query = ListQuery(limit=10, after=after)
    store.page(TENANT, KIND, query, lambda item: not looked.append(item["id"]))  # type: ignore[func-returns-value]
    assert len(looked) == 11


@pytest.mark.parametrize("orderby", ["", "name"])
def test_links_to_next_pages_tell_nothing_of_other_tenants(store: Store, orderby: str) -> None:
    for number in range(3):
        put(store, str(number))
    query = asked(1, orderby)

    def link() -> str:
        _, after = store.page(TENANT, KIND, query)
        assert after is not None
        return listing.next_href(LISTABLE, query, after, key=store.page_key)

    before = link()
    for number in range(50):
        put(store, str(number), tenant=Tenant("other", "prod"))
    assert link() == before
    token = before.partition("=")[2]
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert b"connections" not in sealed
    assert listing.parse({"continuationToken": token}, LISTABLE, Quirks(), key=store.page_key).after is not None
    with pytest.raises(ApiError):
        listing.parse({"continuationToken": token}, LISTABLE, Quirks(), key=MemoryStore(Runtime()).page_key)
