"""Rules for the headers that every call requires, and for the media type of bodies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Exchange, Sighting, Traffic
from mockserver.conformance.unfilled import has_placeholder
from mockserver.secrecy.placeholders import is_placeholder

_TROUBLE = "Platform troubleshooting guide, error codes of the gateway"
_CATALOGUE = "Flow Service error catalogue"
_ADOBE_ORG = re.compile(r"[^@\s,]{1,128}@AdobeOrg")
_SANDBOX = re.compile(r"[a-z0-9][a-z0-9-]{0,255}")


def _told_here(call: Exchange, header: str) -> bool:
    """Whether a header is judged by its own rules, and not by `header.unfilled`."""
    return call.recorded(header) and header not in call.unfilled_headers


def _lacking(traffic: Traffic, header: str) -> Iterator[Sighting]:
    for call in traffic.gated:
        if not call.headers.get(header, "").strip() and not call.admitted:
            yield call.seen(f"{call.method} {call.template} was sent without {header}")


@rule(
    "header.token-missing",
    Level.FAIL,
    "A call without an access token",
    source=f"{_TROUBLE}: 403010 Oauth token is missing",
    hint="Send Authorization: Bearer with the token from /ims/token/v3 with every call.",
)
def token_missing(traffic: Traffic) -> Iterator[Sighting]:
    """The gateway refuses calls without a token: HTTP 403, error_code 403010."""
    for call in traffic.gated:
        if call.headers.get("authorization", "").strip().lower() in ("", "bearer") and not call.admitted:
            yield call.seen(f"{call.method} {call.template} was sent without an access token")


@rule(
    "header.token-scheme",
    Level.FAIL,
    "An Authorization header that is not Bearer and a token",
    source=f"{_TROUBLE}: 401013 Oauth token is not valid",
    hint="Send the word Bearer, one space and the bare token.",
)
def token_scheme(traffic: Traffic) -> Iterator[Sighting]:
    """The gateway refuses other schemes with 401013, and also quotes, spaces or a second Bearer in the token."""
    for call in traffic.calls:
        sent = call.headers.get("authorization", "").strip().lower()
        if sent in ("", "bearer") or not _told_here(call, "authorization") or call.admitted:
            continue  # reported by header.token-missing or header.unfilled
        for violation in call.violations("header", "form"):
            yield call.seen(f"{call.method} {call.template} sent Authorization with {violation.came}")


@rule(
    "header.api-key-missing",
    Level.FAIL,
    "A call without x-api-key",
    source=f"{_TROUBLE}: 403000 Api Key is required",
    hint="Send the client id of your Developer Console project as x-api-key.",
)
def api_key_missing(traffic: Traffic) -> Iterator[Sighting]:
    """The gateway checks the API key first. Without it: HTTP 403, error_code 403000."""
    return _lacking(traffic, "x-api-key")


@rule(
    "header.org-missing",
    Level.FAIL,
    "A call without x-gw-ims-org-id",
    source=f"{_TROUBLE}: 400003 Missing header",
    hint="Send the id of your organisation, which ends in @AdobeOrg, as x-gw-ims-org-id.",
)
def org_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without it, the gateway does not know the organisation: HTTP 400, error_code 400003."""
    return _lacking(traffic, "x-gw-ims-org-id")


@rule(
    "header.org-malformed",
    Level.FAIL,
    "A malformed organisation id",
    source=f"{_TROUBLE}: 403027 User region is missing",
    hint="Copy the complete organisation id, including @AdobeOrg.",
)
def org_malformed(traffic: Traffic) -> Iterator[Sighting]:
    """An organisation id ends in @AdobeOrg. The gateway refuses others with the misleading 403027."""
    for call in traffic.calls:
        org = call.headers.get("x-gw-ims-org-id", "").strip()
        good = not org or _ADOBE_ORG.fullmatch(org) or is_placeholder(org)
        if not good and _told_here(call, "x-gw-ims-org-id") and not call.admitted:
            yield call.seen(f"{call.method} {call.template} sent an x-gw-ims-org-id without @AdobeOrg at its end")


@rule(
    "header.sandbox-missing",
    Level.FAIL,
    "A call without x-sandbox-name",
    source=f"{_CATALOGUE}: 2105-400 Header is missing",
    hint="Send x-sandbox-name with every call, also for prod.",
)
def sandbox_missing(traffic: Traffic) -> Iterator[Sighting]:
    """Without it, some deployments refuse the call with 2105-400, and others use the default sandbox, perhaps prod."""
    for call in traffic.gated:
        if not call.headers.get("x-sandbox-name", "").strip() and "x-sandbox-id" not in call.headers:
            yield call.seen(f"{call.method} {call.template} was sent without x-sandbox-name")


