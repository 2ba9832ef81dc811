"""Decides which data of clients may be shown.

A value is shown if its place is known to be harmless. Otherwise its kind and length are shown, with a mark: a hash
keyed by this process, which reveals only whether values are equal. This module hides values; `places` has the
harmless places of bodies, and `http` those of headers, paths and queries.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from mockserver.runtime import PROCESS_KEY
from mockserver.secrecy import placeholders
from mockserver.secrecy.placeholders import VARIABLE, is_placeholder

MASK = "********"
"""Replaces secrets in responses of the API."""

_NO_VALUE = re.compile(rf"\**|{placeholders.NOTHING.pattern}|\[[A-Za-z-]{{0,20}} ?redacted\]", re.IGNORECASE)
"""Masks, texts for a missing value, and texts that exporters put in place of a secret."""

_NAME = re.compile(r"[\w@$:.,+\-/ ~\[\]]{0,80}")
ALONE = re.compile(r"[A-Za-z_.-]{1,40}|v\d{1,2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|")
"""Texts that are taken for a name if they have no value: letters, or a UUID."""
_USERINFO = re.compile(r"(?<=//)(?!\[)(?:([^\s/?#]+)(?=@)|[^\s:/?#@]*+:(?!\d{1,5}(?:[/?#,;\s]|$))\S++)")
"""The credentials in a URL. If the password is not encoded, everything from the user to the next space."""
_MAX_LOGINS = 4
"""Maximum URLs with credentials in a text that is shown. A document may have 10,000 texts, and a mark takes 4 µs."""

Hide: TypeAlias = Callable[[Any, bool], Any]
"""Replaces a text or number. The second argument says whether its place is secret. `hidden`, `blank` in responses of
the API, or `masked` and `masked_text` in exports."""


def hidden(value: Any, secret: bool = True, digits: int = 4, variable: re.Pattern[str] = VARIABLE) -> Any:
    """Replace a text or number by its kind, length and mark."""
    text, kind = str(value), "string" if isinstance(value, str) else "number"
    if kind == "string" and (is_placeholder(text) or _NO_VALUE.fullmatch(text)):
        return value
    return signed(placeholders.unfilled_kind(text, variable) or kind, text, digits)


def signed(kind: str, text: str, digits: int = 4) -> str:
    """The kind of a text, its length and its mark."""
    mark = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6, key=PROCESS_KEY).hexdigest()
    return f"‹{kind}, {counted(len(text), 'character')}, #{mark[:digits]}›"


def blank(value: Any, secret: bool = True) -> Any:
    """Replace a text or number by `MASK`."""
    return MASK


def masked(value: Any, secret: bool = True) -> Any:
    """Replace a text or number by `MASK` in exports, which hide more than responses: values that may be credentials."""
    return MASK


def masked_text(value: Any, secret: bool = True) -> Any:
    """Replace a text by `MASK` in exports of written specs, whose other numbers limit values."""
    return MASK if secret or isinstance(value, str) else value


def is_masked(value: Any) -> bool:
    """Whether a value contains `MASK`."""
    if isinstance(value, dict | list):
        return any(map(is_masked, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and (value == MASK or f"//{MASK}@" in value)


def restored(sent: Any, shown: Any, stored: Any) -> Any:
    """Undo the masking in an edited document: a value still in its shown form gets its stored form back."""
    if isinstance(sent, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        return {key: restored(inner, shown.get(key), stored.get(key)) for key, inner in sent.items()}
    return stored if sent == shown and shown is not stored else sent


def name(text: str) -> str:
    """The name of a member, parameter or header, hidden if it does not look like a name."""
    return text if _NAME.fullmatch(text) else signed("name", text)


def is_word(text: str) -> bool:
    """Whether a text without a value is taken for a name: letters, or a UUID."""
    return ALONE.fullmatch(text) is not None


def repeatable(text: str, limit: int = 80) -> str:
    """A client's name or pointer as an error may repeat it. Any other text is hidden, because it might be a value."""
    return text[:limit] if _NAME.fullmatch(text[:80].strip('"')) else described(text)


def described(text: str) -> str:
    """The length of a text that is not repeated; an empty one hides nothing."""
    return f"‹{counted(len(text), 'character')}›" if text else ""


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 item`, `2 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clean(text: str, hide: Hide = hidden) -> str:
    """A text from a harmless place without the credentials in its URLs. Hidden if there are more than `_MAX_LOGINS`."""
    if "//" not in text or "@" not in text:
        return text
    limit = 0 if hide is blank else _MAX_LOGINS + 1
    shown, logins = _USERINFO.subn(lambda found: _without_login(found, hide), text, limit)
    return shown if logins < limit or hide is blank else str(hide(text, False))


def _without_login(found: re.Match[str], hide: Hide) -> str:
    login, at, rest = (found[1], "", "") if found[1] else found[0].rpartition("@")
    return f"{hide(login, False)}{at}{rest}" if login else rest


def without_userinfo(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record with credentials in the URLs of its params removed, for responses."""
    changed = {key: _cleaned(record[key]) for key in ("params", "transformations", "lastOperation") if key in record}
    return {**record, **changed} if changed else record


def _cleaned(value: Any) -> Any:
    """A value without credentials in URLs: itself if it has none, because a copy of many values takes much memory."""
    if isinstance(value, dict):
        members = {key: _cleaned(inner) for key, inner in value.items()}
        return members if any(members[key] is not inner for key, inner in value.items()) else value
    if isinstance(value, list):
        items = [_cleaned(inner) for inner in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return clean(value, blank) if isinstance(value, str) else value
