"""Tests of the effect of each fault, of the selection of requests, and of refused orders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Delivery, Result
from mockserver.faults import FAULTS, FaultError, from_file, parse
from tests.calls import connection, made, send
from tests.rows import each

Fault = dict[str, Any]
LIST, READ, WRITE, REMOVE, MAKE = "list", "read", "write", "remove", "make"


def order(emulator: Emulator, *faults: Fault) -> None:
    emulator.faults.order(list(faults))


def ask(emulator: Emulator, what: str) -> Result:
    """Send a request that would succeed; requests about an entity use a new one."""
    if what == LIST:
        return send(emulator, "GET", "/connections")
    if what == MAKE:
        return send(emulator, "POST", "/connections", connection())
    receipt = json.loads(json.dumps(send(emulator, "POST", "/connections", connection()).body))
    path = f"/connections/{receipt['id']}"
    if what == READ:
        return send(emulator, "GET", path)
    if what == REMOVE:
        return send(emulator, "DELETE", path)
    patch = [{"op": "replace", "path": "/description", "value": "new"}]
    return send(emulator, "PATCH", path, patch, headers={"if-match": receipt["etag"]})


def answered(status: int, error: str | None) -> Callable[[Result], bool]:
    return lambda result: (result.status, result.error) == (status, error)


def by(**delivery: Any) -> Callable[[Result], bool]:
    return lambda result: result.delivery == Delivery(**delivery)


def garbled(result: Result) -> bool:
    assert result.delivery and result.delivery.raw
    try:
        json.loads(result.delivery.raw)
    except ValueError:
        return True
    return False


def body_of(result: Result) -> Any:
    assert isinstance(result.body, dict)
    return result.body


EFFECTS: dict[str, tuple[str, str, Callable[[Result], bool]]] = {
    "rate-limit": ("2", LIST, lambda r: answered(429, "429050")(r) and ("Retry-After", "2") in r.headers),
    "internal-error": ("", LIST, answered(500, "1400-500")),
    "unavailable": ("none", LIST, lambda r: answered(503, "1103-503")(r) and not r.headers),
    "gateway-timeout": ("", LIST, answered(504, "1104-504")),
    "forbidden": ("", LIST, answered(403, "2120-403")),
    "token-expired": ("", LIST, answered(401, "401013")),
    "token-revoked": ("", LIST, answered(401, "401013")),
    "sandbox-gone": ("", LIST, answered(404, "2100-404")),
    "bad-gateway": (
        "",
        LIST,
        lambda r: r.status == 502 and r.delivery is not None and r.delivery.content_type == "text/html",
    ),
    "reset": ("", LIST, lambda r: r.status == 0 and by(reset=True)(r)),
    "stale-etag": ("", WRITE, answered(412, "1404-412")),
    "deleted": ("", REMOVE, answered(404, "1439-404")),
    "short-pages": ("2", LIST, lambda r: len(body_of(r)["items"]) == 1 and "next" in body_of(r)["_links"]),
    "answer-lost": ("", LIST, lambda r: r.status == 0 and r.body is None and by(reset=True)(r)),
    "applied-500": ("", LIST, answered(500, "1400-500")),
    "latency": ("70", LIST, by(delay_ms=70)),
    "slow-body": ("", LIST, by(bytes_per_second=200)),
    "truncate": ("", LIST, lambda r: r.delivery is not None and r.delivery.cut_at == len(r.delivery.raw or b"") // 2),
    "malformed-json": ("", LIST, garbled),
    "empty-answer": ("", LIST, lambda r: (r.status, r.body) == (200, None)),
    "unknown-members": ("", READ, lambda r: "_addedLater" in body_of(r) and "_addedLater" in body_of(r)["items"][0]),
    "reordered-members": ("", READ, lambda r: next(iter(body_of(r)["items"][0])) == "etag"),
    "draft-state": ("", READ, lambda r: body_of(r)["items"][0]["state"] == "draft"),
    "empty-list": ("", LIST, lambda r: body_of(r) == {"items": [], "_links": {}}),
}
"""Fault -> argument, a suitable request, and the client's view."""


def test_every_fault_has_an_effect_here() -> None:
    tried = EFFECTS.keys() | {"page-token-expired"}
    missing = sorted(FAULTS.keys() - tried)
    assert not missing, f"add their effects to EFFECTS in tests/faults/test_faults.py: {missing}"
    assert sorted(tried - FAULTS.keys()) == [], "no longer in mockserver/faults/kinds.py"


