"""Tests that several records are written together or not at all, in every store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockserver.exchange import Tenant
from mockserver.runtime import Runtime
from mockserver.state.places import open_store
from mockserver.state.store import Missing, Put, Stale, Store, Taken

TENANT = Tenant("org", "prod")


@pytest.fixture
def store(state: str | None) -> Iterator[Store]:
    opened = open_store(state, Runtime(seed=1))
    yield opened
    opened.close()


def doc(entity_id: str, name: str = "a") -> dict[str, object]:
    return {"id": entity_id, "updatedAt": 1, "name": name}


def test_all_records_are_written_in_order(store: Store) -> None:
    old = store.insert(TENANT, "progress", doc("1"))
    written = store.transact(
        TENANT, [Put("runs", doc("2")), Put("runs", doc("3")), Put("progress", doc("1", "b"), old["etag"])]
    )
    assert [found["id"] for found in store.all(TENANT, "runs")] == ["3", "2"]
    assert store.get(TENANT, "progress", "1") == written[2]
    assert len({item["etag"] for item in [old, *written]}) == 4


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (Put("runs", doc("1")), Taken),
        (Put("runs", doc("1", "b"), '"stale"'), Stale),
        (Put("runs", doc("9"), '"gone"'), Missing),
    ],
    ids=["an id that is taken", "a stale etag", "a record that is gone"],
)
def test_one_refusal_refuses_all(store: Store, last: Put, error: type[Exception]) -> None:
    kept = store.insert(TENANT, "runs", doc("1"))
    with pytest.raises(error):
        store.transact(TENANT, [Put("runs", doc("2")), last, Put("runs", doc("3"))])
    assert list(store.all(TENANT, "runs")) == [kept]
    assert store.insert(TENANT, "runs", doc("2"))["etag"] != kept["etag"]
