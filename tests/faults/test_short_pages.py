"""Tests that a list with short pages has enough records, whatever a client filters by."""

from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.exchange import Result
from tests.calls import connection, made, send
from tests.faults.test_faults import body_of, order

LISTS = ["connections", "sourceConnections", "targetConnections", "flows", "runs"]
SOME_ID = "3f0c1b1e-7a52-4c0e-9d3c-2b8d5e6f7a81"
FILTERS = ["", "?property=state==enabled", "?property=name==orders&limit=50", f"?property=connectionSpec.id=={SOME_ID}"]


def pages_of(emulator: Emulator, first: Result) -> list[list[dict[str, Any]]]:
    """The items of each page, to the end."""
    pages = [body_of(first)]
    while "next" in pages[-1]["_links"]:
        pages.append(body_of(send(emulator, "GET", pages[-1]["_links"]["next"]["href"])))
    return [page["items"] for page in pages]


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_is_empty_is_filled_up(emulator: Emulator, kind: str) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    pages = pages_of(emulator, send(emulator, "GET", f"/{kind}"))
    assert [len(items) for items in pages] == [1, 1, 1]
    found = [send(emulator, "GET", f"/{kind}/{items[0]['id']}") for items in pages]
    assert [result.status for result in found] == [200, 200, 200]
    assert not [entry for entry in emulator.journal.entries() if entry.violations]


@pytest.mark.parametrize("query", FILTERS[1:])
def test_a_list_is_filled_up_with_what_a_filter_lets_through(emulator: Emulator, query: str) -> None:
    made(emulator)
    order(emulator, {"fault": "short-pages", "times": 1})
    assert len(pages_of(emulator, send(emulator, "GET", f"/connections{query}"))) == 3


def test_the_runs_of_a_flow_are_filled_up(emulator: Emulator) -> None:
    order(emulator, {"fault": "short-pages", "times": 2})
    [[flow], *_] = pages_of(emulator, send(emulator, "GET", "/flows"))
    runs = pages_of(emulator, send(emulator, "GET", f"/runs?property=flowId=={flow['id']}"))
    assert [[item["flowId"] for item in items] for items in runs] == [[flow["id"]]] * 3


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("state", ["bogus", "enabled", "failed", "success"])
def test_no_record_is_made_up_in_a_state_that_its_kind_cannot_have(emulator: Emulator, kind: str, state: str) -> None:
    """The answer would be outside the contract, which fails every test."""
    order(emulator, {"fault": "short-pages", "times": 1})
    pages = pages_of(emulator, send(emulator, "GET", f"/{kind}?property=state=={state}"))
    assert (len(pages) == 3) is ((state in ("failed", "success")) if kind == "runs" else state == "enabled")


@pytest.mark.parametrize("member", ["sourceConnectionIds", "targetConnectionIds"])
def test_a_list_is_filled_up_by_what_its_arrays_hold(emulator: Emulator, member: str) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    pages = pages_of(emulator, send(emulator, "GET", f"/flows?property={member}[]=={SOME_ID}"))
    assert [[item[member] for item in items] for items in pages] == [[[SOME_ID]]] * 3


INHERITED = "/flows?property=inheritedAttributes"
BY_MEMBERS_BELOW = {
    "the state of a run": "/runs?property=metrics.statusSummary.status==failed",
    "the connector of a flow's target": f"{INHERITED}.targetConnections[].connectionSpec.id=={SOME_ID}",
    "the connector of a flow's source": f"{INHERITED}.sourceConnections[].connectionSpec.id=={SOME_ID}",
    "the base connection of a flow": f"{INHERITED}.sourceConnections[].baseConnection.id=={SOME_ID}",
    "a transformation of a flow": "/flows?property=transformations[].name==Mapping",
    "a param of a connection": "/connections?property=auth.params.username==me",
    "a schema of a target": "/targetConnections?property=data.schema.id==abc",
    "a boolean": f"{INHERITED}.properties.isSourceFlow==true",
    "the opposite boolean": f"{INHERITED}.properties.isSourceFlow==false",
    "no boolean": f"{INHERITED}.properties.isSourceFlow!=false",
    "who created it": "/connections?property=createdBy==ME@AdobeID",
    "who did not create it": "/connections?property=createdBy!=ME@AdobeID",
    "which client updated it": "/runs?property=updatedClient==acme",
    "another state": "/connections?property=state!=enabled",
    "another state of a run": "/runs?property=metrics.statusSummary.status!=success",
    "another name": "/flows?property=name!=orders",
    "two at once": f"{INHERITED}.targetConnections[].connectionSpec.id=={SOME_ID}&property=name==a",
}


