"""HAR files: traffic recorded by a browser, Postman, Newman or a proxy, as journal entries to be judged.

Only calls to Flow Service and its token endpoint count; everything else a browser recorded is passed over.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from mockserver import json_input
from mockserver.contract import Contract, Seen
from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, Call, Result, Tenant
from mockserver.journal import Journal
from mockserver.journal.entries import Entry
from mockserver.json_input import Json
from mockserver.quirks import Quirks
from mockserver.secrecy import MASK
from mockserver.specs.connectors import Connectors

MOST_BYTES = 60 * 1_048_576
"""Largest file read."""

_ADOBE = re.compile(r"platform[a-z0-9-]*\.adobe\.io")
_CODE = re.compile(r"FLOW-(\d{4}-\d{3})$")
_NEIGHBOURS = "/data/foundation/"
_TOKEN_PATHS = ("/ims/token", "/ims/exchange")


class HarError(ValueError):
    """A file that is no HAR; says where and why."""


def read(path: Path, contract: Contract, connectors: Connectors) -> list[Entry]:
    """The calls to Flow Service in the order made, secrets masked. Raises HarError."""
    recorded = sorted(_recorded(path), key=lambda row: row[0].received_ms)
    journal = Journal(len(recorded) or 1, 4 * MOST_BYTES)
    for call, result, host in recorded:
        if call.path.startswith(_TOKEN_PATHS):
            form = (*call.parameters(), *parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
            journal.record_token_call(call, result, form)
            continue
        seen = contract.check_request(call)
        if seen.operation is None and not _named_by_path(call, contract) and not host:
            continue
        proven = 200 <= result.status < 300 and _ADOBE.fullmatch(host) is not None
        if not proven:
            _check_credentials(seen, connectors)
        operation = seen.operation.id if seen.operation else None
        tenant = Tenant(call.headers.get("x-gw-ims-org-id", ""), call.headers.get("x-sandbox-name", ""))
        journal.record(call, result, operation=operation, tenant=tenant, body=seen.body, violations=seen.violations)
    return journal.entries()


def _check_credentials(seen: Seen, connectors: Connectors) -> None:
    """What the emulator's handler would say of a new connection. The real service's own 2xx would prove it wrong."""
    whole = not any(violation.where == "body" and violation.blocks for violation in seen.violations)
    if seen.operation and seen.operation.id == "createConnection" and whole and isinstance(seen.body, dict):
        try:
            connectors.check(seen.body, Quirks())
        except ApiError as refusal:
            seen.note(refusal.violation())


def _recorded(path: Path) -> Iterator[tuple[Call, Result, str]]:
    """Call, answer, and the host if the path is the service's own long one."""
    for number, raw in enumerate(_entries(path), 1):
        try:
            request, response = raw["request"], raw.get("response") or {}
            url = urlsplit(str(request["url"]))
            where = _place(url)
            if where is None:
                continue
            yield _call(raw, request, response, url, where[0]), _result(response), where[1]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise HarError(f"{path}: entry {number} is no HAR entry ({type(error).__name__})") from None


def _entries(path: Path) -> list[Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise HarError(f"{path}: {error.strerror or 'cannot be read'}") from None
    if len(raw) > MOST_BYTES:
        raise HarError(f"{path}: larger than {MOST_BYTES // 1_048_576} MB; record less, or cut the file")
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise HarError(f"{path}: not JSON, so not a HAR file") from None
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise HarError(f"{path}: no log.entries, so not a HAR file")
    return entries


def _place(url: SplitResult) -> tuple[str, str] | None:
    """The path as the core sees it, and the host where the base path leaves no doubt; None for other traffic."""
    path = unquote(url.path, errors="replace") or "/"
    if path.startswith(_TOKEN_PATHS):
        return path, url.hostname or ""
    if path == BASE_PATH or path.startswith(BASE_PATH + "/"):
        return path[len(BASE_PATH) :] or "/", url.hostname or "-"
    here = url.hostname in ("127.0.0.1", "localhost", "::1") or path.startswith(_NEIGHBOURS)
    return (path, "") if here else None


def _named_by_path(call: Call, contract: Contract) -> bool:
    """Whether a short path begins with one of the service's collections; its neighbours' paths begin with `data`."""
    first = call.path.strip("/").split("/")[0]
    return first != "data" and any(operation.segments[0] == first for operation in contract.operations.values())


def _call(
    raw: Mapping[str, Any], request: Mapping[str, Any], response: Mapping[str, Any], url: SplitResult, path: str
) -> Call:
    headers = _headers(request)
    post = request.get("postData") or {}
    if post.get("mimeType") and "content-type" not in headers:
        headers["content-type"] = str(post["mimeType"])
    if "authorization" not in headers and 200 <= int(response.get("status") or 0) < 300:
        headers["authorization"] = f"Bearer {MASK}"  # browsers leave it out of what they export
    return Call(
        method=str(request["method"]).upper(),
        path=path,
        query=url.query,
        headers=headers,
        body=_body(post),
        request_id=_headers(response).get("x-request-id", "")[:64],
        received_ms=_milliseconds(raw.get("startedDateTime")),
    )


def _headers(holder: Mapping[str, Any]) -> dict[str, str]:
    """Names in lower case, repeated ones joined, HTTP/2's pseudo headers left out."""
    headers: dict[str, str] = {}
    for row in holder.get("headers") or ():
        name, value = str(row["name"]).lower(), str(row.get("value", ""))
        if not name.startswith(":"):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body(post: Mapping[str, Any]) -> bytes:
    text = post.get("text")
    if text is None and post.get("params"):
        pairs = [(str(row["name"]), str(row.get("value", ""))) for row in post["params"]]
        return urlencode(pairs).encode()
    return _decoded(str(text or ""), post.get("encoding"))


def _decoded(text: str, encoding: object) -> bytes:
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("not Base64") from None
    return text.encode("utf-8", "surrogatepass")


def _result(response: Mapping[str, Any]) -> Result:
    status = int(response.get("status") or 0)
    content = response.get("content") or {}
    body: Json = None
    with contextlib.suppress(ValueError):  # what is no JSON says nothing
        body = json_input.parse(_decoded(str(content.get("text") or ""), content.get("encoding")), max_bytes=MOST_BYTES)
    headers = tuple((name, value) for name, value in _headers(response).items() if name in _TOLD)
    return Result(status, body, headers, _error(status, body))


_TOLD = frozenset({"etag", "location", "allow", "retry-after"})


def _error(status: int, body: Json) -> str | None:
    """The code of a refusal, as the emulator's journal has it."""
    if status < 400:
        return None
    said = body if isinstance(body, dict) else {}
    code = _CODE.search(str(said.get("type", "")))
    if code:
        return code[1]
    return str(said.get("error_code") or said.get("error") or status)[:40]


def _milliseconds(started: object) -> int:
    moment = datetime.fromisoformat(str(started)) if started else datetime.fromtimestamp(0, UTC)
    return int(moment.timestamp() * 1000)
