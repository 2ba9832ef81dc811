"""A known secret that can be found in every encoding."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

CANARY = 'c4n4ry~s3cr3t&w/rd+"é<\\x'
"""Has every character that some encoding changes; no readable encoding changes the first twelve."""

CORE = "c4n4ry"


def spellings(secret: str = CANARY, core: str = CORE) -> set[str]:
    """The secret plain and as JSON, URL, HTML, XML, Base64 and hex; of the last two also every part."""
    raw = secret.encode()
    forms = {secret, core, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    forms |= {raw.hex(), raw.hex().upper(), core.encode().hex(), secret.encode("unicode_escape").decode()}
    for start in range(3):  # in each alignment to groups of three bytes
        inner = core.encode()[start:]
        forms.add(base64.b64encode(inner[: len(inner) // 3 * 3]).decode())
    return {form for form in forms if len(form) >= 4}


_SPELLINGS = sorted(spellings())


def leaks(text: str) -> list[str]:
    """Where a text contains the secret, with its context."""
    found = []
    for form in _SPELLINGS:
        at = text.find(form)
        if at >= 0:
            found.append(f"{form!r} in …{text[max(0, at - 120) : at + 80]}…")
    return found
