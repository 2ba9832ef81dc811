"""Generates `curl` commands that work against this server."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from mockserver.emulator import Emulator
from mockserver.exchange import Tenant

_PLAIN = re.compile(r"[\w@%+=:,./-]+")


class CurlMaker:
    """Generates commands with a valid token and API key."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._issued = ""

    def command(self, url: str, method: str, tenant: Tenant, body: Any = None) -> str:
        """A command of several lines for a POSIX shell."""
        headers = {
            "Authorization": f"Bearer {self._token(tenant)}",
            "x-api-key": next(iter(self._emulator.config.api_keys), "console"),
            "x-gw-ims-org-id": tenant.org,
            "x-sandbox-name": tenant.sandbox,
        }
        return _written(url, method, headers, body)

    def _token(self, tenant: Tenant) -> str:
        """A valid token. A strict server accepts only tokens it issued; otherwise any token is accepted."""
        if not self._emulator.config.strict:
            return "local"
        if not self._emulator.tokens.live(self._issued, tenant.org):
            self._issued = self._emulator.tokens.issue("console")[0]
        return self._issued


def _written(url: str, method: str, headers: Mapping[str, str], body: Any) -> str:
    words = ["curl", *([] if method == "GET" else ["-X", method]), _quoted(url)]
    lines = [" ".join(words)]
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if body is not None:
        lines.append("  -H 'Content-Type: application/json'")
        lines.append(f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False, indent=2))}")
    return " \\\n".join(lines)


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else shlex.quote(text)
