"""Decides which headers are written to a recording: those that a replay needs or that explain a response."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress

NOT_WRITTEN = "(not recorded)"
"""Replaces the value of a header that is not written."""

SCHEME = re.compile(r"[A-Za-z-]{1,20}")
_TYPE = r"(?:application|text|\*)/(?:vnd\.adobe\.[a-z.+-]{1,60}|[a-z]+\+json|x-www-form-urlencoded|[a-z]{1,8}|\*)"
_MEDIA = _TYPE + r"(?:\s*;\s*(?:version|charset|q|v)=\"?[\w.-]{1,12}\"?)*"
_DATE = r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
_WORDS = r"\*|[A-Za-z-]{1,30}(?:=\d{1,9})?(?:\s*[,;]\s*[A-Za-z-]{1,30}(?:=\d{1,9})?){0,20}"

WRITTEN: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("accept", "content-type"), re.compile(rf"{_MEDIA}(?:\s*,\s*{_MEDIA}){{0,10}}", re.IGNORECASE)),
    **dict.fromkeys(
        ("allow", "cache-control", "content-encoding", "content-language", "expect", "prefer", "vary"),
        re.compile(_WORDS),
    ),
    **dict.fromkeys(("x-request-id", "x-sandbox-id"), re.compile(r"[0-9A-Fa-f-]{8,64}")),
    **dict.fromkeys(("server", "user-agent"), re.compile(r"[A-Za-z-]{1,30}(?:/[\d.]{1,15})?")),
    "content-length": re.compile(r"\d{1,12}"),
    "date": re.compile(_DATE),
    "retry-after": re.compile(rf"\d{{1,9}}|{_DATE}"),
    "x-sandbox-name": re.compile(r"[\w-]{1,256}"),
}
"""Header -> pattern of the values that are written. Other values are replaced by stand-ins."""

_OF_THE_CONNECTION = frozenset(
    ("accept-encoding", "connection", "host", "keep-alive", "transfer-encoding", "via", "x-forwarded-for")
)
_WITHOUT_CREDENTIALS = frozenset(
    {
        "accept-charset", "accept-language", "accept-ranges", "age", "alt-svc", "content-disposition", "content-range",
        "content-security-policy", "dnt", "expires", "forwarded", "from", "if-modified-since", "if-range",
        "if-unmodified-since", "last-modified", "link", "max-forwards", "origin", "pragma", "priority", "range",
        "referer", "save-data", "server-timing", "strict-transport-security", "te", "trailer", "upgrade",
        "upgrade-insecure-requests", "warning", "x-content-type-options", "x-frame-options", "x-requested-with",
        "x-xss-protection",
    }
)  # fmt: skip
_WITHOUT_CREDENTIALS_BELOW = ("access-control-", "cross-origin-", "sec-", "x-forwarded-", "x-mock-")


def may_hold_credentials(name: str) -> bool:
    """Whether a header may contain credentials, which must not occur anywhere in the file."""
    known = name in _OF_THE_CONNECTION or name in _WITHOUT_CREDENTIALS
    return not known and not name.startswith(_WITHOUT_CREDENTIALS_BELOW)


def parts(name: str, value: str) -> Iterator[str]:
    """The parts of credentials: values of cookies, user and password of Basic, token of other schemes."""
    if "cookie" in name:
        yield from (pair.partition("=")[2].strip().strip('"') for pair in value.split(";"))
        return
    scheme, _, token = value.rpartition(" ")
    if scheme:
        yield from (token, value.partition(" ")[2])
    with suppress(ValueError):
        yield from base64.b64decode(token, validate=True).decode("utf-8").split(":", 1)
