"""Rules for the headers that every call needs, and the media type of a body."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.conformance.unfilled import has_placeholder
from mockserver.secrecy import is_placeholder

_TROUBLE = "Platform troubleshooting guide, error codes of the gateway"
_CATALOGUE = "Flow Service error catalogue"
_ADOBE_ORG = re.compile(r"[^@\s,]{1,128}@AdobeOrg")
_SANDBOX = re.compile(r"[a-z0-9][a-z0-9-]{0,255}")


def _told_here(call: Exchange, header: str) -> bool:
    """Whether a header's value is the client's, and not one that `header.unfilled` tells."""
    return call.recorded(header) and header not in call.unfilled_headers


def _lacking(traffic: Traffic, header: str) -> Iterator[Sighting]:
    for call in traffic.gated:
        if not call.headers.get(header, "").strip() and not call.admitted:
            yield call.seen(f"{call.method} {call.template} came without {header}")


@rule(
    "header.token-missing",
    Level.FAIL,
    "A call without an access token",
    source=f"{_TROUBLE}: 403010 Oauth token is missing",
    hint="Send Authorization: Bearer and the token from /ims/token/v3 with every call.",
)
def token_missing(traffic: Traffic) -> Iterator[Sighting]:
    """The gateway lets nothing through without a token: HTTP 403, error_code 403010."""
    for call in traffic.gated:
        if call.headers.get("authorization", "").strip().lower() in ("", "bearer") and not call.admitted:
            yield call.seen(f"{call.method} {call.template} came without an access token")


@rule(
    "header.token-scheme",
    Level.FAIL,
    "A token that is not sent as Bearer",
    source=f"{_TROUBLE}: 401013 Oauth token is not valid",
    hint="Put the word Bearer and one space before the token.",
)
def token_scheme(traffic: Traffic) -> Iterator[Sighting]:
    """The gateway knows one scheme, Bearer. A bare token or another scheme is 401013."""
    for call in traffic.calls:
        sent = call.headers.get("authorization", "").strip()
        bearer = not sent or sent.lower().startswith("bearer")
        if not bearer and _told_here(call, "authorization") and not call.admitted:
            yield call.seen(f"{call.method} {call.template} sent Authorization without the scheme Bearer")


@rule(
    "header.api-key-missing",
    Level.FAIL,
    "A call without x-api-key",
    source=f"{_TROUBLE}: 403000 Api Key is required",
    hint="Send the client id of your Developer Console project as x-api-key.",
)
def api_key_missing(traffic: Traffic) -> Iterator[Sighting]:
    """The key is the first thing the gateway looks for: without it HTTP 403, error_code 403000."""
    return _lacking(traffic, "x-api-key")


@rule(
    "header.org-missing",
    Level.FAIL,
    "A call without x-gw-ims-org-id",
    source=f"{_TROUBLE}: 400003 Missing header",
    hint="Send your organisation's id, which ends in @AdobeOrg, as x-gw-ims-org-id.",
)
def org_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without an organisation the gateway cannot tell whose data is meant: HTTP 400, error_code 400003."""
    return _lacking(traffic, "x-gw-ims-org-id")


@rule(
    "header.org-malformed",
    Level.FAIL,
    "An organisation id that is none",
    source=f"{_TROUBLE}: 403027 User region is missing",
    hint="Copy the organisation id whole, with @AdobeOrg at its end.",
)
def org_malformed(traffic: Traffic) -> Iterator[Sighting]:
    """An organisation id ends in @AdobeOrg; the gateway answers others with the misleading 403027."""
    for call in traffic.calls:
        org = call.headers.get("x-gw-ims-org-id", "").strip()
        good = not org or _ADOBE_ORG.fullmatch(org) or is_placeholder(org)
        if not good and _told_here(call, "x-gw-ims-org-id") and not call.admitted:
            yield call.seen(f"{call.method} {call.template} sent an x-gw-ims-org-id without @AdobeOrg at its end")


