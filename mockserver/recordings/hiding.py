"""Replaces the texts of a HAR entry that contain a secret, wherever a client or the service put it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote_plus

from mockserver.recordings.headers import NOT_WRITTEN
from mockserver.recordings.leaks import LeakSearch

_BETWEEN = re.compile(r"([/?&=])")
"""Between the parts of a URL or a form."""

StandIn = Callable[[str], str]


class Hiding:
    """Replaces texts that contain one of the secrets seen so far by their stand-ins."""

    def __init__(self, leaks: LeakSearch, stand_in: StandIn) -> None:
        self._leaks, self._stand_in = leaks, stand_in

    def in_row(self, row: bytes) -> bytes:
        """Replace the texts of a written entry that contain a secret."""
        entry: dict[str, Any] = json.loads(row)
        request, response = entry["request"], entry["response"]
        request["url"] = self._in_parts(request["url"])
        for headers in (request["headers"], response["headers"]):
            for header in headers:
                header["value"] = self._in_text(header["value"])
                if header["value"] == NOT_WRITTEN:  # a replay does not need it
                    header["name"] = self._in_text(header["name"])
        if "postData" in request:
            request["postData"]["mimeType"] = self._in_text(request["postData"]["mimeType"])
            request["postData"]["text"] = self._in_body(request["postData"]["text"])
        response["content"]["text"] = self._in_body(response["content"]["text"])
        return json.dumps(entry).encode()

    def _in_body(self, text: str) -> str:
        if not self._has_secret(text):
            return text
        try:
            return json.dumps(self._in_value(json.loads(text)), ensure_ascii=False)
        except ValueError:  # a form
            return self._in_parts(text)

    def _in_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._in_text(key): self._in_value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._in_value(inner) for inner in value]
        return self._in_text(value) if isinstance(value, str) else value

    def _in_text(self, text: str) -> str:
        return self._stand_in(text) if self._has_secret(text) else text

    def _in_parts(self, text: str) -> str:
        if not self._has_secret(text):
            return text
        parts = (
            quote(self._stand_in(unquote_plus(part)), safe="") if self._has_secret(unquote_plus(part)) else part
            for part in _BETWEEN.split(text)
        )
        return "".join(parts)

    def _has_secret(self, text: str) -> bool:
        return self._leaks.found_in(text.encode(errors="surrogatepass")) is not None
