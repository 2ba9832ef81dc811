"""Searches text for secrets, in every encoding that they may have.

A search is a single pass over the text, however many secrets there are: encoded secrets are indexed by first bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, quote_plus

_KEY = 6
"""Length of the indexed prefix. Shorter secrets cannot be distinguished from ordinary text."""
MAX_SECRETS = 100_000
"""Maximum number of secrets. A recording with more of them is incomplete."""


class TooManySecrets(Exception):
    """The maximum number of secrets is exceeded."""


class LeakSearch:
    """Searches for the secrets of one recording."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._forms: dict[bytes, dict[bytes, str]] = {}
        """First bytes -> encoded secrets with this prefix -> place where the secret was received."""

    def add(self, secret: str, place: str) -> None:
        """Add a secret. Raises TooManySecrets."""
        if len(secret) < _KEY or secret in self._known:
            return
        if len(self._known) >= MAX_SECRETS:
            raise TooManySecrets
        self._known.add(secret)
        for form in set(_forms(secret)):
            if len(form) >= _KEY:
                self._forms.setdefault(form[:_KEY], {}).setdefault(form, place)

    def found_in(self, text: bytes) -> str | None:
        """The place where the first secret in a text was received; None if the text contains none."""
        forms = self._forms
        if not forms:
            return None
        for at in range(len(text) - _KEY + 1):
            candidates = forms.get(text[at : at + _KEY])
            if candidates is not None:
                for form, place in candidates.items():
                    if text.startswith(form, at):
                        return place
        return None


def _forms(secret: str) -> Iterator[bytes]:
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
    texts |= {text.replace("%2F", "%2f").replace("%3D", "%3d").replace("%2B", "%2b") for text in texts}
    texts |= {quote(text, safe="") for text in (quote(secret, safe=""), quote_plus(secret))}
    for _ in range(3):  # JSON in strings of JSON
        texts |= {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in texts for ascii_only in (True, False)}
    for text in texts:
        with suppress(UnicodeEncodeError):
            yield text.encode()
    for raw in (secret.encode(errors="surrogatepass"), secret.encode("utf-16-le", errors="surrogatepass")):
        yield from _base64_forms(raw)
        if len(raw) > _KEY:
            yield raw.hex().encode()
            yield raw.hex().upper().encode()


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """The Base64 forms of bytes at every offset in a longer text. Short ones are left out, as they occur by chance."""
    if len(raw) < 9:
        return
    for shift in range(3):
        whole = raw[shift : shift + (len(raw) - shift) // 3 * 3]
        for encoded in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
            yield encoded
            yield encoded.replace(b"/", b"\\/")
            yield quote(encoded.decode(), safe="").encode()
