"""One behaviour, wherever the records are kept: in memory, in an SQLite file, in a PostgreSQL database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver import listing
from mockserver.exchange import Tenant
from mockserver.listing import Listable, ListQuery
from mockserver.quirks import Quirks
from mockserver.runtime import SEEDED_START_MS, Runtime
from mockserver.state.store import Missing, Stale, Store, Taken, open_store

TENANT = Tenant("org", "prod")
KIND = "connections"
LISTABLE = Listable(KIND, frozenset({"id", "name", "state"}), frozenset({"id", "name", "state"}))


@pytest.fixture
def store(state: str | None) -> Iterator[Store]:
    opened = open_store(state, Runtime(1))
    yield opened
    opened.close()


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
    """The ids on all pages, going on by links as clients do; `between` is called after each page."""
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


def test_a_record_comes_back_as_it_was_stored_with_its_etag(store: Store) -> None:
    made = put(store, "1", "né\U0001f600")
    assert (
        store.get(TENANT, KIND, "1")
        == made
        == {**doc("1", "né\U0001f600"), "version": made["etag"], "etag": made["etag"]}
    )
    assert made["etag"].startswith('"') and made["etag"].endswith('"')


def test_an_id_is_taken_once(store: Store) -> None:
    made = put(store, "1")
    with pytest.raises(Taken):
        put(store, "1", "b")
    assert store.get(TENANT, KIND, "1") == made


def test_replace_wants_the_present_etag(store: Store) -> None:
    first = put(store, "1")
    second = rename(store, "1", "b")
    with pytest.raises(Stale) as caught:
        store.replace(TENANT, KIND, "1", doc("1", "c"), first["etag"])
    now = store.get(TENANT, KIND, "1")
    assert caught.value.current == second and now is not None and now["name"] == "b"
    with pytest.raises(Missing):
        store.replace(TENANT, KIND, "2", doc("2"), second)


def test_delete_removes_unless_it_is_forbidden(store: Store) -> None:
    put(store, "1")

    def forbid() -> None:
        raise PermissionError

    with pytest.raises(PermissionError):
        store.delete(TENANT, KIND, "1", forbid)
    assert store.get(TENANT, KIND, "1") is not None
    store.delete(TENANT, KIND, "1")
    assert store.get(TENANT, KIND, "1") is None and store.count(TENANT, KIND) == 0
    with pytest.raises(Missing):
        store.delete(TENANT, KIND, "1")


def test_tenants_and_kinds_see_nothing_of_each_other(store: Store) -> None:
    others = [Tenant("org", "dev"), Tenant("other", "prod")]
    etags = {put(store, "1", "a", tenant)["etag"] for tenant in (TENANT, *others)}
    assert len(etags) == 3
    for tenant in others:
        assert store.count(tenant, KIND) == 1
        store.delete(tenant, KIND, "1")
        with pytest.raises(Missing):
            store.replace(tenant, KIND, "1", doc("1"), etags.pop())
    assert store.get(TENANT, "flows", "1") is None and store.count(TENANT, KIND) == 1


def test_no_etag_ever_comes_again(state: str | None) -> None:
    runtime = Runtime(1)
    store = open_store(state, runtime)
    runtime.clock.freeze()
    etags = [put(store, "1")["etag"]]
    for step in range(60):  # A -> B -> A, in one millisecond, then with the clock going back and forth
        if step > 20:
            runtime.clock.advance(-86_400_000 if step % 2 else 3_600_000)
        etags.append(rename(store, "1", "ab"[step % 2]))
    if state is not None:
        store.close()
        store = open_store(state, Runtime(1))
    etags += [rename(store, "1", "ab"[step % 2]) for step in range(20)]
    store.delete(TENANT, KIND, "1")
    etags.append(put(store, "1")["etag"])
    store.close()
    assert len(set(etags)) == len(etags)


def test_an_export_can_be_restored_etags_and_all(store: Store) -> None:
    for number in range(5):
        put(store, str(number))
    rename(store, "2", "b")
    saved, order = store.export(), walk(store, asked(2))
    later = rename(store, "1", "later")
    store.restore(saved)
    assert store.export()["records"] == saved["records"] and walk(store, asked(2)) == order
    assert rename(store, "1", "again") != later
    store.clear()
    assert store.count(TENANT, KIND) == 0
    store.restore(saved)
    assert walk(store, asked(2)) == order


def test_clear_forgets_records_but_not_the_counter(state: str | None) -> None:
    store = open_store(state, Runtime(None))
    first, counted = put(store, "1")["etag"], store.export()["revision"]
    store.clear()
    assert store.page(TENANT, KIND, asked()) == ([], None) and store.export()["revision"] == counted
    assert put(store, "1")["etag"] != first
    store.close()


def test_under_a_seed_a_cleared_store_repeats_itself(store: Store) -> None:
    first = put(store, "1")
    store.clear()
    assert put(store, "1") == first


_GOOD = {"org": "o", "sandbox": "s", "kind": "flows", "revision": 1, "doc": {**doc("1"), "version": "v", "etag": "e"}}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({}, "/version"),
        ({"version": 2}, "/version"),
        ({"version": True}, "/version"),
        ({"version": 1}, "/revision"),
        ({"version": 1, "revision": -1, "records": []}, "/revision"),
        ({"version": 1, "revision": 1 << 60, "records": []}, "/revision"),
        ({"version": 1, "revision": 1}, "/records"),
        ({"version": 1, "revision": 1, "records": {}}, "/records"),
        ({"version": 1, "revision": 1, "records": ["x"]}, "/records/0"),
        ({"version": 1, "revision": 1, "records": [{**_GOOD, "org": 5}]}, "/records/0/org"),
        ({"version": 1, "revision": 1, "records": [{**_GOOD, "revision": 2}]}, "/records/0/revision"),
        ({"version": 1, "revision": 1, "records": [{**_GOOD, "revision": True}]}, "/records/0/revision"),
        ({"version": 1, "revision": 1, "records": [{**_GOOD, "doc": {"id": "1"}}]}, "/records/0/doc/updatedAt"),
        ({"version": 1, "revision": 1, "records": [_GOOD, _GOOD]}, "/records/1/revision"),
        ({"version": 1, "revision": 2, "records": [_GOOD, {**_GOOD, "revision": 2}]}, "/records/1"),
    ],
)  # fmt: skip
def test_a_wrong_export_is_refused_by_place_and_changes_nothing(store: Store, data: Any, place: str) -> None:
    put(store, "1")
    before = store.export()
    with pytest.raises(ValueError, match=f"^{place}:"):
        store.restore(data)
    assert store.export() == before


def test_the_last_written_comes_first_and_pages_join_up(store: Store) -> None:
    for number in range(7):
        put(store, str(number))
    rename(store, "3", "b")
    assert store.page(TENANT, KIND, asked(7))[1] is None  # exactly full, and nothing follows
    assert walk(store, asked()) == walk(store, asked(1)) == walk(store, asked(3)) == ["3", "6", "5", "4", "2", "1", "0"]


_names = st.sampled_from(["a", "b", "c", None, 5, 2.5, True, ["x"]])
_writes = st.lists(st.tuples(st.sampled_from(["insert", "rename", "delete"]), st.integers(0, 9), _names), max_size=4)


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
    store = Store(Runtime(1))
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
    store = Store(Runtime(1))
    put(store, "1", "x" * 1_000_000)
    for step in range(5000):
        rename(store, "1", f"{step}" + "x" * 100_000)
    entries = store._view.collection(TENANT, KIND).entries
    assert len(entries) < 2500 and sum(len(str(entry.left)) for entry in entries) < 2_000_000


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


def race(count: int, act: Callable[[int], Any]) -> list[Any]:
    """The outcomes of so many threads that start together; a refusal is an outcome."""
    ready = threading.Barrier(count)

    def run(number: int) -> Any:
        ready.wait()
        try:
            return act(number)
        except (Stale, Missing, ValueError) as refusal:
            return type(refusal)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_writers_with_one_etag_exactly_one_wins(store: Store) -> None:
    etag = put(store, "1")["etag"]
    for _ in range(20):
        outcomes = race(16, lambda n, etag=etag: store.replace(TENANT, KIND, "1", doc("1", n), etag))  # type: ignore[misc]
        (won,) = (outcome for outcome in outcomes if outcome is not Stale)
        assert store.get(TENANT, KIND, "1") == won
        etag = won["etag"]


def test_no_increment_is_lost(store: Store) -> None:
    put(store, "1", 0)

    def increment(_: int) -> None:
        for _ in range(10):
            while True:
                now = store.get(TENANT, KIND, "1")
                assert now is not None
                try:
                    store.replace(TENANT, KIND, "1", {**now, "name": now["name"] + 1}, now["etag"])
                    break
                except Stale:
                    continue

    race(8, increment)
    now = store.get(TENANT, KIND, "1")
    assert now is not None and now["name"] == 80


def test_of_deletes_and_updates_one_wins_and_nothing_rises_again(store: Store) -> None:
    for number in range(20):
        etag = put(store, str(number))["etag"]

        def act(n: int, number: int = number, etag: str = etag) -> Any:
            if n % 2:
                return store.replace(TENANT, KIND, str(number), doc(str(number), "new"), etag)
            return store.delete(TENANT, KIND, str(number))

        outcomes = race(8, act)
        assert outcomes[::2].count(None) == 1  # one delete
        assert store.get(TENANT, KIND, str(number)) is None


def test_one_id_is_given_out_once(store: Store) -> None:
    outcomes = race(16, lambda _: put(store, "1"))
    assert outcomes.count(Taken) == 15 and store.count(TENANT, KIND) == 1


def test_readers_see_whole_lists_while_others_write(store: Store) -> None:
    for number in range(30):
        put(store, str(number))
    done = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not done.wait(0.001):  # and not without a pause: the writers need the interpreter, too
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


def test_a_page_costs_the_same_in_a_small_and_a_large_store() -> None:
    """Counted in records looked at, which the clock of a busy machine cannot disturb."""

    def looked_at(size: int) -> int:
        store = Store(Runtime(1))
        for number in range(size):
            put(store, str(number))
        _, after = store.page(TENANT, KIND, asked(10))
        looked: list[str] = []
        query = ListQuery(limit=10, after=after)
        store.page(TENANT, KIND, query, lambda item: not looked.append(item["id"]))  # type: ignore[func-returns-value]
        return len(looked)

    assert looked_at(30) == looked_at(3000) == 11
