"""Secrets where they do not belong."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.conformance.findings import Level
from mockserver.conformance.rules import rule
from mockserver.conformance.traffic import Sighting, Traffic, means_page, texts
from mockserver.secrecy import MASK

_OWASP = "OWASP API Security, secrets in URLs and logs"
_FILTERS = ("property", "queryString")
_OPEN_MEMBERS = frozenset({"name", "description"})


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
        for name, value in call.query:
            if MASK in value and name not in _FILTERS and not means_page(name):
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
        if any(MASK in value for name, value in call.query if name in _FILTERS):
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
        for at, text in texts(call.body):
            if MASK in text and at.rpartition("/")[2] in _OPEN_MEMBERS and not at.startswith("/auth"):
                yield call.seen(f"{call.method} {call.template} sent a secret in {at}")
        for at, text in _patched_texts(call.body):
            if MASK in text:
                yield call.seen(f"{call.method} {call.template} put a secret into {at}")


def _patched_texts(body: object) -> Iterator[tuple[str, str]]:
    """Names and descriptions that a patch sets."""
    for item in body if isinstance(body, list) else [body]:
        if isinstance(item, dict) and str(item.get("path")).lstrip("/") in _OPEN_MEMBERS:
            value = item.get("value")
            if isinstance(value, str):
                yield str(item["path"]), value


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
