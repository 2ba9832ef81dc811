"""Tests that a session with a service that is not empty shows no difference, and that faults in it are found.

The emulator stands for the real service. What existed before is supplied as far as the recording proves it; what
depends on the rest is named as not comparable, never as a difference.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.comparison import comparing
from mockserver.comparison.replay import Replay, outcome
from mockserver.contract import Contract
from mockserver.exchange import Call, Result
from mockserver.recordings.recording import Recording
from tests.calls import call, connection, made, send, source
from tests.comparison.sessions import SESSIONS, earlier, named, together
from tests.comparison.test_consequences import compared, findings, reasons
from tests.recordings.story import Recorded, Server, as_har
from tests.recordings.test_record_command import recorder
from tests.rows import each

assert all(module.__name__.startswith("tests.") for module in (earlier, named, together))

BEGAN_MS = 1_790_000_000_000
UNSEEN = "names an entity in {} that the recording does not show"
NEEDS = "needs the {} from exchange {}"
NOT_COMPARED: dict[str, list[str]] = {
    "an-explored-connection-never-shown": [UNSEEN.format("the path")] * 5,
    "changes-of-a-connection-never-shown": [UNSEEN.format("the path"), *[NEEDS.format("id", 1)] * 4],
    "a-flow-never-shown": [UNSEEN.format("the path"), *[NEEDS.format("id", 1)] * 4],
    "a-connection-used-as-it-was": ["the credentials of the connection were not recorded"],
    "runs-of-a-flow-never-shown": [
        *[UNSEEN.format("/flowId"), NEEDS.format("id", 1), NEEDS.format("id", 2), NEEDS.format("id", 2)],
    ],
    "a-run-never-shown": [UNSEEN.format("the path"), NEEDS.format("id", 1)],
    "a-page-whose-cursor-is-from-before": [
        "continues a list of which the recording lacks a page",
        NEEDS.format("page", 1),
    ],
    "entities-in-use-by-others-never-shown": ["a flow uses the entity that the recording does not show"] * 3,
    "another-client-works-between": [
        "another client changed the entity",
        NEEDS.format("id", 3),
        "another client deleted the entity",
    ],
    "entities-of-the-neighbours": [
        *[NEEDS.format("id", 1), NEEDS.format("id", 1), NEEDS.format("id", 4), UNSEEN.format("the path")],
    ],
}
"""Session -> the reasons why some of its exchanges are not compared. All others are the same."""


def recorded(name: str) -> Recording:
    emulator = Emulator(Config(seed=3))
    emulator.runtime.clock.freeze(BEGAN_MS)
    steps = SESSIONS[name](emulator)
    next(steps)
    emulator.runtime.clock.advance(60_000)
    kept = Recorded(emulator)
    handle = emulator.handle

    def slow(call: Call) -> Result:
        emulator.runtime.clock.advance(1_001)
        return handle(call)

    emulator.handle = slow  # type: ignore[method-assign]
    assert list(steps) == []
    return kept.recording


def as_others_write_it(path: Path, recording: Recording) -> Recording:
    path.write_text(json.dumps(as_har(recording)), encoding="utf-8")
    return Recording.load(path, Contract.load())


def as_we_write_it(path: Path, recording: Recording) -> Recording:
    kept = recorder(path)
    for one in recording.exchanges:
        kept.add(one.call, one.result, one.call.received_ms + 1)
    kept.close(complete=True)
    return Recording.load(path, Contract.load())


@pytest.mark.slow
@pytest.mark.parametrize("write", [as_others_write_it, as_we_write_it])
@each("name", SESSIONS)
def test_a_service_that_was_not_empty_shows_no_difference(
    tmp_path: Path, name: str, write: Callable[[Path, Recording], Recording]
) -> None:
    recording = write(tmp_path / f"{name}.har", recorded(name))
    done = compared(recording)
    assert findings(done) == []
    assert reasons(done) == NOT_COMPARED.get(name, [])
    assert done.count("same") + len(reasons(done)) == len(recording.exchanges)


@pytest.mark.parametrize("name", ["lists-before-anything", "a-connection-used-as-it-was", "two-sandboxes"])
def test_another_server_need_not_have_what_existed_before(name: str) -> None:
    server = Server(Emulator(Config(seed=7)))
    replay = Replay(recorded(name), server.send, shared=True)
    assert findings(outcome(replay.run(server.before))) == []


Change = Callable[[Any], Any]


def without(member: str) -> Change:
    return lambda body: {"items": [{key: one[key] for key in one if key != member} for one in body["items"]]}


def having(**members: Any) -> Change:
    return lambda body: {**body, "items": [{**one, **members} for one in body["items"]]}


def paged(change: Change) -> Change:
    """With a link, as Adobe's document prints it also in lookups."""
    return lambda body: {**change(body), "_links": {"next": {"href": "/connections?continuationToken=abc"}}}


def empty(body: Any) -> Any:
    return {**body, "items": []}


def twice(body: Any) -> Any:
    return {**body, "items": body["items"] * 2}


BASE, SPECS = "a-new-source-on-a-base-never-shown", "specs-of-a-tenant"
OTHER = "7a7a7a7a-1b1b-4c1c-8d1d-9e1e9e1e9e1e"
ETAG = '"aaaaaaaa-0000-0200-0000-bbbbbbbb0000"'


