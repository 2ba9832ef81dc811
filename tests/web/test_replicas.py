"""Tests of two servers on one PostgreSQL, which clients cannot distinguish from one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.emulator import storage_refusal
from mockserver.quirks import Quirks
from mockserver.state.store import StorageUnavailable
from mockserver.web.application import build_app
from tests import dataflows
from tests.bad_network import between
from tests.calls import HEADERS, connection, source, target
from tests.postgres import PASSWORD, shared_server
from tests.torture.races import replicas
from tests.torture.server import Server, patch

OTHER_SANDBOX = {"x-sandbox-name": "dev"}


@pytest.fixture(scope="module")
def pair() -> Iterator[list[Server]]:
    with replicas(2) as servers:
        yield servers


@pytest.fixture(autouse=True)
def emptied(pair: list[Server]) -> None:
    assert pair[0].client()("POST", "/_mock/reset")[0] == 200


def listed(servers: list[Server], query: str, between: Any = lambda page: None) -> list[str]:
    """Ids on all pages, each page from the next server."""
    found: list[str] = []
    path, page = f"/connections?{query}", 0
    while path:
        status, body = servers[page % 2].client()("GET", path)
        assert status == 200, body
        found += [item["id"] for item in body["items"]]
        path = body["_links"].get("next", {}).get("href", "")
        between(page)
        page += 1
    return found


def test_what_one_has_acknowledged_the_other_shows_at_once(pair: list[Server]) -> None:
    one, other = (server.client() for server in pair)
    for turn in range(20):
        _, receipt = one("POST", "/connections", connection(f"c{turn}"))
        path = f"/connections/{receipt['id']}"
        status, found = other("GET", path)
        assert (status, found["items"][0]["etag"]) == (200, receipt["etag"])
        status, changed = other("PATCH", path, patch("by the other"), {"If-Match": receipt["etag"]})
        assert status == 200
        assert one("GET", path)[1]["items"][0]["etag"] == changed["etag"]
        assert one("PATCH", path, patch("late"), {"If-Match": receipt["etag"]})[0] == 412
        assert other("GET", path, None, OTHER_SANDBOX)[0] == 404
        assert other("DELETE", path)[0] in (200, 204)
        assert one("GET", path)[0] == 404


def test_a_list_read_from_both_in_turn_neither_skips_nor_repeats_while_both_write(pair: list[Server]) -> None:
    kept = [pair[number % 2].client()("POST", "/connections", connection(f"n{number:02}"))[1] for number in range(30)]
    done = threading.Event()

    def write(number: int) -> None:
        client = pair[number].client()
        etags = {receipt["id"]: receipt["etag"] for receipt in kept[number::2]}
        while not done.is_set():
            for entity_id, etag in etags.items():
                _, receipt = client("PATCH", f"/connections/{entity_id}", patch("x"), {"If-Match": etag})
                etags[entity_id] = receipt["etag"]
            _, extra = client("POST", "/connections", connection("extra"))
            client("DELETE", f"/connections/{extra['id']}")

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, number) for number in range(2)]
        try:
            for query in ("limit=4", "limit=4&orderby=-name", "limit=4&orderby=updatedAt"):
                ids = listed(pair, query)
                assert len(set(ids)) == len(ids) and {receipt["id"] for receipt in kept} <= set(ids), query
        finally:
            done.set()
        for result in writing:
            result.result()


def test_runs_are_made_once_however_many_look_at_them(pair: list[Server]) -> None:
    client = pair[0].client()
    base = client("POST", "/connections", connection())[1]["id"]
    read = client("POST", "/sourceConnections", source(base, params={"tableName": "sales.store_visits"}))[1]["id"]
    written = client("POST", "/targetConnections", target())[1]["id"]
    now = client("GET", "/_mock/clock")[1]["nowMs"]
    body = {
        "name": "Store visits",
        "flowSpec": {"id": dataflows.CRM_TO_AEP, "version": "1.0"},
        "sourceConnectionIds": [read],
        "targetConnectionIds": [written],
        "transformations": [dataflows.COPY, dataflows.MAPPING],
        "scheduleParams": {"startTime": str(now // 1000 + 60), "frequency": "minute", "interval": "15"},
    }
    status, made = client("POST", "/flows", body)
    assert status == 201, made
    for server in pair:  # each has its own clock
        server.client()("POST", "/_mock/clock", {"advance": "1d"})
    ready = threading.Barrier(8)

    def look(number: int) -> tuple[int, list[str]]:
        own = pair[number % 2].client()
        own("GET", "/_mock/health")
        ready.wait()
        status, page = own("GET", f"/runs?property=flowId=={made['id']}&limit=100")
        return status, sorted(item["id"] for item in page["items"])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(look, range(8)))
    assert {status for status, _ in answers} == {200}
    assert len({tuple(ids) for _, ids in answers}) == 1 and len(set(answers[0][1])) == len(answers[0][1]) == 96


def test_the_banner_and_everything_said_keep_the_password(pair: list[Server]) -> None:
    for server in pair:
        assert "records in postgresql://127.0.0.1:" in server.said and PASSWORD not in server.said
        status, state = server.client()("GET", "/_mock/state")
        assert status == 200 and PASSWORD not in str(state)


def test_while_postgresql_is_away_calls_and_admin_pages_say_503_in_the_shape_of_the_service() -> None:
    database = shared_server()
    with between(database.port) as network:
        url = database.new_schema().replace(f":{database.port}/", f":{network.port}/")
        emulator = Emulator(Config(state=url, log="none"))
        client = build_app(emulator).test_client()
        made = client.post("/connections", json=connection(), headers=HEADERS).get_json()
        network.refuse()
        calls = {
            "GET": client.get("/connections", headers=HEADERS),
            "POST": client.post("/connections", json=connection(), headers=HEADERS),
            "reset": client.post("/_mock/reset"),
            "export": client.get("/_mock/state"),
        }
        for name, answer in calls.items():
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), name
            assert answer.get_json()["type"].endswith("FLOW-1103-503"), name
            assert PASSWORD not in answer.get_data(as_text=True), name
        assert client.get("/_mock/health").status_code == 200
        network.heal()
        assert client.get(f"/connections/{made['id']}", headers=HEADERS).status_code == 200
        emulator.close()


def test_a_change_of_unknown_outcome_says_to_read_before_repeating() -> None:
    answer = storage_refusal(StorageUnavailable(unknown=True)).result("0" * 32, Quirks())
    assert answer.status == 503 and isinstance(answer.body, dict)
    assert answer.body["report"]["hint"] == "the change may have been made: read the entity before trying again"
