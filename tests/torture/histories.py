"""Trial of linearizability: an order of the threads' operations on one record explains their results.

The search is Wing and Gong's: some call that nobody finished before it is tried as the next one, and
what was tried already is not tried again.
"""

from __future__ import annotations

import itertools
import random
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import Missing, Stale, Store, Taken
from tests.torture.trial import Outcome, Say, trial

TENANT = Tenant("org", "prod")
THREADS, CALLS = 3, 5


@dataclass(frozen=True)
class Event:
    """One operation: start, end, request and result."""

    began: int
    ended: int
    what: str
    asked: str | None
    answer: str | None
    """An etag, a refusal in words, or None for no record."""


def explained(history: list[Event]) -> bool:
    """Whether an order of the operations, consistent with their times, explains their results."""
    tried: set[tuple[frozenset[int], str | None]] = set()
    events = dict(enumerate(history))

    def search(left: frozenset[int], etag: str | None) -> bool:
        if not left:
            return True
        if (left, etag) in tried:
            return False
        tried.add((left, etag))
        first_end = min(events[number].ended for number in left)
        for number in left:
            if events[number].began <= first_end:
                fits, after = _step(events[number], etag)
                if fits and search(left - {number}, after):
                    return True
        return False

    return search(frozenset(events), None)


def _step(event: Event, etag: str | None) -> tuple[bool, str | None]:
    """Whether this result is possible if the record had this etag; and the etag afterwards."""
    match event.what:
        case "get":
            return event.answer == etag, etag
        case "insert":
            return (etag is not None, etag) if event.answer == "taken" else (etag is None, event.answer)
        case "delete":
            return (etag is None, etag) if event.answer == "missing" else (etag is not None, None)
    if event.answer == "missing":
        return etag is None, etag
    if event.answer == "stale":
        return etag is not None and etag != event.asked, etag
    return etag == event.asked, event.answer


class _Caller:
    """One thread's operations on the record `1` of a store, with the etags that it has seen."""

    def __init__(self, store: Store, chance: random.Random, kind: str) -> None:
        self.store, self.chance, self.kind = store, chance, kind
        self.known = '"none"'
        self.events: list[Event] = []

    def run(self) -> None:
        for _ in range(CALLS):
            what = self.chance.choice(["get", "get", "insert", "replace", "replace", "delete"])
            asked = self.known
            began = perf_counter_ns()
            answer = self._call(what, asked)
            self.events.append(Event(began, perf_counter_ns(), what, asked, answer))
            if answer is not None and answer.startswith('"'):
                self.known = answer

    def _call(self, what: str, asked: str) -> str | None:
        store, doc = self.store, {"id": "1", "updatedAt": 5}
        try:
            match what:
                case "get":
                    found = store.get(TENANT, self.kind, "1")
                    return None if found is None else str(found["etag"])
                case "insert":
                    return str(store.insert(TENANT, self.kind, doc)["etag"])
                case "replace":
                    return str(store.replace(TENANT, self.kind, "1", doc, asked)["etag"])
            store.delete(TENANT, self.kind, "1")
        except Taken:
            return "taken"
        except Stale:
            return "stale"
        except Missing:
            return "missing"
        return None


def record(stores: list[Store], count: int, seed: int, say: Say) -> Outcome:
    """Record histories of one record each, with threads spread over the stores."""
    outcome = Outcome({f"histories of {THREADS} threads, {CALLS} calls each": count})
    ready = threading.Barrier(THREADS)
    overlapping = 0
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for number in range(count):
            callers = [
                _Caller(stores[each % len(stores)], random.Random(f"{seed}-{number}-{each}"), f"k{number}")
                for each in range(THREADS)
            ]
            _together([caller.run for caller in callers], ready)
            history = [event for caller in callers for event in caller.events]
            overlapping += _overlaps(history)
            outcome.demand(explained(history), f"nothing explains {sorted(history, key=lambda event: event.began)}")
            if number % max(1, count // 10) == 0:
                say(f"{number} of {count} histories")
    finally:
        sys.setswitchinterval(before)
    outcome.figures["of them with calls at the same time"] = overlapping
    return outcome


def _together(runs: list[Callable[[], Any]], ready: threading.Barrier) -> None:
    def start(run: Callable[[], Any]) -> None:
        ready.wait()
        run()

    threads = [threading.Thread(target=start, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _overlaps(history: list[Event]) -> bool:
    ordered = sorted(history, key=lambda event: event.began)
    return any(later.began < earlier.ended for earlier, later in itertools.pairwise(ordered))


@trial("histories", "concurrent operations on one record are linearizable (memory)", full=10_000, short=300)
def histories(count: int, say: Say) -> Outcome:
    return record([open_store(None, Runtime())], count, 1, say)


@trial("histories on disk", "the same on an SQLite file", full=2_000, short=40)
def histories_on_disk(count: int, say: Say) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "f.db"), Runtime())
        try:
            return record([store], count, 2, say)
        finally:
            store.close()


@trial("histories of replicas", "the same with two stores on one PostgreSQL", full=2_000, short=40)
def histories_of_replicas(count: int, say: Say) -> Outcome:
    from tests.postgres import new_url

    url = new_url()
    stores = [open_store(url, Runtime()) for _ in range(2)]
    try:
        return record(list(stores), count, 3, say)
    finally:
        for store in stores:
            store.close()
