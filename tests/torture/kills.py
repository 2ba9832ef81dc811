"""Trial that repeatedly kills a server with an SQLite file during writes."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.calls import connection
from tests.torture.server import Client, Gone, Nursery, patch
from tests.torture.trial import Outcome, Say, trial

WRITERS = 8
KILLED_WITHIN = 0.5
FILL = 1500
"""Characters of a record, all equal in each version, so that a torn one shows."""
_EMPTIED_EVERY = 25
GONE = ""


@dataclass
class _Writer:
    """Writes until the server is killed, and remembers acknowledged writes and the one in flight."""

    port: int
    label: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    """id -> etag, or GONE."""
    under_way: str | None = None
    """The id of the record whose write got no response; "new" for a creation."""
    writes: int = 0
    refused: list[str] = field(default_factory=list)

    def run(self) -> None:
        client = Client(self.port)
        try:
            for number in range(100_000):
                self._round(client, number)
        except Gone:
            client.close()

    def _round(self, client: Client, number: int) -> None:
        self.under_way = "new"
        text = f"{self.label}-{number} " + "a" * FILL
        made = self._acknowledged(client("POST", "/connections", connection(description=text)))
        entity_id, etag = made["id"], made["etag"]
        self.acknowledged[entity_id] = etag
        self.under_way = entity_id
        for letter in "bc":
            text = f"{self.label}-{number} " + letter * FILL
            etag = self._acknowledged(client("PATCH", f"/connections/{entity_id}", patch(text), {"If-Match": etag}))[
                "etag"
            ]
            self.acknowledged[entity_id] = etag
        if number % 4 == 0:
            self._acknowledged(client("DELETE", f"/connections/{entity_id}"))
            self.acknowledged[entity_id] = GONE

    def _acknowledged(self, answer: tuple[int, dict[str, str]]) -> dict[str, str]:
        status, body = answer
        if status >= 300:
            self.refused.append(f"{status} {body}")
            raise Gone
        self.writes += 1
        return body


@trial("kills", "no acknowledged write is lost, no record is torn", full=1000, short=3)
def kills(count: int, say: Say) -> Outcome:
    outcome = Outcome({"kill -9 in the middle of writes": 0, "acknowledged writes": 0, "of them lost": 0, "torn": 0})
    chance = random.Random(count)
    with tempfile.TemporaryDirectory(prefix="flow-torture-") as folder, Nursery(Path(folder), "f.db") as server:
        expected: dict[str, str] = {}
        for number in range(count):
            writers = [_Writer(server.port, f"{number}-{each}") for each in range(WRITERS)]
            threads = [threading.Thread(target=writer.run) for writer in writers]
            for thread in threads:
                thread.start()
            time.sleep(chance.uniform(0.02, KILLED_WITHIN))
            server.kill()
            for thread in threads:
                thread.join()
            server.start()
            for writer in writers:
                expected |= writer.acknowledged
                outcome.wrong += writer.refused
                outcome.figures["acknowledged writes"] += writer.writes
            _compare(server, expected, {str(writer.under_way) for writer in writers}, outcome)
            outcome.figures["kill -9 in the middle of writes"] += 1
            if number % _EMPTIED_EVERY == _EMPTIED_EVERY - 1:
                server.client()("POST", "/_mock/reset")
                expected = {}
                say(f"{number + 1} of {count} kills, {outcome.figures['acknowledged writes']} writes")
    return outcome


def _compare(server: Nursery, expected: dict[str, str], under_way: set[str], outcome: Outcome) -> None:
    status, state = server.client()("GET", "/_mock/state")
    assert status == 200, state
    found = {row["doc"]["id"]: row["doc"] for row in state["records"]}
    outcome.demand(len({doc["etag"] for doc in found.values()}) == len(found), "an etag is there twice")
    for complaint in _torn(found):
        outcome.figures["torn"] += 1
        outcome.wrong.append(complaint)
    for entity_id, etag in expected.items():
        there = found.get(entity_id)
        if entity_id in under_way:  # this write may or may not have happened; the one before it was acknowledged
            if there is None and etag != GONE:
                expected[entity_id] = GONE
            elif there is not None:
                expected[entity_id] = there["etag"]
            lost = there is not None and etag == GONE
        else:
            lost = (there["etag"] if there else GONE) != etag
        if lost:
            outcome.figures["of them lost"] += 1
            outcome.wrong.append(f"{entity_id} should have {etag or 'no record'}, has {there and there['etag']}")
    for entity_id in found.keys() - expected.keys():  # created without a response
        expected[entity_id] = found[entity_id]["etag"]


def _torn(found: dict[str, dict[str, str]]) -> Iterator[str]:
    for entity_id, doc in found.items():
        _, _, fill = doc["description"].partition(" ")
        if len(fill) != FILL or len(set(fill)) != 1:
            yield f"{entity_id} is torn"
