"""What is taken out of a call before anything of it is kept."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver import json_input, secrecy

SECRET = "c4n4ry-s3cret"


@pytest.mark.parametrize(
    "body",
    [
        {"password": SECRET},
        {"clientSecret": [SECRET]},
        {"token": {"value": SECRET}},
        {"auth": SECRET},
        {"auth": [SECRET]},
        {"auth": {"params": SECRET}},
        {"auth": {"params": [SECRET]}},
        {"auth": {"params": {"other": [[SECRET]]}}},
        {"auth": {"params": {"other": {"deep": [{"key": SECRET}]}}}},
        {"auth": {"other": SECRET}},
        {"params": {"connectionString": f"Server=h;Password={SECRET}"}},
        {"params": {"connectionString": [f"Server=h;Password={SECRET}"]}},
        {"params": {"password": SECRET}, "name": f"x {SECRET} y", SECRET: [SECRET]},
        [{"op": "add", "path": "/auth", "value": SECRET}],
        [{"op": "add", "path": "/auth/params", "value": SECRET}],
        [{"op": "add", "path": "/auth/params/x", "value": [SECRET]}],
        [{"op": "add", "path": "/auth/params/x/y", "value": {"host": {"z": SECRET}}}],
        [{"path": "/auth/params/password", "value": SECRET}],
        [{"op": "replace", "path": "auth/params/password", "value": SECRET}],
        [{"op": "replace", "path": "/params/password", "value": SECRET}],
        {"queryString": f"property=auth.params.password=={SECRET}"},
        {"_links": {"next": {"href": "/connections?continuationToken=" + base64.b64encode(
            b"123456" + f'["auth.params.password!={SECRET}"]'.encode()).decode().rstrip("=")}}},
    ],
)  # fmt: skip
def test_no_secret_is_left_in_a_body(body: Any) -> None:
    masked = json.dumps(secrecy.body(body))
    assert SECRET not in masked
    for start in range(3):  # however it falls into groups of three bytes
        inner = base64.b64encode(SECRET.encode()[start : start + 9]).decode()
        assert inner not in masked


def test_a_body_is_masked_in_a_copy() -> None:
    body = {"auth": {"params": {"password": SECRET}}}
    secrecy.body(body)
    assert body["auth"]["params"]["password"] == SECRET


def test_what_is_no_secret_stays_as_it_is() -> None:
    body = {
        "name": "shop",
        "count": 5,
        "tokens": None,
        "auth": {
            "specName": "Basic Authentication",
            "params": {"server": "db", "port": 5432, "password": "{PASSWORD}"},
        },
        "_links": {"next": {"href": "/connections?continuationToken=Yn-vwGIzWyJj"}},
        "queryString": "property=name==x",
        "token_type": "bearer",
    }
    assert secrecy.body(body) == body  # type: ignore[arg-type]


def test_a_short_secret_is_masked_in_its_place_only() -> None:
    assert secrecy.body({"password": "a", "name": "banana"}) == {"password": secrecy.MASK, "name": "banana"}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Bearer abc.def", f"Bearer {secrecy.MASK} {secrecy.fingerprint('abc.def')}"),
        ("bearer abc", f"bearer {secrecy.MASK} {secrecy.fingerprint('abc')}"),
        ("abc", f"{secrecy.MASK} {secrecy.fingerprint('abc')}"),
        ("abc def", f"{secrecy.MASK} {secrecy.fingerprint('abc def')}"),  # no scheme, so it may be the secret
        ("Bearer {ACCESS_TOKEN}", "Bearer {ACCESS_TOKEN}"),
        ("Bearer", "Bearer"),
        ("", ""),
    ],
)
def test_a_credential_in_a_header_becomes_a_fingerprint(sent: str, shown: str) -> None:
    assert secrecy.headers({"authorization": sent, "accept": "*/*"}) == {"authorization": shown, "accept": "*/*"}


def test_a_header_value_is_cut_once_it_is_masked() -> None:
    sent = {"authorization": "Bearer " + "a" * 600, "accept": "b" * 600}
    shown = secrecy.headers(sent, most=512)
    assert shown == {"authorization": f"Bearer {secrecy.MASK} {secrecy.fingerprint('a' * 600)}", "accept": "b" * 512}


@pytest.mark.parametrize("length", [10, 5000])
def test_a_token_that_comes_again_is_found_again(length: int) -> None:
    for _ in range(2):
        found: set[str] = set()
        secrecy.headers({"authorization": "Bearer " + "a" * length}, found)
        assert found == {"a" * length}


@pytest.mark.parametrize(
    "name", ["proxy-authorization", "cookie", "x-mock-admin-token", "x-auth-key", "x-client-secret"]
)
def test_other_headers_for_credentials_are_masked_too(name: str) -> None:
    assert SECRET not in secrecy.headers({name: SECRET})[name]


@pytest.mark.parametrize(
    "query",
    [
        f"client_secret={SECRET}",
        f"pa%C5%BF%C5%BFword={SECRET}",  # a long s is an s to who does not mind the case
        f"Access_Token={SECRET}",
        f"Authorization=Bearer+{SECRET}",
        f"p%61ssword={SECRET}",
        f"property=auth.params.password=={SECRET}",
        f"property=%61uth.params.x=={SECRET}",
        f"limit=5&property=name==x%26property=auth.params.x=={SECRET}",
    ],
)
def test_no_secret_is_left_in_a_query(query: str) -> None:
    assert SECRET not in secrecy.query(query)


@pytest.mark.parametrize(
    "query", ["", "limit=5", "property=name==a&orderby=-name", "continuationToken=Yn-vwGIzWyJj&limit=2"]
)
def test_an_ordinary_query_is_kept(query: str) -> None:
    assert secrecy.query(query) == query


def test_all_secrets_of_a_body_can_be_named() -> None:
    body = {"auth": {"params": {"password": "one", "connectionString": "Server=h;Password=two", "server": "h"}}}
    assert set(secrecy.secrets_in(body)) == {"one", "two", "Server=h;Password=two"}  # type: ignore[arg-type]


def test_an_excerpt_says_that_it_was_cut() -> None:
    assert secrecy.excerpt({"a": "é"}, 100) == '{"a":"é"}'
    assert secrecy.excerpt({"a": "x" * 100}, 10) == '{"a":"xxxx…'
    assert secrecy.excerpt(None, 10) == ""


NAMES = st.sampled_from(
    [
        "name",
        "auth",
        "params",
        "password",
        "specName",
        "server",
        "connectionString",
        "path",
        "value",
        "href",
        "queryString",
    ]
) | st.text(max_size=4)
TEXTS = st.sampled_from(
    [
        *(SECRET, f"db of {SECRET}", SECRET[:6], "short", "{PASSWORD}", secrecy.MASK, "/auth/params/x", "a\"b\\c\n'd"),
        *(f"Server=h;Password={SECRET}", f"property=auth.params.x=={SECRET}", "\ud800lone", "é\u0007", "5432", ""),
    ]
) | st.text(max_size=6)
BODIES = st.recursive(
    TEXTS | st.integers(-10, 10**20) | st.booleans() | st.none() | st.sampled_from([1.5, 5432]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=30,
)


@settings(max_examples=500)
@given(BODIES, st.integers(1, 300), st.sets(TEXTS, max_size=3))
@example({"name": SECRET, "items": [{"auth": {"params": {"x": SECRET}}}]}, 20, set())
@example({"name": "a\"b\\c\n'd", "password": "a\"b\\c\n'd"}, 300, set())
@example({"name": "\ud800lone", "password": "\ud800lone"}, 300, set())
@example({"name": "pass", "count": 10**30, "password": "é\u0007é\u0007"}, 300, {"pass"})
def test_an_excerpt_is_the_masked_body_cut(body: Any, most: int, known: set[str]) -> None:
    """Whatever is told by the part that is cut off is masked in the part that is kept, and so is what others told."""
    found, also_found = set(known), set(known)
    whole = json_input.dumps(secrecy.body(body, found)).decode() if body is not None else ""
    shown = secrecy.excerpt(body, most, also_found)
    assert shown == (whole if len(whole) <= most else whole[:most] + "…")
    assert found == also_found


def late(answer: Any, most: int, found: set[str] | None = None) -> str:
    """What is read of an answer of which so much was kept as the journal keeps."""
    return secrecy.late_excerpt(json_input.dumps(answer)[: most + 1], most, set() if found is None else found)


@settings(max_examples=300)
@given(BODIES.filter(lambda body: body is not None))
def test_an_answer_that_was_kept_whole_is_masked_like_any_other(body: Any) -> None:
    found, also_found = set[str](), set[str]()
    assert late(body, 10_000, also_found) == secrecy.excerpt(body, 10_000, found)
    assert found == also_found


@settings(max_examples=500)
@given(BODIES.filter(lambda body: isinstance(body, dict | list)), st.integers(1, 300))
@example([{"password": SECRET, "name": "x"}], 30)
@example({"password": "abcd", "x": "y" * 10}, 20)
def test_of_a_beginning_as_much_is_shown_as_is_whole(body: Any, most: int) -> None:
    whole = json_input.dumps(body)
    if len(whole) <= most:
        return
    shown = late(body, most)
    beginning, closing = json_input.closed(whole[: most + 1].decode("utf-8", "ignore"))
    expected = json_input.dumps(secrecy.body(json.loads(beginning + closing))).decode().removesuffix(closing)
    assert shown == expected[:most] + "…"


def test_half_a_secret_at_the_cut_is_not_shown() -> None:
    for most in range(1, 60):
        shown = late({"name": "x" * 10, "auth": {"params": {"password": SECRET}}}, most)
        assert SECRET[:4] not in shown and shown.startswith("{")


def test_an_empty_answer_is_an_empty_text() -> None:
    assert secrecy.late_excerpt(b"", 10, set()) == ""


@pytest.mark.parametrize(("secret", "there"), [("p&ss", True), ('a"b\\c', True), ("p&s", False), ("other", False)])
def test_json_repeats_a_secret_of_four_characters_in_the_way_json_writes_it(secret: str, there: bool) -> None:
    assert secrecy.repeats(json_input.dumps({"name": 'my p&ss and a"b\\c'}), {secret}) is there


def test_an_excerpt_hides_a_secret_that_the_cut_would_halve() -> None:
    body = {"name": "x" * 10 + SECRET, "auth": {"params": {"password": SECRET}}}
    for most in range(1, 60):
        assert SECRET[:4] not in secrecy.excerpt(body, most)
