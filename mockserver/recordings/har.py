"""Reads HAR files of browsers, Postman, Newman or proxies, and converts them to journal entries.

Only requests to Flow Service, its neighbouring services and its token endpoint are read; others are ignored.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from mockserver import json_input
from mockserver.contract import IN_CLEAR, Contract, Seen
from mockserver.errors import ApiError
from mockserver.exchange import BASE_PATH, PLATFORM_HOST, TOKEN_HOST, Call, Result, Tenant, decoded_path
from mockserver.journal import Journal
from mockserver.journal.entries import UNREAD, Entry
from mockserver.journal.redaction import Redaction
from mockserver.json_input import Json
from mockserver.quirks import Quirks
from mockserver.recordings import har_file
from mockserver.recordings.gaps import NOT_RECORDED, Gaps, has_passed, is_left_out
from mockserver.recordings.har_file import MAX_BYTES, HarError
from mockserver.specs.connectors import Connectors

_CODE = re.compile(r"FLOW-(\d{4}-\d{3})$")
_NEIGHBOURS = "/data/foundation/"
_TOKEN_PATHS = ("/ims/token", "/ims/exchange")
_BEFORE_ANY_SERVICE = frozenset({408, 414, 421, 431})
"""Statuses of requests that an HTTP server refuses before a service receives them."""
_OF_THE_GATEWAY = frozenset({"authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "if-match"})
_FORM = re.compile(rb"[\w.-]+=")
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


@dataclass(frozen=True, slots=True)
class LoadedHar:
    """The readable part of a file."""

    exchanges: list[Recorded]
    unread: tuple[str, ...]
    """Errors of invalid entries."""
    complete: bool
    cut: bool
    entries: int
    """Number of entries, including other traffic."""

    def remarks(self) -> Iterator[str]:
        """Describe what is missing in the file."""
        if self.cut:
            yield f"the file is truncated after entry {self.entries}"
        if self.unread:
            yield f"invalid HAR entries: {len(self.unread)}, the first: {self.unread[0]}"
        found = self.exchanges
        lacking = {
            "requests without their credentials": sum("authorization" in one.gaps.headers for one in found),
            "requests without their body": sum(one.gaps.body for one in found),
            "responses without their body": sum(one.gaps.answer for one in found),
            "incomplete responses": sum(not one.whole for one in found),
        }
        yield from (f"{what}: {count} of {len(found)}" for what, count in lacking.items() if count)


def read(path: Path, contract: Contract, connectors: Connectors) -> list[Entry]:
    """Read the calls to Flow Service in the order they were made, with masked secrets. Raises HarError."""
    return journaled(load(path, contract), contract, connectors)


def journaled(loaded: LoadedHar, contract: Contract, connectors: Connectors) -> list[Entry]:
    """Convert the calls to Flow Service to journal entries, in the order they were made, with masked secrets."""
    recorded = in_order(loaded.exchanges)
    journal = Journal(len(recorded) or 1, 4 * MAX_BYTES, Redaction(contract, connectors.auth_place, foreign=True))
    kept: list[Recorded] = []
    for one in recorded:
        if one.call.path.startswith(_TOKEN_PATHS):
            body = one.call.body.decode("utf-8", "replace")
            form = (*one.call.parameters(), *parse_qsl(body, keep_blank_values=True))
            exposed = (IN_CLEAR,) if one.call.exposes_credentials else ()
            journal.record_token_call(one.call, one.result, form, violations=exposed)
        elif not _record(one, journal, contract, connectors):
            continue
        kept.append(one)
    sanitized = any(one.gaps.headers for one in kept)
    return [one.gaps.mark(entry, sanitized) for one, entry in zip(kept, journal.entries(), strict=True)]


def _record(one: Recorded, journal: Journal, contract: Contract, connectors: Connectors) -> bool:
    """Record a call if it is one to Flow Service. Violations that its response disproves are left out."""
    call, result = one.call, one.result
    seen = contract.check_request(call)
    if seen.operation is None and not _named_by_path(call, contract) and not one.host:
        return False
    if PLATFORM_HOST.fullmatch(one.host) and 200 <= result.status < 300:
        seen.violations = [violation for violation in seen.violations if not violation.blocks]
    else:
        _check_credentials(seen, connectors)
    if result.status in _BEFORE_ANY_SERVICE:
        seen.violations = [UNREAD]
    if one.gaps.body:
        seen.violations = [violation for violation in seen.violations if violation.where not in ("body", "media")]
    journal.record(
        call,
        result,
        operation=seen.operation.id if seen.operation else None,
        tenant=Tenant(call.headers.get("x-gw-ims-org-id", ""), call.headers.get("x-sandbox-name", "")),
        body=seen.body,
        violations=seen.violations,
        fault=None if PLATFORM_HOST.fullmatch(one.host) else call.headers.get("x-mock-fault"),
    )
    return True


def _check_credentials(seen: Seen, connectors: Connectors) -> None:
    """Add the violations that the emulator would find in the credentials of a new connection."""
    whole = not any(violation.where == "body" and violation.blocks for violation in seen.violations)
    if seen.operation and seen.operation.id == "createConnection" and whole and isinstance(seen.body, dict):
        try:
            connectors.check(seen.body, Quirks())
        except ApiError as refusal:
            seen.note(refusal.violation())


def is_of_the_service(one: Recorded, contract: Contract) -> bool:
    """Whether a call is one to Flow Service, its token endpoint or a neighbouring service."""
    outside = one.call.path.startswith(("/data/", "/ims/"))
    return bool(one.host) or outside or not one.call.mounted or _named_by_path(one.call, contract)


def in_order(recorded: list[Recorded]) -> list[Recorded]:
    """Sort exchanges by start time. If one has none, the order of the file is kept."""
    if all(one.call.received_ms for one in recorded):
        return sorted(recorded, key=lambda one: one.call.received_ms)
    return recorded


def load(path: Path, contract: Contract) -> LoadedHar:
    """Read the calls to the service and collect errors of invalid entries. Raises HarError if none can be read."""
    file = har_file.read(path)
    found: list[Recorded] = []
    unread: list[str] = []
    for number, raw in enumerate(file.entries, 1):
        try:
            request = raw["request"]
            where = _place(str(request["url"]))
            if where is None or _is_preflight(raw, request):
                continue
            one = _read(raw, request, raw.get("response") or {}, *where)
        except KeyError as error:
            unread.append(f"{path}: entry {number} is not a valid HAR entry: it has no {error.args[0]}")
        except (TypeError, AttributeError, ValueError):
            unread.append(f"{path}: entry {number} is not a valid HAR entry: a member is of the wrong kind")
        else:
            found += [one] if is_of_the_service(one, contract) else []
    if unread and not found:
        raise HarError(unread[0])
    return LoadedHar(found, tuple(unread), file.complete, file.cut, len(file.entries))


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
    if path.startswith(_TOKEN_PATHS):
        return url, path, host
    if path == BASE_PATH or path.startswith(BASE_PATH + "/"):
        return url, path[len(BASE_PATH) :] or "/", host or "-"
    # on Adobe's host, a path of the service without the base path is a mistake of the client
    here = host in ("127.0.0.1", "localhost", "::1") or path.startswith(_NEIGHBOURS) or PLATFORM_HOST.fullmatch(host)
    return (url, path, "") if here else None


def _is_adobe(host: str) -> bool:
    return (PLATFORM_HOST.fullmatch(host) or TOKEN_HOST.fullmatch(host)) is not None


def _is_preflight(raw: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether this is a CORS preflight request, which is never authorized."""
    return str(request["method"]).upper() == "OPTIONS" and (
        raw.get("_resourceType") == "preflight" or "authorization" not in _headers(request)
    )


