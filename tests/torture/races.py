"""Trials of concurrent writes: one winner per etag, unique ids, and unique etags whatever the clock does."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mockserver import Config, Emulator
from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import Stale, Store
from tests.calls import connection, made, send
from tests.torture.server import Server, patch
from tests.torture.trial import Outcome, Say, trial

RACERS = 4
TENANT = Tenant("org", "prod")
DAY_MS = 86_400_000


class Etags:
    """Records whether every etag was new."""

    def __init__(self, outcome: Outcome) -> None:
        self.seen: set[str] = set()
        self._outcome = outcome

    def new(self, etag: str) -> str:
        """The etag, which must be new."""
        self._outcome.demand(etag not in self.seen, f"{etag} was given out twice")
        self.seen.add(etag)
        return etag


UNSERVED = ""


def run_races(
    count: int, racers: list[Any], etag: str, outcome: Outcome, say: Say, read: Callable[[], str] = str
) -> Etags:
    """Run `count` races; all racers get the current etag: `racer(etag, text)` returns the new one or None.

    UNSERVED is a 503, which may leave a race without a winner; then `read` returns the current etag.
    """
    etags = Etags(outcome)
    begun, ended = threading.Barrier(len(racers) + 1), threading.Barrier(len(racers) + 1)
    results: list[str | None] = [None] * len(racers)
    current, over = etag, False

    def race(number: int) -> None:
        for turn in range(count + 1):
            begun.wait()
            if over:
                return
            results[number] = racers[number](current, f"{turn}-{number}")
            ended.wait()

    threads = [threading.Thread(target=race, args=(number,)) for number in range(len(racers))]
    for thread in threads:
        thread.start()
    for turn in range(count):
        begun.wait()
        ended.wait()
        won = [result for result in results if result]
        unserved = UNSERVED in results
        outcome.demand(len(won) == 1 or (unserved and not won), f"race {turn} has {len(won)} winners")
        current = etags.new(won[0]) if won else read()
        if turn % max(1, count // 10) == 0:
            say(f"{turn} of {count} races")
    over = True
    begun.wait()
    for thread in threads:
        thread.join()
    return etags


@trial(
    "races",
    "of concurrent writes with the same etag exactly one succeeds; no etag is issued twice",
    full=100_000,
    short=300,
)
def races(count: int, say: Say) -> Outcome:
    """Race through the whole emulator, in threads, with a jumping clock."""
    outcome = Outcome({"races of 4 in one process": count})
    emulator = Emulator(Config())
    receipt = made(emulator)
    path = f"/connections/{receipt['id']}"

    def racer(etag: str, text: str) -> str | None:
        result = send(emulator, "PATCH", path, patch(text), headers={"if-match": etag})
        if result.status == 200:
            assert isinstance(result.body, dict)
            return str(result.body["etag"])
        outcome.demand(result.status == 412, f"a loser is told {result.status}")
        return None

    run_races(count, [racer] * RACERS, receipt["etag"], outcome, say)
    return outcome


@trial("races over HTTP", "the same over HTTP, on an SQLite file", full=5_000, short=40)
def races_over_http(count: int, say: Say) -> Outcome:
    outcome = Outcome({"races of 4 over HTTP": count})
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), "--state", "f.db") as server:
        race_over_http(count, [server] * RACERS, outcome, say)
    return outcome


@trial("races of replicas", "the same, two servers on one PostgreSQL", full=5_000, short=15)
def races_of_replicas(count: int, say: Say) -> Outcome:
    outcome = Outcome({"races of 4 over two servers": count})
    with replicas(2) as servers:
        race_over_http(count, servers * (RACERS // 2), outcome, say)
    return outcome


def race_over_http(count: int, servers: list[Server], outcome: Outcome, say: Say) -> None:
    """Race clients of these servers."""
    _, receipt = servers[0].client()("POST", "/connections", connection())
    path, causes = f"/connections/{receipt['id']}", Counter[str]()

    def racer(server: Server) -> Any:
        client = server.client()

        def write(etag: str, text: str) -> str | None:
            status, body = client("PATCH", path, patch(text), {"If-Match": etag})
            if status == 503:
                causes[body["report"].get("hint", "no cause was told")] += 1
            outcome.demand(status in (200, 412, 503), f"a racer is told {status}")
            return UNSERVED if status == 503 else str(body["etag"]) if status == 200 else None

        return write

    def read() -> str:
        _, found = servers[0].client()("GET", path)
        return str(found["items"][0]["etag"])

    run_races(count, [racer(server) for server in servers], receipt["etag"], outcome, say, read)
    outcome.figures.update({f"calls told 503 because {cause}": count for cause, count in causes.items()})


@contextlib.contextmanager
def replicas(count: int) -> Iterator[list[Server]]:
    """Start servers on one new PostgreSQL schema."""
    from tests.postgres import new_url

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        url = new_url()
        yield [stack.enter_context(Server(Path(folder), MOCKSERVER_STATE=url)) for _ in range(count)]


@trial("creations", "every parallel creation is one record, listed once", full=1_000, short=100)
def creations(count: int, say: Say) -> Outcome:
    outcome = Outcome({"parallel creations": count})
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder), "--state", "f.db") as server:
        clients = [server.client() for _ in range(count)]
        for client in clients:
            client("GET", "/connections?limit=1")
        start = threading.Barrier(count + 1)

        def create(number: int) -> tuple[int, Any]:
            start.wait()
            return clients[number]("POST", "/connections", connection(f"c{number}"))

        with ThreadPoolExecutor(count) as pool:
            going = pool.map(create, range(count))
            start.wait()
            began = time.perf_counter()
            answers = list(going)
        seconds = time.perf_counter() - began
        ids = [body["id"] for status, body in answers if status == 201]
        outcome.demand(len(set(ids)) == count, f"{len(set(ids))} ids")
        outcome.demand(sorted(_listed(server)) == sorted(ids), "the list is another")
    outcome.figures["per second, each on disk"] = round(count / seconds)
    return outcome


def _listed(server: Server) -> list[str]:
    client, found, path = server.client(), [], "/connections?limit=100"
    while path:
        _, page = client("GET", path)
        found += [item["id"] for item in page["items"]]
        path = page["_links"].get("next", {}).get("href", "")
    return found


@trial(
    "clock steps",
    "etags stay unique and lists ordered while the clock jumps a day back and forth",
    full=100_000,
    short=2_000,
)
def clock_steps(count: int, say: Say) -> Outcome:
    outcome = Outcome({"writes with the clock stepping a day": count})
    runtime = Runtime()
    store = open_store(None, runtime)
    etags = Etags(outcome)
    ids = [str(number) for number in range(50)]
    for entity_id in ids:
        etags.new(store.insert(TENANT, "c", {"id": entity_id, "updatedAt": runtime.clock.now_ms()})["etag"])
    for number in range(count):
        runtime.clock.advance(DAY_MS * (1 if number % 3 == 0 else -1) if number % 7 == 0 else 0)
        _write(store, ids[number * 31 % 50], runtime, etags)
        if number % max(1, count // 10) == 0:
            newest = next(iter(store.all(TENANT, "c")))
            outcome.demand(newest["id"] == ids[number * 31 % 50], "the last written is not the first listed")
            say(f"{number} of {count} writes")
    outcome.demand(sorted(doc["id"] for doc in store.all(TENANT, "c")) == sorted(ids), "a record was lost")
    return outcome


def _write(store: Store, entity_id: str, runtime: Runtime, etags: Etags) -> None:
    now = store.get(TENANT, "c", entity_id)
    assert now is not None
    try:
        written = store.replace(TENANT, "c", entity_id, {**now, "updatedAt": runtime.clock.now_ms()}, now["etag"])
    except Stale:
        etags.new(now["etag"])
        raise
    etags.new(written["etag"])
