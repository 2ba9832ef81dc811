"""Journal entries: one request and its response each. The journal returns them; rules and scenarios judge them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from mockserver.exchange import Tenant, Violation
from mockserver.json_input import Json

TOKEN_OPERATION = "issueToken"  # noqa: S105  (a name)
"""Operation of entries of the token endpoint. It is not an operation of Flow Service."""

NOT_RECORDED = "(not recorded)"
"""Replaces a header value, a body or the token after `Bearer` that a recording does not contain."""

UNREAD = Violation("request", "", "unread", "a readable request with a Host of this server", "another", True)
"""Violation of a request that the server refused before the emulator. Often only its method is known."""

_LINK = "continuationToken="


class ResponseFacts(NamedTuple):
    """The values of a response that a client can use in later requests."""

    etags: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    """The ids of its entities."""
    next_page: str = ""
    """Its continuation token."""

    @classmethod
    def of(cls, answer: Json) -> ResponseFacts:
        """Extract them from a response body."""
        if not isinstance(answer, dict):
            return cls()
        items = answer.get("items")
        records = items if isinstance(items, list) else [answer]
        return cls(_texts_of(records, "etag"), _texts_of(records, "id"), _next_page(answer))

    @property
    def size(self) -> int:
        """Estimated memory in bytes."""
        return 90 * (len(self.etags) + len(self.ids)) + len(self.next_page)


NO_FACTS = ResponseFacts()


def _texts_of(records: list[Any], name: str) -> tuple[str, ...]:
    """The string values of one member of the records."""
    try:
        texts = tuple(map(itemgetter(name), records))  # fast path: every record of our own pages has the member
        "".join(texts)
    except (KeyError, IndexError, TypeError):
        found = (record.get(name) for record in records if isinstance(record, dict))
        return tuple([text for text in found if isinstance(text, str)])
    return texts


def _next_page(answer: Mapping[str, Any]) -> str:
    links = answer.get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return href.partition(_LINK)[2].partition("&")[0] if isinstance(href, str) else ""


class Traces(NamedTuple):
    """Facts that rules need and the masked, shortened texts lack. Never printed; contains no secret."""

    body: int = 0
    """Hash of the body, with a key that differs per process (Python's `hash`)."""
    sent_mask: bool = False
    """Whether the client sent our mask in place of a secret."""
    watch_ms: int | None = None
    """When it was recorded, by the monotonic clock; None for imported recordings."""
    response: ResponseFacts = NO_FACTS
    hung_up: bool = False
    """Whether the client disconnected before the response was complete. Only known if a fault delayed the response."""
    partial: bool = False
    """Whether the response body is missing from a recording."""
    repeats: tuple[str, ...] = ()
    """Pointers to names and descriptions in the body that hold one of its secrets."""


_NO_TRACES = Traces()


class CallFilter(NamedTuple):
    """Selects calls. The defaults select every call."""

    statuses: tuple[int, int] = (0, 1000)
    """Range of statuses; the second is exclusive."""
    text: str = ""
    """Substring of method and path, such as `POST /conn`. Case is ignored."""
    faulty: bool = False
    """Only calls with an injected fault."""
    entity: str = ""
    """Id of a record: only calls with this id in their path, and the call that created it."""

    def matches(self, method: str, path: str, status: int, fault: str | None, answer: str | bytes) -> bool:
        """Whether a call is selected."""
        if not self.statuses[0] <= status < self.statuses[1] or (self.faulty and fault is None):
            return False
        if self.text and self.text.lower() not in f"{method} {path}".lower():
            return False
        if not self.entity or self.entity in path:
            return True
        body = answer if isinstance(answer, bytes) else answer.encode()
        return method == "POST" and status == 201 and self.entity.encode() in body


class Entry(NamedTuple):
    """One request and its response, masked."""

    number: int
    at_ms: int
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    operation: str | None
    tenant: Tenant | None
    status: int
    error: str | None
    answer: str
    answer_headers: Mapping[str, str]
    """Response headers: ETag, Location, Allow, Retry-After."""
    fault: str | None
    """The injected fault, if any."""
    violations: tuple[Violation, ...]
    request_id: str
    traces: Traces = _NO_TRACES
    source: str | None = None
    """The source behind a connection that was queried, if any."""

    @property
    def refusal(self) -> str:
        """The message of an error response; "" for other responses."""
        if self.status < 400:
            return ""
        try:
            answer = json.loads(self.answer)
        except ValueError:
            return ""
        return error_message(answer) if isinstance(answer, dict) else ""

    def as_json(self) -> dict[str, Any]:
        """The entry as returned by `/_mock/journal`."""
        shown = self._asdict()
        del shown["traces"]
        shown["tenant"] = self.tenant._asdict() if self.tenant else None
        shown["violations"] = [violation._asdict() for violation in self.violations]
        return shown


def error_message(answer: Mapping[str, Any]) -> str:
    """The message in an error body of the service or the gateway; "" if it has none."""
    message = answer.get("errorMessage") or answer.get("message") or answer.get("detail")
    return message if isinstance(message, str) else ""
