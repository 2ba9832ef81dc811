"""The values at the emulator's boundary: a `Call` comes in, a `Result` goes out.

Values that are made for every request are named tuples, because a frozen dataclass takes twice as long to make.

Nothing here knows of Flask, sockets or files, so a call can come from HTTP, a HAR file or a test.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, unquote

from mockserver import json_input
from mockserver.json_input import Json

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Decoded query parameters in the order sent; names may repeat."""

BASE_PATH = "/data/foundation/flowservice"
"""Adobe's base path. The emulator answers below it and, on hosts other than Adobe's, also at the root."""

DRAFT = "draft"
"""The state of an entity that is not checked yet, and the `mode` that creates one."""

SETTLED = ("enabled", "disabled", DRAFT)
"""States in which clients may act on an entity. In the others the service is processing it."""

AdobeSite: TypeAlias = Literal["platform", "token", "events", ""]

_SITES: tuple[tuple[AdobeSite, re.Pattern[str]], ...] = (
    ("platform", re.compile(r"platform(-[a-z0-9]+)?\.adobe\.io")),
    ("token", re.compile(r"ims-na1(-[a-z0-9]+)?\.adobelogin\.com")),
    ("events", re.compile(r"dcs\.adobedc\.net")),
)


def adobe_site(host: str) -> AdobeSite:
    """The emulated service at a host name in lower case: the services, the token endpoint or the inlets for events.

    Empty for every other host (facts §1, §2.1; inlets: create/streaming/http.md).
    """
    return next((site for site, pattern in _SITES if pattern.fullmatch(host)), "")


_ENCODED_SLASH = re.compile("%((?:25)*)2f", re.IGNORECASE)
"""A slash that belongs to a segment, encoded once or several times (RFC 3986 §2.2)."""


def decoded_path(raw: str) -> str:
    """Decode a path once, except for the slashes inside its segments, which stay as they were sent."""
    return unquote(_ENCODED_SLASH.sub(r"%25\g<1>2F", raw), errors="replace") if "%" in raw else raw


def decoded_segment(segment: str) -> str:
    """Decode the slashes that `decoded_path` left in a segment, once."""
    return _ENCODED_SLASH.sub(lambda found: f"%{found[1][2:]}2F" if found[1] else "/", segment)


class Tenant(NamedTuple):
    """The owner of a record. It is part of every store key, so another tenant's id behaves like an unknown one."""

    org: str
    sandbox: str

    @property
    def sandbox_id(self) -> str:
        """The UUID of the sandbox, derived from organisation and name."""
        return _sandbox_id(self.org, self.sandbox)


