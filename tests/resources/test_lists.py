"""Tests of lists over the API: filters, order, pages, count, projection and search (facts §6.1 to §6.3)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import Emulator
from tests.calls import POSTGRESQL, connection, made, refused, send

NAMES = ["delta", "alpha", "charlie", "bravo", "echo"]


@pytest.fixture
def five(emulator: Emulator) -> Emulator:
    for name in NAMES:
        made(emulator, connection(name, description=f"about {name}"))
    return emulator


def names(emulator: Emulator, query: str = "") -> list[str]:
    result = send(emulator, "GET", f"/connections{query}")
    assert result.status == 200, result.body
    body: Any = result.body
    return [item["name"] for item in body["items"]]


def walk(emulator: Emulator, query: str) -> list[list[str]]:
    """All pages, following `_links`."""
    pages, path = [], f"/connections{query}"
    while path:
        body: Any = send(emulator, "GET", path).body
        pages.append([item["name"] for item in body["items"]])
        path = body["_links"].get("next", {}).get("href", "")
    return pages


def test_the_newest_write_comes_first(five: Emulator) -> None:
    assert names(five) == NAMES[::-1]
    body: Any = send(five, "GET", "/connections").body
    assert list(body) == ["items", "_links"] and body["_links"] == {}
    oldest = body["items"][-1]
    patch = [{"op": "replace", "path": "/description", "value": "touched"}]
    send(five, "PATCH", f"/connections/{oldest['id']}", patch, headers={"if-match": oldest["etag"]})
    assert names(five)[0] == oldest["name"]


# the grammar of the filter page; forms marked assumed are inferred from it
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?property=name==alpha", {"alpha"}),
        ('?property=name=="alpha"', {"alpha"}),
        ("?property=name==%22alpha%22", {"alpha"}),
        ("?property=name=alpha", {"alpha"}),  # a single = appears in one documented example
        ("?property=name==alpha,echo", {"alpha", "echo"}),
        ("?property=name!=alpha", set(NAMES) - {"alpha"}),  # assumed
        ("?property=state==enabled", set(NAMES)),
        ("?property=state==ENABLED", set(NAMES)),  # assumed: states compare without case
        ("?property=state==disabled", set()),
        ("?property=name==Alpha", set()),
        ("?property=name==alpha&property=state==enabled", {"alpha"}),
        ("?property=name==alpha&property=name==echo", set()),
        (f"?property=connectionSpec.id=={POSTGRESQL}", set(NAMES)),
        ("?property=auth.specName==Basic%20Authentication", set(NAMES)),
        ("?property=createdAt>=1", set(NAMES)),
        ("?property=createdAt<1", set()),
        ("?property=" + quote("name==alpha&property=state==enabled"), {"alpha"}),  # as one client sends it
        ("?property=auth.params.password==c4n4ry-s3cret", set()),  # filters see the mask, not the secret
    ],
)
def test_a_property_filter_picks(five: Emulator, query: str, found: set[str]) -> None:
    assert set(names(five, query)) == found


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?limit=2&count=true", "1401-400"),
        ("?orderby=*name", "1432-400"),
        ("?orderby=colour", "1433-400"),
        ("?orderby=auth.params.password", "1433-400"),
        ("?orderby=name:desc", "1433-400"),
        ("?property=name~alpha", "1440-400"),
        ("?property=createdAt<=1,2", "1443-400"),
        ("?property=id>=5", "1448-400"),
        ("?property=colour==red", "1449-400"),
        ("?property=name!>alpha", "1450-400"),
        ("?property=createdAt==1676643256,1676643210", "1452-400"),
        ("?property=createdAt==yesterday", "1452-400"),
        ("?property=createdAt==", "1453-400"),
        ("?limit=0", "1452-400"),  # assumed from here on: no sample of a bad limit, count or token
        ("?limit=-1", "1452-400"),
        ("?limit=many", "1452-400"),
        ("?limit=1.5", "1452-400"),
        ("?limit=1000000000000000000000000000000", "1452-400"),
        ("?limit=%EF%BC%91", "1452-400"),
        ("?count=maybe", "1452-400"),
        ("?continuationToken=made-by-hand", "1452-400"),
    ],
)
def test_a_bad_list_query_is_refused_with_its_own_code(five: Emulator, query: str, code: str) -> None:
    assert refused(send(five, "GET", f"/connections{query}"))[:2] == (400, code)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("?orderby=name", sorted(NAMES)),
        ("?orderby=%2Bname", sorted(NAMES)),
        ("?orderby=+name", sorted(NAMES)),
        ("?orderby=-name", sorted(NAMES, reverse=True)),
        ("?orderby=createdAt", NAMES),
        ("?orderby=-createdAt", NAMES[::-1]),
        ("?orderby=state,-name", sorted(NAMES, reverse=True)),
    ],
)
def test_orderby_sorts_and_pages_keep_the_order(five: Emulator, query: str, order: list[str]) -> None:
    assert names(five, query) == order
    assert [name for page in walk(five, f"{query}&limit=2") for name in page] == order


def test_pages_follow_a_link_that_carries_the_whole_query(five: Emulator) -> None:
    assert walk(five, "?limit=2&property=name!=charlie") == [["echo", "bravo"], ["alpha", "delta"]]
    body: Any = send(five, "GET", "/connections?limit=2").body
    href = body["_links"]["next"]["href"]
    prefix, token = href.split("=")  # exactly one "=", because a public client takes the text after it
    assert prefix == "/connections?continuationToken" and quote(token) == token


def test_a_client_may_resend_its_own_parameters_beside_the_token(five: Emulator) -> None:
    body: Any = send(five, "GET", "/connections?limit=2").body
    href = body["_links"]["next"]["href"]
    assert names(five, href.removeprefix("/connections") + "&limit=2") == ["charlie", "alpha"]


def test_pages_neither_skip_nor_repeat_while_others_write(five: Emulator) -> None:
    body: Any = send(five, "GET", "/connections?limit=2").body
    seen = [item["name"] for item in body["items"]]
    everything: Any = send(five, "GET", "/connections").body
    charlie, delta = (next(i for i in everything["items"] if i["name"] == name) for name in ("charlie", "delta"))
    made(five, connection("newcomer"))
    touch = [{"op": "replace", "path": "/description", "value": "touched"}]
    send(five, "PATCH", f"/connections/{charlie['id']}", touch, headers={"if-match": charlie["etag"]})
    send(five, "DELETE", f"/connections/{delta['id']}")
    rest = [name for page in walk(five, body["_links"]["next"]["href"].removeprefix("/connections")) for name in page]
    assert seen + rest == ["echo", "bravo", "charlie", "alpha"]


@pytest.mark.parametrize("query", ["?count=true", "?count=True", "?count=true&property=name==alpha"])
def test_count_answers_a_number_and_nothing_else(five: Emulator, query: str) -> None:
    assert send(five, "GET", f"/connections{query}").body == {"count": 1 if "alpha" in query else 5}


@pytest.mark.parametrize("query", ["?limit=3&count=False", "?limit=3&count=false"])
def test_count_false_beside_limit_is_everyday(five: Emulator, query: str) -> None:
    assert names(five, query) == ["echo", "bravo", "charlie"]


def test_a_limit_above_the_maximum_is_lowered(emulator: Emulator) -> None:
    for number in range(101):
        made(emulator, connection(f"c{number}"))
    assert [len(page) for page in walk(emulator, "?limit=200")] == [100, 1]
    assert [len(page) for page in walk(emulator, "")] == [100, 1]


def test_property_without_an_operator_projects(five: Emulator) -> None:
    body: Any = send(five, "GET", "/connections?property=id,name").body  # documented, no sample
    assert all(list(item) == ["id", "name"] for item in body["items"])


@pytest.mark.parametrize("query", ["?start=0", "?colour=red", "?state=enabled"])
def test_unknown_parameters_are_ignored_as_public_clients_rely_on(five: Emulator, query: str) -> None:
    assert len(names(five, query)) == 5


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, NAMES[::-1]),
        ({"queryString": "property=name==alpha"}, ["alpha"]),
        ({"queryString": "property=state==enabled&property=name==echo"}, ["echo"]),
        ({"orderby": "name", "limit": 2}, ["alpha", "bravo"]),
        ({"orderby": "name", "limit": 2.0}, ["alpha", "bravo"]),  # for JSON Schema, 2.0 is an integer
    ],
)
def test_search_is_the_same_list_asked_for_in_a_body(five: Emulator, body: Any, found: list[str]) -> None:
    answer: Any = send(five, "POST", "/connections/search", body).body
    assert [item["name"] for item in answer["items"]] == found
    assert "_links" in answer


def test_search_pages_by_a_token_in_the_query(five: Emulator) -> None:
    first: Any = send(five, "POST", "/connections/search", {"limit": 3}).body
    token = first["_links"]["next"]["href"].split("=")[1]
    second: Any = send(five, "POST", f"/connections/search?continuationToken={token}", {"limit": 3}).body
    assert [item["name"] for item in first["items"] + second["items"]] == NAMES[::-1]


def test_search_counts(five: Emulator) -> None:
    assert send(five, "POST", "/connections/search", {"count": True}).body == {"count": 5}


def test_connection_specs_are_listed_filtered_and_looked_up(emulator: Emulator) -> None:
    every: Any = send(emulator, "GET", "/connectionSpecs").body
    assert list(every) == ["items"] and len(every["items"]) >= 4
    by_name: Any = send(emulator, "GET", '/connectionSpecs?property=name=="postgre-sql"').body
    assert [item["id"] for item in by_name["items"]] == [POSTGRESQL]
    by_category: Any = send(emulator, "GET", "/connectionSpecs?property=attributes.isSource==true").body
    assert by_category["items"]
    one: Any = send(emulator, "GET", f"/connectionSpecs/{POSTGRESQL}").body
    assert one["items"][0]["providerId"] == "0ed90a81-07f4-4586-8190-b40eccef1c5a"
    assert refused(send(emulator, "GET", "/connectionSpecs?property=baseSpec==x"))[:2] == (400, "1423-400")
    unknown = send(emulator, "GET", "/connectionSpecs/nope")
    assert refused(unknown)[:2] == (404, "1439-404") and '"type": "connectionSpecs"' in json.dumps(unknown.body)
