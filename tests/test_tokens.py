"""Tokens: how long they live, and that a bounded number is remembered."""

from __future__ import annotations

import pytest

from mockserver import tokens
from mockserver.runtime import Runtime
from mockserver.tokens import Tokens


def test_a_token_lives_until_its_time_is_over_or_it_is_revoked() -> None:
    runtime = Runtime(1)
    kept = Tokens(runtime, seconds=60)
    (one, seconds), (other, _) = kept.issue(), kept.issue()
    assert seconds == 60 and kept.live(one) and not kept.expired(one)
    kept.revoke(other)
    assert not kept.live(other) and kept.expired(other)
    runtime.clock.advance(60_000)
    assert not kept.live(one) and kept.expired(one)
    assert not kept.live("foreign") and not kept.expired("foreign")
    kept.revoke("foreign")
    assert kept.expired("foreign")


def test_the_oldest_are_forgotten_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MAX_TOKENS", 2)
    kept = Tokens(Runtime(1), seconds=60)
    issued = [kept.issue()[0] for _ in range(3)]
    assert [kept.live(token) for token in issued] == [False, True, True]
    for token in ("a", "b", "c"):
        kept.revoke(token)
    assert [kept.expired(token) for token in ("a", "b", "c")] == [False, True, True]
