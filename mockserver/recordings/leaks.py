"""Finds secrets in text that is about to be written, in every encoding in which they could stand there.

One pass over a text, however many secrets there are: each form of a secret is known by its first bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, quote_plus

_KEY = 6
"""Bytes by which a form is known; shorter secrets cannot be told from ordinary text."""
MAX_SECRETS = 100_000
"""Secrets that are remembered; a recording with more of them ends."""


class TooManySecrets(Exception):
    """More secrets came than can be searched for."""


class LeakSearch:
    """The secrets of one recording."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._forms: dict[bytes, dict[bytes, str]] = {}
        """First bytes -> forms that begin so, each with the place from which its secret came."""

    def add(self, secret: str, place: str) -> None:
        """Search for this secret from now on. Raises TooManySecrets."""
        if len(secret) < _KEY or secret in self._known:
            return
        if len(self._known) >= MAX_SECRETS:
            raise TooManySecrets
        self._known.add(secret)
        for form in set(_forms(secret)):
            if len(form) >= _KEY:
                self._forms.setdefault(form[:_KEY], {}).setdefault(form, place)

    def found_in(self, text: bytes) -> str | None:
        """The place from which a secret in this text came; None if there is none."""
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
    for _ in range(3):  # JSON in a text of JSON
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
    """What stands in Base64 wherever in the encoded text the bytes begin; shorter ones stand there by chance."""
    if len(raw) < 9:
        return
    for shift in range(3):
        whole = raw[shift : shift + (len(raw) - shift) // 3 * 3]
        for encoded in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
            yield encoded
            yield encoded.replace(b"/", b"\\/")
            yield quote(encoded.decode(), safe="").encode()
