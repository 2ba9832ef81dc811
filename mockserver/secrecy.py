"""Takes credentials out of a call before anything of it is stored or printed.

What is known to be a secret by its place (auth params, tokens, client secrets) is masked there, and
its text wherever else in the same call it shows up, say in a name.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus

from mockserver import json_input
from mockserver.json_input import Json
from mockserver.specs import connection_string

MASK = "********"
"""What a secret looks like in answers and everywhere else."""

_OPEN_PARAMS = frozenset(
    {"specName", "server", "host", "port", "database", "username", "userName", "sslMode", "dataType", "name"}
)
"""What is shown of auth and its params; everything else there is taken for a secret."""

_WORDS = (
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "credential",
    "private",
    "passphrase",
    "connectionstring",
    "sas",
)
_SECRET_WORDS = re.compile("|".join(_WORDS), re.IGNORECASE)
_SCHEMES = frozenset({"bearer", "basic", "digest", "negotiate", "oauth", "token"})
"""What stands before a credential and is none itself."""

_SECRET_NAMES = frozenset({"auth", "authorization", "params"})
_HARMLESS = frozenset({"continuationtoken", "token_type"})
_PLACEHOLDER = re.compile(r"\{[A-Za-z0-9_ ]{1,64}\}")
_SHORTEST = 4
"""Shorter secrets are masked in their place only: their text is everywhere."""

_USUAL_NAME = 64
"""Longer names are judged anew each time: what is remembered of clients must not grow with what they send."""

_USUAL_CREDENTIAL = 4096
"""Longer ones are masked anew each time, for the same reason."""

_LEAVES = frozenset({str, int, float, bool, type(None)})


def fingerprint(secret: str) -> str:
    """Tells one secret from another without giving it away."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()[:8]


def headers(sent: Mapping[str, str], found: set[str] | None = None, most: int | None = None) -> dict[str, str]:
    """Headers with credentials reduced to their scheme and a fingerprint; values are cut after `most` characters.

    `found` gathers the credentials.
    """
    shown = dict(sent)
    for name in _closed_headers(tuple(sent)):
        shown[name] = _header(sent[name], found)
    if most is not None and max(map(len, shown.values()), default=0) > most:
        return {name: value[:most] for name, value in shown.items()}
    return shown


@functools.lru_cache(maxsize=64)  # a client's calls have the same ones
def _closed_headers(names: tuple[str, ...]) -> list[str]:
    """Those of a call's headers that may hold a credential."""
    return [name for name in names if "auth" in name or "cookie" in name or _SECRET_WORDS.search(name)]


def _header(value: str, found: set[str] | None) -> str:
    shown, secret = (_usual_credential if len(value) <= _USUAL_CREDENTIAL else _credential)(value)
    if found is not None and secret:
        found.add(secret)
    return shown


def _credential(value: str) -> tuple[str, str]:
    """What is shown of a credential, and the secret in it."""
    scheme, _, secret = value.partition(" ")
    if scheme.lower() not in _SCHEMES:
        scheme, secret = "", value
    if not secret or _PLACEHOLDER.fullmatch(secret.strip()):
        return value, ""
    return f"{scheme} {MASK} {fingerprint(secret)}".lstrip(), secret.strip()


_usual_credential = functools.lru_cache(maxsize=256)(_credential)
"""A client sends the same token with each call. In memory only and bounded, as what `Remembered` keeps."""


def query(raw: str, found: set[str] | None = None) -> str:
    """A query string with secret-looking parameters and filters on auth masked. `found` gathers what was masked."""
    if not raw:
        return raw
    plain = unquote_plus(raw).casefold()
    if not any(map(plain.__contains__, ("auth", *_WORDS))):  # in a sixth of the time of the pattern
        return raw
    shown = []
    for name, value in parse_qsl(raw, keep_blank_values=True):
        text = _query_value(name, value)
        if text == MASK and found is not None:
            found.add(re.split(r"[=<>!~]+", value)[-1].strip('"'))
        shown.append(f"{quote(name)}={quote(text)}")
    return "&".join(shown)


def _query_value(name: str, value: str) -> str:
    if name.lower() in _HARMLESS:
        return _page_token(value)
    if _looks_secret(name):
        return MASK
    return MASK if re.search(r"\bauth\b", value) else value


