"""Decides which data of clients may be shown: the mask, and the rule for places.

A value is shown if its place is known to be harmless. Otherwise its kind and length are shown, with a mark: a hash
keyed by this process, which reveals only whether values are equal. For bodies, the contract and the auth
specs define the harmless places (`Place`); for headers this module has a list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

from mockserver.runtime import PROCESS_KEY
from mockserver.secrecy import placeholders
from mockserver.secrecy.placeholders import VARIABLE, is_placeholder

MASK = "********"
"""Replaces secrets in responses of the API."""

_ETAGS = re.compile(r"[\w.:@*{}\"' ,/\\-]{0,256}")
_ID = re.compile(r"[\w.:@*{}\" -]{0,256}")
_ID_PATH = re.compile(r"[\w.:@*{}\" /-]{0,256}")
"""Characters of lists of etags, also with wrong quotes; of ids; of paths of ids."""
_HARMLESS_HEADERS = placeholders.words(
    """
    accept accept-charset accept-encoding accept-language access-control-request-headers
    access-control-request-method allow cache-control connection content-encoding content-language
    content-length content-type date dnt etag expect host if-match if-modified-since if-none-match keep-alive
    origin pragma priority retry-after sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform sec-fetch-dest
    sec-fetch-mode sec-fetch-site sec-fetch-user te traceparent transfer-encoding upgrade-insecure-requests
    user-agent vary x-api-key x-gw-ims-org-id x-mock-fault x-request-id x-sandbox-id x-sandbox-name
    """
)
"""Headers without credentials. `x-api-key` is a client's public id."""
_FORMS = {
    "host": re.compile(r"[\w.:*{}\[\]-]{0,256}"),
    **dict.fromkeys(("if-match", "if-none-match"), _ETAGS),
    **dict.fromkeys(("x-api-key", "x-gw-ims-org-id", "x-sandbox-id", "x-sandbox-name"), _ID),
}
"""Headers that are shown only in this form."""
_SCHEMES = frozenset({"basic", "bearer", "digest", "negotiate"})
_NO_VALUE = re.compile(rf"\**|{placeholders.NOTHING.pattern}|\[[A-Za-z-]{{0,20}} ?redacted\]", re.IGNORECASE)
"""Masks, texts for a missing value, and texts that exporters leave."""

_NAME = re.compile(r"[\w@$:.,+\-/ ~\[\]]{0,80}")
_WORD = re.compile(r"[A-Za-z_.-]{1,40}|v\d{1,2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|")
_LISTED = re.compile(r"[\w .,:;@*~/+-]{0,400}")
_USERINFO = re.compile(r"(?<=//)(?!\[)(?:([^\s/?#]+)(?=@)|[^\s:/?#@]*+:(?!\d{1,5}(?:[/?#,;\s]|$))\S++)")
"""In a URL the credentials; in one whose password is not encoded, everything from the user to the next space."""
_URL = re.compile(r"([A-Za-z][\w+.:-]*://[^\s=;?#]*\?)([^\s#]*)")
_MAX_QUERY = 65_536
_MAX_LOGINS = 4
"""Maximum URLs with credentials in a text that is shown. A document may have 10,000 texts, and a mark takes 4 µs."""
_CONDITION = re.compile(r"([^=!<>~]*)([=!<>~]+)(.*)", re.DOTALL)

Hide: TypeAlias = Callable[[Any, bool], Any]
"""A function that replaces a text or number, told whether its place is secret: `hidden`, or `blank` in responses of
the API."""

ITEMS, OTHERS = "[]", "{}"
"""Steps of a path: to any item of an array, to any member that is not named."""


def hidden(value: Any, secret: bool = True, digits: int = 4, variable: re.Pattern[str] = VARIABLE) -> Any:
    """Replace a text or number by its kind, length and mark."""
    text, kind = str(value), "string" if isinstance(value, str) else "number"
    if kind == "string" and (is_placeholder(text) or _NO_VALUE.fullmatch(text)):
        return value
    return _sign(placeholders.unfilled_kind(text, variable) or kind, text, digits)


def blank(value: Any, secret: bool = True) -> Any:
    """Replace a text or number by `MASK`."""
    return MASK


def name(text: str) -> str:
    """The name of a member, parameter or header, hidden if it does not look like a name."""
    return text if _NAME.fullmatch(text) else _sign("name", text, 4)


def is_word(text: str) -> bool:
    """Whether a text that stands alone, without a value, is taken for a name: letters, or a UUID."""
    return _WORD.fullmatch(text) is not None


def repeatable(text: str, limit: int = 80) -> str:
    """A client's name or pointer as an error may repeat it. Anything else might be a value and is hidden."""
    return text[:limit] if _NAME.fullmatch(text[:80].strip('"')) else described(text)


