"""Where requests are answered: long ones neither in the event loop nor in many threads at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mockserver import Config, Emulator
from mockserver.web.bridge import HttpAnswer, Turn
from mockserver.web.received import Received
from mockserver.web.served import Served
from tests.calls import connection, made, send


def planned(
    served: Served, method: str, path: str, query: str = "", body: bytes = b""
) -> tuple[Turn, Callable[[], HttpAnswer]]:
    headers = {
        "host": "localhost",
        "authorization": "Bearer e30.e30.c2ln",
        "x-api-key": "me",
        "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
        "x-sandbox-name": "prod",
    }
    place = {"server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "raw_path": path.encode(), "headers": []}
    scope = {"method": method, "http_version": "1.1", "scheme": "http", "state": {}, **place}
    return served.plan(Received(scope, path.encode(), query, headers, body))


def turn_of(served: Served, method: str, path: str, query: str = "", body: bytes = b"") -> Turn:
    return planned(served, method, path, query, body)[0]


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


def test_the_next_page_of_a_sorted_or_filtered_list_is_not_answered_in_the_event_loop() -> None:
    """Its token says so, and in each spelling: sorting 20,000 records took 0.1 s, in which health was not answered."""
    emulator = Emulator(Config(seed=1))
    served = Served(emulator)
    for number in range(3):
        made(emulator, connection(str(number)))

    def following(query: str) -> str:
        page: Any = send(emulator, "GET", f"/connections?limit=1{query}").body
        return str(page["_links"]["next"]["href"]).partition("?")[2]

    plain = following("")
    assert turn_of(served, "GET", "/connections", plain) is Turn.SOON
    assert turn_of(served, "GET", "/connections", f"limit=5&{plain}") is Turn.SOON
    for long in ("&orderby=name", "&property=name!=x", "&property=name!=x&orderby=-name"):
        token = following(long)
        spelt = token.replace("Token=" + token[18], f"Token=%{ord(token[18]):02X}", 1)
        assert send(emulator, "GET", f"/connections?{spelt}").status == 200
        for query in (token, spelt, f"{plain}&{token}", f"{token}&{plain}", f"limit=5&{token}"):
            assert turn_of(served, "GET", "/connections", query) is Turn.BUSY, query
    assert turn_of(served, "GET", "/connections", "limit=5&" * 100) is Turn.BUSY


def test_large_bodies_and_deletions_are_not_answered_in_the_event_loop() -> None:
    """A body of 64 KB, such as a patch of 1,200 operations, took 50 ms of CPU; a deletion looks at every flow."""
    served = Served(Emulator())
    assert turn_of(served, "POST", "/connections", body=b"x" * 16_384) is Turn.SOON
    assert turn_of(served, "POST", "/connections", body=b"x" * 16_385) is Turn.BUSY
    assert turn_of(served, "DELETE", "/connections/x") is Turn.BUSY


def test_a_patch_of_credentials_is_not_answered_in_the_event_loop() -> None:
    """It creates the overdue runs of flows that use them: up to 3,000, which took 0.3 s with 5,000 flows."""
    served = Served(Emulator())
    name, path = b'[{"op": "replace", "path": "/name", "value": "x"}]', "/connections/x"
    assert turn_of(served, "PATCH", path, body=name) is Turn.SOON
    for place in (b"/auth/params/password", b"/Auth", b"/\\u0061uth/params", b"\\/\\u0041uth"):
        assert turn_of(served, "PATCH", path, body=name.replace(b"/name", place)) is Turn.BUSY
    whole = b'[{"op": "replace", "path": "", "value": {"auth": {}}}]'
    assert turn_of(served, "PATCH", path, body=whole) is Turn.BUSY


def test_written_specs_are_not_checked_in_the_event_loop() -> None:
    """The schema of a flow spec, of 12 KB, took 0.1 s."""
    served = Served(Emulator())
    for path in ("/flowSpecs", "/connectionSpecs"):
        assert turn_of(served, "GET", path) is Turn.SOON
        assert {turn_of(served, "POST", path), turn_of(served, "PUT", f"{path}/x")} == {Turn.BUSY}


def test_pages_are_answered_in_a_few_threads_of_their_own() -> None:
    """Sixteen reports or journals at once delayed health by more than a second."""
    served = Served(Emulator())
    pages = ("/", "/_mock/", "/_mock/journal", "/_mock/report", "/_mock/console/calls", "/_mock/docs", "/openapi.yaml")
    assert {turn_of(served, "GET", page) for page in pages} == {Turn.PAGE}
    assert {turn_of(served, "POST", "/ims/token/v3"), turn_of(served, "PUT", "/_mock/state")} == {Turn.THREAD}
    assert planned(served, "GET", "/_mock/journal")[1]().status == 200


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
