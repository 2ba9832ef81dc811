"""What each place of a call looks like when its secrets are masked, and which secrets are gathered there."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from mockserver import secrecy
from mockserver.secrecy import MASK, fingerprint

HIDDEN = quote(MASK)
LONG = "x" * 70
"""Longer than the names that are remembered."""


def token(content: str) -> str:
    """A page token that carries this, as `listing.next_href` makes it."""
    return base64.urlsafe_b64encode(b"123456" + content.encode()).rstrip(b"=").decode()


TELLING_LAST = [token(f'["connections","{"x" * (100 + more)}","auth"]') for more in range(3)]
"""However it falls into groups of four letters, with the word at the very end."""
TELLING = token('["connections",["auth.params.password==s3cret"]]')
PLAIN = token('["connections",["name==shop"]]')


def test_a_fingerprint_is_eight_digits_of_a_hash() -> None:
    assert fingerprint("abc") == "ba7816bf"  # the published SHA-256 of abc begins so
    assert fingerprint("\ud800") == fingerprint("?") != fingerprint("abc")


@pytest.mark.parametrize(
    ("name", "value", "shown", "found"),
    [
        ("authorization", "Bearer s3cret", f"Bearer {MASK} {fingerprint('s3cret')}", {"s3cret"}),
        ("authorization", "Basic  s3cret ", f"Basic {MASK} {fingerprint(' s3cret ')}", {"s3cret"}),
        ("authorization", "s3cret", f"{MASK} {fingerprint('s3cret')}", {"s3cret"}),
        ("authorization", "mine s3cret", f"{MASK} {fingerprint('mine s3cret')}", {"mine s3cret"}),
        ("authorization", "Bearer {ACCESS_TOKEN}", "Bearer {ACCESS_TOKEN}", set()),
        ("authorization", "Bearer  {ACCESS_TOKEN} ", "Bearer  {ACCESS_TOKEN} ", set()),
        ("authorization", "Bearer", "Bearer", set()),
        ("cookie", "session=s3cret", f"{MASK} {fingerprint('session=s3cret')}", {"session=s3cret"}),
        ("x-auth", "s3cret", f"{MASK} {fingerprint('s3cret')}", {"s3cret"}),
        (LONG + "-token", "s3cret", f"{MASK} {fingerprint('s3cret')}", {"s3cret"}),
        ("x-api-key", "acme", "acme", set()),
        (LONG, "acme", "acme", set()),
    ],
)
def test_a_header(name: str, value: str, shown: str, found: set[str]) -> None:
    gathered: set[str] = set()
    assert secrecy.headers({name: value}, gathered) == {name: shown} == secrecy.headers({name: value})
    assert gathered == found


@pytest.mark.parametrize(
    ("query", "shown", "found"),
    [
        ("client_secret=s3cret&limit=5&name=a+b", f"client_secret={HIDDEN}&limit=5&name=a%20b", {"s3cret"}),
        ("name=&token=s3cret&limit=", f"name=&token={HIDDEN}&limit=", {"s3cret"}),
        ("property=auth.params.x==%22s3cret%22", f"property={HIDDEN}", {"s3cret"}),
        ("client_secret=Xs3cretX", f"client_secret={HIDDEN}", {"Xs3cretX"}),
        ("property=auth.params.x!=s3cret", f"property={HIDDEN}", {"s3cret"}),
        ("property=auth.params.x%3E=a%20b", f"property={HIDDEN}", {"a b"}),
        ("property=author==shop", "property=author%3D%3Dshop", set()),
        ("authority=5&limit=2", "authority=5&limit=2", set()),
        ("token_type=bearer", "token_type=bearer", set()),
        (f"continuationToken={PLAIN}", f"continuationToken={PLAIN}", set()),
        (f"CONTINUATIONTOKEN={PLAIN}", f"CONTINUATIONTOKEN={PLAIN}", set()),
        (f"continuationToken={TELLING}", f"continuationToken={HIDDEN}-{fingerprint(TELLING)}", set()),
        *[
            (f"continuationToken={last}", f"continuationToken={HIDDEN}-{fingerprint(last)}", set())
            for last in TELLING_LAST
        ],
        ("continuationToken=%C3%A9", "continuationToken=%C3%A9", set()),  # nothing of ours
        ("continuationToken=AAAAA", "continuationToken=AAAAA", set()),
    ],
)
def test_a_query(query: str, shown: str, found: set[str]) -> None:
    gathered: set[str] = set()
    assert secrecy.query(query, gathered) == shown == secrecy.query(query)
    assert gathered == found


AUTH_PATCH = {"op": "add", "path": "/auth/params/password", "value": "s3cret"}


@pytest.mark.parametrize(
    ("body", "shown", "found"),
    [
        (None, None, set()),
        ("s3cret", "s3cret", set()),
        ({"password": "s3cret", "name": "shop"}, {"password": MASK, "name": "shop"}, {"s3cret"}),
        ({LONG + "password": "s3cret", LONG: "shop"}, {LONG + "password": MASK, LONG: "shop"}, {"s3cret"}),
        (
            {"auth": {"specName": "Basic", "params": {"server": "h", "port": 5432, "x": "s3cret"}}},
            {"auth": {"specName": "Basic", "params": {"server": "h", "port": 5432, "x": MASK}}},
            {"s3cret"},
        ),
        (
            {"params": {"on": True, "off": None, "pin": 1234, "list": ["s3cret", {"host": "h", "y": ["t0p"]}]}},
            {"params": {"on": True, "off": None, "pin": MASK, "list": [MASK, {"host": "h", "y": [MASK]}]}},
            {"s3cret", "t0p"},
        ),
        ({"params": {LONG: "s3cret"}}, {"params": {LONG: MASK}}, {"s3cret"}),
        ({"params": {"host": {"z": "s3cret"}}}, {"params": {"host": {"z": MASK}}}, {"s3cret"}),
        ({"params": {"host": ["h"]}}, {"params": {"host": ["h"]}}, set()),
        ({"password": "{PASSWORD}"}, {"password": "{PASSWORD}"}, set()),
        ({"password": MASK}, {"password": MASK}, set()),
        # a secret's text elsewhere
        ({"token": "abcd", "name": "1abcd2"}, {"token": MASK, "name": f"1{MASK}2"}, {"abcd"}),
        ({"token": "abc", "name": "1abc2"}, {"token": MASK, "name": "1abc2"}, {"abc"}),
        (
            {"token": ["abcd", "abcdef"], "name": "abcdefgh"},
            {"token": [MASK, MASK], "name": f"{MASK}gh"},
            {"abcd", "abcdef"},
        ),
        ({"token": ["bcde", "abcdef"], "name": "abcdef"}, {"token": [MASK, MASK], "name": MASK}, {"bcde", "abcdef"}),
        ({"token": "abcd", "abcd": [{"abcd": ["abcd", 5]}]}, {"token": MASK, MASK: [{MASK: [MASK, 5]}]}, {"abcd"}),
        # connection strings
        (
            {"connectionString": "Server=h;Password=s3cret;Extra=t0p"},
            {"connectionString": f"Server=h;Password={MASK};Extra={MASK}"},
            {"Server=h;Password=s3cret;Extra=t0p", "s3cret", "t0p"},
        ),
        (
            {"params": {"connectionString": "HOST=h;Database=d;Port=5;UID=u;PWD={PASSWORD}"}},
            {"params": {"connectionString": "HOST=h;Database=d;Port=5;UID=u;PWD={PASSWORD}"}},
            set(),
        ),
        ({"connectionString": f"Server=h;Password={MASK}"}, {"connectionString": f"Server=h;Password={MASK}"}, set()),
        (
            {"connectionString": "Server=s3cret;Password=s3cret"},
            {"connectionString": f"Server={MASK};Password={MASK}"},
            {"Server=s3cret;Password=s3cret", "s3cret"},
        ),
        ({"connectionString": "s3cret"}, {"connectionString": MASK}, {"s3cret"}),
        ({"connectionString": "{CONNECTION_STRING}"}, {"connectionString": "{CONNECTION_STRING}"}, set()),
        # patches
        ([AUTH_PATCH], [{**AUTH_PATCH, "value": MASK}], {"s3cret"}),
        ([{"path": "/AUTH/x", "value": "s3cret"}], [{"path": "/AUTH/x", "value": MASK}], {"s3cret"}),
        ([{"path": "/clientSecret/x", "value": "s3cret"}], [{"path": "/clientSecret/x", "value": MASK}], {"s3cret"}),
        ([{"path": "/auth/params/port", "value": 5432}], [{"path": "/auth/params/port", "value": 5432}], set()),
        ([{"path": "/auth", "value": {"specName": "B", "params": {"x": "s3cret"}}}],
         [{"path": "/auth", "value": {"specName": "B", "params": {"x": MASK}}}], {"s3cret"}),
        ([{"path": "/name", "value": "shop"}], [{"path": "/name", "value": "shop"}], set()),
        ([{"path": "/auth/params/x", "other": "shop"}], [{"path": "/auth/params/x", "other": "shop"}], set()),
        ([{"path": 5, "value": "shop"}], [{"path": 5, "value": "shop"}], set()),
        # what carries queries
        ({"queryString": "property=auth.params.x==s3cret"}, {"queryString": f"property={HIDDEN}"}, set()),
        ({"queryString": "limit=5"}, {"queryString": "limit=5"}, set()),
        ({"queryString": 5, "href": 5}, {"queryString": 5, "href": 5}, set()),
        ({"href": f"/connections?continuationToken={TELLING}"},
         {"href": f"/connections?continuationToken={MASK}-{fingerprint(TELLING)}"}, set()),
        ({"href": f"/flows?continuationToken={PLAIN}"}, {"href": f"/flows?continuationToken={PLAIN}"}, set()),
        ({"href": f"/flows?continuationToken={TELLING}&continuationToken={PLAIN}"},
         {"href": f"/flows?continuationToken={MASK}-{fingerprint(f'{TELLING}&continuationToken={PLAIN}')}"}, set()),
        ({"href": f"/connections/{TELLING}"}, {"href": f"/connections/{TELLING}"}, set()),
    ],
)  # fmt: skip
def test_a_body(body: Any, shown: Any, found: set[str]) -> None:
    gathered: set[str] = set()
    assert secrecy.body(body, gathered) == shown == secrecy.body(body)
    assert gathered == found == set(secrecy.secrets_in(body))


def test_what_an_earlier_place_told_is_masked_in_a_body_too() -> None:
    assert secrecy.body({"name": "s3cret"}, {"s3cret"}) == {"name": MASK}
    assert secrecy.excerpt({"name": "s3cret"}, 100, {"s3cret"}) == f'{{"name":"{MASK}"}}'


@pytest.mark.parametrize(
    ("body", "most", "shown"),
    [
        (None, 9, ""),
        ({}, 2, "{}"),
        ({}, 1, "{…"),
        ({"a": "é"}, 9, '{"a":"é"}'),
        ({"a": "é"}, 8, '{"a":"é"…'),
        ({"password": "abcd", "a": "1abcd2"}, 99, f'{{"password":"{MASK}","a":"1{MASK}2"}}'),
        ({"password": "abc", "a": "1abc2"}, 99, f'{{"password":"{MASK}","a":"1abc2"}}'),
        ({"password": 'a"\\\n', "a": '1a"\\\n'}, 99, f'{{"password":"{MASK}","a":"1{MASK}"}}'),
        ({"token": ["bcde", "abcdef"], "a": "abcdef"}, 99, f'{{"token":["{MASK}","{MASK}"],"a":"{MASK}"}}'),
    ],
)
def test_an_excerpt(body: Any, most: int, shown: str) -> None:
    assert secrecy.excerpt(body, most) == shown


ANSWER = '{"name":"étude","token":"s3cret","b":["s3cret",{"c":"three"}]}'.encode()


@pytest.mark.parametrize(
    ("kept", "most", "told", "shown"),
    [
        (0, 0, "", ""),
        (9, 8, "", "{…"),
        (10, 9, "", "{…"),  # in the middle of a letter
        (17, 16, "", '{"name":"étude"…'),
        (18, 17, "", '{"name":"étude"…'),
        (18, 17, "étude", f'{{"name":"{MASK}…'),
        (38, 37, "", f'{{"name":"étude","token":"{MASK}"…'),
        (61, 60, "", f'{{"name":"étude","token":"{MASK}","b":["{MASK}",{{"c":"thr…'),
        (63, 62, "", f'{{"name":"étude","token":"{MASK}","b":["{MASK}",{{"c":"three…'),
        (61, 12, "", '{"name":"étu…'),
        (63, 63, "", f'{{"name":"étude","token":"{MASK}","b":["{MASK}",{{"c":"three"…'),
    ],
)
def test_an_answer_of_which_the_beginning_was_kept(kept: int, most: int, told: str, shown: str) -> None:
    found = {told} - {""}
    assert secrecy.late_excerpt(ANSWER[:kept], most, found) == shown
    assert found == {told} - {""} | ({"s3cret"} if kept > 30 else set())


@pytest.mark.parametrize(("secret", "there"), [("abcd", True), ("xabcd", False), ("abcdx", False)])
def test_json_repeats_a_secret_that_stands_in_it_from_end_to_end(secret: str, there: bool) -> None:
    assert secrecy.repeats(b'{"a":"1abcd2"}', ["other", secret]) is there


def remembered(*secrets: str) -> secrecy.Remembered:
    kept = secrecy.Remembered()
    kept.add(secrets)
    return kept


@pytest.mark.parametrize(
    ("secret", "kept"),
    [("x" * 7, False), ("x" * 8, True), ("x" * 4096, True), ("x" * 4097, False), ("{ACCESS_TOKEN}", False)],
)
def test_a_secret_that_can_be_told_from_ordinary_words_is_remembered(secret: str, kept: bool) -> None:
    assert remembered(secret).spellings() == ([secret] if kept else [])


def test_the_latest_secrets_are_remembered_and_a_repeated_one_counts_as_late() -> None:
    kept = remembered(*(f"secret-{number:03}" for number in range(256)))
    assert len(kept.spellings()) == 256
    kept.add(["secret-000", "secret-256", "secret-257"])
    forgotten = {f"secret-{number:03}" for number in range(258)} - set(kept.spellings())
    assert forgotten == {"secret-001", "secret-002"}
    kept.clear()
    assert kept.spellings() == []


def test_a_remembered_secret_is_known_in_every_spelling_longest_first() -> None:
    spellings = remembered('a b/c~"é+').spellings()
    assert set(spellings) == {
        'a b/c~"é+',
        "a%20b/c~%22%C3%A9%2B",  # a path
        "a%20b%2Fc~%22%C3%A9%2B",  # one segment of it
        "a+b%2Fc~%22%C3%A9%2B",  # a form
        'a b/c~\\"é+',  # JSON
        'a b/c~\\"\\u00e9+',  # JSON in ASCII
        'a b~1c~0"é+',  # a JSON Pointer
    }
    assert [len(spelling) for spelling in spellings] == sorted(map(len, spellings), reverse=True)


def test_a_scrubbed_text_is_without_every_spelling() -> None:
    assert (
        secrecy.scrubbed("1 secret-a, secret-b and secret-a", ["secret-a", "secret-b"])
        == f"1 {MASK}, {MASK} and {MASK}"
    )
    assert secrecy.scrubbed("nothing", ["secret-a"]) == "nothing"


HELLO, UNEVEN = "hello world, and more", "abc>>>???def"  # which has + and / in Base64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("nothing here", ""),
        (base64.b64encode(b"123456789").decode(), "123456789"),
        (base64.b64encode(b"12345678").decode(), ""),  # too short to be looked into
        *[(base64.b64encode(HELLO[:size].encode()).decode().rstrip("="), HELLO[:size]) for size in (18, 19, 20)],
        ("filter=" + quote(base64.b64encode(UNEVEN.encode()).decode(), safe=""), UNEVEN),
        ("token=" + base64.urlsafe_b64encode(UNEVEN.encode()).decode(), UNEVEN),
        (f"{base64.b64encode(b'some text').decode()}?{base64.b64encode(b'more text').decode()}", "some text more text"),
        (base64.b64encode(b"some text").decode() + "A", "some text"),  # and a letter that says nothing
        (base64.b64encode(b"\xff 12345678").decode(), "\ufffd 12345678"),
    ],
)  # fmt: skip
def test_what_base64_in_a_text_says(text: str, said: str) -> None:
    assert secrecy.unveiled(text) == said
