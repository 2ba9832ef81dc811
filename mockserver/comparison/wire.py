"""Sends the requests of a replay over one HTTP connection."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from mockserver.exchange import Result
from mockserver.har import answers

_SECONDS = 30
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_MAX_BODY = 64 * 1_048_576


class Wire:
    """A connection to one server: `with Wire("http://127.0.0.1:8080") as wire: wire.send(...)`."""

    def __init__(self, url: str, extra: Mapping[str, str] | None = None) -> None:
        """`extra`: headers that replace the recorded ones. Raises ValueError for an invalid URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected a URL such as http://127.0.0.1:8080")
        if parts.username or parts.password:
            raise ValueError("expected a URL without user name and password; use --header instead")
        self._extra = {name.lower(): value for name, value in (extra or {}).items()}
        self._prefix = parts.path.rstrip("/")
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._link: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=_SECONDS, context=context
            )
        else:
            self._link = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_SECONDS)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()

    def _request(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        try:
            sendable = {name: _sendable(value) for name, value in headers.items()}
            self._link.request(method, target, body or None, sendable)
        except ValueError:  # of a file that others wrote: no method, name of a header or target of HTTP
            raise ConnectionError("not a request of HTTP") from None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Result:
        """Send a request and read the response. Raises OSError if there is none."""
        try:
            self._request(method, self._prefix + target, {**headers, **self._extra}, body)
            response = self._link.getresponse()
            raw = response.read(_MAX_BODY)
        except http.client.HTTPException as error:
            self._link.close()
            raise ConnectionError(type(error).__name__) from None
        except OSError:
            self._link.close()
            raise
        return answers.read(response.status, answers.kept(response.getheaders()), raw, max_bytes=_MAX_BODY)


def _sendable(value: str) -> bytes:
    """A header's value without line breaks, in the bytes that a client would send."""
    text = _CONTROL.sub(" ", value).strip()
    return text.encode("latin-1") if all(ord(sign) < 256 for sign in text) else text.encode("utf-8", "replace")