def _page_token(token: str) -> str:
    """A continuation token, unless the filters it carries look at auth."""
    return f"{MASK}-{fingerprint(token)}" if "auth" in unveiled(token) else token


def body(value: Json, found: set[str] | None = None) -> Json:
    """A parsed body, request or answer, with every secret masked. `found` gathers them."""
    found = set() if found is None else found
    masked: Json = _walk(value, found)
    secrets = _longest_first(found)
    return _without(masked, secrets) if secrets else masked


def _longest_first(found: Iterable[str]) -> list[str]:
    return sorted((secret for secret in found if len(secret) >= _SHORTEST), key=len, reverse=True)


def excerpt(value: Json, most: int, found: set[str] | None = None) -> str:
    """What `body` makes of a value, as compact JSON cut after `most` characters; "" for none.

    Secrets are nearly always in their place only, and to see that in the JSON takes a hundredth of the
    time of looking for each in every text.
    """
    if value is None:
        return ""
    found = set() if found is None else found
    masked = _walk(value, found)
    written = json_input.dumps(masked)
    if repeats(written, found):
        written = json_input.dumps(_without(masked, _longest_first(found)))
    text = written.decode()
    return text if len(text) <= most else text[:most] + "…"


def late_excerpt(sent: bytes, most: int, found: set[str]) -> str:
    """What `excerpt` makes of JSON of which only the beginning is left where it had more than `most` bytes.

    Of a beginning as much is shown as is whole: what the cut left of a member or item might be half a secret.
    """
    text = sent.decode("utf-8", "ignore")
    if len(sent) <= most:
        return excerpt(json.loads(text), most, found) if text else ""
    text, closing = json_input.closed(text)
    masked = json_input.dumps(body(json.loads(text + closing), found)).decode()
    return masked[: min(most, len(masked) - len(closing))] + "…"


def repeats(text: bytes, secrets: Iterable[str]) -> bool:
    """Whether a secret stands in JSON."""
    for secret in secrets:  # noqa: SIM110  (in half the time of any())
        if len(secret) >= _SHORTEST and json_input.dumps(secret)[1:-1] in text:
            return True
    return False


def _walk(value: Any, found: set[str], *, in_params: bool = False) -> Any:
    """The value masked, its secrets collected in `found`. Below auth and params, only open names are shown."""
    if not isinstance(value, dict):
        return [_walk(item, found, in_params=in_params) for item in value] if isinstance(value, list) else value
    if "path" in value and _is_patch_of_auth(value):
        return {**value, "value": _patched(value["path"], value.get("value"), found)}
    # most members are leaves with harmless names; looking at that first masks a page of records in a third of the time
    return {
        name: inner
        if inner.__class__ in _LEAVES and len(name) <= _USUAL_NAME and _is_plain(name, in_params)
        else _member(name, inner, found, in_params)
        for name, inner in value.items()
    }


@functools.lru_cache(maxsize=4096)
def _is_plain(name: str, in_params: bool) -> bool:
    """Whether a text or number under this name is shown as it is."""
    return name not in ("queryString", "href") and not _is_secret(name, in_params)


def _is_secret(name: str, in_params: bool) -> bool:
    return name not in _OPEN_PARAMS if in_params else _looks_secret(name)


_is_secret_as_usual = functools.lru_cache(maxsize=4096)(_is_secret)
"""Looking at a name takes 0.4 µs, and a call has forty."""


def _member(name: str, value: Any, found: set[str], in_params: bool) -> Any:
    secret = (_is_secret_as_usual if len(name) <= _USUAL_NAME else _is_secret)(name, in_params)
    if isinstance(value, list):
        return [_member(name, item, found, in_params) for item in value]
    if isinstance(value, dict):
        return _walk(value, found, in_params=secret or in_params)
    if name == "queryString" and isinstance(value, str):
        return query(value)
    if name == "href" and isinstance(value, str):
        return _link(value)
    return _hide(name, value, found) if secret else value


def _link(href: str) -> str:
    path, mark, token = href.partition("continuationToken=")
    return f"{path}{mark}{_page_token(token)}"


def _looks_secret(name: str) -> bool:
    if name.lower() in _HARMLESS:
        return False
    return name.lower() in _SECRET_NAMES or bool(_SECRET_WORDS.search(name))


