"""Tests of the lifetime of tokens, and of the bounded number of remembered tokens."""

from __future__ import annotations

import pytest

from mockserver import tokens
from mockserver.runtime import Runtime
from mockserver.tokens import Tokens
from tests.memory import texts_of

ORG = "a@AdobeOrg"


def test_a_token_lives_until_its_time_is_over_or_it_is_revoked() -> None:
    runtime = Runtime(1)
    kept = Tokens(runtime, seconds=60)
    (one, seconds), (other, _) = kept.issue(), kept.issue()
    assert seconds == 60 and kept.live(one, ORG) and not kept.expired(one, ORG)
    kept.revoke(other, ORG)
    assert not kept.live(other, ORG) and kept.expired(other, ORG)
    runtime.clock.advance(60_000)
    assert not kept.live(one, ORG) and kept.expired(one, ORG)
    assert not kept.live("foreign", ORG) and not kept.expired("foreign", ORG)
    kept.revoke("foreign", ORG)
    assert kept.expired("foreign", ORG)


def test_the_oldest_are_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
    kept = Tokens(Runtime(1), seconds=60)
    issued = [kept.issue()[0] for _ in range(3)]
    assert [kept.live(token, ORG) for token in issued] == [False, True, True]
    for token in ("a", "b", "c"):
        kept.revoke(token, ORG)
    assert [kept.expired(token, ORG) for token in ("a", "b", "c")] == [False, True, True]


def test_one_client_does_not_push_out_the_tokens_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 5)
    monkeypatch.setattr(tokens, "MAX_CLIENTS", 3)
    kept = Tokens(Runtime(1), seconds=60)
    mine = kept.issue("me")[0]
    others = [kept.issue(name)[0] for number in range(50) for name in ("other", f"made up {number}")]
    assert kept.live(mine, ORG) and sum(kept.live(token, ORG) for token in others) == 4


def test_a_token_is_revoked_for_one_organisation() -> None:
    kept = Tokens(Runtime(1), seconds=60)
    kept.revoke("same", ORG)
    assert kept.expired("same", ORG) and not kept.expired("same", "b@AdobeOrg")
    kept.revoke("x" * 60_000, ORG)
    assert max(map(len, texts_of(kept))) < 100