@pytest.mark.parametrize("case", BY_MEMBERS_BELOW)
def test_a_list_is_filled_up_by_members_at_any_depth(emulator: Emulator, case: str) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    pages = pages_of(emulator, send(emulator, "GET", BY_MEMBERS_BELOW[case]))
    assert [len(items) for items in pages] == [1, 1, 1]


NEWEST = {
    "its creator": "createdBy={createdBy}",
    "its time": "createdAt<={createdAt}",
    "its name": "name={name}",
    "another name": "name!=drafted",
    "another state": "state!=draft",
    "a state, and no other creator": "state=enabled&property=createdBy!=somebody",
    "a number": "version!=0",
}


@pytest.mark.parametrize("case", NEWEST)
def test_a_list_is_filled_up_with_records_like_the_one_that_matches(emulator: Emulator, case: str) -> None:
    first = made(emulator)
    there = body_of(send(emulator, "GET", f"/connections/{first['id']}"))["items"][0]
    emulator.runtime.clock.advance(1000)
    made(emulator, {**connection(), "name": "drafted"}, "/connections?mode=draft")
    order(emulator, {"fault": "short-pages", "times": 1})
    pages = pages_of(emulator, send(emulator, "GET", f"/connections?property={NEWEST[case].format(**there)}"))
    assert len(pages) == 3 and {item["name"] for items in pages for item in items} != {"drafted"}


@pytest.mark.parametrize(
    "path", [f"{INHERITED}.sourceConnections[].baseConnection.id==abc", "/runs?property=flowId==x"]
)
def test_no_record_is_made_up_with_an_id_that_is_none(emulator: Emulator, path: str) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    assert body_of(send(emulator, "GET", path))["items"] == []


@pytest.mark.parametrize("state", ["bogus", "enabled"])
def test_no_run_is_made_up_with_a_status_that_none_can_have(emulator: Emulator, state: str) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    path = f"/runs?property=metrics.statusSummary.status=={state}"
    assert body_of(send(emulator, "GET", path))["items"] == []


@pytest.mark.parametrize("kind", ["connections", "flows"])
def test_a_search_comes_in_pages_too(emulator: Emulator, kind: str) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    body = {"queryString": "property=state==enabled", "limit": 20}
    assert len(pages_of(emulator, send(emulator, "POST", f"/{kind}/search", body))) == 3


def test_made_up_flows_make_no_runs(emulator: Emulator) -> None:
    order(emulator, {"fault": "short-pages", "times": 1})
    pages_of(emulator, send(emulator, "GET", "/flows"))
    emulator.runtime.clock.advance(86_400_000)
    assert body_of(send(emulator, "GET", "/runs"))["items"] == []


def test_a_list_is_filled_up_beside_records_with_the_ids_of_a_seed() -> None:
    """It was answered 500."""
    first, second = Emulator(Config(seed=1)), Emulator(Config(seed=1))
    for emulator, query in ((first, ""), (second, "?property=name==orders")):
        emulator.restore(first.export(credentials=True))
        order(emulator, {"fault": "short-pages", "times": 1})
        assert len(pages_of(emulator, send(emulator, "GET", f"/flows{query}"))) == 3