@pytest.mark.parametrize("name", EFFECTS)
def test_a_fault_does_what_its_row_says_and_the_journal_names_it(
    emulator: Emulator, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    argument, what, expected = EFFECTS[name]
    method = {WRITE: "PATCH", REMOVE: "DELETE"}.get(what, "GET")
    order(emulator, {"fault": name, "argument": argument, "method": method, "times": 1})
    result = ask(emulator, what)
    assert expected(result), result
    assert emulator.journal.entries()[-1].fault == (f"{name}={argument}" if argument else name)
    assert not caplog.records, "an injected answer is no drift of ours"


def test_an_expired_page_token_is_refused_and_a_first_page_is_not(emulator: Emulator) -> None:
    order(emulator, {"fault": "short-pages", "times": 1}, {"fault": "page-token-expired", "times": 1})
    href = body_of(ask(emulator, LIST))["_links"]["next"]["href"]
    assert (send(emulator, "GET", href).error, send(emulator, "GET", href).status) == ("1452-400", 200)


@pytest.mark.parametrize(
    ("name", "stored"), [("reset", 0), ("internal-error", 0), ("answer-lost", 1), ("applied-500", 1)]
)
def test_whether_the_request_was_carried_out_shows_afterwards(emulator: Emulator, name: str, stored: int) -> None:
    order(emulator, {"fault": name, "times": 1})
    ask(emulator, MAKE)
    assert len(body_of(ask(emulator, LIST))["items"]) == stored


def test_a_revoked_token_stays_refused_until_another_one_is_sent(emulator: Emulator) -> None:
    order(emulator, {"fault": "token-revoked", "times": 1})
    other = {"authorization": "Bearer another.one"}
    statuses = [ask(emulator, LIST).status, ask(emulator, LIST).status]
    assert [*statuses, send(emulator, "GET", "/connections", headers=other).status] == [401, 401, 200]


def test_a_writer_who_was_overtaken_succeeds_with_the_new_etag(emulator: Emulator) -> None:
    order(emulator, {"fault": "stale-etag", "times": 1})
    receipt, patch = made(emulator), [{"op": "replace", "path": "/name", "value": "new"}]
    path = f"/connections/{receipt['id']}"
    assert send(emulator, "PATCH", path, patch, headers={"if-match": receipt["etag"]}).status == 412
    etag = body_of(send(emulator, "GET", path))["items"][0]["etag"]
    assert send(emulator, "PATCH", path, patch, headers={"if-match": etag}).status == 200


def strikes(emulator: Emulator, fault: Fault, calls: int = 6) -> str:
    """`x` for each list request that was struck, `.` for each other one."""
    order(emulator, {"fault": "forbidden", **fault})
    return "".join("x" if ask(emulator, LIST).status == 403 else "." for _ in range(calls))


@pytest.mark.parametrize(
    ("selectors", "struck"),
    [
        ({}, "xxxxxx"),
        ({"times": 2}, "xx...."),
        ({"skip": 2}, "..xxxx"),
        ({"skip": 1, "times": 2}, ".xx..."),
        ({"operation": "listConnections"}, "xxxxxx"),
        ({"operation": "createConnection"}, "......"),
        ({"method": "GET", "path": "/connections"}, "xxxxxx"),
        ({"path": "/connections/*"}, "......"),
        ({"sandbox": "prod", "org": "5C1328435BF324E90A49402A@AdobeOrg"}, "xxxxxx"),
        ({"sandbox": "dev"}, "......"),
        ({"parameter": "limit"}, "......"),
        ({"probability": 0.0}, "......"),
    ],
    ids=str,
)
def test_which_calls_are_struck(emulator: Emulator, selectors: Fault, struck: str) -> None:
    assert strikes(emulator, selectors) == struck


def test_chance_repeats_under_a_seed_and_leaves_the_ids_as_they_were(emulator: Emulator) -> None:
    once = strikes(emulator, {"probability": 0.5}, 20)
    assert once == strikes(Emulator(Config(seed=1)), {"probability": 0.5}, 20)
    assert {"x", "."} == set(once)
    emulator.reset()
    untouched = Emulator(Config(seed=1))
    assert made(emulator)["id"] == made(untouched)["id"]


def test_a_range_of_latency_is_drawn_within_its_bounds(emulator: Emulator) -> None:
    order(emulator, {"fault": "latency", "argument": "10-30"})
    delays = [result.delivery.delay_ms for _ in range(30) if (result := ask(emulator, LIST)).delivery]
    assert len(delays) == 30 and min(delays) >= 10 and max(delays) <= 30 and len(set(delays)) > 5


def test_two_faults_strike_one_call(emulator: Emulator) -> None:
    order(emulator, {"fault": "rate-limit"}, {"fault": "latency", "argument": 5})
    result = ask(emulator, LIST)
    assert (result.status, result.delivery) == (429, Delivery(delay_ms=5))
    assert emulator.journal.entries()[-1].fault == "rate-limit; latency=5"


def test_a_client_orders_a_fault_for_its_own_call(emulator: Emulator) -> None:
    struck = send(emulator, "GET", "/connections", headers={"x-mock-fault": "rate-limit=7; latency=3"})
    assert (struck.status, struck.headers, struck.delivery) == (429, (("Retry-After", "7"),), Delivery(delay_ms=3))
    assert ask(emulator, LIST).status == 200


def test_the_header_is_ignored_where_the_operator_says_so() -> None:
    deaf = Emulator(Config(fault_header=False))
    assert send(deaf, "GET", "/connections", headers={"x-mock-fault": "forbidden"}).status == 200


@pytest.mark.parametrize("text", ["", ";", "earthquake", "latency=soon", "forbidden=1", "; ".join(["latency"] * 11)])
def test_a_header_that_cannot_be_read_is_refused(emulator: Emulator, text: str) -> None:
    result = send(emulator, "GET", "/connections", headers={"x-mock-fault": text})
    assert result.status == 400 and "x-mock-fault" in body_of(result)["errorMessage"]


MISTAKES: list[tuple[Any, str]] = [
    ("forbidden", "/: expected an object"),
    ({}, "Member /fault is missing; expected one of"),
    ({"fault": "earthquake"}, "/fault: expected one of"),
    ({"fault": ["forbidden"]}, "/fault: expected one of"),
    ({"fault": "latency", "argument": "9-1"}, "/argument: latency takes milliseconds"),
    ({"fault": "latency", "argument": True}, "/argument: expected a string or an integer, got true or false"),
    ({"fault": "forbidden", "argument": "yes"}, "/argument: forbidden takes no argument"),
    ({"fault": "slow-body", "argument": 0}, "/argument: slow-body takes bytes per second"),
    (
        {"fault": "forbidden", "operation": "paint"},
        "/operation: expected an operation that `mockserver operations` lists",
    ),
    ({"fault": "forbidden", "method": "get"}, "/method: expected an HTTP method in capitals"),
    ({"fault": "forbidden", "path": "connections"}, "/path: expected a path"),
    ({"fault": "forbidden", "times": 0}, "/times: expected an integer of at least 1"),
    ({"fault": "forbidden", "skip": True}, "/skip: expected an integer, got true or false"),
    ({"fault": "forbidden", "probability": 1.5}, "/probability: expected a number of at most 1"),
    ({"fault": "forbidden", "after": 1}, "Member /after is unknown; expected one of fault, argument"),
    ({"faults": [{"fault": "reset"}, {"fault": "no"}]}, "/faults/1/fault: expected one of"),
]


@each("raw, problem", MISTAKES)
def test_a_mistake_in_an_order_is_named_with_its_place(raw: Any, problem: str) -> None:
    with pytest.raises(FaultError) as caught:
        parse(raw, ["listConnections"])
    assert any(each.startswith(problem) for each in caught.value.problems), caught.value.problems


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(FaultError) as caught:
        parse([{"fault": "no"}, {"fault": "reset", "times": "1", "skip": -1}], [])
    assert len(caught.value.problems) == 3


def test_faults_of_a_file_are_in_force_from_the_start_and_after_a_reset(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("faults:\n  - fault: rate-limit\n    argument: 3\n    times: 1\n")
    emulator = Emulator(Config(faults=str(file)))
    order(emulator, {"fault": "forbidden"})
    assert [ask(emulator, LIST).status, ask(emulator, LIST).status] == [429, 403]
    emulator.reset()
    assert [ask(emulator, LIST).status, ask(emulator, LIST).status] == [429, 200]


@pytest.mark.parametrize("content", [b"faults: [", b"\xff", b"- fault: no"], ids=["yaml", "utf-8", "unknown"])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "faults.yaml"
    file.write_bytes(content)
    with pytest.raises(FaultError, match=r"faults\.yaml"):
        from_file(file, [])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match=r"faults\.yaml: No such file"):
        from_file(tmp_path / "faults.yaml", [])


def test_a_fault_that_finds_nothing_to_work_on_changes_nothing(emulator: Emulator) -> None:
    """An unknown entity is not written, and a missing body not cut."""
    patch = [{"op": "replace", "path": "/name", "value": "x"}]
    order(emulator, {"fault": "stale-etag"})
    gone = send(emulator, "PATCH", "/connections/nobody", patch, headers={"if-match": '"a"'})
    assert (gone.status, gone.error) == (404, "1439-404")
    emulator.faults.remove()
    order(emulator, {"fault": "malformed-json", "method": "DELETE"})
    removed = ask(emulator, REMOVE)
    assert (removed.status, removed.body, removed.delivery) == (204, None, None)


def test_a_token_that_nobody_sent_is_not_revoked(emulator: Emulator) -> None:
    order(emulator, {"fault": "token-revoked", "times": 1})
    refused = send(emulator, "GET", "/connections", headers={"authorization": "Basic YTpi"})
    assert refused.status in (401, 403)
    assert send(emulator, "GET", "/connections").status == 200
