"""Tests that what uses an entity is looked up among the records that mention it, not among all."""

from __future__ import annotations

from pathlib import Path

from mockserver import Config, Emulator
from tests.calls import made, send, source
from tests.dataflows import flowing
from tests.resources.test_connectors_service import ENDPOINTS
from tests.work import counted

RECORDS = 300


def endpoint(emulator: Emulator) -> None:
    sent = {
        "name": "e", "subscriptionId": "s", "resourceGroupName": "g", "resourceName": "r",
        "connectionSpec": {"id": "4c10e202-c428-4796-9208-5f1f5732b1cf", "version": "1.0"},
    }  # fmt: skip
    assert send(emulator, "POST", ENDPOINTS, sent).status == 201


def work(emulator: Emulator) -> int:
    """Calls of functions for requests that ask who uses an entity."""
    base = made(emulator)["id"]
    end = made(emulator, source(base), "/sourceConnections")["id"]
    with counted() as done:
        assert send(emulator, "GET", ENDPOINTS).status == 200
        assert send(emulator, "DELETE", f"/sourceConnections/{end}").status == 204
        assert send(emulator, "DELETE", f"/connections/{base}").status == 204
    return done.calls


def test_who_uses_an_entity_of_a_file_is_asked_of_the_records_that_mention_it(tmp_path: Path) -> None:
    """Each of them was read: a deletion among 20,000 flows took seconds, a list of endpoints as often as it has any."""
    emulator = Emulator(Config(state=str(tmp_path / "flow.db"), journal_entries=0, log="none"))
    for _ in range(3):
        endpoint(emulator)
    work(emulator)
    before = work(emulator)
    for number in range(RECORDS):
        made(emulator)
        if number % 10 == 0:
            flowing(emulator)
    assert work(emulator) < before + RECORDS
    emulator.close()


def test_connections_are_looked_at_once_for_all_endpoints_of_a_list() -> None:
    emulator = Emulator(Config(journal_entries=0, log="none"))
    for _ in range(50):
        endpoint(emulator)
    for _ in range(RECORDS):
        made(emulator)
    with counted() as done:
        assert send(emulator, "GET", ENDPOINTS).status == 200
    assert done.calls < 50 * RECORDS
