"""The values that cross the emulator's border: a `Call` comes in, a `Result` goes out.

Nothing here knows of Flask, sockets or files, so a call can come from HTTP, a HAR file or a test.
"""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from mockserver import json_input
from mockserver.json_input import Json

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters, decoded, in the order sent; a name may repeat."""

BASE_PATH = "/data/foundation/flowservice"
"""Where Adobe mounts the service; the emulator answers here and, on host names other than Adobe's, at the root."""

PLATFORM_HOST = re.compile(r"platform(-[a-z0-9]+)?\.adobe\.io")
TOKEN_HOST = re.compile(r"ims-na1(-[a-z0-9]+)?\.adobelogin\.com")
"""Adobe's host names: of the services, and of the token endpoint (facts §1, §2.1)."""


class Tenant(NamedTuple):
    """Who owns a record. Part of every store key, so that a foreign id answers like an absent one."""

    org: str
    sandbox: str

    @property
    def sandbox_id(self) -> str:
        """The UUID of the sandbox: always the same for one org and name."""
        return _sandbox_id(self.org, self.sandbox)


@functools.lru_cache(maxsize=1024)  # part of every record: remembered, it is made and stored once and not in each
def _sandbox_id(org: str, sandbox: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{org}/{sandbox}"))


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it came.

    `path` is decoded, begins with `/` and is relative to `BASE_PATH`; `query` is the raw query
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
    """Scheme and authority under which the client reached us: the base of absolute links."""
    oversized: bool = False
    """The body was larger than allowed and has not been read; `body` is empty."""
    mounted: bool = True
    """Whether the short form of a path is taken: not where the client called one of Adobe's hosts."""
    in_clear: bool = False
    """Whether the client called one of Adobe's hosts without TLS."""

    @property
    def exposes_credentials(self) -> bool:
        """Whether everybody on the way could read the credentials."""
        return self.in_clear and ("authorization" in self.headers or self.path.startswith("/ims/"))

    def parameters(self) -> Pairs:
        """The decoded query. Blank values are kept; undecodable bytes become U+FFFD."""
        return tuple(parse_qsl(self.query, keep_blank_values=True)) if self.query else ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer travels when a fault is at work. A wish: the edge acts it out, the core knows no sockets."""

    delay_ms: int = 0
    """Real time before the first byte, whatever the emulator's clock says."""
    reset: bool = False
    """The connection breaks instead of an answer; `Result.status` is 0 then."""
    raw: bytes | None = None
    """What is sent in place of the body as JSON."""
    content_type: str = "application/json"
    """Of `raw`."""
    cut_at: int | None = None
    """Bytes of the body that are sent before the connection ends, less than its Content-Length announces."""
    bytes_per_second: int | None = None
    """How fast the body trickles."""
    hung_up: Callable[[], None] | None = field(default=None, compare=False)
    """Called if the client hangs up before everything is sent, by a server that can know."""


@dataclass(frozen=True, slots=True)
class Result:
    """One HTTP answer. `body` None means no body at all; status 0 that there is no answer."""

    status: int
    body: Json = None
    headers: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    """The catalogue code of a refusal, such as `1439-404`: for the journal, not for the wire."""
    reason: str | None = None
    """The message of a refusal without anything that the client sent: for the request log."""
    source: str | None = None
    """Which source behind a connection was asked: for the request log and the journal."""
    delivery: Delivery | None = None
    _encoded: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def encoded(self) -> bytes:
        """The body as it goes over the wire, empty for none. Made once: the edge sends it, the journal keeps some."""
        if self._encoded is None:
            made = b"" if self.body is None else json_input.dumps(self.body)
            object.__setattr__(self, "_encoded", made)
            return made
        return self._encoded

    def encoded_as(self, encoded: bytes) -> Result:
        """This result, whose body somebody has encoded already."""
        object.__setattr__(self, "_encoded", encoded)
        return self


MISSING = "nothing"
"""What came in the place of something that was left out."""

UNKNOWN = "an unknown member"
"""What came where no member of this name is allowed."""

UNKNOWN_ID = "an unknown ID"
"""What came where the ID of something that exists was expected."""

_UNKNOWN_KEYWORDS = frozenset({"unknown", "additionalProperties", "unevaluatedProperties"})
"""Of violations whose pointer names such a member."""

_KINDS_OF_PLACE = {"query": "Query parameter", "header": "Header", "path": "Path parameter"}


def departure(kind: str, place: str, expected: str, came: str, *, unknown: bool = False) -> str:
    """A sentence on one thing that is wrong: where it is, what was expected there, and what came."""
    if came == MISSING:
        return f"{kind} {place} is missing; expected {expected}" if place else f"expected {expected}, got nothing"
    if unknown or came == UNKNOWN:
        return f"{kind} {place} is unknown; expected {expected}"
    return f"{place or 'body'}: expected {expected}, got {came}"


@dataclass(frozen=True, slots=True)
class Violation:
    """One departure of a request or an answer from the contract. A value: it is never raised."""

    where: str
    """route, header, query, path, media, body or response."""
    pointer: str
    """JSON Pointer into the body, or the name of the parameter or header."""
    keyword: str
    """What was broken, in JSON Schema's word where it has one: required, type, enum, pattern …"""
    expected: str
    came: str
    """The kind of thing that came, never its value: it might be a secret."""
    blocks: bool = False
    """Whether the service itself refuses this; the others stay findings."""

    def __str__(self) -> str:
        kind = _KINDS_OF_PLACE.get(self.where, "Member")
        return departure(kind, self.pointer, self.expected, self.came, unknown=self.keyword in _UNKNOWN_KEYWORDS)


@dataclass(frozen=True, slots=True)
class Request:
    """A call after the contract and the gateway have seen it: what a resource handler works on."""

    call: Call
    operation: str
    tenant: Tenant
    path: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The query parameters that the operation has, as the contract types them."""
    body: Json = None
    sources: list[str] = field(default_factory=list)
    """Which sources behind connections were asked: whoever asks one adds it."""
