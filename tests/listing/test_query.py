"""Tests of list queries: order, limit, count, projection, and continuation tokens.

The rules are documented (facts §6.1 to §6.3) except where a line says assumed.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Emulator, listing
from mockserver.contract import Contract
from mockserver.errors import ApiError
from mockserver.listing import Cursor, Listable, ListQuery, ordering, property_filter, query, sealing
from mockserver.quirks import Quirks
from mockserver.runtime import PROCESS_KEY
from mockserver.secrecy import described
from tests.calls import refused, send
from tests.rows import each

CONTRACT = Contract.load()
FLOWS = Listable(
    kind="flows",
    fields=frozenset({"id", "name", "state", "createdAt", "params", "auth", "metrics", "enabled", "ids"}),
    sortable=frozenset({"id", "name", "state", "createdAt"}),
)


def parsed(query: str, **quirks: str) -> ListQuery:
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return listing.parse(CONTRACT.arguments("listFlows", pairs), FLOWS, Quirks(quirks))


def error(query: str, **quirks: str) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parsed(query, **quirks)
    return caught.value


_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.5, 1.0]), st.sampled_from(["1", "x", "X", "true"])
)


@each(
    "query, order",
    [
        ("orderby=name", [("name", False)]),
        ("orderby=%2Bname", [("name", False)]),
        ("orderby=+name", [("name", False)]),
        ("orderby=-name", [("name", True)]),
        ("orderby=state,-name,+id", [("state", False), ("name", True), ("id", False)]),
        ("orderby=state, -name", [("state", False), ("name", True)]),
        ("orderby=state&orderby=-name", [("state", False), ("name", True)]),  # assumed: as by commas
        ("orderby=name,-name", [("name", False)]),  # assumed: the second has no effect
    ],
)
def test_an_order_is_read(query: str, order: list[tuple[str, bool]]) -> None:
    assert [(sort.field, sort.descending) for sort in parsed(query).order] == order


@each(
    "query, code",
    [
        ("orderby=*name", "1432-400"),
        ("orderby=!name", "1432-400"),
        ("orderby=colour", "1433-400"),
        ("orderby=", "1433-400"),
        ("orderby=name,", "1433-400"),
        ("orderby=-", "1433-400"),
        ("orderby=--name", "1433-400"),
        ("orderby=name:desc", "1433-400"),
        ("orderby=name;drop", "1433-400"),
        ("orderby=auth.params.password", "1433-400"),
        ("orderby=auth", "1433-400"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused(query: str, code: str) -> None:
    assert error(query).code == code


_members = st.dictionaries(
    st.sampled_from(["name", "state"]),
    st.one_of(
        _scalars, st.text(max_size=3), st.lists(st.integers(), max_size=1), st.dictionaries(st.text(), st.none())
    ),
)


@given(
    docs=st.lists(_members, max_size=12),
    order=st.lists(st.tuples(st.sampled_from(["name", "state"]), st.booleans()), min_size=1, max_size=2),
)
def test_any_records_can_be_put_in_any_order(docs: list[dict[str, Any]], order: list[tuple[str, bool]]) -> None:
    sorts = ordering.parse([("-" if down else "") + name for name, down in order], FLOWS.sortable)
    numbered = list(enumerate(docs))

    def key(pair: tuple[int, dict[str, Any]]) -> Any:
        return ordering.key(sorts, ordering.place(pair[1], sorts), pair[0])

    def rank(value: Any) -> Any:
        kinds = [type(None), bool, (int, float), str]
        kind = next((place for place, kind in enumerate(kinds) if isinstance(value, kind)), 0)
        return kind, value if kind else 0

    expected = list(reversed(numbered))  # newest first, then stable sorts from the last field on
    for sort in reversed(sorts):
        expected.sort(key=lambda pair, field=sort.field: rank(pair[1].get(field)), reverse=sort.descending)  # type: ignore[misc]
    assert sorted(numbered, key=key) == expected


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("", 100),
        ("limit=1", 1),
        ("limit=100", 100),
        ("limit=101", 100),
        ("limit=2147483647", 100),
        ("limit=2&limit=2", 2),
    ],
)
def test_a_limit_is_read(query: str, limit: int) -> None:
    assert parsed(query).limit == limit


@pytest.mark.parametrize(
    "query",
    [
        *[
            f"limit={value}"
            for value in ("0", "-1", "1.5", "many", "", "%EF%BC%91", "1e1", "+5", "2147483648", "9" * 31)
        ],
        "limit=2&limit=3",
        "count=maybe",
        "count=",
        "count=1",
        "count=true&count=false",
        "continuationToken=",
        "continuationToken=a&continuationToken=b",
    ],
)
def test_a_value_that_does_not_fit_is_refused(emulator: Emulator, query: str) -> None:
    assert refused(send(emulator, "GET", f"/flows?{query}")) == (400, "1452-400", query.partition("=")[0])


LIMIT = "an integer from 1 to 2147483647"


@pytest.mark.parametrize(
    ("query", "value", "expected"),
    [
        ("limit=many", "many", LIMIT),
        ("limit=" + "9" * 50, "9" * 40, LIMIT),
        ("limit=2&limit=3", "2,3", LIMIT),
        ("limit=0", "0", LIMIT),
        ("count=maybe", "maybe", "true or false"),
        ("count=true&count=false", "true,false", "true or false"),
    ],
)
def test_a_refusal_says_what_came_and_what_would_do(emulator: Emulator, query: str, value: str, expected: str) -> None:
    """The expected value is one that passes, so a limit above 100 is named too."""
    result: Any = send(emulator, "GET", f"/flows?{query}")
    report, name = result.body["report"], query.partition("=")[0]
    assert (report["value"], report["field"], report["pointer"]) == (value, name, name)
    assert report["expected"] == expected
    assert send(emulator, "GET", "/flows?limit=5000").status == 200


def test_a_limit_above_the_maximum_is_refused_where_the_quirk_says_so() -> None:
    quirk = {"limit-above-maximum": "refuse"}
    assert error("limit=101", **quirk).code == "1452-400"
    assert parsed("limit=100", **quirk).limit == 100


def test_count_goes_with_everything_but_a_limit() -> None:
    assert parsed("count=TRUE").count and not parsed("count=False&limit=3").count
    refused = error("count=true&limit=3")
    assert (refused.code, refused.extras["pointer"]) == ("1401-400", "limit")


def test_a_projection_keeps_the_order_of_the_record() -> None:
    query = parsed("property=state,id&property=name==x&property=name")
    assert list(query.project({"id": "1", "createdAt": 5, "name": "x", "state": "enabled"})) == ["id", "name", "state"]  # type: ignore[arg-type]
    assert query.conditions and query.project({"other": 1}) == {}
    assert parsed("").project({"id": "1", "more": 1}) == {"id": "1", "more": 1}


def linked(query: ListQuery, after: Cursor) -> str:
    href = listing.next_href(FLOWS, query, after)
    prefix, token = href.split("=")
    assert prefix == "/flows?continuationToken" and quote(token, safe="") == token
    return token


@given(
    filters=st.lists(st.sampled_from(["id,name", 'name=="a=b, é"', "createdAt>5"]), max_size=2),
    orderby=st.sampled_from(["", "name", "-state,createdAt"]),
    limit=st.integers(1, 100),
    revisions=st.tuples(st.integers(0, 1 << 53), st.integers(0, 1 << 53)),
    values=st.lists(st.none() | st.booleans() | st.integers() | st.text(max_size=128), min_size=2, max_size=2),
)
def test_a_link_carries_the_whole_query_and_the_place(
    filters: list[str], orderby: str, limit: int, revisions: tuple[int, int], values: list[Any]
) -> None:
    pairs = (*(("property", text) for text in filters), ("limit", str(limit)))
    asked = CONTRACT.arguments("listFlows", (*pairs, *((("orderby", orderby),) if orderby else ())))
    query = listing.parse(asked, FLOWS, Quirks())
    after = Cursor(max(revisions), min(revisions), tuple(values[: len(query.order)]))
    again = parsed(f"continuationToken={linked(query, after)}")
    assert again.after == after and again == ListQuery(**{**_members_of(query), "after": after})


def _members_of(query: ListQuery) -> dict[str, Any]:
    return {name: getattr(query, name) for name in ListQuery.__dataclass_fields__}


@pytest.mark.parametrize("letter", ["x", '"', "\x01", "\\", "é", "\U0001f600"])
def test_the_link_of_the_longest_query_is_one_we_take_back(letter: str) -> None:
    value = letter.encode() * (property_filter.MAX_BYTES // len(letter.encode()) - 10)
    pairs = (("property", f'name=="{value.decode()}"'), ("orderby", "-name,id," * 2000 + "name"), ("limit", "3"))
    if letter == '"':
        pairs = (("property", 'name=="' + '","' * 2600 + '"'), *pairs[1:])
    query = listing.parse(CONTRACT.arguments("listFlows", pairs), FLOWS, Quirks())
    after = Cursor(1 << 53, 1 << 53, (letter * 128, letter * 128))
    again = parsed(f"continuationToken={linked(query, after)}")
    assert again == ListQuery(**{**_members_of(query), "after": after})


def test_what_is_sent_beside_a_token_changes_the_limit_at_most() -> None:
    token = linked(parsed("orderby=name&limit=2&property=name==a"), Cursor(5, 3, ("a",)))
    plain = parsed(f"continuationToken={token}")
    assert parsed(f"continuationToken={token}&orderby=-id&property=id==1&limit=2") == plain
    assert parsed(f"continuationToken={token}&limit=7").limit == 7


def _sealed(content: Any, *, padded_to: int = 0) -> str:
    """A token encrypted with the key; `padded_to` this many bytes of JSON."""
    text = json.dumps(content).encode().ljust(padded_to)
    return sealing.seal(text, PROCESS_KEY)


GOOD: list[Any] = ["flows", ["name==a"], ["name"], 2, 5, 3, ["a"]]


@each(
    "place, value",
    [
        (0, "connections"), (0, None), (0, []), (1, "name==a"), (1, [1]), (1, {"a": 1}), (2, [None]), (2, []),
        (3, 0), (3, 1001), (3, True), (3, "2"), (3, 1.0), (4, -1), (4, None), (4, 1 << 63), (5, "3"), (5, 1e300),
        (5, 6), (6, None), (6, []), (6, ["a", "b"]), (6, [{}]), (6, [["a"]]), (6, ["a" * 129]), (6, [float("nan")]),
        (6, "a"),
    ],
)  # fmt: skip
def test_a_token_may_hold_nothing_a_query_could_not(place: int, value: Any) -> None:
    assert parsed("continuationToken=" + _sealed(GOOD)).limit == 2
    content = [*GOOD[:place], value, *GOOD[place + 1 :]]
    assert error("continuationToken=" + _sealed(content)).code == "1452-400"


def test_a_token_may_hold_the_highest_numbers_and_be_as_long_as_the_longest_query_makes_it() -> None:
    highest = [*GOOD[:4], 1 << 62, 1 << 62, GOOD[6]]
    assert parsed("continuationToken=" + _sealed(highest)).after == Cursor(1 << 62, 1 << 62, ("a",))
    longest = query.MAX_TOKEN // 4 * 3 - sealing.IV_BYTES
    assert parsed("continuationToken=" + _sealed(GOOD, padded_to=longest)).limit == 2
    assert error("continuationToken=" + _sealed(GOOD, padded_to=longest + 1)).code == "1452-400"


@pytest.mark.parametrize("content", [None, {}, [], GOOD[:-1], [*GOOD, 1], "x", json.loads("[" * 500 + "]" * 500)])
def test_a_token_of_another_shape_is_refused(content: Any) -> None:
    assert error("continuationToken=" + _sealed(content)).code == "1452-400"


def test_the_query_in_a_token_is_checked_like_any_other() -> None:
    assert error("continuationToken=" + _sealed([*GOOD[:2], ["auth"], *GOOD[3:]])).code == "1433-400"
    assert error("continuationToken=" + _sealed([*GOOD[:1], ["colour==red"], *GOOD[2:]])).code == "1449-400"


def test_a_token_tells_nothing_to_who_has_another_key_and_no_other_server_takes_it() -> None:
    token = linked(parsed("property=name==c4n4ry"), Cursor(5, 3, ()))
    assert b"c4n4ry" not in base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    with pytest.raises(ApiError):
        listing.parse({"continuationToken": token}, FLOWS, Quirks(), key=b"another server's")


@given(st.data())
def test_a_token_with_one_changed_character_is_refused(data: st.DataObject) -> None:
    token = linked(parsed("orderby=name&limit=2"), Cursor(5, 3, ("a",)))
    place = data.draw(st.integers(0, len(token) - 2))  # the last one may have unused bits
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda letter: letter != token[place]))
    assert error(f"continuationToken={token[:place]}{letter}{token[place + 1 :]}").code == "1452-400"


@each("token", ["made-by-hand", "=", "AAAA", "A" * 40_000, "é", "../..", "%00", "A A", _sealed(GOOD) + "!"])
def test_a_token_made_by_hand_is_refused_with_where_to_take_one_from(token: str) -> None:
    refused = error(f"continuationToken={quote(token)}")
    assert refused.code == "1452-400"
    assert refused.variables == {"value": described(token), "field": "continuationToken"}
    assert "_links.next.href" in str(refused.extras["expected"])


@each(
    "body, same",
    [
        ({}, ""),
        ({"queryString": "property=state==enabled&property=name==x"}, "property=state==enabled&property=name==x"),
        ({"queryString": "?property=name==%22a%20b%22"}, "property=name==a b"),
        ({"queryString": "state==enabled"}, "property=state==enabled"),
        ({"queryString": "id==a,b&property=name==%22a%20b%22"}, "property=id==a,b&property=name==a b"),
        ({"queryString": "createdAt>=5&name==a+b"}, "property=createdAt>=5&property=name==a b"),
        ({"orderby": "-name", "limit": 5}, "orderby=-name&limit=5"),
        ({"limit": 5, "count": False}, "limit=5"),
        ({"count": True}, "count=true"),
        ({"projectionFields": "id,name"}, "property=id,name"),
        ({"limit": 20.0}, "limit=20"),
    ],
)
def test_a_search_asks_the_same_in_a_body(body: dict[str, Any], same: str) -> None:
    asked, expected = listing.parse_search(body, {}, FLOWS, Quirks()), parsed(same)
    assert (asked.conditions, asked.projection, asked.order) == (
        expected.conditions, expected.projection, expected.order
    )  # fmt: skip
    assert (asked.limit, asked.count) == (expected.limit, expected.count)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0}, {"limit": -5}, {"limit": 1.5}, {"limit": True}, {"limit": [5]}, {"limit": "5"}, {"limit": None},
        {"count": "maybe"}, {"count": 1}, {"orderby": 5}, {"queryString": {"name": "x"}},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("kind", ["connections", "flows", "flowSpecs"])
def test_a_search_with_a_member_of_another_type_is_refused(emulator: Emulator, kind: str, body: dict[str, Any]) -> None:
    (name,) = body
    assert refused(send(emulator, "POST", f"/{kind}/search", body)) == (400, "1100-400", f"/{name}")


@pytest.mark.parametrize("text", ["state", "Xproperty=name==a", "limit=5", "property=name==a&limit=5"])
def test_a_search_by_another_parameter_is_told_what_a_query_string_holds(emulator: Emulator, text: str) -> None:
    result: Any = send(emulator, "POST", "/flows/search", {"queryString": text})
    assert refused(result) == (400, "1452-400", "/queryString")
    expected = "filters such as name==value, with or without property= before each; separate several with &"
    assert result.body["report"]["expected"] == expected


@pytest.mark.parametrize("body", [{"projectionFields": 5}, {"projectionFields": None}])
def test_a_member_that_a_search_does_not_have_is_ignored(emulator: Emulator, body: dict[str, Any]) -> None:
    assert send(emulator, "POST", "/connections/search", body).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"queryString": "property=colour==red"}, "1449-400"),
        ({"queryString": "property=createdAt=="}, "1453-400"),
        ({"queryString": "property"}, "1453-400"),
        ({"limit": 5, "count": True}, "1401-400"),
    ],
)
def test_a_search_that_cannot_be_read_is_refused(body: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        listing.parse_search(body, {}, FLOWS, Quirks())
    assert caught.value.code == code


def test_a_search_may_ask_for_a_thousand_and_its_pages_keep_that() -> None:
    assert listing.parse_search({"limit": 2147483647}, {}, FLOWS, Quirks()).limit == 1000
    query = listing.parse_search({"limit": 2000}, {}, FLOWS, Quirks())
    assert query.limit == 1000
    assert parsed(f"continuationToken={linked(query, Cursor(5, 3, ()))}").limit == 1000
