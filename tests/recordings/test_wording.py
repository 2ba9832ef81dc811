"""Tests which free texts of a service a recording keeps: those of known words."""

import pytest

from mockserver.recordings.vocabulary import Vocabulary
from mockserver.recordings.wording import plain
from tests.rows import each

VOCABULARY = Vocabulary.load()
KEPT = [
    "The request could not be processed. Error from flow provider: /auth/params/connectionString: expected a text",
    "FLOW-1100-400",
    "403003",
    "https://ns.adobe.com/aep/errors/FLOW-1100-400",
    "If-Match (etag) isn't the current one; 412 'Precondition failed', retry in 30 s",
    "Invalid dataSetId, imsOrgId or x-sandbox-name",
    "There is no connection spec 3c9b37f8-13a6-43d8-bad3-b863b941fedd.",
    "OAUTH TOKEN IS NOT VALID",
]
REPLACED = [
    "Tr0ub4dor&3", "c4n4ry-plain-secret", "eyJhbGciOiJSUzI1NiJ9.eyJjNG40cnki", "AKIAIOSFODNN7EXAMPLE", "p4ss",
    "correcthorse", "CorrectHorse", "horse", "472911", "4729", "dc14d09d-b4f5-49e9-bf2a-6effb1f4d30a", "10.20.30.40",
    "FLOW-4711-400", "https://ns.adobe.com/aep/errors/FLOW-4711-400", "paSSword", "source-horse", "a/b/horse",
]  # fmt: skip


def masked(text: str) -> str:
    return plain(text, VOCABULARY.knows, VOCABULARY.is_name, lambda part: "?")


@each("text", KEPT)
def test_known_words_codes_pointers_and_ids_are_kept(text: str) -> None:
    assert masked(text) == text


@each("secret", REPLACED)
@each("text", ["login as app with {} failed", "pwd={};host=x", '"{}" is wrong', "({}).", "{}"])
def test_an_unknown_word_is_replaced(text: str, secret: str) -> None:
    assert secret not in masked(text.format(secret))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login as source with data horse token failed", "?"),
        ("login failed: data horse token. Try again later.", "login failed: ? Try again later."),
        ('the token "data horse" is not valid', 'the token "?" is not valid'),
        ("/auth/params/connectionString: data horse", "/auth/params/connectionString: ?"),
        ("no data horse for dataSetId here", "? dataSetId ?"),
    ],
)
def test_known_words_beside_an_unknown_one_may_belong_to_it(text: str, shown: str) -> None:
    """They may be parts of one passphrase. Names of the contract are kept, and so are other clauses."""
    assert masked(text) == shown


@pytest.mark.parametrize("name", ["lastUsed", "x-request-region", "auth_params", "dataSetId", "meta:altId"])
def test_a_name_of_known_words_is_known(name: str) -> None:
    assert VOCABULARY.knows_name(name)


@each("name", ["correctHorse", "x-horse", "lastUsed7", "aBcDeFg", "dulex", "paSSword", "a4711", "last used"])
def test_another_name_is_unknown(name: str) -> None:
    assert not VOCABULARY.knows_name(name)