def _hide(name: str, value: Any, found: set[str]) -> Any:
    if not isinstance(value, str):
        return value if value is None or isinstance(value, bool) else MASK
    if _gives_nothing_away(value):
        return value
    if name == "connectionString":
        return _connection_string(value, found)
    found.add(value)
    return MASK


def _connection_string(text: str, found: set[str]) -> str:
    """Keys stay to be judged; of the values only those that cannot be a credential."""
    try:
        pairs = connection_string.parse(text).pairs
    except connection_string.ConnectionStringError:
        found.add(text)
        return MASK
    secrets = {value for key, value in pairs if key.lower() not in _OPEN_KEYS and not _gives_nothing_away(value)}
    if not secrets:
        return text
    found |= {text, *secrets}
    return connection_string.format((key, MASK if value in secrets else value) for key, value in pairs)


def _gives_nothing_away(text: str) -> bool:
    return text == MASK or _PLACEHOLDER.fullmatch(text) is not None


_OPEN_KEYS = frozenset({"server", "host", "database", "port", "uid", "encryptionmethod", "validateservercertificate"})


def _is_patch_of_auth(value: Mapping[str, Any]) -> bool:
    path = value.get("path")
    return isinstance(path, str) and "value" in value and ("auth" in path.lower() or bool(_SECRET_WORDS.search(path)))


def _patched(path: str, value: Any, found: set[str]) -> Any:
    """A value put at or below auth."""
    return _member(path.rpartition("/")[2], value, found, in_params=True)


def _without(value: Any, secrets: list[str]) -> Any:
    """The value with every secret text removed from every string."""
    if isinstance(value, str):
        for secret in secrets:
            if secret in value:
                value = value.replace(secret, MASK)
        return value
    if isinstance(value, dict):
        return {_without(name, secrets): _without(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    return value


class Remembered:
    """The latest secrets that passed by, to be masked wherever else they turn up: in another call, or in a path.

    Bounded in number, and kept in memory only, as the store keeps them. Texts too short to be told from
    ordinary words are left out.
    """

    SHORTEST, LONGEST, MOST = 8, 4096, 256

    def __init__(self) -> None:
        self._latest: OrderedDict[str, None] = OrderedDict()

    def add(self, secrets: Iterable[str]) -> None:
        """Remember secrets; the oldest make room."""
        for secret in secrets:
            if secret in self._latest:
                self._latest.move_to_end(secret)
            elif self.SHORTEST <= len(secret) <= self.LONGEST and not _PLACEHOLDER.fullmatch(secret):
                self._latest[secret] = None
        while len(self._latest) > self.MOST:
            self._latest.popitem(last=False)

    def clear(self) -> None:
        """Forget them."""
        self._latest.clear()

    def spellings(self) -> list[str]:
        """Every form in which a remembered secret may stand in a recorded text, longest first."""
        forms: set[str] = set()
        for secret in self._latest:
            forms |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
            forms |= {json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]}
            forms.add(secret.replace("~", "~0").replace("/", "~1"))  # in a JSON Pointer
        return sorted(forms, key=len, reverse=True)


_BASE64 = re.compile(r"[A-Za-z0-9_+/-]{12,}")


def scrubbed(text: str, spellings: Iterable[str]) -> str:
    """A text without the secrets."""
    for spelling in spellings:
        if spelling in text:
            text = text.replace(spelling, MASK)
    return text


def unveiled(text: str) -> str:
    """What the Base64 in a text says: row filters and page tokens carry what the client asked for."""
    said = []
    for match in _BASE64.finditer(unquote_plus(text)):
        letters = match[0].replace("-", "+").replace("_", "/")
        whole = len(letters) - (len(letters) % 4 == 1)  # a single letter more says nothing
        said.append(base64.b64decode(letters[:whole] + "=="))
    return b" ".join(said).decode(errors="replace")


_TELLING = ("auth", "params", *_WORDS, "\\u")


def may_tell(body: bytes) -> bool:
    """Whether JSON may hold a secret in its place: for what is looked at later, if at all."""
    lower = body.decode("latin-1").lower()  # looking into bytes takes three times as long
    return any(map(lower.__contains__, _TELLING))


def secrets_in(value: Json) -> Iterator[str]:
    """Every secret text of a body: for rules that look for them elsewhere."""
    found: set[str] = set()
    _walk(value, found)
    yield from found
