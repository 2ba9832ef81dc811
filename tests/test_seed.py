"""Tests that seeded writes give the same results on every run, whatever else is requested."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from mockserver import Config, Emulator, create_app
from mockserver.web.application import build_app
from tests.calls import HEADERS, connection, send
from tests.rows import each

NOISE: dict[str, Any] = {
    "health checks": lambda client: client.get("/_mock/health"),
    "look-ups": lambda client: client.get("/connections", headers=HEADERS),
    "unknown paths": lambda client: client.get("/nothing", headers=HEADERS),
    "unknown entities": lambda client: client.get("/connections/1e2feb89-414c-443c-9027-c4d1c386bbc4", headers=HEADERS),
    "foreign hosts": lambda client: client.get("/connections", headers={**HEADERS, "Host": "evil.example.com"}),
    "calls without a token": lambda client: client.get("/connections"),
    "refused creations": lambda client: client.post("/connections", headers=HEADERS, json={"name": 5}),
    "refused flows": lambda client: client.post(
        "/flows", headers=HEADERS, json={"name": "x", "flowSpec": {"id": "x", "version": "1.0"}}
    ),
    "specs of a user": lambda client: client.post("/connectionSpecs", headers=HEADERS, json={"name": "x"}),
    "tokens": lambda client: client.post("/ims/token/v3", data={"client_id": "a", "client_secret": "b"}),
    "the console": lambda client: client.get("/_mock/"),
    "the clock": lambda client: client.get("/_mock/clock"),
    "the journal": lambda client: client.get("/_mock/journal"),
}


def made(client: FlaskClient, number: int) -> Any:
    """A connection, created and changed, as a client sees it."""
    receipt = client.post("/connections", headers=HEADERS, json=connection(f"c{number}")).get_json()
    path = f"/connections/{receipt['id']}"
    patch = [{"op": "replace", "path": "/description", "value": "changed"}]
    changed = client.patch(path, headers={**HEADERS, "If-Match": receipt["etag"]}, json=patch)
    return receipt, changed.get_json(), client.get(path, headers=HEADERS).get_json()


@each("noise", NOISE)
def test_what_makes_nothing_shifts_nothing(noise: str) -> None:
    quiet, noisy = (create_app(seed=7).test_client() for _ in range(2))
    for number in range(3):
        for _ in range(number + 1):
            assert NOISE[noise](noisy).status_code < 500
        assert made(noisy, number) == made(quiet, number)


def test_a_reset_returns_to_the_first_moment() -> None:
    client = create_app(seed=7).test_client()
    first = [(answer.headers["x-request-id"], answer.get_json()) for answer in _calls(client)]
    assert client.post("/_mock/reset").status_code == 200
    assert [(answer.headers["x-request-id"], answer.get_json()) for answer in _calls(client)] == first


def _calls(client: FlaskClient) -> list[Any]:
    posts = [client.post("/connections", headers=HEADERS, json=connection(f"c{number}")) for number in range(3)]
    return [*posts, client.get("/connections?limit=1", headers=HEADERS), client.get("/nothing", headers=HEADERS)]


def _made_by(emulator: Emulator, count: int) -> list[dict[str, Any]]:
    """The stored records of a number of creations."""
    ids = [json.loads(send(emulator, "POST", "/connections", connection()).encoded)["id"] for _ in range(count)]
    rows = {row["doc"]["id"]: row["doc"] for row in emulator.world.store.export()["records"]}
    return [rows[entity_id] for entity_id in ids]


def _opened(path: Path, seed: int = 7) -> Emulator:
    return Emulator(Config(seed=seed, state=str(path), log="none"))


def test_after_a_restart_ids_etags_and_times_go_on_where_they_were(tmp_path: Path) -> None:
    whole, parts = _opened(tmp_path / "whole.db"), []
    expected = _made_by(whole, 6)
    whole.close()
    for count in (2, 1, 3):
        emulator = _opened(tmp_path / "parts.db")
        parts += _made_by(emulator, count)
        emulator.close()
    assert parts == expected


def test_an_id_that_is_taken_is_passed_over(tmp_path: Path) -> None:
    """For example after an import, or if another server with the same seed shares the records."""
    emulator = Emulator(Config(seed=7))
    _made_by(emulator, 3)
    saved = emulator.export(credentials=True)
    other = _opened(tmp_path / "other.db")
    other.restore(saved)
    assert len({doc["id"] for doc in _made_by(other, 3)} | {row["doc"]["id"] for row in saved["records"]}) == 6
    other.close()


def test_another_seed_does_not_go_on_with_the_ids_of_the_first(tmp_path: Path) -> None:
    ids = set()
    for seed in (7, 8, 7):
        emulator = _opened(tmp_path / "f.db", seed)
        ids |= {doc["id"] for doc in _made_by(emulator, 2)}
        emulator.close()
    assert len(ids) == 6


def test_creations_at_the_same_time_get_the_same_set_of_ids_on_every_run() -> None:
    def run() -> set[str]:
        app: Flask = build_app(Emulator(Config(seed=7, log="none")))

        def create(number: int) -> str:
            answer = app.test_client().post("/connections", headers=HEADERS, json=connection(f"c{number}"))
            return str(answer.get_json()["id"])

        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(create, range(40)))

    first = run()
    assert len(first) == 40 and run() == first
