"""Tests of a store whose PostgreSQL database is lost, hangs, falls silent or returns."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from mockserver.runtime import Runtime
from mockserver.state import postgresql
from mockserver.state.places import open_store
from mockserver.state.store import Put, StorageUnavailable, Store, Taken
from tests.bad_network import BadNetwork, between, nothing
from tests.postgres import PASSWORD, new_url, shared_server
from tests.state.test_postgresql import KIND, TENANT, put, rename, seen


@pytest.fixture
def url() -> str:
    return new_url()


@pytest.fixture
def network() -> Iterator[BadNetwork]:
    with between(shared_server().port) as made:
        yield made


@pytest.fixture
def far(url: str, network: BadNetwork) -> Iterator[Store]:
    """A store whose network can fail on request."""
    store = open_store(url.replace(f":{shared_server().port}/", f":{network.port}/"), Runtime())
    put(store, "1", 0)
    yield store
    network.heal()
    store.close()


OPERATIONS: dict[str, Callable[[Store], Any]] = {
    "read": lambda store: store.get(TENANT, KIND, "1"),
    "insert": lambda store: put(store, "2"),
    "replace": lambda store: store.replace(
        TENANT, KIND, "1", {"id": "1", "updatedAt": 5}, (store.get(TENANT, KIND, "1") or {})["etag"]
    ),
    "delete": lambda store: store.delete(TENANT, KIND, "1"),
    "delete unless": lambda store: store.delete(TENANT, KIND, "1", lambda: None),
    "transact": lambda store: store.transact(TENANT, [Put(KIND, {"id": "2", "updatedAt": 5})]),
    "export": lambda store: store.export(),
    "clear": lambda store: store.clear(),
}


@pytest.mark.parametrize("mode", ["refuse", "hang", "reset"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_the_database_every_operation_says_so_and_goes_on_when_it_is_back(
    far: Store,
    network: BadNetwork,
    mode: str,
    operation: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    getattr(network, mode)()
    if mode == "reset":  # the next connection works, so nobody notices
        OPERATIONS[operation](far)
    else:
        with monkeypatch.context() as impatient, pytest.raises(StorageUnavailable):
            impatient.setattr(
                postgresql, "OPERATION_MS", 300
            )  # a shorter wait; working connections get their full time
            OPERATIONS[operation](far)
    network.heal()
    network.reset()
    put(far, "later")
    assert seen(far, "later") == "a"
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_connection_that_has_gone_silent_is_replaced_without_anybody_noticing(
    far: Store, network: BadNetwork, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "SILENCE_MS", 200)
    network.forget()
    OPERATIONS[operation](far)
    assert put(far, "later") and seen(far, "later") == "a"


MANY: tuple[Callable[[Store, int], Any], ...] = (
    lambda store, number: put(store, f"n{number}"),
    lambda store, number: store.transact(TENANT, [Put(KIND, {"id": f"n{number}", "updatedAt": 5})]),
    lambda store, _: store.delete(TENANT, KIND, "1", lambda: None),
)


def all_at_once(store: Store, acts: tuple[Callable[[Store, int], Any], ...]) -> set[str]:
    """The outcomes of twenty-one concurrent callers.

    All of them begin at once, because whoever begins later waits later: on a busy machine, starting threads takes time.
    """
    together = threading.Barrier(21)

    def ask(number: int) -> str:
        together.wait()
        try:
            acts[number % len(acts)](store, number)
        except StorageUnavailable as trouble:
            assert not trouble.unknown
            return str(trouble)
        return "all is well"

    with ThreadPoolExecutor(21) as pool:
        return set(pool.map(ask, range(21)))


def test_many_who_wait_for_a_database_that_hangs_wait_side_by_side(far: Store, network: BadNetwork) -> None:
    """Waiting one after the other would exceed each caller's deadline."""
    network.hang()
    before = network.connections
    told = all_at_once(far, (*MANY, lambda store, _: store.get(TENANT, KIND, "1")))
    readers, dials_of_one = 6, postgresql.OPERATION_MS // postgresql.CONNECTING_MS
    assert network.connections - before <= (readers + 1) * dials_of_one
    assert told <= {"the database of the records cannot be reached", "the store cannot be reached"}


