"""Reads one entry of a HAR file: a request, its response, and what the tool that wrote it left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from mockserver.exchange import BASE_PATH, Call, Result, adobe_site, decoded_path
from mockserver.har import answers, bodies
from mockserver.har.gaps import NOT_RECORDED, Gaps, has_passed, is_left_out
from mockserver.har.reading import MAX_BYTES

_NEIGHBOURS = "/data/foundation/"
TOKEN_PATHS = ("/ims/token", "/ims/exchange")
"""Beginnings of the paths of the token endpoint."""
_OF_THE_GATEWAY = frozenset({"authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "if-match"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_MAX_DURATION_MS = 3_600_000
_TOKEN_MISSING = ("403010", "ErrMissingOauthToken")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange in the file."""

    call: Call
    result: Result
    host: str
    """Empty unless the base path identifies the service."""
    gaps: Gaps
    whole: bool = True
    """False if the response is incomplete."""
    dated: bool = True
    """False if its time cannot be read."""
    ended_ms: int = 0
    """When the response ended; the start if this is not in the file."""
    sequence: int = 0
    """Its number in a file of our own recorder."""


def _place(address: str) -> tuple[SplitResult, str, str] | None:
    """URL, path without base path, and host if the base path identifies the service; None for other traffic."""
    try:
        url = urlsplit(address)
        host = url.hostname or ""
    except ValueError:  # not a URL of Adobe
        return None
    path = decoded_path(url.path) or "/"
    if path == "/favicon.ico":  # asked for by the browser
        return None
    if path.startswith(TOKEN_PATHS):
        return url, path, host
    if path == BASE_PATH or path.startswith(BASE_PATH + "/"):
        return url, path[len(BASE_PATH) :] or "/", host or "-"
    # on Adobe's host, a path of the service without the base path is a mistake of the client
    here = host in ("127.0.0.1", "localhost", "::1") or path.startswith(_NEIGHBOURS) or adobe_site(host) == "platform"
    return (url, path, "") if here else None


