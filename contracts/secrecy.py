"""Keeps credentials out of everything that is written: every output goes through a `Mask`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

SHOWN = "********"
NEVER_SHOWN = ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-mock-admin-token")
"""Headers whose values are hidden whatever they hold."""


class Mask:
    """Replaces every secret text, plain, in JSON or percent-encoded, by eight asterisks."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms: list[str] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these too."""
        new = {form for text in secrets for form in _forms(text)}
        if not new <= set(self._forms):
            self._forms = sorted({*self._forms, *new}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, SHOWN)
        return text

    def headers(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers without secrets; those that exist to carry one lose their value."""
        return [(name, SHOWN if name.lower() in NEVER_SHOWN else self.text(value)) for name, value in headers]


def _forms(text: str) -> set[str]:
    """A text plain, as JSON writes it, with letters beyond ASCII as they are or not, and percent-encoded."""
    written = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {text, *written, quote(text), quote(text, safe="")}
