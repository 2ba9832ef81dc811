"""Where requests are answered: long ones neither in the event loop nor in many threads at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mockserver import Config, Emulator
from mockserver.web.bridge import HttpAnswer, Turn
from mockserver.web.received import Received
from mockserver.web.served import Served
from tests.calls import connection, made


def planned(served: Served, method: str, path: str, query: str = "") -> tuple[Turn, Callable[[], HttpAnswer]]:
    headers = {
        "host": "localhost",
        "authorization": "Bearer e30.e30.c2ln",
        "x-api-key": "me",
        "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
        "x-sandbox-name": "prod",
    }
    scope = {"method": method, "http_version": "1.1", "scheme": "http", "state": {}}
    plan = served.plan(Received(scope, path.encode(), query, headers, b""))
    assert plan is not None
    return plan


def turn_of(served: Served, method: str, path: str, query: str = "") -> Turn:
    return planned(served, method, path, query)[0]


def test_what_computes_for_long_is_not_answered_in_the_event_loop() -> None:
    emulator = Emulator(Config(seed=1))
    served = Served(emulator)
    assert turn_of(served, "GET", "/_mock/health") is Turn.NOW
    assert turn_of(served, "GET", "/connections", "limit=100") is Turn.SOON
    assert turn_of(served, "GET", "/connections", "property=name==a") is Turn.BUSY
    assert turn_of(served, "POST", "/connections/search") is Turn.BUSY
    for _ in range(3):
        made(emulator, {**connection(), "description": "x" * 100_000})
    assert turn_of(served, "GET", "/connections", "limit=100") is Turn.SOON
    assert planned(served, "GET", "/connections")[1]().status == 200
    assert turn_of(served, "GET", "/connections", "limit=100") is Turn.BUSY, "the next page may be as large"


def test_many_threads_share_the_waiting_for_another_server() -> None:
    assert turn_of(Served(Emulator(Config(live=("localhost:5432",)))), "GET", "/connections") is Turn.THREAD
    emulator = Emulator()
    emulator.world.store.remote = True
    assert turn_of(Served(emulator), "POST", "/connections") is Turn.THREAD


def test_records_in_a_file_are_read_by_few_threads_and_written_by_others(tmp_path: Path) -> None:
    """Sixteen threads that encode pages would delay the event loop, and with it health, by as many."""
    emulator = Emulator(Config(state=str(tmp_path / "flow.db")))
    served = Served(emulator)
    reads = [("GET", "/connections"), ("GET", "/connections/x"), ("POST", "/connections/search")]
    assert {turn_of(served, *read) for read in reads} == {Turn.BUSY}
    assert {turn_of(served, method, "/connections/x") for method in ("POST", "PATCH", "DELETE")} == {Turn.TURN_TAKING}
    emulator.close()