def described(text: str) -> str:
    """The length of a text that is not repeated; an empty one hides nothing."""
    return f"‹{counted(len(text), 'character')}›" if text else ""


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 item`, `2 items`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def path(text: str, *, known: bool) -> str:
    """The path of a call. Ids of known paths are shown; of unknown paths only words and UUIDs."""
    if known and _ID_PATH.fullmatch(text):
        return text
    form = _ID if known else _WORD
    return "/".join(
        part if is_placeholder(part) or form.fullmatch(part) or _WORD.fullmatch(part) else hidden(part)
        for part in text.split("/")
    )


def clean(text: str, hide: Hide = hidden) -> str:
    """A text from a harmless place, with credentials in URLs removed; hidden if it has so many that it is no text."""
    if "//" not in text or "@" not in text:
        return text
    most = 0 if hide is blank else _MAX_LOGINS + 1
    shown, logins = _USERINFO.subn(lambda found: _without_login(found, hide), text, most)
    return shown if logins < most or hide is blank else str(hide(text, False))


def _without_login(found: re.Match[str], hide: Hide) -> str:
    login, at, rest = (found[1], "", "") if found[1] else found[0].rpartition("@")
    return f"{hide(login, False)}{at}{rest}" if login else rest


def without_userinfo(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """A record with credentials in the URLs of its params removed, for responses and exports."""
    changed = {key: show(record[key], OPEN, blank) for key in ("params", "transformations") if key in record}
    return {**record, **changed} if changed else record


def is_masked(value: Any) -> bool:
    """Whether a value contains `MASK`."""
    if isinstance(value, dict | list):
        return any(map(is_masked, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and (value == MASK or f"//{MASK}@" in value)


def word(value: Any, hide: Hide) -> Any:
    """A value at a place for numbers, names, ids or pointers; hidden if it is anything else."""
    listed = not isinstance(value, str) or _LISTED.fullmatch(value) or is_placeholder(value)
    return value if listed else hide(value, False)


def param(value: Any, hide: Hide) -> Any:
    """A param that is not secret. A text that might be a list of keys and values is hidden."""
    if not isinstance(value, str) or "=" not in value or hide is blank:
        return show(value, HARMLESS, hide)
    url = _URL.fullmatch(value)
    return clean(url[1], hide) + query(url[2], {}, hide) if url else hide(value, False)


@dataclass(frozen=True, eq=False)
class Place:
    """What is known about a place in a JSON document. By default nothing, so nothing is shown."""

    harmless: bool = False
    """Whether texts and numbers are shown."""
    deep: bool = False
    """Whether members and items that are not named are at the same place."""
    members: Mapping[str, Place] = field(default_factory=dict)
    """The places below, by name, `ITEMS` or `OTHERS`."""
    read: Callable[[Any, Hide], Any] | None = None
    """Shows a text or number, if that depends on the value itself."""
    siblings: Callable[[Mapping[str, Any]], Mapping[str, Place]] | None = None
    """The places of members that depend on other members of the same object."""

    @property
    def secret(self) -> bool:
        """Whether nothing at this place is shown, nor below."""
        return self.deep and not (self.harmless or self.read)

    @property
    def rest(self) -> Place:
        """The place of what is not named."""
        return self if self.deep else UNKNOWN_PLACE

    def below(self, value: Mapping[str, Any]) -> Mapping[str, Place]:
        """The places of an object's members."""
        return {**self.members, **self.siblings(value)} if self.siblings else self.members

    def at(self, steps: Sequence[str]) -> Place:
        """The place at a path: names of members, numbers or `ITEMS` for items."""
        place = self
        for step in steps:
            known = place.below({})
            item = known.get(ITEMS) if step.isdigit() or step == "-" else None
            place = known.get(step) or known.get(OTHERS) or item or place.rest
        return place

    def secrets(self, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """The paths of secrets, for `secret_at`."""
        if self.secret:
            yield above
        for step, below in self.members.items():
            yield from below.secrets((*above, step))

    def merged(self, other: Place | None) -> Place:
        """Combine two places: secret if either is, harmless if one is and neither is secret."""
        if other is None or self.secret:
            return self
        if other.secret:
            return other
        return Place(
            harmless=self.harmless or other.harmless,
            deep=self.deep or other.deep,
            members={
                step: self.members.get(step, UNKNOWN_PLACE).merged(other.members.get(step))
                for step in (*self.members, *other.members)
            },
            read=self.read or other.read,
            siblings=self.siblings or other.siblings,
        )


UNKNOWN_PLACE = Place()
SECRET = Place(deep=True)
HARMLESS = Place(harmless=True)
OPEN = Place(harmless=True, deep=True)
PARAM = Place(harmless=True, read=param)
TOKEN = Place(read=lambda value, hide: hidden(value, digits=12))
WORD = Place(harmless=True, read=word)


def secret_at(steps: Sequence[str]) -> Place:
    """A place with a known secret below it."""
    return reduce(lambda below, step: Place(members={step: below}), reversed(steps), SECRET)


def show(value: Any, place: Place, hide: Hide = hidden) -> Any:
    """A JSON value in the form that may be shown at a place."""
    if isinstance(value, dict):
        known = place.below(value)
        others = known.get(OTHERS, place.rest)
        named = {key: others if key in (ITEMS, OTHERS) else known.get(key, others) for key in value}
        shown = {key: show(inner, named[key], hide) for key, inner in value.items()}
        return shown if hide is blank else {name(key): inner for key, inner in shown.items()}
    if isinstance(value, list):
        return [show(inner, place.members.get(ITEMS, place.rest), hide) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if place.read is not None:
        return place.read(value, hide)
    if not place.harmless:
        return hide(value, place.secret)
    return clean(value, hide) if isinstance(value, str) else value


def restored(sent: Any, shown: Any, stored: Any) -> Any:
    """Undo the masking in an edited document: a value still in its shown form gets its stored form back."""
    if isinstance(sent, dict) and isinstance(shown, dict) and isinstance(stored, dict):
        return {key: restored(inner, shown.get(key), stored.get(key)) for key, inner in sent.items()}
    return stored if sent == shown else sent


def headers(sent: Mapping[str, str], limit: int | None = None) -> dict[str, str]:
    """Headers of a request, each cut after `limit` characters."""
    return {name(key): _header(key.lower(), value)[:limit] for key, value in sent.items()}


def answer_headers(sent: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers of a response. A `Location` is cut to its path."""
    return {
        name(key): clean(value).partition("?")[0] if key.lower() == "location" else _header(key.lower(), value)
        for key, value in sent
    }


def _header(key: str, value: str) -> str:
    if key in _HARMLESS_HEADERS:
        form = _FORMS.get(key)
        if form is None or form.fullmatch(value):
            return clean(value)
        return _sign("variable", value, 4) if VARIABLE.search(value) else _credential(value, 4)
    scheme, _, credential = value.strip().partition(" ")
    if key == "authorization" and scheme.lower() in _SCHEMES:
        return f"{scheme} {_credential(credential.strip(), 12)}".rstrip()
    return _credential(value, 12) if key == "authorization" else str(hidden(value, digits=12))


def _credential(text: str, digits: int) -> str:
    """A token, key or id of a header, hidden; what cannot be one is shown as what it is."""
    if text.lower() in placeholders.NO_CREDENTIAL:
        return text
    return str(hidden(text, digits=digits, variable=placeholders.HEADER_VARIABLE))


def query(raw: str, known: Mapping[str, Place], hide: Hide = hidden) -> str:
    """A query string. Unknown parameters are shown by name only; one that is too long for any request is hidden."""
    if 0 < len(raw) <= _MAX_QUERY:
        return "&".join(_parameter(pair, known, hide) for pair in raw.split("&"))
    return str(hide(raw, False))


def _parameter(pair: str, known: Mapping[str, Place], hide: Hide) -> str:
    key, equals, value = map(unquote_plus, pair.partition("="))
    shown = str(show(value, known.get(key, UNKNOWN_PLACE), hide)) if equals else ""
    shown_key = name(key) if value or key in known or is_word(key) else str(hide(key, False))
    if (shown_key, shown) == (key, value):
        return pair
    return shown_key + equals + shown.replace("%", "%25").replace("&", "%26").replace("+", "%2B")


def filters(text: str, record: Place, hide: Hide = hidden) -> str:
    """A `property` filter. Values compared with harmless members are shown."""
    return "&property=".join(_filter(part, record, hide) for part in text.split("&property="))


def _filter(text: str, record: Place, hide: Hide) -> str:
    condition = _CONDITION.fullmatch(text)
    if condition is None:  # names of members to answer
        return text if all(step.strip() in record.members for step in text.split(",")) else str(hide(text, False))
    steps = condition[1].strip().replace("[]", ".[]").split(".")
    if record.at([step for step in steps if step]).harmless:
        return clean(text, hide)
    return f"{name(condition[1])}{condition[2]}{hide(condition[3], False)}"


def _sign(kind: str, text: str, digits: int) -> str:
    mark = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6, key=PROCESS_KEY).hexdigest()
    return f"‹{kind}, {counted(len(text), 'character')}, #{mark[:digits]}›"
