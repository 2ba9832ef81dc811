"""Tests of each kind of difference, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.comparison.differences import Comparison
from mockserver.comparison.symbols import Bindings
from mockserver.contract import Contract
from mockserver.exchange import Call, Result
from mockserver.recordings.recording import exchange
from tests.calls import HEADERS

ONE, OTHER, THIRD = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "123")
ETAG = '"1e20cae2-0000-0200-0000-6b0bbb0c0000"'


def found(theirs: Any, ours: Any, *, path: str = "/connections", headers: Any = ((), ())) -> list[str]:
    """The differences between the first response of a recording and ours."""
    return told([(theirs, ours, path, headers)])


def told(pairs: list[tuple[Any, Any, str, Any]]) -> list[str]:
    """The differences of several exchanges in order."""
    recorded = [
        exchange(
            number,
            Call("GET", path, "", HEADERS, b"", "", 1_700_000_000_000),
            Result(200, theirs, headers[0]),
            Contract.load(),
        )
        for number, (theirs, _, path, headers) in enumerate(pairs, 1)
    ]
    comparison = Comparison(Bindings.of(recorded))
    return [
        str(difference)
        for one, (_, ours, _, headers) in zip(recorded, pairs, strict=True)
        for difference in comparison.compare(one, Result(200, ours, headers[1]))
    ]


def item(**members: Any) -> dict[str, Any]:
    return {"items": [{"id": ONE, **members}]}


def test_what_was_masked_in_the_recording_says_nothing() -> None:
    assert found({"title": "pseudo-0123456789"}, {"title": "Resource not found"}) == []
    assert found({"title": "another"}, {"title": "Resource not found"}) != []


def test_an_object_of_other_members_is_one_finding() -> None:
    """A receipt in `items` was once two missing members and an added one."""
    receipt = {"id": ONE, "etag": ETAG}
    told_once = "type /: recorded an object of etag, id, here an object of items"
    assert found(receipt, {"items": [receipt]}, path="/runs") == [told_once]


def test_many_members_that_an_object_lacks_are_one_finding() -> None:
    lacking = found(item(**dict.fromkeys("abcde", 1)), item())
    assert lacking == ["missing member /items/*/{a,b,c,d,e}: recorded 5 members, here absent"]
    assert len(found(item(a=1, b=2, c=3), item())) == 3


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        (f"W/{ETAG}", ETAG, "recorded a weak etag, here an etag in quotes"),
        (ETAG.strip('"'), ETAG, "recorded another text, here an etag"),
        ("7", ETAG, "recorded another text, here an etag"),
    ],
)
def test_the_form_of_an_etag_counts(theirs: str, ours: str, said: str) -> None:
    assert found(item(etag=theirs), item(etag=ours)) == [f"form /items/*/etag: {said}"]


def test_an_etag_that_moved_there_and_not_here_is_a_reference() -> None:
    new = ETAG.replace("1e20", "1e21")
    first, second = (item(etag=ETAG), item(etag=ETAG), "/connections", ((), ())), item(etag=new)
    assert told([first, (second, item(etag=ETAG), "/connections", ((), ()))]) == [
        "reference /items/*/etag: recorded a new etag, here the same etag as before"
    ]


def test_an_entity_is_created_once() -> None:
    moved = (item(createdAt=1_700_000_000_999), item(createdAt=1_800_000_000_000), "/connections", ((), ()))
    before = (item(createdAt=1_700_000_000_000), item(createdAt=1_800_000_000_000), "/connections", ((), ()))
    assert told([before, before]) == []
    assert told([before, moved]) == ["value /items/*/createdAt: recorded changed, here unchanged"]


def test_a_list_names_an_entity_once() -> None:
    twice = {"items": [{"id": ONE}, {"id": ONE}, {"id": OTHER}]}
    assert "items /items/*: recorded listed twice, here once" in found(twice, {"items": [{"id": ONE}, {"id": OTHER}]})


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        (f"https://platform.adobe.io/x/connections/{ONE}", f"http://127.0.0.1/x/connections/{OTHER}", []),
        ("https://platform.adobe.io/x/connections", f"http://127.0.0.1/x/connections/{OTHER}", ["form"]),
        (f"/other/{ONE}", f"/x/connections/{OTHER}", ["form"]),
    ],
)
def test_a_location_leads_to_the_entity(theirs: str, ours: str, said: list[str]) -> None:
    headers = ((("location", theirs),), (("location", ours),))
    assert [one.split()[0] for one in found({}, {}, headers=headers)] == said


def test_what_the_service_says_of_the_caller_is_compared() -> None:
    other = item(updatedClient="another-client")
    assert found(other, item(updatedClient=HEADERS["x-api-key"])) == [
        "value /items/*/updatedClient: recorded another value, here the value sent"
    ]


def test_flags_and_names_of_specs_are_compared_and_values_of_a_source_are_not() -> None:
    assert found(item(name="postgre-sql"), item(name="PostgreSQL"), path="/connectionSpecs") != []
    assert found(item(name="a"), item(name="b")) == []
    assert found({"x": {"canPreview": True}}, {"x": {"canPreview": False}}) != []
    assert found({"canPreview": True}, {"canPreview": False}, path=f"/connections/{ONE}/explore") == []


@pytest.mark.parametrize(
    "theirs",
    [
        f"https://host/connections?continuationToken={ONE}",
        f"/inner/connections?continuationToken={ONE}",
        f"/connections?limit=2&continuationToken={ONE}",
    ],
)
def test_links_to_a_next_page_have_one_form(theirs: str) -> None:
    link = {"next": {"href": f"/connections?continuationToken={THIRD}"}}
    assert found({"_links": link}, {"_links": link}) == []
    assert found({"_links": {"next": {"href": theirs}}}, {"_links": link}) == [
        "form /_links/next/href: recorded a link, here a link of another form"
    ]


def run(status: str, **members: Any) -> dict[str, Any]:
    metrics = {"statusSummary": {"status": status}, **members.pop("metrics", {})}
    return item(metrics=metrics, createdAt=1, **members)


def test_a_run_at_another_stage_is_no_difference() -> None:
    there = run("inProgress", metrics={"durationSummary": {"startedAtUTC": 7}}, activities=[{"id": "a"}], etag=ETAG)
    assert found(there, run("queued", activities=[]), path="/runs") == []
    assert found(there, run("inProgress", activities=[]), path="/runs") != []
    before = (run("queued", etag=ETAG), run("queued", etag=ETAG), f"/runs/{ONE}", ((("etag", ETAG),),) * 2)
    new = ((("etag", ETAG.replace("1e20", "1e21")),), (("etag", ETAG),))
    assert told([before, (there, run("queued", etag=ETAG), f"/runs/{ONE}", new)]) == []
    assert found(run("success"), item(metrics={}, createdAt=1), path="/runs") != []
    assert found(run("success"), item(createdAt=1), path="/runs") != []


def test_the_last_run_of_a_flow_at_another_stage_is_no_difference() -> None:
    there, here = {"state": "success", "completedAtUTC": 9}, {"state": "queued"}
    assert found(item(lastRunDetails=there), item(lastRunDetails=here), path="/flows") == []
    assert found(item(lastRunDetails=there), item(lastRunDetails={"state": "success"}), path="/flows") != []


def listed(path: str, query: str, theirs: Any, ours: Any) -> list[str]:
    """The differences of a list."""
    call = Call("GET", path, query, HEADERS, b"", "", 1_700_000_000_000)
    recorded = exchange(1, call, Result(200, theirs), Contract.load())
    comparison = Comparison(Bindings.of([recorded]))
    for one, other in ((THIRD, OTHER), (ONE, ONE)):
        comparison.bindings.bind(("id", one), other)
    return [str(difference) for difference in comparison.compare(recorded, Result(200, ours))]


@pytest.mark.parametrize("query", ["limit=1", "property=metrics.durationSummary.startedAtUTC<7"])
def test_a_page_of_runs_has_others_there(query: str) -> None:
    there, here = ({"items": [{"id": one, "flowId": THIRD}]} for one in (ONE, OTHER))
    assert listed("/runs", query, there, here) == []
    assert listed("/runs", "", there, here) != []
    assert listed("/flows", "limit=1", there, here) != []


def test_a_page_of_batches_has_others_there() -> None:
    there: dict[str, Any] = {"a" * 24: {"tags": {"flowId": ["44444444-1111-4111-8111-111111111111"]}}}
    here: dict[str, Any] = {"b" * 24: {"tags": {"flowId": [OTHER]}}}
    assert listed("/data/foundation/catalog/batches", "limit=1", there, here) == []
    assert listed("/data/foundation/catalog/dataSets", "limit=1", {}, here) != []
