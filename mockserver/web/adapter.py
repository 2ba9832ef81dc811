"""Between WSGI and the emulator: a request becomes a `Call`, a `Result` becomes a response.

The only place that knows what an answer looks like in HTTP.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Response
from werkzeug.http import HTTP_STATUS_CODES

from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, PLATFORM_HOST, TOKEN_HOST, Call, Result
from mockserver.runtime import Runtime
from mockserver.web.delivered import Delivered

BODY_ERROR = "mockserver.body_error"
"""Set in the environ by the server when it could not or would not read the body."""

_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)

_NOT_A_PAGE = ("X-Content-Type-Options", "nosniff")
"""Answers quote what was sent, and a browser may look whether that reads like HTML."""

_BODY_REFUSALS = {
    "too_large": ("too_large", "The request body is larger than this server accepts."),
    "too_slow": ("body_timeout", "The request body did not arrive in time."),
    "framing": ("framing", "The length of the request is ambiguous. Send either Content-Length or Transfer-Encoding."),
}


def read_call(environ: dict[str, object], runtime: Runtime, max_body: int) -> Call:
    """The request as the core sees it. Raises ApiError when its body cannot be read, but for one that is too large."""
    try:
        return call_of(environ, runtime, read_body(environ, max_body))
    except ApiError as refusal:
        if refusal.key != "too_large":
            raise
        return call_of(environ, runtime, oversized=True)  # the contract's to refuse


def call_of(environ: dict[str, object], runtime: Runtime, body: bytes = b"", *, oversized: bool = False) -> Call:
    """The request as the core sees it, with a body that has been read, or without one."""
    path, site = path_of(environ), site_of(environ)
    below = site != "token" and (path == BASE_PATH or path.startswith(BASE_PATH + "/"))
    fields = tuple([item for item in environ.items() if item[0].startswith("HTTP_")])
    return Call(
        method=str(environ["REQUEST_METHOD"]),
        path=path[len(BASE_PATH) :] or "/" if below else path,
        query=str(environ.get("QUERY_STRING", "")),
        headers=_headers(fields, environ.get("CONTENT_TYPE") or ""),
        body=body,
        request_id=runtime.request_id(),
        received_ms=runtime.clock.now_ms(),
        origin=f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '127.0.0.1')}",
        oversized=oversized,
        mounted=below or not site,
        in_clear=bool(site) and "https" not in (environ["wsgi.url_scheme"], environ.get("HTTP_X_FORWARDED_PROTO")),
    )


@functools.lru_cache(maxsize=128)  # the same value for calls with the same headers, as nearly all of a client's are
def _headers(fields: tuple[tuple[str, str], ...], content_type: str) -> Mapping[str, str]:
    """A call's headers by the names they have in HTTP."""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in fields}
    return {**headers, "content-type": content_type} if content_type else headers


def site_of(environ: Mapping[str, object]) -> str:
    """Which of Adobe's hosts a request names: `platform` or `token`; empty for any other host."""
    return _site(str(environ.get("HTTP_HOST", ""))[:300])


@functools.lru_cache(maxsize=64)
def _site(host: str) -> str:
    name = re.sub(r":[0-9]{1,5}$", "", host).lower().removesuffix(".")
    return "platform" if PLATFORM_HOST.fullmatch(name) else "token" if TOKEN_HOST.fullmatch(name) else ""


def path_of(environ: dict[str, object]) -> str:
    """The path of a request, decoded: WSGI hands it over as latin-1 text of the raw bytes (PEP 3333)."""
    path = str(environ.get("PATH_INFO") or "/")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def keep_encoded_slashes(environ: dict[str, Any]) -> None:
    """Decode the path again where it holds `%2F`: that is a part of its segment, not the end of it (RFC 3986 §2.2)."""
    path = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    if not _ENCODED_SLASH.search(path):
        return
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    environ["PATH_INFO"] = unquote_to_bytes(_ENCODED_SLASH.sub("%252F", path)).decode("latin-1")


def read_body(environ: dict[str, object], max_body: int) -> bytes:
    """The whole body, if it is whole and within bounds. Raises ApiError otherwise."""
    trouble = environ.get(BODY_ERROR)
    if trouble:
        key, detail = _BODY_REFUSALS[str(trouble)]
        raise ApiError(key, detail=detail, headers=(("Connection", "close"),))
    length = environ.get("CONTENT_LENGTH")
    chunked = bool(environ.get("wsgi.input_terminated"))
    if not length and not chunked:
        return b""
    wanted = int(str(length)) if length else max_body + 1
    if length and wanted > max_body:
        raise ApiError("too_large", detail="The request body is larger than this server accepts.")
    stream = environ["wsgi.input"]
    body: bytes = stream.read(wanted)  # type: ignore[attr-defined]
    if len(body) > max_body:
        raise ApiError("too_large", detail="The request body is larger than this server accepts.")
    if length and len(body) != wanted:
        raise ApiError("framing", detail="The request body is shorter than its Content-Length.")
    return body


def send(result: Result, request_id: str, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a WSGI request with a result as `write` does, in a fraction of the time that a response object takes."""
    if result.delivery is not None:
        return write(result, request_id)(environ, start_response)
    phrase = HTTP_STATUS_CODES.get(result.status, "unknown").upper()
    start_response(f"{result.status} {phrase}", _head(result, request_id))
    return () if environ["REQUEST_METHOD"] == "HEAD" else (result.encoded,)


def write(result: Result, request_id: str) -> Response:
    """The HTTP response of a result."""
    head = _head(result, request_id)
    if result.delivery is not None:
        return Delivered(result, head)
    response = Response(result.encoded, result.status, head)
    if result.body is None:
        del response.headers["Content-Type"]
    return response


def _head(result: Result, request_id: str) -> list[tuple[str, str]]:
    """The header fields of a response, the same on both ways."""
    head = [*result.headers, ("x-request-id", request_id), _NOT_A_PAGE]
    if result.delivery is not None:  # it says itself what it sends
        return head
    if result.body is not None:
        head.append(("Content-Type", "application/json"))
    if result.status not in (204, 304):
        head.append(("Content-Length", str(len(result.encoded))))
    return head
