"""Rules for access tokens: fetch once, use until expiry, then replace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.journal.entries import TOKEN_OPERATION

_IMS = "Adobe developer guide, OAuth server-to-server credentials"
_CREDENTIALS = frozenset({"client_secret", "code", "jwt_token", "refresh_token", "assertion", "password"})
_FORM = "application/x-www-form-urlencoded"
_ENOUGH = 4
"""Minimum number of calls from which the rule applies."""


@rule(
    "token.new-for-every-call",
    Level.WARN,
    "A new token for nearly every call",
    source=f"{_IMS}: a token lives as long as expires_in says, in seconds",
    hint="Reuse the token until shortly before expires_in seconds have passed.",
)
def new_for_every_call(traffic: Traffic) -> Iterator[Sighting]:
    """A token is valid for hours. Fetching one for every call doubles its duration, and Adobe limits the rate."""
    calls = [call for call in traffic.calls if call.token]
    tokens = {call.token for call in calls}
    if len(calls) >= _ENOUGH and len(tokens) >= 0.8 * len(calls):
        numbers = tuple(call.entry.number for call in calls)
        yield Sighting(f"{len(calls)} calls used {len(tokens)} different tokens", numbers, None)


@rule(
    "token.not-issued",
    Level.FAIL,
    "A token other than the one that was fetched",
    source=f"{_IMS}: the member access_token of the response is the token",
    hint="Send access_token from the latest response of the token endpoint as Authorization: Bearer.",
)
def not_issued(traffic: Traffic) -> Iterator[Sighting]:
    """A client that fetches a token and sends another one reads the wrong member, or uses an old token."""
    issued: dict[str, Exchange] = {}
    clients: set[str] = set()
    for call in sorted((*traffic.tokens, *traffic.calls), key=lambda one: one.entry.number):
        if call.entry.operation == TOKEN_OPERATION and call.succeeded:
            issued[_fetched(call)] = call
            clients.add(str(call.members.get("client_id", "")))
        elif traffic.whole and issued and _is_another(call, issued) and _same_client(call, clients, traffic):
            yield call.seen("a token was sent that the token endpoint had not issued", *list(issued.values())[-1:])


def _fetched(call: Exchange) -> str:
    """The masked token in a response; empty if the record does not contain it."""
    answer = call.answer if isinstance(call.answer, dict) else {}
    return str(answer.get("access_token", "")).partition("‹")[2]


def _is_another(call: Exchange, issued: Mapping[str, Exchange]) -> bool:
    """Whether a token was not fetched. False if the record does not distinguish tokens."""
    malformed = any(call.violations("header", "form")) or "authorization" in call.unfilled_headers
    distinguished = call.token and "" not in issued and not malformed
    return bool(distinguished) and call.token not in issued


def _same_client(call: Exchange, clients: set[str], traffic: Traffic) -> bool:
    """Whether a call is from a client that fetched a token. Other clients have other API keys."""
    key = "x-api-key"
    return call.headers.get(key) in clients or not any(one.headers.get(key) in clients for one in traffic.calls)


@rule(
    "token.refused-reused",
    Level.FAIL,
    "A token used again after the gateway refused it",
    source="Platform troubleshooting guide: 401013 Oauth token is not valid",
    hint="On 401, fetch a new token once and repeat the call with it.",
)
def refused_reused(traffic: Traffic) -> Iterator[Sighting]:
    """401 means that the token has expired or was revoked. Every further call with it fails too."""
    refused: dict[str, Exchange] = {}
    for call in traffic.calls:
        token = call.token
        if token in refused:
            yield call.seen("a token was used again after a 401", refused[token])
        elif token and call.status == 401 and _is_bearer(call):
            refused[token] = call


def _is_bearer(call: Exchange) -> bool:
    """Whether Authorization had the right scheme, so that a 401 is about the token."""
    return call.headers.get("authorization", "").lower().startswith("bearer ")


@rule(
    "token.credentials-in-query",
    Level.INFO,
    "Client credentials in the query of the token request",
    source=f"{_IMS}: parameters are in the body or the query",
    hint="Send client_id, client_secret and the other parameters form-encoded in the body.",
)
def credentials_in_query(traffic: Traffic) -> Iterator[Sighting]:
    """Adobe also accepts the secret in the query, but proxies and servers log queries."""
    for call in traffic.tokens:
        if any(name in _CREDENTIALS for name, _ in call.query):
            yield call.seen("the token request had a secret in its query")


@rule(
    "token.in-clear",
    Level.FAIL,
    "Credentials sent without encryption",
    source="RFC 6750, 5.3: bearer tokens are sent over TLS only; Adobe's hosts are https",
    hint="Use https:// in every URL. A redirect to https:// comes too late.",
)
def in_clear(traffic: Traffic) -> Iterator[Sighting]:
    """With http://, everybody on the network path can read and use the token or the client secret."""
    for call in (*traffic.tokens, *traffic.calls):
        for _ in call.violations("header", "clear"):
            yield call.seen(f"{call.method} {call.template} sent credentials over http://")


@rule(
    "token.refused",
    Level.FAIL,
    "A refused token request",
    source=f"{_IMS}; error names of RFC 6749",
    hint="Send grant_type=client_credentials, client_id, client_secret and scope, form-encoded in the body.",
)
def refused(traffic: Traffic) -> Iterator[Sighting]:
    """IMS returns 400 with the cause in `error`: the grant, the client or its secret."""
    for call in traffic.tokens:
        if 400 <= call.status < 500 and call.status != 429:
            answer = call.answer if isinstance(call.answer, dict) else {}
            why = f": {answer['error_description']}" if answer.get("error_description") else ""
            form = call.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
            sent = "" if form == _FORM else f"; its body was sent as {form or 'nothing'}"
            yield call.seen(f"the token request was refused with {call.entry.error or call.status}{why}{sent}")
