"""Rules for secrets in wrong places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Sighting, Traffic

_OWASP = "OWASP API Security, secrets in URLs and logs"
_AUTH = re.compile(r"(?:^|property=)auth\b", re.IGNORECASE)


@rule(
    "hygiene.secret-in-query",
    Level.WARN,
    "A secret in the query",
    source=f"{_OWASP}; Flow Service takes credentials in headers and bodies only",
    hint="Send the token as Authorization, credentials in the body.",
)
def secret_in_query(traffic: Traffic) -> Iterator[Sighting]:
    """Queries end up in logs, histories and referrers. Flow Service looks for nothing secret there."""
    for call in traffic.calls:
        for name in call.secret_parameters:
            yield call.seen(f"{call.method} {call.template} sent a secret in the query parameter {name[:40]}")


@rule(
    "hygiene.filter-on-secrets",
    Level.WARN,
    "A filter that looks into credentials",
    source=f"{_OWASP}; answers mask secrets, so that such a filter finds nothing",
    hint="Filter by name, state or connectionSpec.id.",
)
def filter_on_secrets(traffic: Traffic) -> Iterator[Sighting]:
    """Filtering by `auth` puts a credential into the query and compares it with a mask."""
    for call in traffic.calls:
        filters = [value for name, value in call.query if name == "property"]
        asked = call.members.get("queryString")
        if any(_AUTH.search(text) for text in (*filters, asked if isinstance(asked, str) else "")):
            yield call.seen(f"{call.method} {call.template} filtered by members of auth")


@rule(
    "hygiene.secret-in-name",
    Level.WARN,
    "A secret in a name or description",
    source="Names and descriptions are answered unmasked and shown in the user interface",
    hint="Keep credentials in auth.params.",
)
def secret_in_name(traffic: Traffic) -> Iterator[Sighting]:
    """Everybody who may list connections reads names and descriptions."""
    for call in traffic.calls:
        for at in call.entry.traces.repeats:
            yield call.seen(f"{call.method} {call.template} sent a secret in {at}")


@rule(
    "hygiene.mask-sent-back",
    Level.FAIL,
    "The mask sent in place of a secret",
    source="Answers mask secret params; what is sent is stored as it is",
    hint="Leave unchanged params out of a patch, or ask the user for the secret again.",
)
def mask_sent_back(traffic: Traffic) -> Iterator[Sighting]:
    """A client that writes back what it read stores asterisks as the password, and the source refuses it."""
    for call in traffic.calls:
        if call.entry.traces.sent_mask:
            yield call.seen(f"{call.method} {call.template} sent a mask where a secret belongs")
