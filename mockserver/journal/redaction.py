"""Redacts recorded calls: applies the rules of `secrecy` to the places that the contract describes."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from itertools import product
from typing import Any

from mockserver import json_input, secrecy
from mockserver.contract import Contract
from mockserver.contract.places import Auth, Places
from mockserver.exchange import Violation
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.json_input import Json
from mockserver.secrecy import masked, masked_text, places
from mockserver.secrecy.places import Place, show, table

_TOKEN_CALL = table(
    [
        *(((name,), places.word) for name in ("grant_type", "client_id", "scope", "token_type", "expires_in")),
        *(((name,), places.text) for name in ("error", "error_description", "error_code", "message")),
        (("access_token",), places.token),
    ]
)
"""Request form and responses of the token endpoint."""

_SENT = frozenset(
    {
        *("params", "transformations", "encryption", "data", "options", "policy", "scheduleParams", "labels"),
        "lastOperation",
    }
)
"""Members of records that contain what a client sent. Credentials in `auth` have been masked."""

_PROVIDER = table(
    [
        (("object",), places.param),
        *(((name,), places.text) for name in ("activeMs", "baseConnectionId")),
        *((("connectionSpec", name), places.text) for name in ("id", "version")),
    ]
)
"""What a flow keeps of its source; see `flows.progress.provided`."""

_STORED = {
    "dataSets": ("createDataset", ""),
    "mappingSets": ("createMappingSet", "sent"),
    "privateEndpoints": ("createPrivateEndpoint", ""),
}
"""Kind of a record of another service -> the operation whose request body it stores, and the member that has it."""

_WRITTEN = {"connectionSpecs": "createConnectionSpec", "flowSpecs": "createFlowSpec"}
"""Kind of a written spec -> the operation whose body is its `spec`."""

_REPORTED = "updateRun"
"""The operation whose body is `reported` of a run."""

_FREE_MEMBERS = ("name", "description")
_FREE_TEXTS = tuple(f"/{name}" for name in _FREE_MEMBERS)
_MIN_SECRET = 6
"""Minimum characters of a secret that is searched for in other texts. Shorter ones occur in ordinary words."""

_FOREIGN_REFUSAL = table(
    [(("type",), places.param), *(((name,), places.word) for name in ("title", "status", "error_code", "error"))]
)
"""An error response of another server, whose messages may repeat anything."""


class Redaction:
    """Redacts requests, responses and records. `foreign`: the responses come from another server."""

    def __init__(self, contract: Contract, auth: Auth, *, foreign: bool = False) -> None:
        self._places, self._foreign = Places(contract.document, auth), foreign

    @staticmethod
    @functools.cache
    def shared(contract: Contract, auth: Auth) -> Redaction:
        """The redaction for all emulators of a catalogue, because finding the places of an operation takes 10 ms."""
        return Redaction(contract, auth)

    def query(self, query: str, operation: str | None) -> str:
        """Redact a query string."""
        token_call = operation == TOKEN_OPERATION
        return places.query(query, _TOKEN_CALL if token_call else self._places.query(operation))

    def body(self, body: Json, operation: str | None, limit: int) -> str:
        """Redact a parsed request body; returns compact JSON, cut after `limit` characters."""
        return _cut(show(body, _TOKEN_CALL if operation == TOKEN_OPERATION else self._places.request(operation)), limit)

    def record(self, doc: Mapping[str, Any], kind: str) -> dict[str, Any]:
        """Redact a record for an export: `MASK` replaces every param that is not known to be harmless."""
        known, body = self._places.record(kind), doc.get("body")
        if isinstance(body, dict):
            doc = {**doc, "body": self._stored(body, kind)}
        if operation := _WRITTEN.get(kind):
            doc = {**doc, "spec": show(doc["spec"], self._places.request(operation), masked_text)}
        if isinstance(reported := doc.get("reported"), dict):
            doc = {**doc, "reported": show(reported, self._places.request(_REPORTED), masked)}
        if isinstance(provider := doc.get("provider"), dict):  # a flow's copy of a param of its source
            doc = {**doc, "provider": show(provider, _PROVIDER, masked)}
        texts = {key: secrecy.clean(doc[key], masked) for key in _FREE_MEMBERS if isinstance(doc.get(key), str)}
        return {
            key: show(value, known.member(key, doc), masked) if key in _SENT and key in known.below else value
            for key, value in {**doc, **texts}.items()
        }

    def _stored(self, body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
        """Redact what another service stored of a request body. Its own `version` stays."""
        operation, member = _STORED.get(kind, ("", ""))
        if member:
            return {**body, member: show(body.get(member), self._places.request(operation), masked)}
        own = {name: value for name, value in body.items() if name == "version"}
        return {**show(body, self._places.request(operation), masked), **own} if operation else body

    def repeats(self, body: Json, operation: str | None) -> tuple[str, ...]:
        """Pointers to names and descriptions in a body or patch that contain one of its secrets."""
        secrets = [text for text in secrets_in(body, self._places.request(operation)) if len(text) >= _MIN_SECRET]
        items = [item for item in (body if isinstance(body, list) else [body]) if isinstance(item, dict)]
        pairs = product(_FREE_TEXTS, items if secrets else ())
        texts = [(at, item.get("value") if item.get("path") == at else item.get(at[1:])) for at, item in pairs]
        return tuple(at for at, text in texts if isinstance(text, str) and any(one in text for one in secrets))

    def answer(self, answer: Json, operation: str | None, status: int, limit: int) -> str:
        """Redact a response body; returns compact JSON, cut after `limit` characters."""
        return _cut(self.shown(answer, operation, status), limit)

    def shown(self, answer: Json, operation: str | None, status: int) -> Json:
        """Redact a response body; returns JSON, uncut."""
        redacted: Json = show(answer, self._answer(operation, status))
        return redacted

    def beginning(self, sent: bytes, operation: str | None, status: int, limit: int) -> str:
        """Redact an encoded response body, which is incomplete if it has more than `limit` bytes.

        The last member or item of an incomplete body is left out: it might be half a secret.
        """
        text = sent.decode("utf-8", "ignore")
        if len(sent) <= limit:
            return self.answer(json.loads(text) if text else None, operation, status, limit)
        text, closing = json_input.closed(text)
        shown = json_input.dumps(show(json.loads(text + closing), self._answer(operation, status))).decode()
        return shown[: min(limit, len(shown) - len(closing))] + "…"

    def _answer(self, operation: str | None, status: int) -> Place:
        if operation == TOKEN_OPERATION:
            return _TOKEN_CALL
        return _FOREIGN_REFUSAL if self._foreign and status >= 400 else self._places.answer(operation, status)


def named(violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
    """Redact the pointers of violations, which may repeat what a client sent. Their descriptions are our own words."""
    return tuple(one._replace(pointer="/".join(map(secrecy.name, one.pointer.split("/")))) for one in violations)


def secrets_in(value: Any, place: Place) -> list[str]:
    """The texts at secret places, also those in connection strings."""
    found: list[str] = []
    show(value, place, lambda text, secret: found.append(text) if secret and isinstance(text, str) else None)
    return found


def _cut(shown: Json, limit: int) -> str:
    text = "" if shown is None else json_input.dumps(shown).decode()
    return text if len(text) <= limit else text[:limit] + "…"