def _is_preflight(raw: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether this is a CORS preflight request, which is never authorized."""
    return str(request["method"]).upper() == "OPTIONS" and (
        raw.get("_resourceType") == "preflight" or "authorization" not in _headers(request)
    )


def read(raw: Mapping[str, Any]) -> Recorded | None:
    """Read an entry; None for other traffic. Raises KeyError, TypeError, AttributeError or ValueError."""
    request = raw["request"]
    where = _place(str(request["url"]))
    if where is None or _is_preflight(raw, request):
        return None
    return _read(raw, request, raw.get("response") or {}, *where)


def _read(
    raw: Mapping[str, Any],
    request: Mapping[str, Any],
    response: Mapping[str, Any],
    url: SplitResult,
    path: str,
    host: str,
) -> Recorded:
    flow = raw.get("_flow")
    extension: Mapping[str, Any] = flow if isinstance(flow, dict) else {}
    result, lacks_response = _response(response, certain=bool(extension))
    certain = bool(extension) or path.startswith(TOKEN_PATHS)  # the token endpoint requires no headers
    headers, unrecorded = _sent_headers(request, result, certain=certain)
    post = request.get("postData") or request.get("_content") or {}  # the latter of HTTP Toolkit
    method, body = str(request["method"]).upper(), bodies.sent(post)
    if body and post.get("mimeType"):
        headers.setdefault("content-type", str(post["mimeType"]))
    call = Call(
        method=method,
        path=path,
        query=url.query or _query(request),
        headers=headers,
        body=body,
        request_id=_headers(response).get("x-request-id", "")[:64],
        received_ms=_milliseconds(raw.get("startedDateTime")),
        mounted=adobe_site(url.hostname or "") != "platform" or BASE_PATH in url.path,
        in_clear=url.scheme == "http" and bool(adobe_site(url.hostname or "")),
    )
    redacted = bool(extension and body)  # and so of another size than sent
    length = headers.get("content-length", "")
    lacks_request = not redacted and bodies.lacks_request(method, request, length, body, result)
    # a body has at least a Content-Type; our own files have the names of all headers
    lacks_headers = not extension and result.body is not None and not _headers(response)
    gaps = Gaps(unrecorded, lacks_request, lacks_response, lacks_headers)
    dated = bool(call.received_ms) or not raw.get("startedDateTime")
    whole, ended_ms = extension.get("whole") is not False, call.received_ms + _duration(raw.get("time"))
    return Recorded(call, result, host, gaps, whole, dated, ended_ms, sequence(raw))


def sequence(raw: Any) -> int:
    """The number of an entry of our own recorder; 0 for those of others."""
    flow = raw.get("_flow") if isinstance(raw, dict) else None
    number = flow.get("sequence") if isinstance(flow, dict) else None
    return number if isinstance(number, int) else 0


def _duration(milliseconds: object) -> int:
    """A duration in whole milliseconds; 0 if it is missing or unknown, which is -1 in HAR."""
    known = isinstance(milliseconds, int | float) and 0 < milliseconds < _MAX_DURATION_MS
    return int(milliseconds) if known else 0  # type: ignore[call-overload]


def _query(request: Mapping[str, Any]) -> str:
    """The query, for tools that leave it out of the URL."""
    rows = [row for row in request.get("queryString") or () if row.get("name")]
    return urlencode([(str(row["name"]), str(row.get("value") or "")) for row in rows])


def _sent_headers(
    request: Mapping[str, Any], result: Result, *, certain: bool
) -> tuple[dict[str, str], frozenset[str]]:
    """The request's headers, and the names of those whose values an exporter or sanitizer has removed.

    Chrome removes Authorization, so it is assumed to be sent unless the gateway reported it missing. Our own files
    (`certain`) contain the names of all headers.
    """
    headers = _headers(request)
    of_adobe = bool(adobe_site(urlsplit(str(request["url"])).hostname or ""))
    passed = not certain and of_adobe and has_passed(result)
    unrecorded = {name for name, value in headers.items() if name in _OF_THE_GATEWAY and is_left_out(value, passed)}
    if not certain and not headers:  # every client sends headers: an exporter has removed them
        unrecorded |= _OF_THE_GATEWAY
    if not certain and not headers.get("authorization", "").strip() and result.error not in _TOKEN_MISSING:
        unrecorded.add("authorization")
    placed = {name: f"Bearer {NOT_RECORDED}" if name == "authorization" else NOT_RECORDED for name in unrecorded}
    return {**headers, **placed}, frozenset(unrecorded)


def _headers(holder: Mapping[str, Any]) -> dict[str, str]:
    """Headers with names in lower case and repeated ones joined, without HTTP/2 pseudo headers and incomplete rows.

    Rows with an invalid name are left out. A null value of a gateway header means that it was removed. Rows that
    are entirely equal count once, because exporters join the headers that the page set with those that the browser
    sent.
    """
    headers: dict[str, str] = {}
    rows: set[tuple[str, str]] = set()
    for row in holder.get("headers") or ():
        name, value = str(row.get("name") or "").lower(), row.get("value")
        if value is None and name in _OF_THE_GATEWAY:
            value = NOT_RECORDED
        if value is not None and _NAME.fullmatch(name) and (name, str(value)) not in rows:
            rows.add((name, str(value)))
            headers[name] = f"{headers[name]}, {value}" if name in headers else str(value)
    return headers


def _response(response: Mapping[str, Any], *, certain: bool) -> tuple[Result, bool]:
    """The response, and whether its body is missing or damaged in the file. Our own files are `certain` of sizes."""
    status, content = bodies.number(response.get("status"), 0), response.get("content") or {}
    try:
        raw, damaged = bodies.received(content), False
    except ValueError:
        raw, damaged = b"", True
    headers = _headers(response)
    result = answers.read(status, answers.kept(headers.items()), raw, max_bytes=MAX_BYTES)
    empty = headers.get("content-length") == "0" or (certain and bodies.number(content.get("size"), -1) == 0)
    lacking = bodies.lacks_response(content, result, empty=empty)
    return result, damaged or answers.is_unread(raw, result) or lacking


def _milliseconds(started: object) -> int:
    """Convert a time to milliseconds since 1970; 0 if it is missing or cannot be read."""
    try:
        return max(0, int(datetime.fromisoformat(str(started)).timestamp() * 1000)) if started else 0
    except (ValueError, OverflowError, OSError):
        return 0
