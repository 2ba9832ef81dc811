"""Tests which texts of a service a recording keeps: those of plain words."""

import pytest

from mockserver.recordings.wording import plain

KEPT = [
    "The request could not be processed. Error from flow provider: /auth/params/connectionString: expected a text",
    "FLOW-1100-400",
    "403003",
    "https://ns.adobe.com/aep/errors/FLOW-1100-400",
    "There is no connection dc14d09d-b4f5-49e9-bf2a-6effb1f4d30a.",
    "If-Match (etag) isn't the current one; 412 'Precondition failed', retry in 30 s",
    "Invalid dataSetId, imsOrgId or x-sandbox-name",
]
REPLACED = ["Tr0ub4dor&3", "c4n4ry-plain-secret", "eyJhbGciOiJSUzI1NiJ9.eyJjNG40cnki", "AKIAIOSFODNN7EXAMPLE", "p4ss"]


@pytest.mark.parametrize("text", KEPT)
def test_plain_words_codes_pointers_and_ids_are_kept(text: str) -> None:
    assert plain(text, lambda part: "?") == text


@pytest.mark.parametrize("secret", REPLACED)
@pytest.mark.parametrize("text", ["login as app with {} failed", "pwd={};host=x", '"{}" is wrong', "({}).", "{}"])
def test_a_text_that_is_no_word_is_replaced_in_whole(text: str, secret: str) -> None:
    assert secret not in plain(text.format(secret), lambda part: "?")
    assert plain(f"login as app with {secret} failed", lambda part: "?") == "login as app with ? failed"
