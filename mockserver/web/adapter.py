"""Converts requests, of WSGI and of the server, to `Call`. Does not need Flask."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, AdobeSite, Call, Result, adobe_site, decoded_path
from mockserver.runtime import Runtime
from mockserver.web.received import BODY_ERROR, Received

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
    """Convert a request of WSGI to a `Call` with the given body."""
    fields = tuple([item for item in environ.items() if item[0][:5] == "HTTP_"])
    return make_call(
        runtime,
        method=str(environ["REQUEST_METHOD"]),
        path=path_of(environ),
        query=str(environ.get("QUERY_STRING", "")),
        headers=_headers(fields, environ.get("CONTENT_TYPE") or ""),
        body=body,
        scheme=str(environ["wsgi.url_scheme"]),
        oversized=oversized,
    )


def received_call(received: Received, path: str, runtime: Runtime, body: bytes, *, oversized: bool = False) -> Call:
    """Convert a request of the server to a `Call`. `path` is its decoded path."""
    return make_call(
        runtime,
        method=received.method,
        path=path,
        query=received.query,
        headers=received.headers,
        body=body,
        scheme=received.scope["scheme"],
        oversized=oversized,
    )


def make_call(
    runtime: Runtime,
    *,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    scheme: str,
    oversized: bool,
) -> Call:
    """A `Call` from the parts of a request: `path` decoded, `query` as sent, header names in lower case."""
    host = headers.get("host", "")
    site = _site(host[:300])
    below = site != "token" and (path == BASE_PATH or path.startswith(BASE_PATH + "/"))
    return Call(
        method=method,
        path=path[len(BASE_PATH) :] or "/" if below else path,
        query=query,
        headers=headers,
        body=body,
        request_id=runtime.request_id(),
        received_ms=runtime.clock.now_ms(),
        origin=f"{scheme}://{host}" if "host" in headers else f"{scheme}://127.0.0.1",
        oversized=oversized,
        mounted=below or not site,
        in_clear=bool(site) and "https" not in (scheme, headers.get("x-forwarded-proto")),
    )


@functools.lru_cache(maxsize=128)  # a client sends the same headers with nearly every request
def _headers(fields: tuple[tuple[str, str], ...], content_type: str) -> Mapping[str, str]:
    """Convert fields of the environ to headers with their names in HTTP."""
    headers = {name[5:].replace("_", "-").lower(): value for name, value in fields}
    return {**headers, "content-type": content_type} if content_type else headers


def site_of(environ: Mapping[str, object]) -> AdobeSite:
    """The emulated service at the host that a request names; empty for other hosts."""
    return _site(str(environ.get("HTTP_HOST", ""))[:300])


@functools.lru_cache(maxsize=64)
def _site(host: str) -> AdobeSite:
    name = re.sub(r":[0-9]{0,5}$", "", host).lower().removesuffix(".")
    return adobe_site(name)


def decoded(path: bytes) -> str:
    """Decode a path as it was sent. A slash that belongs to a segment stays encoded (RFC 3986 §2.2)."""
    return decoded_path(path.decode("utf-8", "replace"))


def path_of(environ: dict[str, object]) -> str:
    """The decoded path of a request. WSGI provides it as latin-1 text of the bytes (PEP 3333)."""
    path = str(environ.get("PATH_INFO") or "/")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def keep_encoded_slashes(environ: dict[str, Any]) -> None:
    """Decode the path as `decoded` does, if the server passes it on as it was sent."""
    path = str(environ.get("REQUEST_URI", "")).partition("?")[0]
    if "2f" not in path.lower():
        return
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    environ["PATH_INFO"] = decoded(path.encode("latin-1")).encode().decode("latin-1")


def body_refusal(trouble: str) -> ApiError:
    """The refusal of a body that the server did not read: `too_large`, `too_slow` or `framing`."""
    key, detail = _BODY_REFUSALS[trouble]
    return ApiError(key, detail=detail, headers=(("Connection", "close"),))


def read_body(environ: dict[str, object], max_body: int) -> bytes:
    """Read the body. Raises ApiError if it is incomplete or too large."""
    read, length = body_reader(environ, max_body)
    body = read(length)
    if len(body) > max_body:
        raise ApiError("too_large", detail=_BODY_REFUSALS["too_large"][1])
    return body


def body_reader(environ: dict[str, object], max_body: int) -> tuple[Callable[[int], bytes], int]:
    """A function that reads the next bytes of the body, and the maximum length of the body.

    Both raise ApiError if the body is incomplete or too large. One of unknown length may have a byte too many.
    """
    if trouble := environ.get(BODY_ERROR):
        raise body_refusal(str(trouble))
    length = environ.get("CONTENT_LENGTH")
    left = int(str(length)) if length else max_body + 1 if environ.get("wsgi.input_terminated") else 0
    if length and left > max_body:
        raise ApiError("too_large", detail=_BODY_REFUSALS["too_large"][1])
    stream: Any = environ["wsgi.input"]
    most = left

    def read(size: int) -> bytes:
        nonlocal left
        wanted = min(size, left)
        piece: bytes = stream.read(wanted) if left else b""
        if length and len(piece) < wanted:
            raise ApiError("framing", detail="The request body is shorter than its Content-Length.")
        left -= len(piece)
        return piece

    return read, most


def head(result: Result, request_id: str) -> list[tuple[str, str]]:
    """The headers of a response. A fault's delivery adds those of its body."""
    fields = [*result.headers, ("x-request-id", request_id), _NOT_A_PAGE]
    if result.delivery is not None:
        return fields
    if result.body is not None:
        fields.append(("Content-Type", "application/json"))
    if result.status not in (204, 304):
        fields.append(("Content-Length", str(len(result.encoded))))
    return fields


_NOT_A_PAGE = ("X-Content-Type-Options", "nosniff")
"""Responses quote what was sent, which a browser must not interpret as HTML."""
