"""The access token expires or is refused."""

from __future__ import annotations

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_SOURCE = "platform troubleshooting guide: 401013 Oauth token is not valid"
_HINT = "On 401 fetch a new token, once, and make the same call again with it."


def _renewed(played: Played, refused: Exchange) -> ScenarioOutcome:
    """Whether the client fetched a new token and repeated the call or, unable to, stopped with an error."""
    later = list(played.after(refused))
    stubborn = [call for call in later if call.headers.get("authorization") == refused.headers.get("authorization")]
    if stubborn:
        return failed("it went on with the token that had been refused", refused, stubborn[0])
    if any(call.succeeded for call in played.repeats(refused)):
        return passed("it fetched a new token and made the call again", refused)
    fetched = [call for call in played.traffic.tokens if call.entry.number > refused.entry.number]
    if fetched:
        return failed("it fetched a new token, but did not make the call again", refused, fetched[0])
    if played.traffic.tokens:
        return failed("it gave up, though it knows where tokens come from", refused)
    return played.gave_up(refused, "it ended as if all were well")


@scenario(
    "token.expires",
    "The token expires",
    {"fault": "token-revoked", "skip": 1, "times": 1},
    happens="From the second call on the gateway refuses the client's token with 401 (401013); a new one is good.",
    source=_SOURCE,
    hint=_HINT,
    needs="the client made fewer than two calls",
)
def expires(played: Played) -> ScenarioOutcome | None:
    """It fetches a new token and makes the refused call again; a client that cannot fetch one stops and says so."""
    return _renewed(played, played.struck[0])


@scenario(
    "token.expires-while-paging",
    "The token expires between two pages",
    {"fault": "short-pages"},
    {"fault": "token-revoked", "parameter": "continuationToken", "times": 1},
    happens="A list comes in at least three pages, and the second one is refused with 401 (401013).",
    source=_SOURCE,
    hint=f"{_HINT} The continuation token is still good.",
    needs="the client asked for no second page",
)
def expires_while_paging(played: Played) -> ScenarioOutcome | None:
    """It fetches a new token and goes on with the same page; a client that cannot fetch one stops and says so."""
    refused = played.struck_by("token-revoked")
    return _renewed(played, refused[0]) if refused else None


@scenario(
    "token.forbidden",
    "403: not allowed",
    {"fault": "forbidden", "times": 1},
    happens="The first call is answered 403 (2120-403).",
    source="error catalogue: 2120-403; RFC 9110, 15.5.4",
    hint="Do not repeat what is forbidden: stop, and tell whom to ask for the permission.",
    needs="the client made no call",
)
def forbidden(played: Played) -> ScenarioOutcome | None:
    """It does not make the call again, and says so."""
    first = played.struck[0]
    again = played.repeats(first)
    if again:
        return failed("it made a call again that was forbidden", first, again[0])
    return played.gave_up(first, "it went on as if the call had been carried out")
