"""Decides which headers are written to a recording: those that a replay needs or that explain a response."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress

NOT_WRITTEN = "(not recorded)"
"""Replaces the value of a header that is not written."""

SCHEMES = frozenset({"basic", "bearer", "digest", "negotiate", "token", "apikey", "oauth", "aws4-hmac-sha256"})
_TYPE = (
    r"(?:\*/\*|text/(?:\*|csv|html|plain|xml)|application/(?:\*|octet-stream|pdf|xml|x-ndjson|x-www-form-urlencoded|"
    r"(?:problem\+|hal\+|ld\+|json-patch\+|merge-patch\+|vnd\.api\+|vnd\.adobe\.(?:platform\.|xdm|xed|xcore|"
    r"experience|adhoc|dual|activation|[-.+](?:full|notext|desc|id|link|deprecated|hal|json|v\d|adhoc|dual|activation))*\+?)?json(?:-patch|-seq|5)?))"
)
_CHARSET = r"utf-?(?:8|16|16le|16be)|us-ascii|ascii|iso-8859-1|latin-?1|windows-1252"
_MEDIA = _TYPE + rf"(?:\s*;\s*(?:version=\d{{1,2}}|charset=\"?(?:{_CHARSET})\"?|q=[01](?:\.\d{{1,3}})?))*"
_DATE = r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"
_LISTED = (
    r"\*|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|TRACE|no-cache|no-store|no-transform|private|public|must-revalidate|"
    r"proxy-revalidate|immutable|max-age=0|gzip|deflate|br|zstd|identity|100-continue|respond-async|"
    r"return=(?:minimal|representation)|[a-z]{2}(?:-[A-Z]{2})?"
)
_CLIENT = (
    r"(?:python-(?:requests|httpx|urllib3)|Python-urllib|aiohttp|curl|Wget|node(?:-fetch)?|undici|axios|got|"
    r"Java(?:-http-client)?|okhttp|Go-http-client|Apache-HttpClient|ReactorNetty|PostmanRuntime|insomnia|Ruby|Faraday|"
    r"Guzzle(?:Http)?|PowerShell|Bruno|HTTPie)"
)

WRITTEN: dict[str, re.Pattern[str]] = {
    **dict.fromkeys(("accept", "content-type"), re.compile(rf"{_MEDIA}(?:\s*,\s*{_MEDIA}){{0,10}}", re.IGNORECASE)),
    **dict.fromkeys(
        ("allow", "cache-control", "content-encoding", "content-language", "expect", "prefer"),
        re.compile(rf"(?:{_LISTED})(?:\s*[,;]\s*(?:{_LISTED})){{0,20}}"),
    ),
    "content-length": re.compile(r"\d{1,12}"),
    "date": re.compile(_DATE),
    "retry-after": re.compile(rf"\d{{1,9}}|{_DATE}"),
    "user-agent": re.compile(rf"{_CLIENT}(?:/\d{{1,3}}(?:\.\d{{1,3}}){{1,3}})?"),
    "x-request-id": re.compile("(?!)"),
    "x-sandbox-id": re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "x-sandbox-name": re.compile(r"[A-Za-z0-9_-]{1,256}"),
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
        "referer", "save-data", "server", "server-timing", "strict-transport-security", "te", "trailer", "upgrade",
        "upgrade-insecure-requests", "vary", "warning", "x-content-type-options", "x-frame-options", "x-requested-with",
        "x-xss-protection",
    }
)  # fmt: skip
_WITHOUT_CREDENTIALS_BELOW = ("access-control-", "cross-origin-", "sec-", "x-forwarded-", "x-mock-")

_WITH_CREDENTIALS = frozenset(
    {
        "authorization", "cookie", "etag", "if-match", "if-none-match", "location", "proxy-authenticate",
        "proxy-authorization", "set-cookie", "www-authenticate", "x-api-key", "x-gw-ims-org-id",
    }
)  # fmt: skip
NAMES = frozenset({*WRITTEN, *_OF_THE_CONNECTION, *_WITHOUT_CREDENTIALS, *_WITH_CREDENTIALS})
"""Names of headers that are written as they are."""


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
