"""Converts the requests of a HAR file to journal entries, by which a client is judged."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

from mockserver.contract import IN_CLEAR, Contract, Seen
from mockserver.contract.neighbours import service_of
from mockserver.errors import ApiError
from mockserver.exchange import Tenant, adobe_site
from mockserver.har import LoadedHar, in_order, is_named_by_path, load
from mockserver.har.entries import TOKEN_PATHS, Recorded
from mockserver.har.reading import MAX_BYTES
from mockserver.journal import Journal
from mockserver.journal.entries import UNREAD, Entry
from mockserver.journal.redaction import Redaction
from mockserver.quirks import Quirks
from mockserver.specs.connectors import Connectors

_BEFORE_ANY_SERVICE = frozenset({408, 414, 421, 431})
"""Statuses of requests that an HTTP server refuses before a service receives them."""
_NOT_EMULATED = 501
"""Our status for operations of neighbouring services that the contract does not have."""


def read(path: Path, contract: Contract, connectors: Connectors) -> list[Entry]:
    """Read the calls to Flow Service in the order they were made, with masked secrets. Raises HarError."""
    return journaled(load(path, contract), contract, connectors)


def journaled(loaded: LoadedHar, contract: Contract, connectors: Connectors) -> list[Entry]:
    """Convert the calls to Flow Service to journal entries, in the order they were made, with masked secrets."""
    recorded = in_order(loaded.exchanges)
    journal = Journal(len(recorded) or 1, 4 * MAX_BYTES, Redaction(contract, connectors.auth_place, foreign=True))
    kept: list[Recorded] = []
    for one in recorded:
        if one.call.path.startswith(TOKEN_PATHS):
            body = one.call.body.decode("utf-8", "replace")
            form = (*one.call.parameters(), *parse_qsl(body, keep_blank_values=True))
            exposed = (IN_CLEAR,) if one.call.exposes_credentials else ()
            journal.record_token_call(one.call, one.result, form, violations=exposed)
        elif not _record(one, journal, contract, connectors):
            continue
        kept.append(one)
    sanitized = any(one.gaps.headers for one in kept)
    return [one.gaps.mark(entry, sanitized) for one, entry in zip(kept, journal.entries(), strict=True)]


def _record(one: Recorded, journal: Journal, contract: Contract, connectors: Connectors) -> bool:
    """Record a call if it is to Flow Service. Violations that its response disproves are left out."""
    call, result = one.call, one.result
    seen = contract.check_request(call)
    not_emulated = result.status == _NOT_EMULATED and service_of(call.path) is not None
    if seen.operation is None and not (one.host or is_named_by_path(call, contract) or not_emulated):
        return False
    if adobe_site(one.host) == "platform" and 200 <= result.status < 300:
        seen.violations = [violation for violation in seen.violations if not violation.blocks]
    else:
        _check_credentials(seen, connectors)
    if result.status in _BEFORE_ANY_SERVICE:
        seen.violations = [UNREAD]
    if one.gaps.body:
        seen.violations = [violation for violation in seen.violations if violation.where not in ("body", "media")]
    journal.record(
        call,
        result,
        operation=seen.operation.id if seen.operation else None,
        tenant=Tenant(call.headers.get("x-gw-ims-org-id", ""), call.headers.get("x-sandbox-name", "")),
        body=seen.body,
        violations=seen.violations,
        fault=None if adobe_site(one.host) == "platform" else call.headers.get("x-mock-fault"),
    )
    return True


def _check_credentials(seen: Seen, connectors: Connectors) -> None:
    """Add the violations that the emulator would find in the credentials of a new connection."""
    whole = not any(violation.where == "body" and violation.blocks for violation in seen.violations)
    if seen.operation and seen.operation.id == "createConnection" and whole and isinstance(seen.body, dict):
        try:
            connectors.check(seen.body, Quirks())
        except ApiError as refusal:
            seen.note(refusal.violation())