@rule(
    "header.sandbox-name",
    Level.FAIL,
    "An invalid sandbox name",
    source=f"Flow Service API reference, sandbox names are lower case; {_CATALOGUE}: 2100-404, 2111-403",
    hint="Send the name of the sandbox in lower case, not its title, its id or *.",
)
def sandbox_name(traffic: Traffic) -> Iterator[Sighting]:
    """Names consist of lower-case letters, digits and hyphens. `Prod` is a title, not a name; `*` is forbidden."""
    for call in traffic.calls:
        name = call.headers.get("x-sandbox-name", "").strip()
        good = not name or _SANDBOX.fullmatch(name) or is_placeholder(name)
        if not good and _told_here(call, "x-sandbox-name") and not call.succeeded:
            yield call.seen(f"{call.method} {call.template} sent an x-sandbox-name that no sandbox can have")


@rule(
    "header.sandbox-id",
    Level.FAIL,
    "A sandbox selected by id",
    source=f"{_CATALOGUE}: 2110-400 Headers not allowed",
    hint="Send x-sandbox-name instead of x-sandbox-id.",
)
def sandbox_id(traffic: Traffic) -> Iterator[Sighting]:
    """The header x-sandbox-id is not allowed with user tokens: 2110-400."""
    for call in traffic.calls:
        if "x-sandbox-id" in call.headers:
            yield call.seen(f"{call.method} {call.template} sent x-sandbox-id")


@rule(
    "header.placeholder",
    Level.FAIL,
    "A placeholder of the documentation in a header",
    source="Adobe's samples write {ACCESS_TOKEN}, {API_KEY}, {ORG_ID}, {SANDBOX_NAME} for values of yours",
    hint="Replace the placeholder, including its braces, with your own value.",
)
def placeholder(traffic: Traffic) -> Iterator[Sighting]:
    """One value was not filled in, although others were. This server accepts it; Adobe does not."""
    for call in traffic.calls:
        left = {name for name, value in call.headers.items() if has_placeholder(value)} - call.unfilled_headers.keys()
        names = sorted(left)
        if names and not call.sample:
            yield call.seen(f"{call.method} {call.template} sent a placeholder in {', '.join(names)}")


@rule(
    "header.sample",
    Level.INFO,
    "An unchanged sample of the documentation",
    source="Adobe's samples write {ACCESS_TOKEN}, {API_KEY}, {ORG_ID}, {SANDBOX_NAME} for values of yours",
    hint="This works here. Before you call Adobe, replace everything in braces with your own values.",
)
def sample(traffic: Traffic) -> Iterator[Sighting]:
    """Token, API key and organisation, if sent, are placeholders. This server accepts such a sample."""
    for call in traffic.calls:
        if call.sample:
            yield call.seen(f"{call.method} {call.template} was sent with the documentation's placeholders")


@rule(
    "header.unfilled",
    Level.FAIL,
    "A header with undefined, null or an unresolved variable instead of a value",
    source="RFC 9110, 5.5: header values are not interpreted; the service has no such token, key or etag",
    hint="Check where the client gets this value: it reads the wrong member, or a variable is not set.",
)
def unfilled(traffic: Traffic) -> Iterator[Sighting]:
    """JavaScript writes `undefined` for a missing member, Python writes `None`; `${VAR}` was never replaced."""
    for call in traffic.calls:
        for name, what in sorted(call.unfilled_headers.items()):
            yield call.seen(f"{call.method} {call.template} sent {what} in {name}")


@rule(
    "header.content-type",
    Level.FAIL,
    "A body without Content-Type: application/json",
    source="Platform troubleshooting guide: A valid content-type must be specified",
    hint="Send Content-Type: application/json with every body.",
)
def content_type(traffic: Traffic) -> Iterator[Sighting]:
    """The service refuses a body with another Content-Type, or none, before it reads it."""
    for call in traffic.calls:
        for _ in call.violations("media", "type"):
            came = "another" if call.headers.get("content-type") else "no"
            yield call.seen(f"{call.method} {call.template} sent a body with {came} Content-Type")


@rule(
    "header.content-encoding",
    Level.FAIL,
    "A body with a Content-Encoding",
    source="No document of Flow Service mentions encoded requests (assumed)",
    hint="Send the body as it is, in UTF-8, without Content-Encoding. A charset belongs into Content-Type.",
)
def content_encoding(traffic: Traffic) -> Iterator[Sighting]:
    """Flow Service documents no Content-Encoding for requests."""
    for call in traffic.calls:
        for _ in call.violations("media", "encoding"):
            yield call.seen(f"{call.method} {call.template} sent a body with a Content-Encoding")


@rule(
    "header.accept",
    Level.WARN,
    "A call that does not accept JSON",
    source="Destinations API reference: Accept defaults to application/json",
    hint="Omit Accept, or send application/json.",
)
def accept(traffic: Traffic) -> Iterator[Sighting]:
    """Flow Service always responds with JSON. A client that asks for something else works only by chance."""
    for call in traffic.calls:
        wanted = call.headers.get("accept", "*/*").lower()
        if not any(fits in wanted for fits in ("json", "*/*", "application/*")):
            yield call.seen(f"{call.method} {call.template} sent an Accept header without JSON")
