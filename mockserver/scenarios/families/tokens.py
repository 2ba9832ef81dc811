"""The access token expires or is refused."""

from __future__ import annotations

from mockserver.conformance.traffic import Exchange
from mockserver.scenarios.scenario import Played, ScenarioOutcome, failed, passed, scenario

_SOURCE = "platform troubleshooting guide: 401013 Oauth token is not valid"
_HINT = "On 401, fetch a new token once and repeat the call with it."


def _renewed(played: Played, refused: Exchange) -> ScenarioOutcome:
    """Judge whether the client fetched a new token and repeated the call or, if it cannot, stopped with an error."""
    later = list(played.after(refused))
    stubborn = [call for call in later if call.headers.get("authorization") == refused.headers.get("authorization")]
    if stubborn:
        return failed("it continued to use the refused token", refused, stubborn[0])
    if any(call.succeeded for call in played.repeats(refused)):
        return passed("it fetched a new token and repeated the call", refused)
    fetched = [call for call in played.traffic.tokens if call.entry.number > refused.entry.number]
    if fetched:
        return failed("it fetched a new token, but did not repeat the call", refused, fetched[0])
    if played.traffic.tokens:
        return failed("it gave up, although it had fetched a token before", refused)
    return played.gave_up(refused, "it ended without an error")


@scenario(
    "token.expires",
    "The token expires",
    {"fault": "token-revoked", "skip": 1, "times": 1},
    happens="From the second call on, the gateway refuses the client's token with 401 (401013). A new token is valid.",
    source=_SOURCE,
    hint=_HINT,
    needs="the client made fewer than two calls",
)
def expires(played: Played) -> ScenarioOutcome | None:
    """It fetches a new token and repeats the refused call. A client that cannot fetch one stops with an error."""
    return _renewed(played, played.struck[0])


@scenario(
    "token.expires-while-paging",
    "The token expires between two pages",
    {"fault": "short-pages"},
    {"fault": "token-revoked", "parameter": "continuationToken", "times": 1},
    happens="A list has at least three pages, and the request for the second one is refused with 401 (401013).",
    source=_SOURCE,
    hint=f"{_HINT} The continuation token is still valid.",
    needs="the client requested no second page",
)
def expires_while_paging(played: Played) -> ScenarioOutcome | None:
    """It fetches a new token and requests the page again. A client that cannot fetch one stops with an error."""
    refused = played.struck_by("token-revoked")
    return _renewed(played, refused[0]) if refused else None


@scenario(
    "token.forbidden",
    "403 Forbidden",
    {"fault": "forbidden", "times": 1},
    happens="The response to the first call is 403 (2120-403).",
    source="error catalogue: 2120-403; RFC 9110, 15.5.4",
    hint="Do not repeat a forbidden call. Stop with an error that names the missing permission.",
    needs="the client made no call",
)
def forbidden(played: Played) -> ScenarioOutcome | None:
    """It does not repeat the call, and stops with an error."""
    first = played.struck[0]
    again = played.repeats(first)
    if again:
        return failed("it repeated a forbidden call", first, again[0])
    return played.gave_up(first, "it continued as if the call had succeeded")
