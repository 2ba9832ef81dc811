"""What is known of one call and its answer afterwards: the journal keeps entries, rules and scenarios judge them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from mockserver.exchange import Tenant, Violation
from mockserver.json_input import Json

TOKEN_OPERATION = "issueToken"  # noqa: S105  (a name)
"""What entries of the token endpoint are recorded under; it is no operation of Flow Service."""

NOT_RECORDED = "(not recorded)"
"""In the place of a header's value or a body that a recording lacks; of a token after the word Bearer."""

UNREAD = Violation("request", "", "unread", "a request that the server can read, by a Host of its own", "another", True)
"""Of calls that were refused before the emulator: of some nothing is known but the method."""

_LINK = "continuationToken="


class Told(NamedTuple):
    """What an answer told its client that the client may use later."""

    etags: tuple[str, ...] = ()
    """Every etag the answer showed."""
    ids: tuple[str, ...] = ()
    """Every entity's id the answer showed."""
    next_page: str = ""
    """The continuation token the answer offered."""

    @classmethod
    def of(cls, answer: Json) -> Told:
        """Read off an answer."""
        if not isinstance(answer, dict):
            return cls()
        items = answer.get("items")
        records = items if isinstance(items, list) else [answer]
        return cls(_texts_of(records, "etag"), _texts_of(records, "id"), _next_page(answer))

    @property
    def size(self) -> int:
        """Bytes it takes, roughly."""
        return 90 * (len(self.etags) + len(self.ids)) + len(self.next_page)


NOTHING_TOLD = Told()


def _texts_of(records: list[Any], name: str) -> tuple[str, ...]:
    """The texts that records have under a name."""
    try:
        texts = tuple(map(itemgetter(name), records))  # all there is to do for a page of ours, in a third of the time
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
    """What judging needs beyond the masked and shortened texts. Never printed, and no secret can be read from it."""

    body: int = 0
    """Equal for equal bodies. Python's own hash, which is keyed anew by each process."""
    sent_mask: bool = False
    """Whether the client sent our mask in place of a secret."""
    watch_ms: int | None = None
    """When it was recorded, by a clock that nobody can set; None for what was recorded elsewhere."""
    told: Told = NOTHING_TOLD
    hung_up: bool = False
    """Whether the client hung up before the whole answer was sent; known of answers that a fault delays."""
    partial: bool = False
    """Whether the answer's body is missing from a recording: what it told is not known."""
    repeats: tuple[str, ...] = ()
    """Pointers to names and descriptions in the body that hold one of its secrets."""


_NO_TRACES = Traces()


class CallFilter(NamedTuple):
    """Which calls are asked for; what is left as it is lets every call through."""

    answered: tuple[int, int] = (0, 1000)
    """Lowest status, and the one above the highest."""
    text: str = ""
    """Part of method and path, such as `POST /conn`; in any case."""
    faulty: bool = False
    """Only calls that a fault struck."""
    entity: str = ""
    """The id of a record: only calls that name it in their path or made it."""

    def takes(self, method: str, path: str, status: int, fault: str | None, answer: str | bytes) -> bool:
        """Whether a call is one of those asked for."""
        if not self.answered[0] <= status < self.answered[1] or (self.faulty and fault is None):
            return False
        if self.text and self.text.lower() not in f"{method} {path}".lower():
            return False
        if not self.entity or self.entity in path:
            return True
        told = answer if isinstance(answer, bytes) else answer.encode()
        return method == "POST" and status == 201 and self.entity.encode() in told


class Entry(NamedTuple):
    """One call and its answer, masked."""

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
    """What the answer said in headers: ETag, Location, Allow, Retry-After."""
    fault: str | None
    """The fault that was injected into this exchange, if one was."""
    violations: tuple[Violation, ...]
    request_id: str
    traces: Traces = _NO_TRACES
    source: str | None = None
    """Which source behind a connection was asked, if one was."""

    @property
    def refusal(self) -> str:
        """What a refusal says in words; "" for other answers."""
        if self.status < 400:
            return ""
        try:
            answer = json.loads(self.answer)
        except ValueError:
            return ""
        return words(answer) if isinstance(answer, dict) else ""

    def as_json(self) -> dict[str, Any]:
        """The entry as `/_mock/journal` prints it."""
        shown = self._asdict()
        del shown["traces"]
        shown["tenant"] = self.tenant._asdict() if self.tenant else None
        shown["violations"] = [dataclasses.asdict(violation) for violation in self.violations]
        return shown


def words(answer: Mapping[str, Any]) -> str:
    """A refusal in its own words: of the service or the gateway; "" where it has none."""
    said = answer.get("errorMessage") or answer.get("message") or answer.get("detail")
    return said if isinstance(said, str) else ""