def _named_by_path(call: Call, contract: Contract) -> bool:
    """Whether a short path begins with a collection of the service. Those of neighbours begin with `data`."""
    first = call.path.strip("/").split("/")[0]
    return first != "data" and any(operation.segments[0] == first for operation in contract.operations.values())


def _read(
    raw: Mapping[str, Any],
    request: Mapping[str, Any],
    response: Mapping[str, Any],
    url: SplitResult,
    path: str,
    host: str,
) -> Recorded:
    result = _result(response)
    flow = raw.get("_flow")
    extension: Mapping[str, Any] = flow if isinstance(flow, dict) else {}
    certain = bool(extension) or path.startswith(_TOKEN_PATHS)  # the token endpoint requires no headers
    headers, unrecorded = _sent_headers(request, result, certain=certain)
    post = request.get("postData") or {}
    method, body = str(request["method"]).upper(), _body(post)
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
        mounted=not PLATFORM_HOST.fullmatch(url.hostname or "") or BASE_PATH in url.path,
        in_clear=url.scheme == "http" and _is_adobe(url.hostname or ""),
    )
    redacted = bool(extension and body)  # and so of another size than sent
    body_lacks = not redacted and _lacks_body(method, request, body, result)
    gaps = Gaps(unrecorded, body_lacks, _lacks_answer(response, result))
    return Recorded(call, result, host, gaps, whole=extension.get("whole") is not False)


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
    passed = not certain and _is_adobe(urlsplit(str(request["url"])).hostname or "") and has_passed(result)
    unrecorded = {name for name, value in headers.items() if name in _OF_THE_GATEWAY and is_left_out(value, passed)}
    if not certain and not headers:  # every client sends headers: an exporter has removed them
        unrecorded |= _OF_THE_GATEWAY
    if not certain and not headers.get("authorization", "").strip() and result.error not in _TOKEN_MISSING:
        unrecorded.add("authorization")
    placed = {name: f"Bearer {NOT_RECORDED}" if name == "authorization" else NOT_RECORDED for name in unrecorded}
    return {**headers, **placed}, frozenset(unrecorded)


