"""Tests of what may be shown of a value, a name, a path, a header, a query."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from contracts.secrecy import Mask
from mockserver import secrecy
from mockserver.contract.places import rows_of
from mockserver.secrecy import MASK, blank, hidden, http, places
from mockserver.secrecy.placeholders import FILL_IN, PRINTED, is_placeholder
from mockserver.secrecy.places import SECRET, UNKNOWN, Place, show, table
from tests.backtracking import Counted
from tests.rows import each


@pytest.mark.parametrize(
    "value", ["{PASSWORD}", "{ACCESS_TOKEN}", "{IMS_ORG}", "{BASE_CONNECTION_ID}", "{AMAZON_S3_SECRET_KEY}"]
)
def test_what_adobes_documents_leave_to_the_reader_is_a_placeholder_and_shown(value: str) -> None:
    assert is_placeholder(value) and hidden(value) == value


@each(
    "value",
    ["{hunter2}", "{HUNTER2}", "{ABC123}", "{5544}", "{}", "{_}", "{PASSWORD", "PASSWORD", "{{PASSWORD}}", 7, None],
)
def test_anything_else_in_braces_is_a_value(value: Any) -> None:
    assert not is_placeholder(value)
    assert not isinstance(value, str) or "hunter" not in str(hidden(value)).lower()


@each("value", ["undefined", "null", "None", "[object Object]", "", MASK, "[Authorization redacted]", None, True])
def test_what_programs_send_where_a_value_is_missing_is_shown(value: Any) -> None:
    assert show(value, UNKNOWN) == show(value, SECRET) == value


def test_a_value_is_shown_as_kind_and_length_and_equal_ones_alike() -> None:
    one, same, other = hidden("s3cret"), hidden("s3cret"), hidden("s3creT")
    assert (
        one == same != other
        and one.startswith("‹string, 6 characters, #")
        and len(one) == len("‹string, 6 characters, #a1b2›")
    )
    assert hidden(12.5).startswith("‹number, 4 characters, #") and hidden("${PW}").startswith("‹variable, 5 characters")
    for place in (UNKNOWN, SECRET):
        assert show({"a": ["x"], "b&": 1}, place) == {"a": [hidden("x")], secrecy.name("b&"): hidden(1)}


@each(
    "text, shown",
    [
        ("https://u:p@h:1/x", f"https://{MASK}@h:1/x"),
        ("see //u@h and ftp://a:b@c", f"see //{MASK}@h and ftp://{MASK}@c"),
        ("postgresql://u:p/w@h/d", f"postgresql://{MASK}@h/d"),
        ("jdbc:mysql://u:p@h", f"jdbc:mysql://{MASK}@h"),
        ("https://h:443/@me", "https://h:443/@me"),
        ("https://h/a@b", "https://h/a@b"),
        ("http://[::1]:80/@a", "http://[::1]:80/@a"),
        ("me@example.com // you", "me@example.com // you"),
    ],
)
def test_credentials_in_a_url_are_cut_out_and_nothing_else(text: str, shown: str) -> None:
    assert secrecy.clean(text, blank) == shown


@each(
    "value, readable",
    [
        ("db.example.com", True),
        ("https://h:443/p", True),
        (5432, True),
        ("host=h password=x", False),
        ("a=b", False),
        ("/landing/year=2026/dt=2026-11-30/a.csv", True),
        ("/landing/password=hunter2", False),
        ('{"type": "service_account"}', False),
        ("u:p@h", False),
        ("eyJ" + "a1" * 60, False),
        ("mongodb://u:p?w@h/d?x=1", False),
        ("a\nb", False),
        (["x"], False),
    ],
)
def test_a_param_that_might_be_a_list_of_keys_is_not_recorded(value: Any, readable: bool) -> None:
    assert (show(value, Place(places.param)) == value) is readable


def test_of_a_url_in_a_param_the_query_is_names_only() -> None:
    assert show("https://h/c?sv=1", Place(places.param)) == f"https://h/c?sv={hidden('1')}"
    assert show("https://h/c?sv=1", Place(places.param), blank) == "https://h/c?sv=1"  # an answer says what is stored


@pytest.mark.parametrize(
    ("sent", "known", "other"),
    [
        ("/connections/x-1/test", "/connections/x-1/test", None),
        ("/conections/abc", None, "/conections/abc"),
        ("/x/c4n4ry", "/x/c4n4ry", f"/x/{hidden('c4n4ry')}"),
        ("/x/a b&", f"/x/{hidden('a b&')}", f"/x/{hidden('a b&')}"),
        ("/v1/{CONNECTION_ID}", "/v1/{CONNECTION_ID}", "/v1/{CONNECTION_ID}"),
    ],
    ids=["known", "misspelt", "no word", "no id", "placeholder"],
)
def test_of_a_path_that_the_contract_does_not_have_only_words_are_shown(
    sent: str, known: str | None, other: str | None
) -> None:
    assert known is None or http.path(sent, known=True) == known
    assert other is None or http.path(sent, known=False) == other


def test_of_headers_those_are_shown_that_carry_no_credential() -> None:
    sent = {
        "accept": "*/*",
        "x-key": "k",
        "authorization": "Bearer {ACCESS_TOKEN}",
        "x-sandbox-name": "a&b",
        "Location": "/x?y=1",
    }
    assert http.headers(sent) == {
        "accept": "*/*",
        "x-key": hidden("k", digits=12),
        "authorization": "Bearer {ACCESS_TOKEN}",
        "x-sandbox-name": hidden("a&b"),
        "Location": hidden("/x?y=1", digits=12),
    }
    assert http.answer_headers([("Location", "/x?y=1")]) == {"Location": "/x"}


def test_a_query_can_be_read_again() -> None:
    assert (
        places.query("limit=5&name=a%26b&sig=x%2By", table([(("limit",), places.text), (("name",), places.text)]))
        == f"limit=5&name=a%26b&sig={hidden('x+y')}"
    )


TEXT = {"type": "string"}
HIDDEN = {"type": "string", "format": "password"}


@each(
    "schema, value, shown",
    [
        (TEXT, "a", "a"),
        (TEXT, {"a": "b"}, {"a": MASK}),
        (HIDDEN, "a", MASK),
        ({}, "a", MASK),
        ({"properties": {"a": TEXT, "b": HIDDEN}}, {"a": "1", "b": "2", "c": "3"},
         {"a": "1", "b": MASK, "c": MASK}),
        ({"allOf": [{"properties": {"a": TEXT}}, {"properties": {"a": HIDDEN}}]}, {"a": "1"}, {"a": MASK}),
        ({"oneOf": [TEXT, HIDDEN]}, "a", MASK),
        ({"items": {"properties": {"key": HIDDEN, "id": TEXT}}}, [{"key": "1", "id": "2"}],
         [{"key": MASK, "id": "2"}]),
        ({"additionalProperties": TEXT}, {"x": "1"}, {"x": "1"}),
        ({"patternProperties": {"^x": HIDDEN}, "additionalProperties": TEXT},
         {"x": "1"}, {"x": MASK}),
        ({"if": {}, "then": {"properties": {"a": HIDDEN}}, "properties": {"a": TEXT}}, {"a": "1"},
         {"a": MASK}),
    ],
)  # fmt: skip
def test_a_schema_says_what_of_a_value_is_shown(schema: Any, value: Any, shown: Any) -> None:
    assert show(value, table(rows_of(schema)), blank) == shown


@pytest.mark.parametrize("name", ["[]", "{}"])
def test_a_member_that_is_named_like_a_step_to_items_or_others_is_an_unknown_member(name: str) -> None:
    place = table(rows_of({"properties": {"a": {"items": TEXT}, "b": {"additionalProperties": TEXT}}}))
    assert show({"a": {name: "x"}, "b": {"y": {name: "x"}}}, place, blank) == {
        "a": {name: MASK},
        "b": {"y": {name: MASK}},
    }
    assert show({"a": ["x"], "b": {"y": "x"}}, place, blank) == {"a": ["x"], "b": {"y": "x"}}


@pytest.mark.parametrize("name", ["[]", "{}"])
def test_a_schema_that_names_a_member_like_a_step_says_nothing_of_items_or_others(name: str) -> None:
    """The author of a spec could else show every param that the spec does not have."""
    place = table(rows_of({"properties": {name: TEXT}}))
    assert show({name: "x", "y": "x", "z": ["x"]}, place, blank) == {name: MASK, "y": MASK, "z": [MASK]}
    assert show(["x"], place, blank) == [MASK]


def test_a_secret_stays_one_whatever_else_is_said_of_its_place() -> None:
    rows = list(rows_of({"properties": {"a": {"properties": {"b": HIDDEN}, "items": HIDDEN}}}))
    assert sorted(rows) == [(("a", "[]"), places.secret), (("a", "b"), places.secret)]
    harmless = [(("a", "b"), places.text), (("a", "[]"), places.text), (("a", "b", "c"), places.text)]
    for again in (table([*rows, *harmless]), table([*harmless, *rows])):
        assert show({"a": {"b": "x"}}, again, blank) == {"a": {"b": MASK}}
        assert all(again.at(steps).read is places.secret for steps in (["a", "0"], ["a", "b"], ["a", "b", "c"]))
    assert SECRET.at(["x"]).read is places.secret


def test_what_comes_back_as_it_was_shown_means_unchanged() -> None:
    stored, shown = {"u": "https://a:b@h", "p": "s", "n": 1}, {"u": f"https://{MASK}@h", "p": MASK, "n": 1}
    assert secrecy.restored({**shown, "n": 2, "x": MASK}, shown, stored) == {**stored, "n": 2, "x": MASK}


def test_a_mark_cannot_be_computed_without_the_key_of_the_process() -> None:
    """Anybody could otherwise hash guesses and compare."""
    mark = str(hidden("hunter2", digits=12)).partition("#")[2].rstrip("›")
    for name in hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}:
        assert not hashlib.new(name, b"hunter2").hexdigest().startswith(mark), name
    for size in range(1, 65):
        assert not hashlib.blake2b(b"hunter2", digest_size=size).hexdigest().startswith(mark), size


ENDLESS = [
    "//:x",
    "//a:b//",
    "//@",
    "//u:1/",
    "#<:",
    ":",
    "{{",
    "${",
    "<a of ",
    "a.",
    "a.b@",
    "System.A[",
    "b'",
    "=a",
    "a:",
    "a_",
    '"',
    "{ ",
    "/a",
    "&property=",
    "%25",
    "*",
    "://",
    "''",
    ";",
]
"""Repeated, each is a long way into some pattern."""


@each("unit", ENDLESS)
def test_a_long_text_takes_no_more_than_its_length(unit: str) -> None:
    """Where a pattern tries each part with each other, this does not end in minutes."""
    for start in ("@", "#<", "System.A"):
        text = start + unit * (100_000 // len(unit))
        for function in (hidden, secrecy.repeatable, Mask(()).text):
            function(text)
        for place in map(Place, (places.text, places.param, places.word)):
            show(text, place)
        http.path(text, known=True), places.filters(text, Place(places.text))
        places.query(text, table([(("property",), places.param)]))
        http.headers({"user-agent": text, "if-match": text, "authorization": text})


@each("pattern", [PRINTED, FILL_IN])
@each("unit", ["x", "X", "x ", "x.x", "your x-", "function x"])
def test_no_character_of_a_long_text_is_given_back_to_look_for_what_replaces_a_value(
    pattern: re.Pattern[str], unit: str
) -> None:
    """A text of 1 MiB took 36 ms, as long as all the rest of its request."""
    text = unit * 100
    assert Counted(pattern).run("fullmatch", text) < 2.5 * len(text)


def test_a_text_of_many_urls_with_credentials_is_hidden_after_a_few_of_them() -> None:
    """A mark for each of 160,000 logins in a description took half a second."""
    asked: list[str] = []

    def hide(value: Any, secret: bool) -> str:
        asked.append(value)
        return "X"

    assert secrecy.clean("//u:p@h " * 4, hide) == "//X@h " * 4
    asked.clear()
    assert secrecy.clean("//u:p@h " * 100_000, hide) == "X" and len(asked) < 10
    assert secrecy.clean("//u:p@h " * 9, blank) == f"//{MASK}@h " * 9, "a response says what is stored"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see //u:p@h and //v@h/x@y", "see //X@h and //X@h/x@y"),
        ("//u:a/b@c@h", "//X@h"),
        ("//u:a/b @h", "//u:a/b @h"),
        ("//h:80/@x //h:80,a@b //h/a@b", "//h:80/@x //X@b //h/a@b"),
        ("///u:p@h", "///X@h"),
    ],
)
def test_the_credentials_of_a_url_end_at_its_last_at_sign(text: str, shown: str) -> None:
    assert secrecy.clean(text, lambda login, secret: "X") == shown
    assert Mask(()).text(text) == shown.replace("X", MASK)
