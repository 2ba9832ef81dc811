"""What the store asks of the log that keeps its records, and what becomes of writes when the log is slow or fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime, etag
from mockserver.state.records import Change
from mockserver.state.store import Missing, Put, Stale, StateError, StorageUnavailable, Store, Taken, open_store

TENANT = Tenant("org", "prod")
KIND = "connections"


class Paper:
    """A log that shows what was put into it, and can be told to wait or to fail."""

    def __init__(self, used: int | None = None, records: Sequence[Change] = ()) -> None:
        self.used = used
        self.records = list(records)
        self.commits: list[list[Change]] = []
        self.rewritten: list[tuple[list[Change], int]] = []
        self.trouble: BaseException | None = None
        self.ready = threading.Event()
        self.ready.set()
        self.closed = False

    def load(self) -> tuple[int | None, list[Change]]:
        return self.used, self.records

    def append(self, changes: Sequence[Change]) -> None:
        if self.trouble:
            raise self.trouble
        self.commits.append(list(changes))
        assert self.ready.wait(10)

    def rewrite(self, changes: Sequence[Change], revision: int) -> None:
        if self.trouble:
            raise self.trouble
        self.rewritten.append((list(changes), revision))

    def close(self) -> None:
        self.closed = True


def doc(entity_id: str, **more: Any) -> dict[str, Any]:
    return {"id": entity_id, "updatedAt": 5, **more}


def insert(store: Store, entity_id: str, kind: str = KIND) -> dict[str, Any]:
    return dict(store.insert(TENANT, kind, doc(entity_id)))


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def store(paper: Paper) -> Store:
    return Store(Runtime(1), paper, "paper")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def eventually(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not done():
        assert time.monotonic() < until
        time.sleep(0.001)


def held(paper: Paper, store: Store, pool: ThreadPoolExecutor, entity_id: str = "held") -> Future[Any]:
    """A write that is being put on disk, and will be until the paper is ready again."""
    paper.ready.clear()
    before = len(paper.commits)
    first = pool.submit(insert, store, entity_id)
    eventually(lambda: len(paper.commits) > before)
    return first


def test_a_store_goes_on_from_what_its_log_holds() -> None:
    kept = Change(TENANT, KIND, "1", 7, {**doc("1"), "etag": etag(7, 5)})
    store = Store(Runtime(1), Paper(41, [kept]), "paper")
    assert store.get(TENANT, KIND, "1") == kept.doc
    assert insert(store, "2")["etag"] == etag(42, 5)


def test_a_store_that_was_never_used_starts_where_the_runtime_says() -> None:
    assert insert(Store(Runtime(1)), "1")["etag"] == etag(Runtime(1).first_revision() + 1, 5)


def test_a_store_says_where_it_is() -> None:
    assert (Store(Runtime(1)).place, Store(Runtime(1), Paper(), "paper").place) == ("memory", "paper")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"], ids=["long", "short"])
def test_a_database_is_a_place_for_the_state(scheme: str) -> None:
    with pytest.raises(StateError, match=r"127\.0\.0\.1"):
        open_store(f"{scheme}://flow@127.0.0.1:1/none", Runtime(1))


def test_every_write_is_in_the_log_with_its_revision(paper: Paper, store: Store) -> None:
    made = insert(store, "1")
    changed = store.replace(TENANT, KIND, "1", doc("1", name="b"), made["etag"])
    store.delete(TENANT, KIND, "1")
    assert paper.commits == [
        [Change(TENANT, KIND, "1", 1, made)],
        [Change(TENANT, KIND, "1", 2, changed)],
        [Change(TENANT, KIND, "1", 3, None)],
    ]


def test_a_refused_write_is_not_in_the_log(paper: Paper, store: Store) -> None:
    insert(store, "1")
    for refusal, act in (
        (Taken, lambda: insert(store, "1")),
        (Stale, lambda: store.replace(TENANT, KIND, "1", doc("1"), "x")),
        (Missing, lambda: store.replace(TENANT, KIND, "2", doc("2"), "x")),
        (Missing, lambda: store.delete(TENANT, KIND, "2")),
        (Missing, lambda: store.transact(TENANT, [Put(KIND, doc("3")), Put(KIND, doc("2"), "x")])),
    ):
        with pytest.raises(refusal):
            act()
    assert len(paper.commits) == 1


def test_a_version_and_an_etag_that_were_brought_along_are_the_services_to_give(store: Store) -> None:
    made = store.insert(TENANT, KIND, doc("1", version="theirs", etag="theirs", name="a"))
    expected = {**doc("1", name="a"), "version": etag(1, 5), "etag": etag(1, 5)}
    assert list(made.items()) == list(expected.items())  # and at the end


def test_those_who_wait_for_the_log_are_written_in_one_commit(
    paper: Paper, store: Store, pool: ThreadPoolExecutor
) -> None:
    first = held(paper, store, pool)
    waiting = [pool.submit(insert, store, str(number)) for number in range(5)]
    eventually(lambda: len(store._waiting) == 5)
    assert store.count(TENANT, KIND) == 0  # what is not on disk does not show
    paper.ready.set()
    made = [future.result(10) for future in (first, *waiting)]
    assert [sorted(change.entity_id for change in commit) for commit in paper.commits] == [["held"], list("01234")]
    assert all(store.get(TENANT, KIND, item["id"]) == item for item in made)


def test_the_second_write_of_a_record_sees_what_the_first_one_did(
    paper: Paper, store: Store, pool: ThreadPoolExecutor
) -> None:
    held(paper, store, pool)
    twice = [pool.submit(insert, store, "same") for _ in range(2)]
    eventually(lambda: len(store._waiting) == 2)
    other = pool.submit(insert, store, "other")
    eventually(lambda: len(store._waiting) == 3)
    paper.ready.set()
    outcomes = [future.exception(10) for future in twice]
    assert sorted(map(repr, map(type, outcomes))) == sorted(map(repr, (type(None), Taken)))
    assert other.result(10)["id"] == "other"
    assert [[change.entity_id for change in commit] for commit in paper.commits] == [["held"], ["same"], ["other"]]


def test_the_next_writer_goes_on_as_soon_as_the_one_before_is_through(
    paper: Paper, store: Store, pool: ThreadPoolExecutor
) -> None:
    """And not when it looks again by itself, after a second."""
    began = time.monotonic()
    for number in range(4):
        held(paper, store, pool, f"held {number}")
        following = pool.submit(insert, store, str(number))
        eventually(lambda: len(store._waiting) == 1 and store._waiting[0].woken is not None)
        paper.ready.set()
        following.result(10)
    assert time.monotonic() - began < 2


def test_nothing_is_written_between_the_question_and_the_removal(
    paper: Paper, store: Store, pool: ThreadPoolExecutor
) -> None:
    """A connection is removed unless a flow uses it, while a flow is being made."""
    insert(store, "1")
    paper.commits.clear()
    held(paper, store, pool)

    def unused() -> None:
        if store.count(TENANT, "flows"):
            raise PermissionError

    flow = pool.submit(insert, store, "flow", "flows")
    eventually(lambda: len(store._waiting) == 1)
    removal = pool.submit(store.delete, TENANT, KIND, "1", unused)
    paper.ready.set()
    flow.result(10)
    written = [(change.kind, change.doc is None) for commit in paper.commits for change in commit]
    refused = isinstance(removal.exception(10), PermissionError)
    assert refused or written.index((KIND, True)) < written.index(("flows", False))


@pytest.mark.parametrize("trouble", [StorageUnavailable(full=True), OSError("torn cable")])
def test_who_waits_for_a_log_that_fails_is_told_and_nothing_shows(trouble: Exception) -> None:
    paper = Paper()
    store = Store(Runtime(1), paper)
    made = insert(store, "1")
    paper.trouble = trouble
    for act in (
        lambda: insert(store, "2"),
        lambda: store.replace(TENANT, KIND, "1", doc("1", name="b"), made["etag"]),
        lambda: store.delete(TENANT, KIND, "1"),
        lambda: store.delete(TENANT, KIND, "1", lambda: None),
        lambda: store.transact(TENANT, [Put(KIND, doc("2")), Put(KIND, doc("3"))]),
        store.clear,
        lambda: store.restore({"version": 1, "revision": 9, "records": []}),
    ):
        with pytest.raises(type(trouble)) as caught:
            act()
        assert caught.value is trouble
    assert list(store.all(TENANT, KIND)) == [made]
    paper.trouble = None
    assert insert(store, "2")["etag"] != made["etag"] and store.count(TENANT, KIND) == 2


def test_an_interrupted_writer_leaves_nobody_waiting(paper: Paper, store: Store, pool: ThreadPoolExecutor) -> None:
    first = held(paper, store, pool)
    waiting = [pool.submit(insert, store, str(number)) for number in range(3)]
    eventually(lambda: len(store._waiting) == 3)
    paper.trouble = KeyboardInterrupt()  # in whichever thread writes for all
    paper.ready.set()
    assert first.result(10)["id"] == "held"
    outcomes = [type(future.exception(10)) for future in waiting]
    assert sorted(kind.__name__ for kind in outcomes) == ["KeyboardInterrupt", *["StorageUnavailable"] * 2]
    paper.trouble = None
    assert insert(store, "next")["id"] == "next" and store.count(TENANT, KIND) == 2


def test_who_cannot_have_the_turn_to_write_is_told_why() -> None:
    """Several servers take turns; see `shared.py`."""
    trouble = StorageUnavailable(unknown=True)

    class Unreachable(Store):
        def _turn(self) -> AbstractContextManager[None]:
            raise trouble

    for act in (insert, lambda store, name: store.transact(TENANT, [Put(KIND, doc(name))])):
        with pytest.raises(StorageUnavailable) as caught:
            act(Unreachable(Runtime(1)), "1")
        assert caught.value is trouble


@pytest.mark.parametrize(
    ("given", "full", "unknown", "text"),
    [
        ({}, False, False, "the store cannot be reached"),
        ({"why": "no turn"}, False, False, "no turn"),
        ({"full": True}, True, False, "the disk is full"),
        ({"unknown": True}, False, True, "the store cannot be reached"),
    ],
)
def test_a_store_out_of_reach_says_why(given: dict[str, Any], full: bool, unknown: bool, text: str) -> None:
    trouble = StorageUnavailable(**given)
    assert (trouble.full, trouble.unknown, str(trouble)) == (full, unknown, text)


def test_several_writes_are_one_commit_in_their_order(paper: Paper, store: Store) -> None:
    old = insert(store, "1")
    stored = store.transact(TENANT, [Put(KIND, doc("2")), Put("flows", doc("1")), Put(KIND, doc("1"), old["etag"])])
    assert [change.doc for change in paper.commits[1]] == stored
    assert [change.revision for change in paper.commits[1]] == [2, 3, 4]
    assert store.transact(TENANT, []) == [] and len(paper.commits) == 2


def test_an_import_is_put_in_the_place_of_everything_and_the_counter_goes_on(paper: Paper, store: Store) -> None:
    made = insert(store, "1")
    saved = store.export()
    for number in range(2, 6):
        insert(store, str(number))
    store.restore(saved)
    assert paper.rewritten == [([Change(TENANT, KIND, "1", 1, made)], 5)]
    assert list(store.all(TENANT, KIND)) == [made] and store.export()["revision"] == 5
    store.restore({**saved, "revision": 90})
    assert paper.rewritten[1][1] == 90
    assert insert(store, "2")["etag"] == etag(91, 5)


def test_clear_empties_the_log(paper: Paper, store: Store) -> None:
    insert(store, "1")
    store.clear()
    assert paper.rewritten == [([], 0)] and store.count(TENANT, KIND) == 0


def test_close_waits_for_the_write_that_has_begun(paper: Paper, store: Store, pool: ThreadPoolExecutor) -> None:
    first = held(paper, store, pool)
    closing = pool.submit(store.close)
    assert not paper.closed
    paper.ready.set()
    first.result(10)
    closing.result(10)
    assert paper.closed
