"""Detects gaps in a HAR file: credentials that were removed or replaced, bodies that were left out.

A gap is marked in the journal entry, so that rules do not blame the client for it.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from mockserver.exchange import Result
from mockserver.journal.entries import NOT_RECORDED, Entry
from mockserver.secrecy.placeholders import HEADER_VARIABLE, unfilled_kind

__all__ = ["NOT_RECORDED", "STAND_IN", "Gaps", "has_passed", "is_hidden", "is_left_out", "is_sanitized"]

STAND_IN = "pseudo-"
"""Prefix of the stand-in for a text."""

_WORDS = (
    "redacted|removed|hidden|masked|sanitized|sanitised|filtered|scrubbed|obfuscated|omitted|stripped|anonymized|"
    "anonymised|censored|suppressed|confidential"
)
_BEFORE = r"[^a-z0-9]*+(?:[a-z0-9][a-z0-9-]*+[^a-z0-9][^a-z0-9]*+){0,3}(?:[a-z0-9]++-++){0,9}"
_AFTER = r"(?:-++[a-z0-9]++){0,3}(?:[^a-z0-9]++[a-z0-9][a-z0-9-]*+){0,3}[^a-z0-9]*+"
"""Words beside one of those; hyphens belong to the word before them."""

_SANITIZED = re.compile(
    rf"(?:bearer\s++)?(?:[^a-z0-9]{{3,}}|(.)\1{{2,}}|{_BEFORE}(?:{_WORDS}){_AFTER})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"bearer\s+", re.IGNORECASE)
_DUMMY = re.compile(r"(?:dummy|fake)(?![a-z0-9])", re.IGNORECASE)
_MAX_LENGTH = 120
_numbers = itertools.count(1)


def is_sanitized(value: str) -> bool:
    """Whether a tool has replaced a value: `[Authorization redacted]`, `*****`, `xxx`."""
    return value == NOT_RECORDED or (len(value) <= _MAX_LENGTH and _SANITIZED.fullmatch(value.strip()) is not None)


def is_left_out(value: str, passed: bool) -> bool:
    """Whether a header's value was replaced. If the request `passed`, so was a text that is no token, as `<token>`."""
    token = _BEARER.sub("", value.strip(), count=1)
    return is_sanitized(value) or (passed and bool(unfilled_kind(token, HEADER_VARIABLE) or _DUMMY.match(token)))


def has_passed(result: Result) -> bool:
    """Whether a response proves that the gateway accepted the headers: a success, or a code of the service."""
    return 200 <= result.status < 300 or "-" in (result.error or "")


def is_hidden(value: object) -> bool:
    """Whether a value in a recording, or a part of it, was replaced by our recorder or by another tool."""
    return isinstance(value, str) and (STAND_IN in value or is_sanitized(value))


@dataclass(frozen=True, slots=True)
class Gaps:
    """The parts of one exchange that are missing."""

    headers: frozenset[str]
    """Names of headers whose values are missing."""
    body: bool
    answer: bool
    answer_headers: bool = False

    def mark(self, entry: Entry, sanitized: bool) -> Entry:
        """Mark the gaps in an entry. `sanitized`: a mask in a body may come from the tool that wrote the file."""
        sent = {name: f"Bearer {NOT_RECORDED}" if name == "authorization" else NOT_RECORDED for name in self.headers}
        traces = entry.traces._replace(
            sent_mask=entry.traces.sent_mask and not sanitized,
            partial=self.answer,
            # unique, because it is unknown whether the same body was sent again
            body=-next(_numbers) if self.body else entry.traces.body,
        )
        body = NOT_RECORDED if self.body else entry.body
        return entry._replace(headers={**entry.headers, **sent}, body=body, traces=traces)
