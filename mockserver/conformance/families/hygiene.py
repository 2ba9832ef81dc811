"""Rules for secrets in the wrong place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Sighting, Traffic

_OWASP = "OWASP API Security, secrets in URLs and logs"
_CREDENTIAL = re.compile(r"(?:^|property=)auth\b[^&]*‹", re.IGNORECASE)
"""A filter on a member of `auth` with a value that is not shown, because its place may contain a secret."""


@rule(
    "hygiene.secret-in-query",
    Level.WARN,
    "A secret in the query",
    source=f"{_OWASP}; Flow Service accepts credentials only in headers and bodies",
    hint="Send the token in Authorization, and credentials in the body.",
)
def secret_in_query(traffic: Traffic) -> Iterator[Sighting]:
    """Queries are stored in logs, histories and referrers. Flow Service expects no secrets in them."""
    for call in traffic.calls:
        for name in traffic.secret_parameters(call):
            yield call.seen(f"{call.method} {call.template} sent a secret in the query parameter {name[:40]}")


@rule(
    "hygiene.filter-on-secrets",
    Level.WARN,
    "A filter on credentials",
    source=f"{_OWASP}; responses mask secrets, so that such a filter finds nothing",
    hint="Filter by name, state or connectionSpec.id.",
)
def filter_on_secrets(traffic: Traffic) -> Iterator[Sighting]:
    """Such a filter puts a credential into the query, and the service compares it with a mask.

    Members of `auth` that contain no secret, such as specName and usePrivateLink, can be filtered by.
    """
    for call in traffic.calls:
        filters = [value for name, value in call.query if name == "property"]
        asked = call.members.get("queryString")
        if any(_CREDENTIAL.search(text) for text in (*filters, asked if isinstance(asked, str) else "")):
            yield call.seen(f"{call.method} {call.template} filtered by a credential")


@rule(
    "hygiene.secret-in-name",
    Level.WARN,
    "A secret in a name or description",
    source="Names and descriptions are returned unmasked and shown in the user interface",
    hint="Keep credentials in auth.params.",
)
def secret_in_name(traffic: Traffic) -> Iterator[Sighting]:
    """Everybody who may list connections can read names and descriptions."""
    for call in traffic.calls:
        for at in call.entry.traces.repeats:
            yield call.seen(f"{call.method} {call.template} sent a secret in {at}")


@rule(
    "hygiene.mask-sent-back",
    Level.FAIL,
    "A mask sent instead of a secret",
    source="Responses mask secret params; the service stores values as sent",
    hint="Omit unchanged params from a patch, or ask the user for the secret again.",
)
def mask_sent_back(traffic: Traffic) -> Iterator[Sighting]:
    """A client that sends back what it read stores asterisks as the password, which the source refuses."""
    for call in traffic.calls:
        if call.entry.traces.sent_mask:
            yield call.seen(f"{call.method} {call.template} sent a mask instead of a secret")
