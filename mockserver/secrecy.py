"""Decides which data of clients may be shown: mask, placeholders, and the rule for places.

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

MASK = "********"
"""Replaces secrets in responses of the API."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLACEHOLDER_WORDS = _words(
    """
    ACCESS ACCOUNT ACTIVATION AEP AMAZON API APPLICATION ATTRIBUTE AUTH AWS AZURE BASE BATCH BEHAVIOR BLOB
    BUCKET BY CATALOG CLASS CLIENT CLOUD CLUSTER CODE COMPRESSION CONNECTION CONTAINER CREATED CREDENTIALS DATA
    DATABASE DATAFLOW DATASET DESCRIPTION DESCRIPTOR DESTINATION DOMAIN EMAIL ENDPOINT ETAG EVENT FIELD FILE
    FILEPATH FILTER FLOW FOLDER FUNCTION GOOGLE GROUP HOST HUB ID IMS INLET INPUT INSTANCE JWT KEY LANDING
    MAPPING MIXIN MODE MODIFIED NAME NAMESPACE OBJECT OF ORG ORGANIZATION OUTPUT PASSWORD PATH PORT PREFIX
    PRINCIPAL PRIVATE PROFILE PROJECT PROVIDER PUBLIC QUERY REFRESH REGION REMOTE RESOURCE ROLE RUN S3 SANDBOX
    SAS SCHEMA SCOPE SECRET SECURITY SEGMENT SERVER SERVICE SESSION SET SITE SOURCE SPEC SSH SSL START STORAGE
    STREAM STRING SUBDOMAIN SUBSCRIPTION TABLE TARGET TENANT TIME TO TOKEN TOPIC TYPE UNION URI URL USER
    USERNAME VALUE VERSION WAREHOUSE ZONE
    """
)
"""Words in the names of placeholders in Adobe's documents."""

