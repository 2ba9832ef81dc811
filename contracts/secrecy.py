"""Decides what a run may write of requests and responses: values from harmless places, else kind and length.

The contract defines the harmless members and query parameters; for headers there is a list. The operator's
credentials are in no text, and URLs lose their user info.
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote_plus

from contracts.wire import parsed

SHOWN = "********"
"""Replaces the operator's credentials in texts."""

_KEY = random.SystemRandom().randbytes(16)
_HARMLESS_HEADERS = frozenset(
    {"accept", "accept-encoding", "allow", "cache-control", "connection", "content-encoding", "content-length"}
    | {"content-type", "date", "etag", "host", "if-match", "keep-alive", "retry-after", "server", "transfer-encoding"}
    | {"user-agent", "vary", "x-gw-ims-org-id", "x-request-id", "x-sandbox-id", "x-sandbox-name", "location"}
)
_USERINFO = re.compile(r"(?<=//)(?!\[)(?:([^\s/?#]+)(?=@)|[^\s:/?#@]*+:(?!\d{1,5}(?:[/?#,;\s]|$))\S++)")
_WORD = re.compile(r"[A-Za-z_.-]{0,40}")
_PLACEHOLDER = re.compile(r"\{[A-Z_]+\}|\**")


class Mask:
    """Redacts requests and responses. `names`: harmless members and parameters; see `Document.harmless_names`."""

    def __init__(self, secrets: Iterable[str], names: Iterable[str] = ()) -> None:
        self._forms = sorted({form for text in secrets for form in _forms(text)}, key=len, reverse=True)
        self._names = frozenset(names)

    def text(self, text: str) -> str:
        """A message without the operator's credentials and without user info in URLs."""
        text = _USERINFO.sub(_without_login, text) if "//" in text else text
        for form in self._forms:
            text = text.replace(form, SHOWN)
        return text

    def url(self, url: str) -> str:
        """A URL or target. Its query keeps the values of known parameters only."""
        path, mark, query = url.partition("?")
        return self.text(path + mark + "&".join(map(self._parameter, query.split("&"))))

    def _parameter(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if f"?{unquote_plus(name)}" in self._names and "auth" not in unquote_plus(value).lower():
            return pair  # a filter on `auth` compares with credentials
        if not value:  # what stands alone may be a value itself
            return pair if _WORD.fullmatch(name) else f"{quote(hidden(name))}{equals}"
        return f"{name}{equals}{quote(hidden(value))}"

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Headers. Those that may carry credentials are hidden."""
        return [(self.text(name), self._header(name.lower(), value)) for name, value in headers]

    def _header(self, name: str, value: str) -> str:
        harmless = name in _HARMLESS_HEADERS and not (name == "host" and "@" in value)
        return self.url(value) if harmless else hidden(value)

    @functools.lru_cache(maxsize=16)  # noqa: B019  (one mask lives as long as the run)
    def body(self, body: bytes) -> str:
        """A body: JSON with the values of known members, or only the length if it is not JSON."""
        if not body:
            return ""
        value = parsed(body)
        if value is None and body.strip() != b"null":
            return hidden(body.decode("utf-8", "replace"))
        return self.text(json.dumps(self._value(value), ensure_ascii=False))

    def _value(self, value: Any, key: str = "", *, known: bool = True) -> Any:
        """The value of a member, or an item of it. What is unknown is hidden with everything below it."""
        if isinstance(value, dict) and known:
            return {name: self._member(name, inner) for name, inner in value.items()}
        if isinstance(value, list) and known:
            return [self._value(item, key) for item in value]
        if isinstance(value, str) and key == "queryString":
            return "&".join(map(self._parameter, value.split("&")))
        return value if key in self._names and not isinstance(value, dict | list) else _all_hidden(value)

    def _member(self, key: str, value: Any) -> Any:
        if key == "auth" and isinstance(value, dict):
            return {
                name: inner if name in ("specName", "type") else _all_hidden(inner) for name, inner in value.items()
            }
        if key == "value":  # a patch's, which may be a credential
            return _all_hidden(value)
        return self._value(value, key, known=f"{key}/" in self._names)


def _without_login(found: re.Match[str]) -> str:
    login, at, rest = found[0].rpartition("@")
    return SHOWN if found[1] else f"{SHOWN}{at}{rest}" if login else rest


def hidden(value: Any) -> str:
    """Kind, length and mark of a value. Equal values have equal marks within a run."""
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, str) and _PLACEHOLDER.fullmatch(text):
        return text
    mark = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=2, key=_KEY).hexdigest()
    return f"‹{'string' if isinstance(value, str) else 'number'}, {len(text)} characters, #{mark}›"


def _all_hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _all_hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_all_hidden(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else hidden(value)


def _forms(text: str) -> set[str]:
    """The encodings of a text: plain, JSON (with and without escaped non-ASCII characters), percent-encoded."""
    written = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {text, *written, quote(text), quote(text, safe="")}
