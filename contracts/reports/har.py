"""Writes the exchanges of a run to a HAR file as they happen, without credentials."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from contracts.reports import files
from contracts.secrecy import Mask
from contracts.wire import Answer, Headers

FILE = "exchanges.har"
_MAX_BODY = 16_384


class Writer:
    """Appends entries. `close` completes the file."""

    def __init__(self, folder: Path, mask: Mask) -> None:
        self._file = files.opened(folder / FILE)
        self._mask = mask
        creator = '{"name": "mock-flow-service contract suite", "version": "1"}'
        self._file.write(f'{{"log": {{"version": "1.2", "creator": {creator}, "entries": [')
        self._first = True

    def add(self, answer: Answer) -> None:
        """One exchange."""
        self._file.write(("\n" if self._first else ",\n") + json.dumps(self._entry(answer)))
        self._first = False

    def close(self) -> None:
        """End the document."""
        self._file.write("\n]}}\n")
        self._file.close()

    def _entry(self, answer: Answer) -> dict[str, object]:
        sent, milliseconds = answer.sent, answer.seconds * 1000
        query = parse_qsl(urlsplit(self._mask.url(answer.url)).query, keep_blank_values=True)
        request: dict[str, object] = {
            "method": sent.method,
            "url": self._mask.url(answer.url),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._pairs(sent.headers),
            "queryString": [{"name": name, "value": value} for name, value in query],
            "headersSize": -1,
            "bodySize": len(sent.body),
        }
        if sent.body:
            kind = self._mask.text(sent.header("content-type") or "")
            request["postData"] = {"mimeType": kind, "text": self._text(sent.body)}
        response = {
            "status": answer.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": self._pairs(answer.headers),
            "content": {
                "size": len(answer.body),
                "mimeType": self._mask.text(answer.header("content-type") or ""),
                "text": self._text(answer.body),
            },
            "redirectURL": self._mask.url(answer.header("location") or ""),
            "headersSize": -1,
            "bodySize": len(answer.body),
        }
        return {
            "startedDateTime": datetime.now(UTC).isoformat(),
            "time": milliseconds,
            "request": request,
            "response": response,
            "cache": {},
            "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        }

    def _pairs(self, headers: Headers) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in self._mask.headers(headers)]

    def _text(self, body: bytes) -> str:
        return self._mask.body(body)[:_MAX_BODY]