_HARMLESS_HEADERS = _words(
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

_SCHEMES = frozenset({"basic", "bearer", "digest", "negotiate"})
NOTHING = re.compile(
    r"undefined|null|none|nan|nil|<nil>|\(null\)|\(nil\)|nullptr|nonetype|\[object [a-z]+\]", re.IGNORECASE
)
"""Texts that programs print for a missing value."""

PRINTED = re.compile(
    r"<[\w.]+ (?:object |at |of )[^<>]*>|<Response \[\d+\]>|#<[\w:][^<>]*>|Promise \{.*\}|function \w*\(.*|"
    r"[a-z]\w*(?:\.\w+)+@[0-9a-f]{5,8}|System\.[A-Z][\w.]*(?:`\d)?\[.*\]|b'.*'|b\".*\"|map\[.*\]|Optional\(.*\)",
    re.DOTALL,
)
"""Texts that programs print for an object, in place of the value that it holds."""

_NO_VALUE = re.compile(rf"\**|{NOTHING.pattern}|\[[A-Za-z-]{{0,20}} ?redacted\]", re.IGNORECASE)
"""Masks, texts for a missing value, and texts that exporters leave."""

VARIABLE = re.compile(
    r"\$\{\{?[^{}]{1,64}\}?\}|\{\{[^{}]{1,64}\}\}|#\{\w{1,64}\}|"
    r"%[A-Za-z_]{1,64}%|\$[A-Z][A-Z_]{2,63}|<[A-Za-z_ -]{3,64}>|"
    r"\$\([\w.-]{1,64}\)|%\(\w{1,64}\)s|%\{\w{1,64}\}|#\{[^{}]{1,64}\}|<%=?[^<>]{1,64}%>|"
    r"(?:process\.env|import\.meta\.env|os\.environ)\b[\w.\[\]()'\"]{1,64}"
)
"""An unresolved variable of a shell, a template, a program's text or a request collection."""

HEADER_VARIABLE = re.compile(
    rf"{VARIABLE.pattern}|\$[A-Za-z]\w*(?::\w+)?|\{{[\w.\[\]'() ]{{1,64}}\}}|"
    r"%s|__[A-Z_]+__|@\w+@|\[[A-Za-z_ .-]+\]|:[a-z_]+"
)
"""The same in a header, where no token, key, id or sandbox has such a form."""

NO_CREDENTIAL = frozenset({"true", "false", '""', "''", "[]", "{}"})
"""What a program sends in a header for a token, key or id that it does not have, in lower case."""

_NAME = re.compile(r"[\w@$:.,+\-/ ~\[\]]{0,80}")
_WORD = re.compile(r"[A-Za-z_.-]{1,40}|v\d{1,2}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|")
_ID = re.compile(r"[\w.:@*{}\" -]{0,256}")
_ID_PATH = re.compile(r"[\w.:@*{}\" /-]{0,256}")
_ETAGS = re.compile(r"[\w.:@*{}\"' ,/\\-]{0,256}")
"""Characters of ids, of paths of ids, and those of lists, weak etags and wrong quotes."""
_FORMS = {
    "host": re.compile(r"[\w.:*{}\[\]-]{0,256}"),
    **dict.fromkeys(("if-match", "if-none-match"), _ETAGS),
    **dict.fromkeys(("x-api-key", "x-gw-ims-org-id", "x-sandbox-id", "x-sandbox-name"), _ID),
}
"""Headers that are shown only in this form."""
_LISTED = re.compile(r"[\w .,:;@*~/+-]{0,400}")
_USERINFO = re.compile(r"(?<=//)(?!\[)(?:([^\s/?#]+)(?=@)|[^\s:/?#@]*+:(?!\d{1,5}(?:[/?#,;\s]|$))\S++)")
"""In a URL the credentials; in one whose password is not encoded, everything from the user to the next space."""
_URL = re.compile(r"([A-Za-z][\w+.:-]*://[^\s=;?#]*\?)([^\s#]*)")
_MAX_QUERY = 65_536
_CONDITION = re.compile(r"([^=!<>~]*)([=!<>~]+)(.*)", re.DOTALL)

Hide: TypeAlias = Callable[[Any], Any]
"""A function that replaces a text or number: `hidden`, or `blank` in responses of the API."""


def is_placeholder(value: object) -> bool:
    """Whether a value is a placeholder of Adobe's documents, such as `{ACCESS_TOKEN}`."""
    braced = isinstance(value, str) and value[:1] == "{" and value[-1:] == "}"
    return braced and _PLACEHOLDER_WORDS.issuperset(str(value)[1:-1].split("_"))


def hidden(value: Any, digits: int = 4) -> Any:
    """Replace a text or number by its kind, length and mark."""
    text, kind = str(value), "string" if isinstance(value, str) else "number"
    if is_placeholder(value) or (kind == "string" and _NO_VALUE.fullmatch(text)):
        return value
    return _sign(_unfilled(text, VARIABLE) or kind, text, digits)


def _unfilled(text: str, variable: re.Pattern[str]) -> str:
    """The kind of a text that replaces a value by mistake: `variable` or `printed object`; else ""."""
    return "variable" if variable.fullmatch(text) else "printed object" if PRINTED.fullmatch(text) else ""


def blank(value: Any) -> Any:
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
    """The length of a text that is not repeated."""
    return f"‹{counted(len(text), 'character')}›"


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
    """A text from a harmless place, with credentials in URLs removed."""
    return _USERINFO.sub(lambda found: _without_login(found, hide), text) if "//" in text and "@" in text else text


def _without_login(found: re.Match[str], hide: Hide) -> str:
    login, at, rest = (found[1], "", "") if found[1] else found[0].rpartition("@")
    return f"{hide(login)}{at}{rest}" if login else rest


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
    return value if not isinstance(value, str) or _LISTED.fullmatch(value) or is_placeholder(value) else hide(value)


def param(value: Any, hide: Hide) -> Any:
    """A param that is not secret. A text that might be a list of keys and values is hidden."""
    if not isinstance(value, str) or "=" not in value or hide is blank:
        return show(value, HARMLESS, hide)
    url = _URL.fullmatch(value)
    return clean(url[1], hide) + query(url[2], {}) if url else hide(value)


@dataclass(frozen=True, eq=False)
class Place:
    """What is known about a place in a JSON document. By default nothing, so nothing is shown."""

    harmless: bool = False
    """Whether texts and numbers are shown."""
    deep: bool = False
    """Whether members and items that are not named are at the same place."""
    members: Mapping[str, Place] = field(default_factory=dict)
    others: Place | None = None
    """The place of members that are not named."""
    items: Place | None = None
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
        """The place at a path: names of members, numbers or `[]` for items."""
        place = self
        for step in steps:
            item = place.items if step.isdigit() or step in ("[]", "-") else None
            place = place.below({}).get(step) or place.others or item or place.rest
        return place

    def secrets(self, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """The paths of secrets, for `secret_at`."""
        if self.secret:
            yield above
        for step, below in (*self.members.items(), ("[]", self.items), ("{}", self.others)):
            if below is not None:
                yield from below.secrets((*above, step))

    def merged(self, other: Place | None) -> Place:
        """Combine two places: secret if either is, harmless if one is and neither is secret."""
        if other is None or self.secret:
            return self
        if other.secret:
            return other
        names = {**self.members, **other.members}
        return Place(
            harmless=self.harmless or other.harmless,
            deep=self.deep or other.deep,
            members={key: self.members.get(key, UNKNOWN_PLACE).merged(other.members.get(key)) for key in names},
            others=self.others.merged(other.others) if self.others else other.others,
            items=self.items.merged(other.items) if self.items else other.items,
            read=self.read or other.read,
            siblings=self.siblings or other.siblings,
        )


UNKNOWN_PLACE = Place()
SECRET = Place(deep=True)
HARMLESS = Place(harmless=True)
OPEN = Place(harmless=True, deep=True)
PARAM = Place(harmless=True, read=param)
TOKEN = Place(read=lambda value, hide: hidden(value, 12))
WORD = Place(harmless=True, read=word)


def secret_at(steps: Sequence[str]) -> Place:
    """A place with a known secret below it."""
    kinds = {"[]": "items", "{}": "others"}
    return reduce(
        lambda below, step: Place(**{kinds[step]: below}) if step in kinds else Place(members={step: below}),  # type: ignore[arg-type]
        reversed(steps),
        SECRET,
    )


def show(value: Any, place: Place, hide: Hide = hidden) -> Any:
    """A JSON value in the form that may be shown at a place."""
    if isinstance(value, dict):
        known, others = place.below(value), place.others or place.rest
        shown = {key: show(inner, known.get(key, others), hide) for key, inner in value.items()}
        return shown if hide is blank else {name(key): inner for key, inner in shown.items()}
    if isinstance(value, list):
        return [show(inner, place.items or place.rest, hide) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    if place.read is not None:
        return place.read(value, hide)
    if not place.harmless:
        return hide(value)
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
    return _credential(value, 12) if key == "authorization" else str(hidden(value, 12))


def _credential(text: str, digits: int) -> str:
    """A token, key or id of a header, hidden; what cannot be one is shown as what it is."""
    if text.lower() in NO_CREDENTIAL or is_placeholder(text) or _NO_VALUE.fullmatch(text):
        return text
    kind = _unfilled(text, HEADER_VARIABLE)
    return _sign(kind, text, digits) if kind else str(hidden(text, digits))


def query(raw: str, known: Mapping[str, Place]) -> str:
    """A query string. Unknown parameters are shown by name only; one that is too long for any request is hidden."""
    return "&".join(_parameter(pair, known) for pair in raw.split("&")) if 0 < len(raw) <= _MAX_QUERY else hidden(raw)


def _parameter(pair: str, known: Mapping[str, Place]) -> str:
    key, equals, value = map(unquote_plus, pair.partition("="))
    shown = str(show(value, known.get(key, UNKNOWN_PLACE))) if equals else ""
    shown_key = name(key) if value or key in known or is_word(key) else str(hidden(key))
    if (shown_key, shown) == (key, value):
        return pair
    return shown_key + equals + shown.replace("%", "%25").replace("&", "%26").replace("+", "%2B")


def filters(text: str, record: Place) -> str:
    """A `property` filter. Values compared with harmless members are shown."""
    shown = []
    for part in text.split("&property="):
        condition = _CONDITION.fullmatch(part)
        steps = [step for step in (condition[1] if condition else part).strip().replace("[]", ".[]").split(".") if step]
        if condition is None:  # names of members to answer
            shown.append(part if all(step.strip() in record.members for step in part.split(",")) else hidden(part))
        elif record.at(steps).harmless:
            shown.append(clean(part))
        else:
            shown.append("".join((name(condition[1]), condition[2], hidden(condition[3]))))
    return "&property=".join(shown)


def _sign(kind: str, text: str, digits: int) -> str:
    mark = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6, key=PROCESS_KEY).hexdigest()
    return f"‹{kind}, {counted(len(text), 'character')}, #{mark[:digits]}›"