@each(
    "name, number, change, found",
    [
        (BASE, 2, without("baseConnectionId"), "added member /items/*/baseConnectionId"),
        (BASE, 2, having(baseConnectionId=OTHER), "reference /items/*/baseConnectionId"),
        (BASE, 2, having(etag=ETAG), "reference /items/*/etag"),
        (BASE, 2, having(id=OTHER, name="of another client"), "reference /items/*/id"),
        (BASE, 2, paged(having(id=OTHER, name="of another client")), "reference /items/*/id"),
        (BASE, 2, having(createdAt=9_999_999_999_999), "value /items/*/createdAt"),
        (BASE, 5, having(id=OTHER), "reference /items/*/id"),
        ("a-new-source-on-a-base-shown-later", 3, empty, "added item /items/*"),
        ("a-new-flow-on-ends-never-shown", 2, having(state="draft"), "value /items/*/state"),
        ("a-connection-used-as-it-was", 1, having(lastUsed=1), "missing member /items/*/lastUsed"),
        ("a-connection-used-as-it-was", 1, without("createdBy"), "added member /items/*/createdBy"),
        ("a-connection-used-as-it-was", 1, without("state"), "added member /items/*/state"),
        ("a-connection-used-as-it-was", 1, having(createdAt="today"), "type /items/*/createdAt"),
        ("a-connection-used-as-it-was", 5, empty, "status /"),
        ("a-connection-used-as-it-was", 5, having(id=OTHER), "status /"),
        ("a-source-whose-base-is-never-shown", 3, having(name="another"), "value /items/*/name"),
        ("another-client-works-between", 3, having(extra=1), "missing member /items/*/extra"),
        ("another-client-works-between", 3, twice, "items /items/*"),
        ("lists-before-anything", 8, twice, "items /items/*"),
        (SPECS, 2, having(id=OTHER), "reference /items/*/id"),
        (SPECS, 3, having(id=OTHER), "reference /items/*/id"),
        (SPECS, 3, having(targetConnectionSpecIds=[OTHER]), "missing item /items/*/targetConnectionSpecIds/*"),
    ],
)  # fmt: skip
def test_a_fault_of_a_service_that_was_not_empty_is_found(name: str, number: int, change: Change, found: str) -> None:
    exchanges = list(recorded(name).exchanges)
    one = exchanges[number - 1]
    body = change(copy.deepcopy(one.result.body))
    exchanges[number - 1] = replace(one, result=Result(one.result.status, body, one.result.headers))
    kinds = [str(cause.difference).partition(":")[0] for cause in compared(Recording(tuple(exchanges))).causes]
    assert found in kinds


NOBODY = "00000000-0000-4000-8000-000000000000"
SOMEBODY = "5f1c9f0e-0f6b-4c43-9c25-0a8f3b9d2c11"


@pytest.mark.parametrize(
    ("before", "base", "found"),
    [
        ([], SOMEBODY, False),
        ([], NOBODY, True),
        ([("GET", 404)], SOMEBODY, True),
        ([("DELETE", 204)], SOMEBODY, True),
        ([("GET", 403)], SOMEBODY, False),
    ],
    ids=["nothing is known", "an invented id", "not found", "deleted", "forbidden"],
)
def test_a_service_that_takes_an_id_which_does_not_exist_is_found(
    before: list[tuple[str, int]], base: str, found: bool
) -> None:
    """`takes-an-unknown-base` in the place of the real service, as far as the recording knows of the base."""
    emulator = Emulator(Config(seed=3))
    emulator.runtime.clock.freeze(BEGAN_MS)
    kept = Recorded(emulator)
    for method, _ in before:
        emulator.handle(call(method, f"/connections/{base}"))
    emulator.handle(call("POST", "/sourceConnections", source(base)))
    exchanges = list(kept.exchanges)
    for place, (_, status) in enumerate(before):
        exchanges[place] = replace(exchanges[place], result=Result(status, None))
    location = ("Location", f"http://127.0.0.1/data/foundation/flowservice/sourceConnections/{OTHER}")
    receipt = Result(201, {"id": OTHER, "etag": ETAG}, (location, ("ETag", ETAG)))
    exchanges[-1] = replace(exchanges[-1], result=receipt)
    done = compared(Recording(tuple(exchanges)))
    assert [cause.operation for cause in done.causes if cause.exchanges[0] == len(exchanges)] == (
        ["createSourceConnection"] * len(done.causes) if found else []
    )


def test_what_was_made_up_is_told() -> None:
    recording = recorded("a-new-source-on-a-base-never-shown")
    server = Server(Emulator(Config(seed=7)))
    done = comparing.with_emulator(recording, server.emulator, server.send)
    assert any("only named, so that its members are made up" in note for note in done.notes)


def test_what_was_made_up_is_not_compared_in_a_list_of_one(tmp_path: Path) -> None:
    """Seen with Prism, which creates what it has listed before. Another connection is named only."""
    emulator = Emulator(Config(seed=3))
    kept = Recorded(emulator)
    made_up = made(emulator)["id"]
    made(emulator, source(made_up), "/sourceConnections")
    new = made(emulator, connection("new"))["id"]
    page: Any = send(emulator, "GET", f"/connections/{new}").body
    send(emulator, "GET", "/connections")
    _, of_source, of_new, _, listed = kept.exchanges
    shown = replace(listed, result=Result(200, {"items": page["items"], "_links": {}}))
    numbered = [replace(one, number=number) for number, one in enumerate([shown, of_source, of_new], 1)]
    missing = "missing item /items/*: recorded listed, here absent"
    assert findings(compared(Recording(tuple(numbered)))) == [("listConnections", missing)]
