"""Converts WSGI requests to `Call` and `Result` to HTTP responses."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Response
from werkzeug.http import HTTP_STATUS_CODES

from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, PLATFORM_HOST, TOKEN_HOST, Call, Result, decoded_path
from mockserver.runtime import Runtime
from mockserver.web.delivered import Delivered

BODY_ERROR = "mockserver.body_error"
"""Key in the environ that the server sets if it did not read the body."""

_NOT_A_PAGE = ("X-Content-Type-Options", "nosniff")
"""Responses quote what was sent, which a browser must not interpret as HTML."""

_BODY_REFUSALS = {
    "too_large": ("too_large", "The request body is larger than this server accepts."),
    "too_slow": ("body_timeout", "The request body did not arrive in time."),
    "framing": ("framing", "The length of the request is ambiguous. Send either Content-Length or Transfer-Encoding."),
}


def read_call(environ: dict[str, object], runtime: Runtime, max_body: int) -> Call:
    """Convert a request to a `Call`. Raises ApiError if its body cannot be read, except if it is too large."""
    try:
        return call_of(environ, runtime, read_body(environ, max_body))
    except ApiError as refusal:
        if refusal.key != "too_large":
            raise
        return call_of(environ, runtime, oversized=True)  # the contract refuses it


def call_of(environ: dict[str, object], runtime: Runtime, body: bytes = b"", *, oversized: bool = False) -> Call:
    """Convert a request to a `Call` with the given body."""
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


@functools.lru_cache(maxsize=128)  # a client sends the same headers with nearly every request
def _headers(fields: tuple[tuple[str, str], ...], content_type: str) -> Mapping[str, str]:
    """Convert fields of the environ to headers with their names in HTTP."""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in fields}
    return {**headers, "content-type": content_type} if content_type else headers


def site_of(environ: Mapping[str, object]) -> str:
    """The Adobe host that a request names: `platform` or `token`; empty for other hosts."""
    return _site(str(environ.get("HTTP_HOST", ""))[:300])


@functools.lru_cache(maxsize=64)
def _site(host: str) -> str:
    name = re.sub(r":[0-9]{1,5}$", "", host).lower().removesuffix(".")
    return "platform" if PLATFORM_HOST.fullmatch(name) else "token" if TOKEN_HOST.fullmatch(name) else ""


def path_of(environ: dict[str, object]) -> str:
    """The decoded path of a request. WSGI provides it as latin-1 text of the bytes (PEP 3333)."""
    path = str(environ.get("PATH_INFO") or "/")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def keep_encoded_slashes(environ: dict[str, Any]) -> None:
    """Keep `%2F` in the path encoded, because it is part of a segment and does not end it (RFC 3986 §2.2)."""
    path = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    if "2f" not in path.lower():
        return
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    sent = path.encode("latin-1").decode("utf-8", "replace")
    environ["PATH_INFO"] = decoded_path(sent).encode().decode("latin-1")


def read_body(environ: dict[str, object], max_body: int) -> bytes:
    """Read the body. Raises ApiError if it is incomplete or too large."""
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
    """Send a result as the WSGI response. Same response as from `write`, but much faster."""
    if result.delivery is not None:
        return write(result, request_id)(environ, start_response)
    phrase = HTTP_STATUS_CODES.get(result.status, "unknown").upper()
    start_response(f"{result.status} {phrase}", _head(result, request_id))
    return () if environ["REQUEST_METHOD"] == "HEAD" else (result.encoded,)


def write(result: Result, request_id: str) -> Response:
    """Convert a result to a Flask response."""
    head = _head(result, request_id)
    if result.delivery is not None:
        return Delivered(result, head)
    response = Response(result.encoded, result.status, head)
    if result.body is None:
        del response.headers["Content-Type"]
    return response


def _head(result: Result, request_id: str) -> list[tuple[str, str]]:
    """The response headers, the same for `send` and `write`."""
    head = [*result.headers, ("x-request-id", request_id), _NOT_A_PAGE]
    if result.delivery is not None:  # `Delivered` adds the others
        return head
    if result.body is not None:
        head.append(("Content-Type", "application/json"))
    if result.status not in (204, 304):
        head.append(("Content-Length", str(len(result.encoded))))
    return head