@functools.lru_cache(maxsize=1024)  # part of every record: cached, so that it is stored once
def _sandbox_id(org: str, sandbox: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{org}/{sandbox}"))


class Call(NamedTuple):
    """One HTTP request as received.

    `path` is decoded by `decoded_path`, begins with `/` and is relative to `BASE_PATH`; `query` is the raw query
    string; header names are lower case, repeated headers are joined with a comma as HTTP allows.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    received_ms: int
    origin: str = "http://127.0.0.1"
    """Scheme and authority used by the client: the base of absolute links."""
    oversized: bool = False
    """The body was too large and was not read; `body` is empty."""
    mounted: bool = True
    """Whether paths without `BASE_PATH` are accepted: not on Adobe's hosts."""
    in_clear: bool = False
    """Whether one of Adobe's hosts was called without TLS."""

    @property
    def exposes_credentials(self) -> bool:
        """Whether credentials were sent unencrypted."""
        return self.in_clear and ("authorization" in self.headers or self.path.startswith("/ims/"))

    def parameters(self) -> Pairs:
        """The decoded query. Blank values are kept; undecodable bytes become U+FFFD."""
        return tuple(parse_qsl(self.query, keep_blank_values=True)) if self.query else ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a response is delivered under a fault. The server carries it out; the core knows no sockets."""

    delay_ms: int = 0
    """Real time before the first byte, independent of the emulator's clock."""
    reset: bool = False
    """Reset the connection instead of a response; `Result.status` is 0."""
    raw: bytes | None = None
    """Text to send instead of the JSON body."""
    content_type: str = "application/json"
    """The media type of `raw`."""
    cut_at: int | None = None
    """Number of body bytes to send before closing the connection; Content-Length announces more."""
    bytes_per_second: int | None = None
    """Rate at which the body is sent."""
    hung_up: Callable[[], None] | None = field(default=None, compare=False)
    """Called if the client hangs up before everything is sent."""


@dataclass(frozen=True, slots=True)
class Result:
    """One HTTP response. `body` None means no body; status 0 means no response."""

    status: int
    body: Json = None
    headers: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    """The catalogue code of an error, such as `1439-404`; for the journal only."""
    reason: str | None = None
    """The error message without any text of the client; for the request log."""
    source: str | None = None
    """The contacted source behind a connection; for the request log and the journal."""
    delivery: Delivery | None = None
    _encoded: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def encoded(self) -> bytes:
        """The encoded body, empty if there is none. Encoded once, for the server and the journal."""
        if self._encoded is None:
            made = b"" if self.body is None else json_input.dumps(self.body)
            object.__setattr__(self, "_encoded", made)
            return made
        return self._encoded

    def encoded_as(self, encoded: bytes) -> Result:
        """This result with an already encoded body."""
        object.__setattr__(self, "_encoded", encoded)
        return self


MISSING = "nothing"
"""`came` of a missing value."""

UNKNOWN = "an unknown member"
"""`came` of a member that is not allowed."""

UNKNOWN_ID = "an unknown ID"
"""`came` of an id that does not exist."""

_UNKNOWN_KEYWORDS = frozenset({"unknown", "additionalProperties", "unevaluatedProperties"})
"""Keywords of violations whose pointer names an unknown member."""

_KINDS_OF_PLACE = {"query": "Query parameter", "header": "Header", "path": "Path parameter"}


NO_MEMBER = "no such member"
"""`expected` of a member that is not allowed beside the others."""

ANY = "a value"
"""`expected` of a value without constraints."""


def departure(kind: str, place: str, expected: str, came: str, *, unknown: bool = False) -> str:
    """A sentence on one violation: where, what was expected, and what was received."""
    if came == MISSING and place:
        return f"{kind} {place} is missing" + ("" if expected == ANY else f"; expected {expected}")
    if expected == NO_MEMBER:
        return f"{kind} {place} is not allowed here"
    if unknown or came == UNKNOWN:
        return f"{kind} {place} is unknown; expected {expected}"
    return f"{place or 'body'}: expected {expected}, got {came}"


class Violation(NamedTuple):
    """One violation of the contract by a request or a response. A value, never raised."""

    where: str
    """request, route, header, query, path, media, body or response."""
    pointer: str
    """JSON Pointer into the body, or the name of a parameter or header."""
    keyword: str
    """The violated keyword, of JSON Schema if it has one: required, type, enum, pattern …"""
    expected: str
    came: str
    """The kind of the received value, never the value itself: it might be a secret."""
    blocks: bool = False
    """Whether the service refuses this. If not, it is only a finding."""

    def __str__(self) -> str:
        kind = _KINDS_OF_PLACE.get(self.where, "Member")
        return departure(kind, self.pointer, self.expected, self.came, unknown=self.keyword in _UNKNOWN_KEYWORDS)


class Request(NamedTuple):
    """A call checked by the contract and the gateway: the input of a resource handler."""

    call: Call
    operation: str
    tenant: Tenant
    path: Mapping[str, str]
    arguments: Mapping[str, Any]
    """The operation's query parameters, typed by the contract."""
    body: Json
    sources: list[str]
    """The sources that were contacted. Handlers add them."""
