"""Writes a recording as HAR 1.2 with our extension `_flow`. The file is masked, and valid after every exchange."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from mockserver import files
from mockserver.contract import Contract
from mockserver.contract.places import Auth
from mockserver.exchange import Call, Result, adobe_site
from mockserver.json_input import dumps
from mockserver.recordings.hiding import Hiding
from mockserver.recordings.leaks import LeakSearch, contains
from mockserver.recordings.recording import RecordedExchange, exchange
from mockserver.recordings.redacting import Written
from mockserver.recordings.stand_ins import StandIns
from mockserver.recordings.vocabulary import Vocabulary

_TAIL = b"\n]}}\n"
_MAX_LISTED = 20
_INCOMPLETE, _COMPLETE = b'"complete": false', b'"complete": true '


@dataclass(frozen=True)
class Aside:
    """Parts of an exchange besides headers and bodies. They are passed on; only statuses and a number are written."""

    informational: tuple[int, ...] = ()
    """Statuses of informational responses."""
    trailers: int = 0
    """Number of trailers of request and response."""
    fields: tuple[tuple[str, str], ...] = ()
    """The trailers and the headers of informational responses, whose credentials must not be in the file."""
    unread: bytes = b""
    """The body of a response that is not JSON or was cut. Its secrets must not be in the file either."""


_NOTHING = Aside()


class Leak(Exception):
    """Exchanges were left out of the file, because they contained a secret that could not be hidden."""


class Recorder:
    """Writes one file. Thread-safe."""

    def __init__(self, path: Path, upstream: str, contract: Contract, auth: Auth, key: bytes, version: str) -> None:
        """Create the file. Raises OSError if it exists or cannot be written."""
        self.path = path
        self.count = self.unanswered = 0
        """Number of exchanges, and of those without a response."""
        parts = urlsplit(upstream)
        self._contract, self._upstream = contract, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._short = adobe_site(parts.hostname or "") != "platform"
        vocabulary = Vocabulary.load()
        self._leaks = LeakSearch("\n".join([*sorted(vocabulary.always), self._upstream]))
        self._stand_ins = StandIns(key, self._leaks, vocabulary)
        self._written = Written(contract, auth, self._stand_ins, self._upstream)
        self._hiding = Hiding(self._leaks, self._stand_ins.text)
        self._lock = threading.Lock()
        self.hidden: dict[int, str] = {}
        """Number of an exchange with a secret at a place that seemed harmless -> place where it was received."""
        self._left_out: dict[int, str] = {}
        """The same for exchanges that are not in the file."""
        self._stopped: tuple[int, str] | None = None
        """Number of the first exchange that is not written any more, and why."""
        self._file = files.creating(path, buffering=0)  # it is valid after each write
        head = {"name": "mock-flow-service", "version": version}
        extension = json.dumps({"upstream": self._upstream, "version": 1})[:-1] + ", " + _INCOMPLETE.decode() + "}"
        text = f'{{"log": {{"version": "1.2", "creator": {json.dumps(head)}, "_flow": {extension}, "entries": ['
        self._end = len(text.encode())
        self._flag = text.encode().index(_INCOMPLETE)
        self._first = self._end
        self._write(text.encode() + _TAIL, 0)

    def add(self, call: Call, result: Result, ended_ms: int, *, whole: bool = True, aside: Aside = _NOTHING) -> None:
        """Write one exchange. `whole`: the response is complete."""
        with self._lock:
            if self._file.closed:
                return
            self.count += 1
            self.unanswered += not result.status
            # stand-ins of the service accept paths without base path; Adobe's hosts do not
            known = exchange(self.count, call._replace(mounted=call.mounted or self._short), result, self._contract)
            one = replace(known, call=call)
            entry = self._entry(one, ended_ms, whole, aside)
            self._written.pass_over_answer(aside.unread, one.operation, result.status)
            if result.status < 400:
                self._stand_ins.note_ids(entry["response"]["content"]["text"])
            row = json.dumps(entry).encode()
            fresh = self._leaks.fresh()
            if self._leaks.is_full:  # what is written now could contain a secret that is not found
                self._stop(self.count, "there are more secrets than can be searched for; record less")
            try:
                self._hide_in_file(fresh)
                if not self._stopped:
                    self._append(self._without_secrets(self.count, row))
            except OSError as error:  # the client goes on
                self._cut(error, fresh)

    def _append(self, row: bytes) -> None:
        if row:
            self._leaks.remember(row)
            text = (b"\n" if self._end == self._first else b",\n") + row
            self._write(text + _TAIL, self._end)
            self._end += len(text)

    def _stop(self, number: int, reason: str) -> None:
        """Write no more exchanges, from this number on."""
        if not self._stopped or number < self._stopped[0]:
            self._stopped = number, reason

    def _cut(self, error: OSError, forms: list[bytes]) -> None:
        """Truncate a file that cannot grow before the first exchange that contains a secret or is incomplete."""
        end = at = self._first
        number = self.count
        with self.path.open("rb") as written:
            written.seek(at)
            for line in written:
                row = line.strip().removesuffix(b",")
                is_whole = at < self._end
                if is_whole and row[:1] == b"{":
                    if self._leaks.found_in(row) or any(contains(row, form) for form in forms):
                        number = _sequence(row)
                        break
                    end = at + len(row)
                at += len(line)
        self._stop(number, error.strerror or str(error))
        self._end = end
        if self._file.closed:
            self._file = self.path.open("r+b", buffering=0)
        self._file.truncate(end)
        self._write(_TAIL, end)

    def _hide_in_file(self, forms: list[bytes]) -> None:
        """Hide encoded secrets that became known only after they were written."""
        if forms:
            with self.path.open("rb") as written:
                late = any(contains(line, form) for line in written for form in forms)
            if late:
                self._write_again(forms)

    def _without_secrets(self, number: int, row: bytes) -> bytes:
        """An entry without secrets at places that seemed harmless; empty if they cannot be hidden."""
        place = self._leaks.found_in(row)
        if place is None:
            return row
        row = self._hiding.in_row(row)
        if self._leaks.found_in(row):
            self._left_out[number] = place
            return b""
        self.hidden[number] = place
        return row

    def _write(self, text: bytes, at: int) -> None:
        self._file.seek(at)
        while text:  # a nearly full disk accepts only a part
            text = text[self._file.write(text) :]

    def close(self, *, complete: bool) -> None:
        """Search the file again, close it, and mark it as complete if it is. Raises Leak if it lacks exchanges."""
        with self._lock:
            if self._file.closed:
                return
            try:
                if self._has_secret():
                    self._write_again()
            except OSError as error:
                self._cut(error, [])
            missing = self._missing()
            if complete and not missing:
                self._write(_COMPLETE, self._flag)
            self._file.close()
            if missing:
                raise Leak(f"{self.path} lacks {', '.join(missing)}")

    def _missing(self) -> list[str]:
        shown = [f"exchange {number} (contains a secret from {place})" for number, place in self._left_out.items()]
        if len(shown) > _MAX_LISTED:
            shown = [*shown[:_MAX_LISTED], f"and {len(shown) - _MAX_LISTED} more"]
        return [*shown, f"all from exchange {self._stopped[0]} ({self._stopped[1]})"] if self._stopped else shown

    def _has_secret(self) -> bool:
        """Search the file as it is."""
        with self.path.open("rb") as written:
            next(written)
            return any(self._leaks.found_in(line) for line in written)

    def _write_again(self, forms: list[bytes] | None = None) -> None:
        """Atomically replace the file with one without these secrets; None: without all known ones."""
        part = self.path.with_name(f"{self.path.name}.part")
        part.unlink(missing_ok=True)
        with self.path.open("rb") as written, files.creating(part) as copy:
            copy.write(next(written).rstrip(b"\n"))
            end, size = b"\n", self._first
            for line in written:
                row = line.strip().removesuffix(b",")
                if row[:1] != b"{":
                    continue
                if kept := self._rewritten(row, forms):
                    copy.write(end + kept)
                    size += len(end + kept)
                    end = b",\n"
            copy.write(_TAIL)
        self._file.close()
        part.replace(self.path)
        self._end = size
        self._file = self.path.open("r+b", buffering=0)

    def _rewritten(self, row: bytes, forms: list[bytes] | None) -> bytes:
        """A rewritten entry; empty if it contains a secret that cannot be hidden."""
        if forms is not None and not any(contains(row, form) for form in forms):
            return row
        number = _sequence(row)
        kept = self._without_secrets(number, row)
        if any(contains(kept, form) for form in forms or ()):  # of a secret that was one too many
            self._left_out[number] = "a later exchange"
            return b""
        return kept

    def _entry(self, one: RecordedExchange, ended_ms: int, whole: bool, aside: Aside) -> dict[str, Any]:
        call, result = one.call, one.result
        self._written.begin_request()
        self._written.pass_over(aside.fields)  # first, because their secrets must not occur in the rest
        sent_headers = self._written.sent(call.headers)
        query = self._written.query(call, one.operation)
        url = f"{self._upstream}{self._written.target(one)}{f'?{query}' if query else ''}"
        kind = sent_headers.get("content-type", "")
        sent = self._body(one)
        shown = self._written.answer(result, one.operation, f"{unquote_plus(url)} {sent}")
        answer = b"" if result.body is None else dumps(shown)
        headers = self._written.sent({name.lower(): value for name, value in result.headers})
        return {
            "startedDateTime": _moment(call.received_ms),
            "time": max(0, ended_ms - call.received_ms),
            "request": {
                "method": self._written.method(call.method),
                "url": url,
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": _pairs(sent_headers),
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
            "_flow": {**_flow_members(one, aside), "endedMs": ended_ms, "whole": whole},
        }

    def _body(self, one: RecordedExchange) -> str:
        if one.call.path.startswith("/ims/"):
            return self._written.form(one.call.body)
        body = one.body
        if body is None:
            self._written.pass_over_body(one.call.body, one.call.headers.get("content-type", ""), one.operation)
            return ""
        return json.dumps(self._written.request_body(body, one.operation), ensure_ascii=False)


def _sequence(row: bytes) -> int:
    return int(json.loads(row)["_flow"]["sequence"])


def _flow_members(one: RecordedExchange, aside: Aside) -> dict[str, Any]:
    """The members of `_flow`, for which HAR has none."""
    return {
        "sequence": one.number,
        "operation": one.operation,
        "token": _token_class(one.call, one.result),
        "startedMs": one.call.received_ms,
        **({"informational": aside.informational} if aside.informational else {}),
        **({"trailers": aside.trailers} if aside.trailers else {}),
    }


def _token_class(call: Call, result: Result) -> str:
    """Classify the token of a request: absent, malformed, expired or user."""
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
