"""Tests of further failures in scenarios, of clients that never meet one, and of choosing scenarios."""

from typing import Any

import pytest

from contracts.clients import Script, Service, Stopped
from contracts.clients.bodies import connection
from contracts.clients.making import made
from mockserver.clients.service import FlowService
from mockserver.faults import FAULTS
from mockserver.scenarios import SCENARIOS, ScenarioStage, choose
from tests.conformance.client import Client
from tests.conformance.test_clients import verdict


def first(service: Service) -> None:
    """Make one look-up and ignore the response."""
    service.get("/connections")


def goes_on(service: Service) -> None:
    """Ignores every response and ends normally."""
    first(service)
    service.get("/connectionSpecs")


def gives_up(service: Service) -> None:
    """Stops at the first failure."""
    first(service)
    raise Stopped


def times_out_and_gives_up(service: Service) -> None:
    """Stops after a timeout of one second."""
    gives_up(service.hurried(1))


def creates_until_it_likes_the_answer(service: Service) -> None:
    """Treats a receipt with additional members as a failure."""
    for _ in range(2):
        service.create()


def writes_over(service: Service) -> None:
    """Uses the etag in the refusal instead of reading the other client's change."""
    with made(service) as (at, etag):
        service.patch(at, service.patch(at, etag).json["report"]["entity"])


def ends_after_412(service: Service) -> None:
    """Does not check whether its change was made."""
    with made(service) as (at, etag):
        service.patch(at, etag)


def deletes_under_if_match(service: Service) -> None:
    """Sends If-Match where the service needs none and decides nothing by it."""
    with made(service) as (at, etag):
        service.send("DELETE", at, if_match=etag)


def reads_to_the_end_and_one_page_twice(service: Service) -> None:
    """Requests every page, and the second one twice."""
    body = service.get("/connections").json
    service.get(body["_links"]["next"]["href"])
    while body["_links"]:
        body = service.get(body["_links"]["next"]["href"]).json


def asks_for_the_list_again_and_again(service: Service) -> None:
    """Waits for an empty list to fill."""
    for _ in range(8):
        first(service)


def looks_up_twice(service: Service) -> None:
    """Looks up a deleted entity again."""
    at = f"/connections/{service.create()}"
    for _ in range(2):
        service.get(at)


def asks_twice_for_nobody(service: Service) -> None:
    """Repeats a request for an unknown entity."""
    for _ in range(2):
        service.get("/connections/no-such-connection")


def takes_half_a_list(service: Service) -> None:
    """Reads pages until one is refused, and continues with something else."""
    service.get(service.get("/connections").json["_links"]["next"]["href"])
    service.get("/connectionSpecs")


def looks_and_creates_all_the_same(service: Service) -> None:
    """Lists connections after an unclear response without looking for its own."""
    service.post("/connections", connection())
    service.get("/connections")
    service.post("/connections", connection())


def looks_elsewhere(service: Service) -> None:
    """Continues with another collection after an unclear response."""
    service.post("/connections", connection())
    service.get("/sourceConnections")


def searches(service: Service) -> None:
    """Sends a POST that creates nothing."""
    service.post("/connections/search", {"queryString": "property=name==orders"})


def renews_and_does_something_else(service: Service) -> None:
    """Fetches a new token and does not repeat the refused request."""
    goes_on(service)
    service.token()
    service.get("/flows")


def gives_up_though_it_could_renew(service: Service) -> None:
    """Fetched its token from this service and stops when it expires."""
    service.token()
    goes_on(service)
    raise Stopped


def hangs_up_and_asks_again_later(service: Service) -> None:
    """Times out after half a second and repeats the request later."""
    service.hurried(0.5).get("/connections")
    service.wait(5)
    service.get("/connections")


def hangs_up_and_goes_on(service: Service) -> None:
    """Times out after half a second and continues with another request."""
    service.hurried(0.5).get("/connections")
    service.wait(5)
    service.get("/connectionSpecs")


MORE_BROKEN: list[tuple[str, Script, str]] = [
    ("answer.empty-list", asks_for_the_list_again_and_again, "requested the list 8 times"),
    ("answer.unknown-members", creates_until_it_likes_the_answer, "repeated POST /connections"),
    ("conflict.deleted", looks_up_twice, "repeated the call"),
    ("conflict.stale-etag", ends_after_412, "as if its change had succeeded"),
    ("conflict.stale-etag", writes_over, "without reading it"),
    ("conflict.sandbox-gone", goes_on, "ended without an error"),
    ("create.answer-lost", looks_and_creates_all_the_same, "created the entity a second time"),
    ("create.unknown-outcome", looks_elsewhere, "without checking whether the entity exists"),
    ("outage.for-good", goes_on, "no call had succeeded"),
    ("outage.slow-answer", times_out_and_gives_up, "took three seconds"),
    ("outage.slow-answer", hangs_up_and_asks_again_later, "disconnected before the response"),
    ("outage.slow-answer", hangs_up_and_goes_on, "disconnected before the response"),
    ("outage.unavailable-once", asks_twice_for_nobody, "never successfully"),
    ("paging.three-pages", reads_to_the_end_and_one_page_twice, "read a page twice"),
    ("paging.token-expires", takes_half_a_list, "treated an incomplete list as complete"),
    ("rate-limit.retry-after", gives_up, "gave up after a 429"),
    ("token.expires", goes_on, "ended without an error"),
    ("token.expires", renews_and_does_something_else, "did not repeat the call"),
    ("token.expires", gives_up_though_it_could_renew, "had fetched a token before"),
    ("token.forbidden", goes_on, "as if the call had succeeded"),
]
"""Other ways to fail, and words of the reason."""