def _headers(holder: Mapping[str, Any]) -> dict[str, str]:
    """Headers with names in lower case and repeated ones joined, without HTTP/2 pseudo headers and incomplete rows.

    A null value of a gateway header means that it was removed. Rows that are entirely equal count once, because
    exporters join the headers that the page set with those that the browser sent.
    """
    headers: dict[str, str] = {}
    rows: set[tuple[str, str]] = set()
    for row in holder.get("headers") or ():
        name, value = str(row.get("name") or "").lower(), row.get("value")
        if value is None and name in _OF_THE_GATEWAY:
            value = NOT_RECORDED
        if name and value is not None and not name.startswith(":") and (name, str(value)) not in rows:
            rows.add((name, str(value)))
            headers[name] = f"{headers[name]}, {value}" if name in headers else str(value)
    return headers


def _body(post: Mapping[str, Any]) -> bytes:
    text = post.get("text")
    if not text and post.get("params"):
        rows = [row for row in post["params"] if row.get("name")]
        if "json" in str(post.get("mimeType")):
            return json.dumps(_members([(str(row["name"]), row.get("value")) for row in rows])).encode()
        return urlencode([(str(row["name"]), str(row.get("value") or "")) for row in rows]).encode()
    return _decoded(str(text or ""), post.get("encoding"))


def _members(pairs: list[tuple[str, Json]]) -> Json:
    """The JSON value that an exporter has split into parameters: an object by its names, a list by its numbers."""
    if [name for name, _ in pairs] == [str(number) for number in range(len(pairs))]:
        return [value for _, value in pairs]
    return dict(pairs)


def _lacks_body(method: str, request: Mapping[str, Any], body: bytes, result: Result) -> bool:
    """Whether a body was sent that is missing or incomplete in the file."""
    size = _number(request.get("bodySize"), -1)
    length = _headers(request).get("content-length", "")
    if length.isdecimal() and len(length) < 12:
        size = max(size, int(length))
    if body:
        return len(body) < size and not _is_json(body) and len(_encoded_form(body)) < size
    return size > 0 or (size < 0 and method in ("POST", "PUT", "PATCH") and result.error != "1405-400")


def _encoded_form(body: bytes) -> str:
    """A form as it is sent; some tools write it decoded, which is shorter. Empty for other bodies."""
    if not _FORM.match(body):
        return ""
    return urlencode(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _lacks_answer(response: Mapping[str, Any], result: Result) -> bool:
    """Whether the body of a response is missing in the file."""
    content = response.get("content") or {}
    left_out = result.body is None and not content.get("text") and _number(content.get("size"), -1) != 0
    return left_out and (result.status in (200, 201, 304) or 400 <= result.status < 500)


def _number(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _decoded(text: str, encoding: object) -> bytes:
    if encoding == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("not Base64") from None
    return text.encode("utf-8", "surrogatepass")


def _inflated(raw: bytes) -> bytes:
    """Decompress a body that an exporter left compressed. Raises ValueError if it is damaged or far too large."""
    if raw[:2] != b"\x1f\x8b":
        return raw
    inflating = zlib.decompressobj(wbits=31)
    try:
        inflated = inflating.decompress(raw, MAX_BYTES)
    except zlib.error:
        raise ValueError("damaged") from None
    if inflating.unconsumed_tail:
        raise ValueError("too large")
    return inflated


def _result(response: Mapping[str, Any]) -> Result:
    status = _number(response.get("status"), 0)
    content = response.get("content") or {}
    body: Json = None
    with contextlib.suppress(ValueError):  # bodies that are not JSON are ignored
        raw = _decoded(str(content.get("text") or ""), content.get("encoding"))
        body = json_input.parse(_inflated(raw), max_bytes=MAX_BYTES)
    headers = tuple((name, value) for name, value in _headers(response).items() if name in KEPT_HEADERS)
    return Result(status, body, headers, error_code(status, body))


KEPT_HEADERS = frozenset({"etag", "location", "allow", "retry-after"})
"""Response headers that are kept."""


def error_code(status: int, body: Json) -> str | None:
    """The code of an error response, in the form of the journal."""
    if status < 400:
        return None
    members = body if isinstance(body, dict) else {}
    code = _CODE.search(str(members.get("type", "")))
    if code:
        return code[1]
    return str(members.get("error_code") or members.get("error") or status)[:40]


def _milliseconds(started: object) -> int:
    """Convert a time to milliseconds since 1970; 0 if it is missing. Raises ValueError if it is invalid."""
    return max(0, int(datetime.fromisoformat(str(started)).timestamp() * 1000)) if started else 0