def test_many_who_wait_for_a_turn_that_does_not_come_free_wait_side_by_side_and_are_told_why(
    far: Store, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the database hangs in another server's commit; reads continue."""
    with psycopg.connect(url) as db:
        db.execute("SELECT 1 FROM mockserver_meta FOR UPDATE")
        told = all_at_once(far, MANY)
        assert seen(far, "1") == 0
    assert told <= {"another server held the write lock for too long", "the store cannot be reached"}
    given_up = caplog.text.count("writing: canceling statement due to lock timeout")
    assert 1 <= given_up <= postgresql.OPERATION_MS // postgresql.LOCK_MS, "each after the other would be 21"
    assert put(far, "later") and far.count(TENANT, KIND) == 2


def test_a_server_that_hangs_in_its_turn_loses_it_before_the_others_lose_patience(
    far: Store, url: str, network: BadNetwork
) -> None:
    hanging = psycopg.connect(url, autocommit=True)
    hanging.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", (str(postgresql.HELD_MS),))
    hanging.execute("BEGIN")
    hanging.execute("SELECT 1 FROM mockserver_meta FOR UPDATE")
    before = network.connections
    put(far, "2")
    assert network.connections == before, "whoever waits keeps its connection"
    with pytest.raises(psycopg.Error):
        hanging.execute("COMMIT")
    hanging.close()


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time for new connections on a busy machine. What a cut leads to does not depend on deadlines.

    An operation for which none was left is refused, and so is every next one whose login is cut.
    """
    monkeypatch.setattr(postgresql, "OPERATION_MS", 60_000)
    monkeypatch.setitem(postgresql.DEFAULT_OPTIONS, "connect_timeout", 30)


@pytest.mark.slow
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize(("way", "outcomes"), [("answer", {True}), ("request", {True})])
def test_a_commit_whose_connection_is_cut_anywhere_is_reported_as_it_was(
    far: Store, network: BadNetwork, way: str, outcomes: set[bool]
) -> None:
    """After a cut at byte n, the reported outcome must be the one in the database."""
    told: list[tuple[int, bool]] = []
    for cut in itertools.count(0, 7):
        network.cut_after(cut, way)
        try:
            put(far, f"cut-{cut}")
            told.append((cut, True))
        except StorageUnavailable as trouble:
            assert not trouble.unknown
            told.append((cut, False))
        if network.waiting:
            break
    network.heal()
    for cut, made in told:
        assert (seen(far, f"cut-{cut}") is not None) == made, cut
    assert {made for _, made in told} == outcomes


def put_again(store: Store, entity_id: str) -> None:
    with pytest.raises(Taken):
        put(store, entity_id)


WRITES: dict[str, Callable[[Store, str], Any]] = {
    "insert": lambda store, entity_id: put(store, f"{entity_id}-again"),
    "replace": lambda store, entity_id: rename(store, entity_id, "again"),
    "delete": lambda store, entity_id: store.delete(TENANT, KIND, entity_id),
    "a refused one": put_again,
}
"""Writes that take one revision, and one that takes none. A rollback may fail after each."""


@pytest.mark.slow
@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("way", ["answer", "request"])
@pytest.mark.parametrize("write", WRITES)
def test_a_write_whose_connection_is_cut_anywhere_is_made_once(
    far: Store, network: BadNetwork, way: str, write: str
) -> None:
    """One that is tried again on a new connection would take a second revision, or find its own record."""
    for cut in itertools.count(len(write), 19):  # another place within each message than for the other writes
        put(far, f"cut-{cut}")
        before = far.export()["revision"]
        network.cut_after(cut, way)
        WRITES[write](far, f"cut-{cut}")
        if network.waiting:
            break
        assert far.export()["revision"] == before + (write in ("insert", "replace", "delete")), cut


def test_an_outcome_that_cannot_be_found_out_is_told_to_be_unknown(
    far: Store, network: BadNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything before COMMIT passes, its response does not, and the network stays down."""

    def watch(data: bytes) -> bytes:
        if b"COMMIT" in data:
            network.answer = nothing
        return data

    network.request = watch
    with pytest.raises(StorageUnavailable) as caught:
        put(far, "2")
    assert caught.value.unknown and "outcome is unknown" in caplog.text
    network.heal()
    assert seen(far, "2") == "a"


def test_the_database_server_may_be_killed_and_come_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    server = shared_server()
    store = open_store(server.new_schema(), Runtime())
    put(store, "1")
    server.stop()
    try:
        for act in (lambda: seen(store, "1"), lambda: put(store, "2")):
            with pytest.raises(StorageUnavailable):
                act()
    finally:
        server.start()
    assert seen(store, "1") == "a" and seen(store, "2") is None
    put(store, "2")
    store.close()
