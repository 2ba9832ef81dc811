"""Tests of the memory per stored connection, and of what records share."""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from mockserver import Emulator
from mockserver.exchange import Call, Tenant
from mockserver.runtime import Runtime
from mockserver.state.memory import MemoryStore
from tests.calls import HEADERS, connection, send
from tests.state.stored import KIND, TENANT, doc

MAX_BYTES = 2560
"""Maximum bytes; 2,000 when written."""


def a_call_of_its_own(emulator: Emulator) -> Call:
    """A request that shares no text with another, as if read from a socket."""
    sent = json.loads(json.dumps({**HEADERS, "content-type": "application/json"}))
    body = json.dumps(connection()).encode()
    return Call("POST", "/connections", "", sent, body, "0" * 32, emulator.runtime.clock.now_ms())


def test_a_stored_connection_takes_no_more_than_the_aim(emulator: Emulator) -> None:
    emulator.journal.record = lambda *_, **__: None  # type: ignore[method-assign, assignment]  # bounded, and not asked about

    def store(number: int) -> None:
        for _ in range(number):
            assert emulator.handle(a_call_of_its_own(emulator)).status == 201

    store(1000)  # create now what is created once
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        store(1000)
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / 1000
    finally:
        tracemalloc.stop()
    assert each <= MAX_BYTES


@pytest.fixture
def two(emulator: Emulator) -> list[Any]:
    for _ in range(2):
        emulator.handle(a_call_of_its_own(emulator))
    return list(emulator.world.store.all(Tenant(HEADERS["x-gw-ims-org-id"], HEADERS["x-sandbox-name"]), "connections"))


@pytest.mark.parametrize(
    "name", ["connectionSpec", "sandboxId", "sandboxName", "imsOrgId", "createdBy", "createdClient"]
)
def test_records_share_what_is_the_same_for_many(two: list[Any], name: str) -> None:
    assert two[0][name] is two[1][name]


def test_names_of_members_are_stored_once(two: list[Any]) -> None:
    first, second = (sorted(record["auth"]["params"]) for record in two)
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_what_is_shared_is_changed_for_nobody_else(emulator: Emulator, two: list[Any]) -> None:
    one, other = two
    for path, value in (("/name", "changed"), ("/auth/params/server", "elsewhere")):
        etag = emulator.world.store.get(Tenant(one["imsOrgId"], one["sandboxName"]), "connections", one["id"])
        assert etag is not None
        patch = [{"op": "replace", "path": path, "value": value}]
        assert (
            send(emulator, "PATCH", f"/connections/{one['id']}", patch, headers={"if-match": etag["etag"]}).status
            == 200
        )
    untouched = emulator.world.store.get(Tenant(other["imsOrgId"], other["sandboxName"]), "connections", other["id"])
    assert untouched == other
    draft = connection(connectionSpec={"id": other["connectionSpec"]["id"], "version": "9"})
    emulator.handle(a_call_of_its_own(emulator))
    send(emulator, "POST", "/connections?mode=draft", draft)
    assert other["connectionSpec"] == {"id": other["connectionSpec"]["id"], "version": "1.0"}


def test_a_tenant_without_records_costs_nothing() -> None:
    store = MemoryStore(Runtime(1))

    def come_and_go(number: int) -> None:
        tenant = Tenant(f"org{number}", "prod")
        store.insert(tenant, "connections", {"id": "1", "updatedAt": 5, "name": "x" * 200})
        store.delete(tenant, "connections", "1")

    come_and_go(0)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1, 5001):
            come_and_go(number)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 50_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [MemoryStore.clear, lambda store: store.restore(MemoryStore(Runtime(1)).export())])
def test_records_are_freed_one_by_one(end: Callable[[MemoryStore], None]) -> None:
    """Freed all at once, 200,000 kept every other thread waiting for 0.3 s."""
    freed: list[str] = []

    class Watched(str):
        def __del__(self) -> None:
            freed.append(sys._getframe(1).f_code.co_name)

    store = MemoryStore(Runtime(1))
    for number in range(9):
        store.insert(TENANT, KIND, {**doc(str(number)), "watched": [Watched("x")]})
    end(store)
    assert freed == ["release"] * 9