NEVER_ARISES: dict[str, Script] = {
    "answer.draft-state": lambda service: service.get("/connectionSpecs") and None,
    "conflict.stale-etag": first,
    "conflict.stale-etag-twice": deletes_under_if_match,
    "conflict.deleted": first,
    "conflict.sandbox-gone": first,
    "create.answer-lost": first,
    "create.unknown-outcome": searches,
    "outage.slow-answer": lambda service: service.create() and None,
    "paging.three-pages": lambda service: service.get("/connectionSpecs") and None,
    "paging.token-expires": first,
    "token.expires": first,
    "token.expires-while-paging": first,
    "rate-limit.retry-after": lambda service: None,
}
"""Scenario -> a client that never meets it."""


@pytest.mark.parametrize(
    ("scenario_id", "script", "words"), MORE_BROKEN, ids=lambda value: getattr(value, "__name__", value)
)
def test_there_are_other_ways_to_fail(
    scenario_id: str, script: Script, words: str, server: FlowService, service: Service
) -> None:
    found = verdict(scenario_id, script, server, service)
    assert found.verdict == "failed" and words in found.detail, found


@pytest.mark.parametrize("scenario_id", NEVER_ARISES)
def test_a_situation_that_never_arose_is_no_pass(scenario_id: str, server: FlowService, service: Service) -> None:
    found = verdict(scenario_id, NEVER_ARISES[scenario_id], server, service)
    assert found.verdict == "untestable" and found.detail


FIRST_PAGES = {
    "/connections?limit=1": False,
    "/connections?limit=5&orderby=-createdAt&count=false": False,
    "/connections?property=name==orders": False,
    "/flows?property=name=%3D%22orders,%20daily%22": False,
    "/connections?limit=100": True,
    "/connections?limit=5": True,
    "/connections?limit=100&orderby=-createdAt": True,
    "/connections?property=name==orders,customers": True,
    "/connections?property=name!=orders": True,
    "/connections?property=state==enabled": True,
    "/connections": True,
}
"""List -> whether a client that reads its first page only has certainly missed something."""


@pytest.mark.parametrize("path", FIRST_PAGES)
def test_a_client_that_wants_a_few_entities_may_stop_at_the_first_page(path: str) -> None:
    client = Client()
    stage = ScenarioStage(client.emulator)
    stage.start(SCENARIOS["paging.three-pages"])
    client.send("GET", path)
    found = stage.stop(0)
    assert found is not None and found.verdict == ("failed" if FIRST_PAGES[path] else "untestable")


def test_a_client_that_reads_all_entities_of_a_name_passes() -> None:
    client = Client()
    stage = ScenarioStage(client.emulator)
    stage.start(SCENARIOS["paging.three-pages"])
    href = "/connections?property=name==orders"
    while href:
        page: Any = client.send("GET", href).body
        href = page["_links"].get("next", {}).get("href", "")
    found = stage.stop(0)
    assert found is not None and found.verdict == "passed"


def test_of_a_client_that_is_still_at_it_nothing_is_said_too_early() -> None:
    client = Client()
    stage = ScenarioStage(client.emulator)
    stage.start(SCENARIOS["answer.draft-state"])
    client.read(client.create()["id"])
    found = stage.verdict()
    assert found is not None and found.verdict == "untestable" and "made no call after" in found.detail
    client.send("GET", "/connections")
    found = stage.verdict()
    assert found is not None and found.verdict == "passed"


def test_three_tries_at_once_are_too_hasty_where_nothing_says_how_long_to_wait() -> None:
    client = Client()
    stage = ScenarioStage(client.emulator)
    stage.start(SCENARIOS["rate-limit.no-retry-after"])
    for _ in range(3):  # without sockets, which can take a tenth of a second on a busy machine and look like a pause
        first(client.service)
    found = stage.stop(0)
    assert found is not None and found.verdict == "failed" and "three attempts within" in found.detail


def test_every_fault_that_a_scenario_orders_is_known() -> None:
    assert len(SCENARIOS) >= 15
    assert {order["fault"] for one in SCENARIOS.values() for order in one.orders} <= FAULTS.keys()


def test_every_scenario_says_what_it_must() -> None:
    for one in SCENARIOS.values():
        assert all(len(text) > 7 for text in (one.title, one.happens, one.judged, one.source, one.hint, one.needs))


def test_one_scenario_is_on_at_a_time_and_its_faults_go_with_it() -> None:
    client = Client()
    stage = ScenarioStage(client.emulator)
    stage.start(SCENARIOS["token.forbidden"])
    client.send("GET", "/connections")
    assert stage.playing is SCENARIOS["token.forbidden"]
    stage.start(SCENARIOS["rate-limit.retry-after"])
    assert [verdict.id for verdict in stage.verdicts()] == ["token.forbidden"]
    assert [one.order.kind.name for one in client.emulator.faults.active()] == ["rate-limit"]
    client.emulator.reset()
    assert (stage.playing, stage.stop()) == (None, None)


@pytest.mark.parametrize("text", ["", "token", "token.expires,nonsense"])
def test_a_scenario_that_does_not_exist_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="unknown scenario"):
        choose(text)


def test_scenarios_are_chosen_by_name_or_all() -> None:
    assert [one.id for one in choose("token.expires, answer.empty")] == ["token.expires", "answer.empty"]
    assert choose("all") == list(SCENARIOS.values())
