"""Writes a recording while it happens: HAR 1.2 with our extension `_flow`, masked, whole after every exchange."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, quote_plus

from mockserver.contract import Contract
from mockserver.contract.places import Auth
from mockserver.exchange import Call, Result
from mockserver.json_input import dumps
from mockserver.recordings.recording import RecordedExchange, exchange
from mockserver.recordings.redacting import StandIns, Written

_TAIL = b"\n]}}\n"
_INCOMPLETE, _COMPLETE = b'"complete": false', b'"complete": true '
_MAX_SECRETS = 100_000


class Leak(Exception):
    """A secret was found in the written file, which has been deleted."""


class Recorder:
    """One file. Safe for any number of threads."""

    def __init__(self, path: Path, upstream: str, contract: Contract, auth: Auth, key: bytes, version: str) -> None:
        """Begin the file. Raises OSError where it cannot be written, or exists already."""
        self.path = path
        self.count = 0
        self._contract, self._upstream = contract, upstream
        self._stand_ins = StandIns(key)
        self._written = Written(contract, auth, self._stand_ins)
        self._lock = threading.Lock()
        self._file: BinaryIO = path.open("xb")  # never through a link, never over another file
        head = {"name": "mock-flow-service", "version": version}
        extension = json.dumps({"upstream": upstream, "version": 1})[:-1] + ", " + _INCOMPLETE.decode() + "}"
        text = f'{{"log": {{"version": "1.2", "creator": {json.dumps(head)}, "_flow": {extension}, "entries": ['
        self._end = self._file.write(text.encode())
        self._flag = text.encode().index(_INCOMPLETE)
        self._file.write(_TAIL)
        self._file.flush()

    def add(self, call: Call, result: Result, ended_ms: int, *, whole: bool = True) -> None:
        """Write one exchange. `whole`: the response arrived to its end."""
        with self._lock:
            if self._file.closed:
                return
            self.count += 1
            one = exchange(self.count, call, result, self._contract)
            text = (b"\n" if self.count == 1 else b",\n") + json.dumps(self._entry(one, ended_ms, whole)).encode()
            self._file.seek(self._end)
            self._end += self._file.write(text)
            self._file.write(_TAIL)
            self._file.flush()

    def close(self, *, complete: bool) -> None:
        """End the file and look through it for secrets. Raises Leak, and the file is gone then."""
        with self._lock:
            if self._file.closed:
                return
            if complete:
                self._file.seek(self._flag)
                self._file.write(_COMPLETE)
            self._file.close()
            if found := self._leaks():
                self.path.unlink()
                raise Leak(f"{found} values that are secret were in {self.path}, which was deleted")

    def _leaks(self) -> int:
        written = self.path.read_bytes()
        secrets = list(self._stand_ins.secrets)[:_MAX_SECRETS]
        return sum(any(form in written for form in _forms(secret)) for secret in secrets)

    def _entry(self, one: RecordedExchange, ended_ms: int, whole: bool) -> dict[str, Any]:
        call, result = one.call, one.result
        query = self._written.query(call, one.operation)
        url = f"{self._upstream.rstrip('/')}{one.target}{f'?{query}' if query else ''}"
        kind = call.headers.get("content-type", "")
        sent = self._body(one)
        shown = self._written.answer(result, one.operation)
        answer = b"" if result.body is None else dumps(shown)
        headers = self._written.headers({name.lower(): value for name, value in result.headers})
        return {
            "startedDateTime": _moment(call.received_ms),
            "time": max(0, ended_ms - call.received_ms),
            "request": {
                "method": call.method,
                "url": url,
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": _pairs(self._written.headers(call.headers)),
                "queryString": [],
                "headersSize": -1,
                "bodySize": len(call.body),
                **({"postData": {"mimeType": kind, "text": sent}} if call.body else {}),
            },
            "response": {
                "status": result.status,
                "statusText": "",
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": _pairs(headers),
                "content": {"size": len(answer), "mimeType": "application/json", "text": answer.decode()},
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": len(answer),
            },
            "cache": {},
            "timings": {"send": 0, "wait": max(0, ended_ms - call.received_ms), "receive": 0},
            "_flow": {
                "sequence": one.number,
                "operation": one.operation,
                "token": _token_class(call, result),
                "startedMs": call.received_ms,
                "endedMs": ended_ms,
                "whole": whole,
            },
        }

    def _body(self, one: RecordedExchange) -> str:
        if one.call.path.startswith("/ims/"):
            return self._written.form(one.call.body)
        body = one.body
        if body is None:
            return ""
        return json.dumps(self._written.request_body(body, one.operation), ensure_ascii=False)


def _token_class(call: Call, result: Result) -> str:
    """What kind of token came, as far as it can be told from outside."""
    sent = call.headers.get("authorization")
    if sent is None:
        return "absent"
    if not sent.startswith("Bearer "):
        return "malformed"
    return "expired" if result.status == 401 else "user"


def _pairs(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _forms(secret: str) -> Iterator[bytes]:
    """A secret in every encoding in which it could stand in a HAR file."""
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    texts |= {json.dumps(text)[1:-1] for text in texts} | {json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts |= {json.dumps(json.dumps(secret))[3:-3]}
    for text in texts:
        with suppress(UnicodeEncodeError):
            yield text.encode()
    raw = secret.encode(errors="surrogatepass")
    if len(raw) >= 9:  # shorter ones are part of longer Base64 by chance
        for shift in range(3):
            whole = base64.b64encode(raw[shift : shift + (len(raw) - shift) // 3 * 3])
            yield whole
