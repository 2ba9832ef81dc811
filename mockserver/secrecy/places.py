"""The places of JSON documents: a table of the known ones, and the function that shows a document by it.

A table has a row for each known place: the steps that lead there, and the reader of its texts and numbers. A place
without a row is unknown, and its values are hidden.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import unquote, unquote_plus

from mockserver import secrecy
from mockserver.secrecy import Hide, blank, clean, hidden, masked, masked_text
from mockserver.secrecy.placeholders import VARIABLE, is_placeholder

ITEMS, OTHERS = "[]", "{}"
"""Steps to any item of an array, and to any member that has no row."""

_WORDS = re.compile(r"[\w .,:;@*~/+-]{0,400}")
_LINK = re.compile(r"([A-Za-z][\w+.:-]*://[^\s=;?#]*[?#])([^\s#@]*)")
"""A URL with a query or a fragment: what is before it, and it."""
_PART = r"[^\x00-\x1f\x7f:;=@<>{}|]"
_PATH, _PORT = rf"(?:/{_PART}*+)?", r"(?::\d{1,5})?"
_ORDINARY = re.compile(
    rf"""
    .{{0,2}}                                                                      # a delimiter
    | (?: {_PART}++ | :[ ] )*+                                                    # a name, a relative path
    | (?: /(?!/) | [a-z]:[\\/] ) (?: (?: {_PART}++ | : )*+ | (?: {_PART}++ | @ )*+ )  # an absolute path
    | (?: [a-z][\w+.-]{{0,30}}: ){{1,3}} // [\w.*-]*+ (?: \[[\w:.]*+\] )? {_PORT} (?: ,[\w.-]++ {_PORT} )*+ {_PATH}
    | [\w.+%'$-]++ @ [\w.-]*+ {_PORT} {_PATH}                                     # a mail address, a user at a host
    | (?: jdbc:\w++: (?: thin: )? )? [\w.*-]++ (?: :[\w.*-]*+ ){{1,2}} (?: ,[\w.*-]++ {_PORT} )*+ {_PATH}  # hosts
    | (?: arn | urn ) :[\w:/.*+-]*+
    | \[? [\da-f:.]*+ (?: %\w++ )? \]? {_PORT}                                    # an IPv6 address
    | \d[\d-]*+ [t ] [\d:.]++ (?: z | [+-][\d:]++ )?                              # a time
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
"""The forms of names, addresses without logins, and paths."""
_KEYWORD = (
    r"(?:password|passwd|passphrase|secret|token|credential|signature|(?<![a-z])(?:pwd?|sig)"
    r"|(?:access|account|api|private|secret|shared)[ _-]?key)s?(?![a-z])"
)
_SUSPECT = re.compile(
    rf"{_KEYWORD}\s*+(?:[^\w\s./\\-][^\w./\\-]*+\S|(?<=\s)(?!(?:[^\W\d_]|[.,/'&-])++(?!\S))\S)"
    rf"|(?<!\S)(?:host|server|machine|login|uid|user|username|export|set)\s.*(?<!\S)\w*{_KEYWORD}\s++\S"
    r"|(?:bearer|authorization)[^\w./\\-]++\S|(?<!\S)-++[a-z]|(?<!\w)eyj[\w-]*+\.[\w-]|(?<![\w+-])[\w+-]{100}",
    re.IGNORECASE | re.DOTALL,
)
"""A word for a secret before what is no plain word, or after another field; an option of a command; a key or token."""
_PARTITION = r"[A-Za-z_]\w{0,40}=[\d-]{1,10}"
_INERT = re.compile(rf"{VARIABLE.pattern}|\{{[\w.,*-]{{1,64}}\}}|(?<![^/]){_PARTITION}(?=/)|(?<=/){_PARTITION}$")
"""In a path or name: a variable, alternatives, and a folder that is named after its values, such as `year=2026`."""
_ESCAPE = re.compile(r"\\u00([2-7][0-9A-Fa-f])")

_MAX_ORDINARY = 4_096
"""Maximum characters of a name, an address or a path (assumed)."""
_MAX_QUERY = 65_536
_CONDITION = re.compile(r"([^=!<>~]*)([=!<>~]+)(.*)", re.DOTALL)
_MEMBER = re.compile(r"(?<![\w.])([A-Za-z]\w{0,63})(?:\.\w{1,64}){1,8}\s{0,4}(?:[<>~!:,]|\s\w)")
"""A path before an operator or another word."""
_JOINED = re.compile(
    r"([^\"=<>]{0,256}?)((?:[,;&|]|\s)\s{0,4}(?:property=)?)([A-Za-z][\w.\[\]]{0,64}\s{0,4}(?:[=!<>]=|[<>]).*)",
    re.DOTALL,
)
"""The value of a filter before a second condition, which the judge reports."""
_MAX_JOINED = 8
"""Maximum number of further conditions in the value of a filter that are shown."""

Reader: TypeAlias = Callable[[Any, Hide], Any]
"""Shows a text or number, or hides it."""

Steps: TypeAlias = tuple[str, ...]
Row: TypeAlias = "tuple[Steps, Reader | Chosen]"


def unknown(value: Any, hide: Hide) -> Any:
    """The reader of places that have no row: hides the value."""
    return hide(value, False)


def secret(value: Any, hide: Hide) -> Any:
    """The reader of secrets: hides the value and tells `hide` that it is one."""
    return hide(value, True)


def text(value: Any, hide: Hide) -> Any:
    """The reader of harmless values and of texts that people write: shows them without credentials in URLs."""
    return clean(value, hide) if isinstance(value, str) else value


def word(value: Any, hide: Hide) -> Any:
    """The reader of numbers, names, ids and pointers; hides anything else."""
    is_shown = not isinstance(value, str) or _WORDS.fullmatch(value) or is_placeholder(value)
    return value if is_shown else hide(value, False)


def token(value: Any, hide: Hide) -> Any:
    """The reader of access tokens, which are hidden with a longer mark."""
    return hidden(value, digits=12)


def param(value: Any, hide: Hide) -> Any:
    """The reader of params that are no secret: hides values that are more than a name, an address or a path."""
    if not isinstance(value, str) or hide is blank:
        return text(value, hide)
    if link := _LINK.fullmatch(value):
        is_shown = hide is not masked and _is_ordinary(link[1][:-1])
        return clean(link[1], hide) + query(link[2], UNKNOWN, hide) if is_shown else hide(value, False)
    return clean(value, hide) if _is_ordinary(value) else hide(value, False)


def _is_ordinary(value: str) -> bool:
    """Whether a text is a name, an address or a path, also if it is encoded. Logins of URLs do not count."""
    if len(value) > _MAX_ORDINARY:
        return False
    plain = clean(value, lambda login, secret: "").replace("//@", "//")
    if "%" in plain or not plain.isascii():
        plain = unicodedata.normalize("NFKC", unquote(unquote(plain)))
    plain = _INERT.sub("x", _ESCAPE.sub(lambda found: chr(int(found[1], 16)), plain))
    return _ORDINARY.fullmatch(plain) is not None and _SUSPECT.search(plain) is None


@dataclass(slots=True, eq=False)
class Place:
    """A place in a JSON document, with the places below it."""

    read: Reader = unknown
    below: dict[str, Place] = field(default_factory=dict)
    """By name of a member, `ITEMS` or `OTHERS`."""
    chosen: Callable[[Mapping[str, Any]], Place] | None = None
    """Returns the place to use instead. Its argument is the object that has this member."""

    @property
    def is_shown(self) -> bool:
        """Whether texts and numbers are shown here."""
        return self.read not in (unknown, secret)

    def member(self, name: str, above: Mapping[str, Any]) -> Place:
        """The place of a member of the object `above`."""
        named = None if name in (ITEMS, OTHERS) else self.below.get(name)
        return self._resolved(named or self.below.get(OTHERS), above)

    @property
    def item(self) -> Place:
        """The place of the items of an array."""
        return self._resolved(self.below.get(ITEMS), {})

    def _resolved(self, found: Place | None, above: Mapping[str, Any]) -> Place:
        """The place, or the unknown place. Everything below a secret is secret."""
        if found is None:
            return SECRET if self.read is secret else UNKNOWN
        return found.chosen(above) if found.chosen else found

    def at(self, steps: Sequence[str]) -> Place:
        """The place at a path: names of members, and numbers or `ITEMS` for items."""
        place = self
        for step in steps:
            is_item = step == ITEMS or (ITEMS in place.below and (step.isdigit() or step == "-"))
            place = place.item if is_item else place.member(step, {})
        return place


@dataclass(frozen=True, slots=True)
class Chosen:
    """A row whose place depends on the object around the member, as `auth` depends on the connection's spec."""

    place: Callable[[Mapping[str, Any]], Place]


UNKNOWN = Place()
SECRET = Place(secret)


def table(rows: Iterable[Row]) -> Place:
    """The root of the places in a table. If a place has several rows, the strictest reader counts."""
    root = Place()
    for steps, read in sorted(rows, key=lambda row: (row[1] is secret, row[1] is not text)):
        place = root
        for step in steps:
            place = place.below.setdefault(step, Place())
        if isinstance(read, Chosen):
            place.chosen = read.place
        else:
            place.read = read
        if read is secret:
            place.below.clear()
    return root


@dataclass(frozen=True, slots=True)
class Strict:
    """Shows less than usual of names without a row, and of texts that do not fit their member."""

    name: Callable[[str, Place | None], str]
    """Shows the name of a member without a row. The second argument is the place of such members, or None."""
    word: Callable[[str], str]
    """Shows a text at a place of numbers, names, ids or pointers."""
    text: Callable[[str, str], str]
    """Shows a harmless text. The second argument is the name of its member, for params an empty one."""


_KEEPING_NAMES = (blank, masked, masked_text)
"""Functions for documents that are imported again: they hide values, but no names of members."""


def show(value: Any, place: Place, hide: Hide = hidden, strict: Strict | None = None, member: str = "") -> Any:
    """A JSON value in the form that may be shown at a place. `member`: its name, for `strict`."""
    if isinstance(value, dict):
        shown = {key: show(inner, place.member(key, value), hide, strict, key) for key, inner in value.items()}
        if strict:
            others = place.below.get(OTHERS)
            return {key if key in place.below else strict.name(key, others): inner for key, inner in shown.items()}
        return shown if hide in _KEEPING_NAMES else {secrecy.name(key): inner for key, inner in shown.items()}
    if isinstance(value, list):
        return [show(inner, place.item, hide, strict, member) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if strict and isinstance(value, str) and place.is_shown:
        return _shown_strictly(value, place, hide, strict, member)
    return place.read(value, hide)


def _shown_strictly(value: str, place: Place, hide: Hide, strict: Strict, member: str) -> str:
    if place.read is word:
        return strict.word(value)
    return strict.text(member if place.read is text else "", str(place.read(value, hide)))


def query(raw: str, known: Place, hide: Hide = hidden) -> str:
    """A query string. Unknown parameters are shown by name only; one that is too long for any request is hidden."""
    if 0 < len(raw) <= _MAX_QUERY:
        return "&".join(_parameter(pair, known, hide) for pair in raw.split("&"))
    return str(hide(raw, False))


def _parameter(pair: str, known: Place, hide: Hide) -> str:
    key, equals, value = map(unquote_plus, pair.partition("="))
    shown = str(show(value, known.below.get(key, UNKNOWN), hide)) if equals else ""
    shown_key = secrecy.name(key) if value or key in known.below or secrecy.is_word(key) else str(hide(key, False))
    if (shown_key, shown) == (key, value):
        return pair
    return shown_key + equals + shown.replace("%", "%25").replace("&", "%26").replace("+", "%2B")


def filters(text: str, record: Place, hide: Hide = hidden) -> str:
    """A `property` filter. Values compared with harmless members are shown."""
    return "&property=".join(_filter(part, record, hide) for part in text.split("&property="))


def _filter(text: str, record: Place, hide: Hide, further: int = _MAX_JOINED) -> str:
    condition = _CONDITION.fullmatch(text)
    if condition is None:  # names of members to answer
        return text if all(step.strip() in record.below for step in text.split(",")) else str(hide(text, False))
    steps = condition[1].strip().replace("[]", ".[]").split(".")
    place = record.at([step for step in steps if step])
    shown = Place(param if place.read is word else place.read)  # a word may be in quotes here
    value, rest = condition[3], ""
    if shown.is_shown and further and (joined := _JOINED.fullmatch(value)):
        value, rest = joined[1], joined[2] + _filter(joined[3], record, hide, further - 1)
    if _holds_condition(value, record):
        shown = UNKNOWN
    return f"{secrecy.name(condition[1])}{condition[2]}{show(value, shown, hide)}{rest}"


def _holds_condition(value: str, record: Place) -> bool:
    """Whether the value of a filter may hold another condition, in a form that the service does not know."""
    return "=" in value or any(path[1] in record.below for path in _MEMBER.finditer(value))
