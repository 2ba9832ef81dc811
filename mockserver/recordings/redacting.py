"""Redacts exchanges for a recording: values that may be secret are replaced by stand-ins of the same shape.

A stand-in is a hash with a key per recording. Equal values have equal stand-ins within one file; nothing else can be
derived from it. Placeholders of documents and texts such as `undefined` are kept.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlencode, urlsplit

from mockserver import secrecy
from mockserver.contract import Contract
from mockserver.contract.places import Auth, Places
from mockserver.exchange import Call, Result, decoded_segment
from mockserver.har.gaps import STAND_IN
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.json_input import Json
from mockserver.recordings import headers, wording
from mockserver.recordings.leaks import LeakSearch
from mockserver.recordings.recording import RecordedExchange, encoded
from mockserver.secrecy import places
from mockserver.secrecy.placeholders import is_placeholder
from mockserver.secrecy.places import UNKNOWN, Place, show, table

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ACCOUNT = re.compile(r"[0-9A-F]{24}(?=@Adobe(?:Org|ID))")
_OPEN_IN_FORMS = ("grant_type", "scope", "client_id", "expires_in", "token_type")
_TOKEN_ANSWER = table(((name,), places.text) for name in ("token_type", "expires_in", "error"))
_PATH_WORD = re.compile(r"[A-Za-z_.-]{0,40}|v\d{1,2}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PATH_ID = re.compile(
    r"[0-9a-f]{16,64}|\d{1,20}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{1,6}|"
    r"[0-9A-HJKMNP-TV-Z]{26}|_?[a-z0-9]{1,60}\.(schemas|mixins|classes|datatypes)\.[0-9a-f]{8,64}|"
    r"https?://ns\.adobe\.com/[\w./-]{1,200}"
)
"""Ids of the services."""
_ETAG = re.compile(r'(?:W/)?"?[0-9a-fA-F-]{1,64}"?|\*')
_QUOTES = re.compile(r'((?:W/)?"?)(.*?)("?)', re.DOTALL)
"""What is before, in and after an etag; matches any text."""
_CLIENTS = frozenset({"createdClient", "updatedClient"})
_MAX_ETAGS = 100_000
_NUMBERS, _NUMBER = ("limit", "offset", "start", "count"), re.compile(r"-?[0-9.]{0,15}|true|false")
_BETWEEN = re.compile(r"[\s;,=\"]+")
_MIN_REPEATED = 6
"""Minimum length of a replaced value that is searched for in the response. Shorter ones occur by chance."""
_MAX_UNRECORDED = 65_536
"""Bytes of a body that is not written whose parts are searched for in an error. After a larger one all are replaced."""
_ERROR_TYPE = re.compile(r"https://ns\.adobe\.com/aep/errors/[A-Z]{2,10}-[\d-]{4,12}")
"""Holds the code of an error."""
_MASK = re.compile(r"[*•]{3,}")
_FILTER = re.compile(r"[=!<>~]")


class StandIns:
    """Creates the stand-ins of one recording, and adds the values they replace to a search for leaks."""

    def __init__(self, key: bytes, leaks: LeakSearch) -> None:
        self._key, self._leaks = key, leaks
        self._clients: dict[str, str] = {}
        self._etags: set[str] = set()
        self._sent: set[str] | None = None
        """What was replaced in the request of this exchange, while it is read; see `account`."""
        self._repeatable: frozenset[str] = frozenset()
        self._unwritten: frozenset[str] | None = frozenset()
        """Parts of the request's body that is not written; None if it is too large to have them all."""
        self._refused = False

    def begin_request(self) -> None:
        """Start with the request of the next exchange."""
        self._sent, self._repeatable, self._refused, self._unwritten = set(), frozenset(), False, frozenset()

    def begin_answer(self, *, refused: bool) -> None:
        """Continue with its response."""
        self._repeatable, self._sent, self._refused = frozenset(self._sent or ()), None, refused

    def note_replaced(self, *values: str) -> None:
        """Note values in the request that are replaced, also as parts of others."""
        if self._sent is not None:
            self._sent.update(
                form for value in values for form in (value, unquote(value)) if len(value) >= _MIN_REPEATED
            )

    def note_unwritten(self, body: bytes) -> None:
        """Note a body that is not JSON and not written. An error that quotes some of it must not show it."""
        texts = (body.decode(coding, "ignore") for coding in ("utf-8", "utf-16-le", "utf-16-be"))
        forms = (form for text in texts for form in (text, unquote_plus(text)))
        is_large = len(body) > _MAX_UNRECORDED
        self._unwritten = None if is_large else frozenset(part for form in forms for part in _parts(form))

    def hide(self, value: Any, secret: bool) -> Any:
        """The stand-in for a text or number that is not known to be harmless."""
        if secret and isinstance(value, str):
            self.guard("the response body" if self._sent is None else "the request body", value)
        if is_placeholder(value):
            return value
        if isinstance(value, int | float):
            return int(str(int(self._digest(str(value)), 16))[: max(1, len(str(abs(int(value)))))])
        return self.text(str(value))

    def text(self, value: str) -> str:
        """The stand-in for a text: a UUID for a UUID, otherwise a hash of the same length."""
        if not value or _is_no_secret(value):
            return value
        self.note_replaced(value)
        digest = self._digest(value)
        if _UUID.fullmatch(value):
            return str(uuid.UUID(digest[:32], version=4))
        return (STAND_IN + digest * (len(value) // 32 + 1))[: max(len(value), 12)]

    def guard(self, place: str, *texts: str) -> None:
        """Mark texts from a place as secret: they must not occur in the file in any encoding."""
        for text in texts:
            if not _is_no_secret(text):
                self._leaks.add(text, place)

    def note_etags(self, value: Json) -> None:
        """Note the etags in a response. An If-Match with one of them is not secret."""
        if isinstance(value, dict):
            for name, inner in value.items():
                if name in ("etag", "version") and isinstance(inner, str) and len(self._etags) < _MAX_ETAGS:
                    self._etags.add(inner)
                else:
                    self.note_etags(inner)
        elif isinstance(value, list):
            for inner in value:
                self.note_etags(inner)

    def is_etag(self, value: str) -> bool:
        """Whether a value is a noted etag or has the form of one."""
        return _ETAG.fullmatch(value) is not None or value in self._etags or f'"{value}"' in self._etags

    def client(self, key: str) -> str:
        """The stand-in for an API key, also where the service repeats it."""
        return self._clients.setdefault(key, self.text(key))

    def account(self, text: str) -> str:
        """Replace clients, organisations and Adobe accounts in a text, or the whole text if it contains a secret.

        An error may also repeat what was replaced in the request, such as an odd If-Match. The rest of its text keeps
        plain words only, because a service may write anything there.
        """
        if text in self._clients:
            return self._clients[text]
        repeated = self._refused and self._repeats(text)
        if repeated or text in self._repeatable or self._leaks.found_in(text.encode(errors="surrogatepass")):
            return self.text(text)
        if self._refused and self._sent is None and not is_placeholder(text):
            return wording.plain(text, self.text)
        return _ACCOUNT.sub(lambda found: self._digest(found[0])[:24].upper(), text)

    def _repeats(self, text: str) -> bool:
        """Whether a text of an error repeats what was replaced in the request, or quotes a body that is not written."""
        if any(value in text or quote(value, safe="") in text for value in self._repeatable):
            return True
        if _ERROR_TYPE.fullmatch(text):
            return False
        return self._unwritten is None or not self._unwritten.isdisjoint(_parts(text))

    def accounts(self, value: Json) -> Json:
        """Apply `account` to every string in a JSON value, and `client` to the API keys that created or changed it."""
        if isinstance(value, dict):
            return {
                name: self.client(inner) if name in _CLIENTS and isinstance(inner, str) else self.accounts(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.accounts(inner) for inner in value]
        return self.account(value) if isinstance(value, str) else value

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode(errors="surrogatepass"), key=self._key, digest_size=16).hexdigest()


def _parts(text: str) -> Iterator[str]:
    return (text[at : at + _MIN_REPEATED] for at in range(len(text) - _MIN_REPEATED + 1))


def _is_no_secret(text: str) -> bool:
    """Whether a text is a placeholder or a mask of the service."""
    return is_placeholder(text) or _MASK.fullmatch(text) is not None


class Written:
    """Redacts the parts of requests and responses."""

    def __init__(self, contract: Contract, auth: Auth, stand_ins: StandIns) -> None:
        self._places, self._stand_ins = Places(contract.document, auth), stand_ins

    def begin_request(self) -> None:
        """Start with the request of the next exchange."""
        self._stand_ins.begin_request()

    def sent(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Redact headers. Listed ones are kept, API key and organisation become stand-ins, others lose their value."""
        written = ((name, self._header(name.lower(), value)) for name, value in fields.items())
        return {self._header_name(name, value): value for name, value in written}

    def pass_over(self, fields: Iterable[tuple[str, str]]) -> None:
        """Mark the credentials in fields that are not written as secret."""
        for name, value in fields:
            self._header(name, value)

    def request_body(self, body: Json, operation: str | None) -> Json:
        """Redact a JSON request body."""
        place = self._places.request(operation)
        return self._shown(body, place)

    def pass_over_body(self, body: bytes) -> None:
        """Keep what a body that is not written contains out of the response."""
        self._stand_ins.note_unwritten(body)

    def form(self, body: bytes) -> str:
        """Redact a form, of which only `grant_type` is kept."""
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        for name, value in pairs:
            if name not in _OPEN_IN_FORMS:
                self._stand_ins.guard(f"{name} in the form", value)
        return urlencode(
            [(name, value if name == "grant_type" else self._stand_ins.text(value)) for name, value in pairs]
        )

    def answer(self, result: Result, operation: str | None) -> Json:
        """Redact a JSON response body, after the request."""
        self._stand_ins.begin_answer(refused=result.status >= 400)
        if result.status < 400:  # an error may repeat what the client sent
            self._stand_ins.note_etags([result.body, {"etag": dict(result.headers).get("etag", "")}])
        known = operation is not None or result.status >= 400  # errors have the same form for all requests
        place = self._places.answer(operation, result.status) if known else UNKNOWN
        if operation == TOKEN_OPERATION:
            return self._token_answer(result.body)
        return self._shown(result.body, place)

    def _token_answer(self, body: Json) -> Json:
        """Redact a response of the token endpoint. Its token has the same stand-in as in requests with it."""
        if isinstance(body, dict):
            for name in ("access_token", "refresh_token", "id_token"):
                self._stand_ins.guard(f"{name} in the response", str(body.get(name, "")))
        return self._shown(body, _TOKEN_ANSWER)

    def query(self, call: Call, operation: str | None) -> str:
        """Redact a query string. Values that are not known to be harmless become stand-ins."""
        known = self._places.query(operation)
        pairs = []
        for name, value in call.parameters():
            pairs.append((secrecy.name(name), self._parameter(name, value, known.below.get(name, UNKNOWN), operation)))
        return urlencode(pairs)

    def _parameter(self, name: str, value: str, place: Place, operation: str | None) -> str:
        if name == "continuationToken":
            return value  # a cursor is not secret, and a replay must recognise it
        if name == "property" and not self._names_members(value, operation):
            return self._stand_ins.text(value)
        if name in _NUMBERS and not _NUMBER.fullmatch(value):
            return self._stand_ins.text(value)
        return str(show(value, place, self._stand_ins.hide))

    def _names_members(self, value: str, operation: str | None) -> bool:
        """Whether a filter or projection begins with a member of the operation's entities."""
        members = self._places.members(operation)
        names = [part for one in _FILTER.split(value, maxsplit=1)[:1] for part in one.split(",")]
        return all(name.strip().partition(".")[0].removesuffix("[]") in members for name in names)

    def _shown(self, body: Json, place: Place) -> Json:
        shown: Json = show(body, place, self._stand_ins.hide)
        return self._stand_ins.accounts(shown)

    def target(self, one: RecordedExchange) -> str:
        """Redact a path. Paths of known operations keep their ids, others only words and UUIDs."""
        names = {value for name, value in one.ids.items() if name == "SANDBOX_NAME"}
        form = _PATH_ID if one.operation else _PATH_WORD
        return encoded(self._path(one.whole_path, form, names))

    def _path(self, path: str, form: re.Pattern[str], names: Collection[str] = ()) -> str:
        parts = (
            part
            if part in names or form.fullmatch(decoded_segment(part)) or _PATH_WORD.fullmatch(part)
            else self._stand_ins.text(part)
            for part in path.split("/")
        )
        return "/".join(parts)

    def _header_name(self, name: str, written: str) -> str:
        """Redact the name of a header whose value is not written, unless it consists of plain words."""
        plain = written != headers.NOT_WRITTEN or wording.is_plain(name)
        return secrecy.name(name) if plain else self._stand_ins.text(name)

    def _header(self, name: str, value: str) -> str:
        match name:
            case "authorization":
                self._guard_credentials(name, value)
                scheme, _, token = value.partition(" ")
                if token and headers.SCHEME.fullmatch(scheme):
                    return f"{scheme} {self._stand_ins.text(token.strip())}"
                return self._stand_ins.text(value)
            case "x-gw-ims-org-id":
                return self._stand_ins.account(value) if _ACCOUNT.match(value) else self._stand_ins.text(value)
            case "x-api-key":
                return self._stand_ins.client(value)
            case "location":
                return self._location(value)
            case "etag" | "if-match" | "if-none-match":
                return value if self._stand_ins.is_etag(value) else self._etag(value)
        if (form := headers.WRITTEN.get(name)) is not None:
            if form.fullmatch(value):
                return value
            self._stand_ins.note_replaced(*_BETWEEN.split(value))
            return self._stand_ins.text(value)
        if headers.may_hold_credentials(name):
            self._guard_credentials(name, value)
        return headers.NOT_WRITTEN

    def _etag(self, value: str) -> str:
        """Replace an odd etag. Its quotes stay, because a client is judged by them."""
        before, inner, after = _QUOTES.fullmatch(value).groups()  # type: ignore[union-attr]
        return f"{before}{self._stand_ins.text(inner)}{after}"

    def _location(self, value: str) -> str:
        try:
            parts = urlsplit(value)
            port = f":{parts.port}" if parts.port else ""
            host = f"{parts.scheme}://{parts.hostname}{port}" if parts.hostname else ""
        except ValueError:
            return self._stand_ins.text(value)
        return host + self._path(parts.path, _PATH_ID)

    def _guard_credentials(self, name: str, value: str) -> None:
        """Mark the value of a header and its parts as secret."""
        self._stand_ins.guard(f"the header {name}", value, *headers.parts(name, value))
