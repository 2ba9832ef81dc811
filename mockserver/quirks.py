"""Quirks: contradictions in Adobe's documents, one row each, with our default and the alternatives.

Switch one with `--quirk NAME=VALUE`, in `mockserver.toml`, or by `PUT /_mock/quirks`. The rows
follow facts §12; the two defaults that differ from its recommendation say why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z-]{1,40}")
"""A name that an error may repeat."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One contradiction. `values[0]` is the default."""

    name: str
    question: str
    values: tuple[str, ...]
    sources: str

    @property
    def default(self) -> str:
        """The default value."""
        return self.values[0]


_ROWS = (
    Quirk(
        "error-body",
        "the service's error body: type, title, status, report and both texts, or the two texts alone",
        ("problem", "legacy"),
        "labels tutorial against the destinations document",
    ),
    Quirk(
        "not-found-status", "the status of an unknown id", ("404", "400"), "labels tutorial against the error catalogue"
    ),
    Quirk(
        "gateway-body",
        "the gateway's body: two members with a string code, or four with an integer code",
        ("classic", "2026"),
        "platform troubleshooting page against an answer recorded in April 2026",
    ),
    Quirk(
        "missing-token",
        "the response to an absent token: 403 with 403010, or 401 with 401013",
        ("403", "401"),
        "flow-service document and troubleshooting page against the destinations document",
    ),
    Quirk(
        "missing-sandbox",
        "a request without x-sandbox-name: refused with 2105-400, or run in the default sandbox; "
        "refused by default since a forgotten header is what users want to find",
        ("refuse", "default"),
        "error catalogue and destinations document against the flow-service document",
    ),
    Quirk(
        "delete-status",
        "the status of a deletion",
        ("204", "202"),
        "sources tutorials against the destinations document",
    ),
    Quirk(
        "unquoted-etag",
        "an If-Match without the etag's own double quotes: a mismatch, or tolerated",
        ("refuse", "accept"),
        "destinations document and documentation issue 83 against the connection update tutorial",
    ),
    Quirk(
        "activation-status",
        "the response to a patch of a flow to a destination: 200 with id and etag, or 202 without a body",
        ("200", "202"),
        "destinations document and update tutorial against the batch and streaming tutorials",
    ),
    Quirk(
        "sftp-destination-auth",
        "auth specs of the SFTP destination: those of the page and those of the document, or the page's alone",
        ("both", "page"),
        "file-based export tutorial against the destinations document",
    ),
    Quirk(
        "missing-version",
        "a connectionSpec without version: the newest is taken, or 422",
        ("newest", "refuse"),
        "flow-service document against the destinations document",
    ),
    Quirk(
        "ssl-mode",
        "sslMode spellings: every documented one, or only the five of the API page",
        ("lenient", "documented"),
        "PostgreSQL API page against the connector overview page",
    ),
    Quirk(
        "secrets",
        "secret members of auth.params in responses: a fixed mask, or as stored; "
        "masked by default since no sample proves either and a mask cannot leak",
        ("mask", "show"),
        "update tutorial samples against the flow-service document's 'partial view'",
    ),
    Quirk(
        "content-type",
        "a body with a wrong Content-Type: 400 with the platform's own body, or 415",
        ("400", "415"),
        "platform troubleshooting page against the connector error catalogue",
    ),
    Quirk(
        "missing-org",
        "a request without x-gw-ims-org-id: the gateway's 400003, or the service's 2002-401",
        ("gateway", "service"),
        "platform troubleshooting page against the error catalogue",
    ),
    Quirk(
        "spec-writers",
        "who writes connection and flow specs: service tokens, user tokens are refused with 1426-400; or every token",
        ("service", "any"),
        "error catalogue against the tutorials of the Sources SDK, which send an ordinary access token",
    ),
    Quirk(
        "spec-answer",
        "the response to a new connection spec: the spec bare, or in items",
        ("bare", "items"),
        "Sources SDK for batch sources and flow-service document against the Sources SDK for streaming",
    ),
    Quirk(
        "sub-op",
        "an action without subOp: accepted, or refused as the flow-service document marks it required",
        ("optional", "required"),
        "draft tutorial against the flow-service document",
    ),
    Quirk(
        "run-answer",
        "the response to a new run: its id and etag in items, or bare",
        ("items", "bare"),
        "on-demand ingestion tutorial against the flow-service document",
    ),
    Quirk(
        "partial-run-status",
        "the status of a run of which some rows failed",
        ("partialSuccess", "success"),
        "flow-service document's list of statuses against the sample in the monitoring tutorial",
    ),
    Quirk(
        "unknown-parameters",
        "an unknown query parameter: ignored, as public clients rely on, or 1451-400",
        ("ignore", "refuse"),
        "public clients against the error catalogue",
    ),
    Quirk(
        "limit-above-maximum",
        "a limit above 100: lowered to 100, or refused",
        ("clamp", "refuse"),
        "no document says; the maximum is from the destinations document",
    ),
)

QUIRKS: dict[str, Quirk] = {row.name: row for row in _ROWS}


class Quirks(Mapping[str, str]):
    """The values in force. Unknown names and values raise ValueError with the allowed ones."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._values = {name: row.default for name, row in QUIRKS.items()}
        for name, value in (chosen or {}).items():
            self.choose(name, value)

    def update(self, chosen: Mapping[str, str]) -> None:
        """Set several quirks, or none if one is invalid."""
        Quirks({**self._values, **chosen})
        for name, value in chosen.items():
            self.choose(name, value)

    def choose(self, name: str, value: str) -> None:
        """Set one quirk."""
        row = QUIRKS.get(name)
        if row is None:
            shown = f" {name!r}" if _NAME.fullmatch(name) else ""
            raise ValueError(f"unknown quirk{shown}; known quirks: {', '.join(sorted(QUIRKS))}")
        if value not in row.values:
            raise ValueError(f"quirk {name} must be {' or '.join(row.values)}")
        self._values[name] = value

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
