"""Tests of the common behaviour of all stores: in memory, in an SQLite file, in PostgreSQL."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.memory import MemoryStore
from mockserver.state.places import open_store
from mockserver.state.sql import each_once
from mockserver.state.store import Missing, Put, Stale, StorageUnavailable, Store, Taken
from tests.state.stored import KIND, TENANT, asked, doc, put, race, rename, walk


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
        ({"version": 1, "revision": 1, "records": [_GOOD], "more": []}, "/more"),
    ],
)  # fmt: skip
def test_a_wrong_export_is_refused_by_place_and_changes_nothing(store: Store, data: Any, place: str) -> None:
    put(store, "1")
    before = store.export()
    with pytest.raises(ValueError, match=f"^(Member {place} is (missing|unknown)|{place}:)"):
        store.restore(data)
    assert store.export() == before


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


def test_a_version_and_an_etag_that_were_brought_along_are_the_services_to_give(store: Store) -> None:
    made = store.insert(TENANT, KIND, doc("1", version="theirs", etag="theirs"))
    assert list(made) == [*doc("1"), "version", "etag"] and "theirs" not in made.values()


def test_a_refused_write_takes_no_revision(store: Store) -> None:
    put(store, "1")
    before = store.export()["revision"]
    for refusal, act in (
        (Taken, lambda: put(store, "1")),
        (Stale, lambda: store.replace(TENANT, KIND, "1", doc("1"), "x")),
        (Missing, lambda: store.replace(TENANT, KIND, "2", doc("2"), "x")),
        (Missing, lambda: store.delete(TENANT, KIND, "2")),
        (Missing, lambda: store.transact(TENANT, [Put(KIND, doc("3")), Put(KIND, doc("2"), "x")])),
    ):
        with pytest.raises(refusal):
            act()
    assert store.export()["revision"] == before and store.transact(TENANT, []) == []


def test_nothing_is_written_between_the_question_and_the_removal(store: Store) -> None:
    """A connection is deleted unless a flow uses it, while flows are created."""
    for turn in range(20):
        put(store, str(turn))

        def unused(turn: int = turn) -> None:
            if store.get(TENANT, "flows", str(turn)) is not None:
                raise PermissionError

        def make(turn: int = turn) -> Any:
            """Create a flow only if its connection exists."""
            flow = store.insert(TENANT, "flows", doc(str(turn)))
            return flow if store.get(TENANT, KIND, str(turn)) is not None else store.delete(TENANT, "flows", str(turn))

        def remove(turn: int = turn, unused: Any = unused) -> Any:
            try:
                return store.delete(TENANT, KIND, str(turn), unused)
            except PermissionError:
                return "in use"

        flow, removed = race(2, lambda number: (make, remove)[number]())  # called at once
        assert not (flow is not None and removed is None), "the connection of a flow is gone"


@pytest.mark.parametrize("entity_id", ["\0", "a\0b", "\ud800", "x" * 10_000, "'; DROP TABLE", "%", ""])
def test_an_id_that_nobody_gave_is_not_there(store: Store, entity_id: str) -> None:
    assert store.get(TENANT, KIND, entity_id) is None
    with pytest.raises(Missing):
        store.delete(TENANT, KIND, entity_id)


@pytest.mark.parametrize("text", ["x%_y", 'a"b', "back\\slash", "tab\t", "é", "x" * 300])
def test_a_record_that_mentions_a_text_is_found(store: Store, text: str) -> None:
    """As a member, in a member, and in a batch further on."""
    for number in range(250):
        put(store, f"{number:03}", text if number in (3, 120) else "another")
    store.insert(TENANT, KIND, doc("inside", inner=[{"of": f"<{text}>"}]))
    found = [one["id"] for one in store.mentioning(TENANT, KIND, text)]
    assert [one for one in found if one in ("inside", "120", "003")] == ["inside", "120", "003"]
    assert len(found) == 3 or not text.isascii() or isinstance(store, MemoryStore)


def test_tenants_are_those_with_records(store: Store) -> None:
    assert store.tenants() == []
    one, other = Tenant("B@AdobeOrg", "prod"), Tenant("A@AdobeOrg", "stage")
    for number, tenant in enumerate((one, other, one)):
        store.insert(tenant, KIND, doc(str(number)))
    assert store.tenants() == [other, one]
    store.delete(other, KIND, "1")
    assert store.tenants() == [one]
    store.clear()
    assert store.tenants() == []


@pytest.mark.parametrize("path", ["ABCB", "AA", "ABA"])
def test_an_index_that_leads_in_a_circle_is_named_and_not_followed(path: str) -> None:
    steps = dict(itertools.pairwise(Tenant(org, "prod") for org in path))
    steps[Tenant("", "")] = Tenant(path[0], "prod")
    with pytest.raises(StorageUnavailable, match="index of tenants is damaged"):
        each_once(steps.get)