@rule(
    "header.sandbox-missing",
    Level.FAIL,
    "A call that names no sandbox",
    source=f"{_CATALOGUE}: 2105-400 Header is missing",
    hint="Send x-sandbox-name with every call, prod included.",
)
def sandbox_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without x-sandbox-name some deployments answer 2105-400 and others act in the default sandbox, perhaps prod."""
    for call in traffic.gated:
        if not call.headers.get("x-sandbox-name", "").strip() and "x-sandbox-id" not in call.headers:
            yield call.seen(f"{call.method} {call.template} came without x-sandbox-name")


@rule(
    "header.sandbox-name",
    Level.FAIL,
    "A sandbox name that cannot exist",
    source=f"Flow Service API reference, sandbox names are lower case; {_CATALOGUE}: 2100-404, 2111-403",
    hint="Use the sandbox's name in lower case, not its title, its id or *.",
)
def sandbox_name(traffic: Traffic) -> Iterator[Sighting]:
    """Names are lower-case letters, digits and hyphens. A title such as `Prod` finds no sandbox, `*` is forbidden."""
    for call in traffic.calls:
        name = call.headers.get("x-sandbox-name", "").strip()
        good = not name or _SANDBOX.fullmatch(name) or is_placeholder(name)
        if not good and _told_here(call, "x-sandbox-name") and not call.succeeded:
            yield call.seen(f"{call.method} {call.template} sent an x-sandbox-name that no sandbox can have")


@rule(
    "header.sandbox-id",
    Level.FAIL,
    "A sandbox chosen by id",
    source=f"{_CATALOGUE}: 2110-400 Headers not allowed",
    hint="Send x-sandbox-name in place of x-sandbox-id.",
)
def sandbox_id(traffic: Traffic) -> Iterator[Sighting]:
    """The header x-sandbox-id is not for user tokens: 2110-400."""
    for call in traffic.calls:
        if "x-sandbox-id" in call.headers:
            yield call.seen(f"{call.method} {call.template} sent x-sandbox-id")


@rule(
    "header.placeholder",
    Level.FAIL,
    "A header still holds the documentation's placeholder",
    source="Adobe's samples write {ACCESS_TOKEN}, {API_KEY}, {ORG_ID}, {SANDBOX_NAME} for values of yours",
    hint="Replace the text in braces, braces included, by your own value.",
)
def placeholder(traffic: Traffic) -> Iterator[Sighting]:
    """One value was forgotten, the others were filled in. This server lets it pass; Adobe does not."""
    for call in traffic.calls:
        left = {name for name, value in call.headers.items() if has_placeholder(value)} - call.unfilled_headers.keys()
        names = sorted(left)
        if names and not call.sample:
            yield call.seen(f"{call.method} {call.template} sent a placeholder in {', '.join(names)}")


@rule(
    "header.sample",
    Level.INFO,
    "A sample of the documentation sent as it stands",
    source="Adobe's samples write {ACCESS_TOKEN}, {API_KEY}, {ORG_ID}, {SANDBOX_NAME} for values of yours",
    hint="Fine here. Before you call Adobe, put your own values in the place of everything in braces.",
)
def sample(traffic: Traffic) -> Iterator[Sighting]:
    """Token, API key and organisation are all left open, so somebody tries a sample, which this server welcomes."""
    for call in traffic.calls:
        if call.sample:
            yield call.seen(f"{call.method} {call.template} was sent with the documentation's placeholders")


@rule(
    "header.unfilled",
    Level.FAIL,
    "A header with undefined, null or an unresolved variable in the place of a value",
    source="RFC 9110, 5.5: a header's value is taken as it stands; the service has no such token, key or etag",
    hint="Look where the client takes this value from: it reads the wrong member, or the variable is not set.",
)
def unfilled(traffic: Traffic) -> Iterator[Sighting]:
    """JavaScript writes `undefined` for a member that is not there, Python `None`; `${VAR}` was never replaced."""
    for call in traffic.calls:
        for name, what in sorted(call.unfilled_headers.items()):
            yield call.seen(f"{call.method} {call.template} sent {what} in {name}")


@rule(
    "header.content-type",
    Level.FAIL,
    "A body that is not announced as JSON",
    source="Platform troubleshooting guide: A valid content-type must be specified",
    hint="Send Content-Type: application/json with every body.",
)
def content_type(traffic: Traffic) -> Iterator[Sighting]:
    """A body without Content-Type: application/json is refused before it is read."""
    for call in traffic.calls:
        for _ in call.violations("media", "type"):
            came = "another" if call.headers.get("content-type") else "no"
            yield call.seen(f"{call.method} {call.template} sent a body with {came} Content-Type")


@rule(
    "header.content-encoding",
    Level.FAIL,
    "A compressed body",
    source="No document of Flow Service offers one (assumed)",
    hint="Send the body as it is.",
)
def content_encoding(traffic: Traffic) -> Iterator[Sighting]:
    """Flow Service documents no Content-Encoding for requests."""
    for call in traffic.calls:
        for _ in call.violations("media", "encoding"):
            yield call.seen(f"{call.method} {call.template} sent a compressed body")


@rule(
    "header.accept",
    Level.WARN,
    "A call that refuses JSON answers",
    source="Destinations API reference: Accept defaults to application/json",
    hint="Leave Accept out or send application/json.",
)
def accept(traffic: Traffic) -> Iterator[Sighting]:
    """Flow Service answers in JSON whatever is asked for; a client that asks for something else is lucky."""
    for call in traffic.calls:
        wanted = call.headers.get("accept", "*/*").lower()
        if not any(fits in wanted for fits in ("json", "*/*", "application/*")):
            yield call.seen(f"{call.method} {call.template} sent an Accept header without JSON")
