"""Searches text for secrets, in every encoding that they may have.

A search is a single pass over the text, however many secrets there are, because encoded secrets are indexed by a few
of their bytes. The byte sequences of the written text are remembered, so that a file is searched again only if it may
contain a secret that becomes known later.
"""

from __future__ import annotations

import base64
import json
import mmap
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, quote_plus

_KEY = 6
"""Number of bytes by which a secret is indexed. Shorter ones cannot be distinguished from ordinary text."""
_HEAD = 512
"""Characters of a secret that are searched for. A text that contains a longer secret contains its beginning."""
MAX_BYTES = 256 * 1_048_576
"""Maximum memory of all encoded secrets: about 75,000 tokens."""
_BYTES_OF_A_FORM = 280
"""Memory of an encoded secret besides its bytes: the objects that hold it and its key."""

_SLOTS = 1 << 24
"""Bytes of the memory of what was written: one for each remembered sequence."""


class LeakSearch:
    """Searches for the secrets of one recording."""

    def __init__(self, vocabulary: str = "") -> None:
        """`vocabulary`: the words of the file itself, such as names of members. They cannot be searched for."""
        self._vocabulary = vocabulary
        self._written = mmap.mmap(-1, _SLOTS)  # takes the memory of the pages that are used, and no time for the others
        self._fresh: list[bytes] = []
        """Encoded secrets that became known since the last call of `fresh`."""
        self._known: set[str] = set()
        self._bytes = 0
        """Memory of the encoded secrets."""
        self.is_full = False
        """Whether a secret could not be kept. It was among the fresh ones, and is not found afterwards."""
        self._forms: dict[bytes, dict[bytes, str]] = {}
        """Some bytes -> encoded secrets that contain them -> place where the secret was received."""

    def add(self, secret: str, place: str) -> None:
        """Add a secret."""
        secret = secret[:_HEAD]
        if len(secret) < _KEY or secret in self._known or secret in self._vocabulary:
            return
        forms = {form for form in _forms(secret) if len(form) >= _KEY}
        self._fresh += forms
        size = sum(map(len, forms)) + len(forms) * _BYTES_OF_A_FORM
        self.is_full = self.is_full or self._bytes + size > MAX_BYTES
        if self.is_full:
            return
        self._bytes += size
        self._known.add(secret)
        for form in forms:
            self._forms.setdefault(self._key(form), {}).setdefault(form, place)

    def _key(self, form: bytes) -> bytes:
        """The bytes by which an encoded secret is indexed. Many share a beginning such as `Bearer`, or an end."""
        last = len(form) - _KEY
        keys = [form[at : at + _KEY] for at in (last, last // 2, 0)]
        return min(keys, key=lambda key: len(self._forms.get(key, ())))

    def found_in(self, text: bytes) -> str | None:
        """The place where the first secret in a text was received; None if the text contains none."""
        for key in self._forms.keys() & _sequences(text):
            for form, place in self._forms[key].items():
                if contains(text, form):
                    return place
        return None

    def remember(self, text: bytes) -> None:
        """Remember what is written."""
        for sequence in _sequences(text):
            self._written[hash(sequence) % _SLOTS] = 1

    def fresh(self) -> list[bytes]:
        """The encoded secrets that became known since the last call and may be in what was written."""
        fresh, self._fresh = self._fresh, []
        return [
            form
            for form in fresh
            if all(self._written[hash(form[at : at + _KEY]) % _SLOTS] for at in range(len(form) - _KEY + 1))
        ]


def contains(text: bytes, form: bytes) -> bool:
    """Whether a text contains an encoded secret. One of digits only is not found inside of longer numbers."""
    if not form.isdigit():
        return form in text
    return re.search(rb"(?<!\d)" + re.escape(form) + rb"(?!\d)", text) is not None


def _sequences(text: bytes) -> set[bytes]:
    """Every sequence of _KEY bytes. Cutting them in rows, one after the other, takes half the time of slices."""
    found: set[bytes] = set()
    for shift in range(min(_KEY, len(text) - _KEY + 1)):
        row = text[shift : len(text) - (len(text) - shift) % _KEY]
        found.update(sequence for (sequence,) in struct.iter_unpack(f"{_KEY}s", row))
    return found


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
