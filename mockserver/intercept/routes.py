"""Decides where a recorded request is sent, and which parts of its head are changed."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.intercept.front import refusal
from mockserver.intercept.hosts import EMULATED, without_port
from mockserver.intercept.messages import RelayedRequest

CODINGS = (b"gzip", b"deflate", b"identity")
"""Compressions that are decompressed for the recording."""
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)")
_FIELD = re.compile(rb"(?m)^([^\s:]++)(:[ \t]*+)([^\r\n]*+)(\r?\n)")
_FOR_THE_PROXY = (b"proxy-authorization", b"proxy-connection")


class NotForwarded(Exception):
    """A request that is not passed on, with status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Upstream(NamedTuple):
    """The address of a service."""

    host: str
    port: int
    is_tls: bool


class Routes:
    """Leads requests to `upstream`, or to the host that the client asked for if it is one of Adobe's."""

    def __init__(self, upstream: str = "") -> None:
        """Raises ValueError, whose message can be shown to users."""
        url = urlsplit(upstream)
        has_more = url.query or url.fragment or "@" in url.netloc
        if upstream and (url.scheme not in ("http", "https") or not url.hostname or has_more):
            raise ValueError("--upstream must be scheme, host and path of a URL, such as https://platform.adobe.io")
        is_tls = url.scheme == "https"
        self._place = Upstream(url.hostname or "", url.port or (443 if is_tls else 80), is_tls)
        self._name, self._base = url.netloc.encode(), url.path.rstrip("/").encode()

    def lead(self, request: RelayedRequest) -> tuple[Upstream, bytes]:
        """The place for a request, and its head as it is sent there. Raises NotForwarded."""
        target, host = _origin_form(request.target)
        if self._name:
            return self._place, _rewritten(request.head, self._base + target, self._name)
        asked = without_port((host or dict(request.fields).get(b"host", b"")).decode("latin-1"))
        if asked not in EMULATED:
            raise NotForwarded(403, refusal(asked))
        return Upstream(asked, 443, is_tls=True), _rewritten(request.head, target, host)


def _origin_form(target: bytes) -> tuple[bytes, bytes]:
    """The path and query of a target, and its host if the client sent a whole URL. Raises NotForwarded."""
    if target.startswith(b"/"):
        return target, b""
    url = _ABSOLUTE.fullmatch(target)
    if url is None:
        raise NotForwarded(400, "the target of the request is not a path")
    host, path = url[1].rpartition(b"@")[2], url[2]
    return path if path.startswith(b"/") else b"/" + path, host


def _rewritten(head: bytes, target: bytes, host: bytes) -> bytes:
    """A head with this target and host, without fields for a proxy or that would make the traffic unreadable."""
    line, end, fields = head.partition(b"\n")
    method, _, version = line.split(b" ")
    return b" ".join((method, target, version)) + end + _FIELD.sub(lambda found: _field(found, host), fields)


def _field(found: re.Match[bytes], host: bytes) -> bytes:
    name, value = found[1].lower(), found[3].rstrip(b" \t")
    space = found[3][len(value) :]
    if name in _FOR_THE_PROXY or (name == b"upgrade" and value.lower() == b"h2c"):
        return b""
    if name == b"host" and host:
        value = host
    elif name == b"accept-encoding":
        value = _readable(value)
    return found[1] + found[2] + value + space + found[4]


def _readable(accepted: bytes) -> bytes:
    """Accept-Encoding without compressions that the recorder cannot read, such as `br` of browsers and Node.js."""
    codings = accepted.split(b",")
    kept = [part for part in codings if part.partition(b";")[0].strip().lower() in CODINGS]
    return accepted if len(kept) == len(codings) else b",".join(kept).strip() or b"identity"
