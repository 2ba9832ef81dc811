"""Redacts exchanges for a recording: values that may be secret are replaced by stand-ins of the same shape.

Of free texts of a service, only known words are written. Values at places of names and data, such as the name of a
connection or its tables, are written unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urlsplit

from mockserver.contract import Contract
from mockserver.contract.places import Auth, Places
from mockserver.exchange import Call, Result, adobe_site, decoded_path, decoded_segment
from mockserver.har.gaps import STAND_IN
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.json_input import Json, beginning
from mockserver.recordings import headers
from mockserver.recordings.recording import RecordedExchange, encoded
from mockserver.recordings.stand_ins import ACCOUNT, UUID, StandIns
from mockserver.secrecy import places
from mockserver.secrecy.places import UNKNOWN, Place, Strict, show, table

_OPEN_IN_FORMS = ("grant_type", "scope", "client_id", "expires_in", "token_type")
_GRANTS = frozenset(
    {
        "authorization_code", "client_credentials", "implicit", "password", "refresh_token",
        "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange",
    }
)  # fmt: skip
_TOKEN_ANSWER = table(((name,), places.word) for name in ("token_type", "expires_in"))
_TOKENS = table(((name,), places.secret) for name in ("access_token", "refresh_token", "id_token"))
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"})
_ID = re.compile(
    rf"{UUID}(?:-\d{{1,6}})?|[0-9a-f]{{16,64}}|[0-9A-HJKMNP-TV-Z]{{26}}|"
    r"_?[a-z0-9]{1,60}\.(schemas|mixins|classes|datatypes)\.[0-9a-f]{8,64}|_xdm\.[a-z.-]{1,80}|https?://ns\.adobe\.com/[\w./-]{1,200}"
)
"""Ids of the services."""
_ORG = re.compile(rf"{ACCOUNT.pattern}@Adobe(?:Org|ID)")
_CLIENTS = frozenset({"createdClient", "updatedClient", "xdm:createdClientId", "xdm:lastModifiedClientId"})
_AUTHORS = frozenset(
    {
        "createdBy", "updatedBy", "modifiedBy", "createdUser", "updatedUser", "xdm:createdUserId",
        "xdm:lastModifiedUserId",
    }
)  # fmt: skip
_LISTED = frozenset(
    {
        "state", "status", "type", "@type", "op", "operation", "format", "category", "aspect", "frequency", "timeUnit",
        "keyType", "meta:sandboxType", "meta:xdmType", "lastBatchStatus", "exportMode", "objectType",
    }
)  # fmt: skip
"""Members whose values the service lists, whatever the contract says."""
_LINKS = frozenset({"href", "statusURL"})
_ID_ENDINGS = ("id", "Id", "Ids", "ID")
_ETAG = re.compile(rf'(?:W/)?"?(?:{UUID}|[0-9a-f]{{16,64}}|0)?"?|\*')
_QUOTES = re.compile(r'((?:W/)?"?)(.*?)("?)', re.DOTALL)
"""What is before, in and after an etag; matches any text."""
_ETAGS, _VERSION = ("etag", "eTag", "version"), re.compile(r"v?\d{1,2}(?:\.\d{1,3}){0,3}")
_NUMBERS, _NUMBER = ("limit", "offset", "start"), re.compile(r"-?[0-9.]{0,15}")
_CREDENTIAL = re.compile(r"(?i)pass|pwd|secret|token|key|credential|signature|^sig$|^pin$")
"""In names of parameters and members that the contract does not have: the value may be a credential."""
_BETWEEN = re.compile(r"[\s;,=\"]+")
_OPEN = ":@!$'()*,;=~-._<> /\""
"""Characters that are not encoded in the query string of a search."""
_FILTER, _CONDITION = re.compile(r"[=!<>~]"), re.compile(r"([^=!<>~]*)([=!<>~]+)(.*)", re.DOTALL)


class Written:
    """Redacts the parts of requests and responses."""

    def __init__(self, contract: Contract, auth: Auth, stand_ins: StandIns, upstream: str) -> None:
        """`upstream`: scheme and host of the service."""
        self._places, self._stand_ins, self._upstream = Places(contract.document, auth), stand_ins, upstream
        self._sandboxes: set[str] = set()
        self._is_answered = False
        self._strict = Strict(self._member, stand_ins.words, self._own)

    def begin_request(self) -> None:
        """Start with the request of the next exchange."""
        self._is_answered = False
        self._stand_ins.begin_request()

    def method(self, method: str) -> str:
        """Redact a method that HTTP does not have."""
        return method if method in _METHODS else self._stand_ins.text(method)

    def sent(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Redact headers. Listed ones are kept, API key and organisation become stand-ins, others lose their value."""
        return {self._stand_ins.name(name): self._header(name.lower(), value) for name, value in fields.items()}

    def pass_over(self, fields: Iterable[tuple[str, str]]) -> None:
        """Mark the credentials in fields that are not written as secret."""
        for name, value in fields:
            self._header(name, value)

    def request_body(self, body: Json, operation: str | None) -> Json:
        """Redact a JSON request body."""
        place = self._places.request(operation)
        self._guard_named(body, place)
        if isinstance(body, dict) and isinstance(search := body.get("queryString"), str):
            shown = self._search(search, place.member("queryString", body), operation)
            rest = show({**body, "queryString": None}, place, self._stand_ins.hide, self._strict)
            return {**rest, "queryString": shown}
        return self._shown(body, place)

    def pass_over_body(self, body: bytes, kind: str, operation: str | None) -> None:
        """Note an unwritten body, so that its contents are hidden in the response, and its secrets in the file."""
        if "form" in kind:
            self.form(body)
        self._stand_ins.note_unwritten(body)
        self.request_body(beginning(body), operation)

    def _guard_named(self, body: Json, place: Place) -> None:
        """Mark values as secret if the contract does not have their members and their names suggest a secret."""
        if isinstance(body, list):
            for item in body:
                self._guard_named(item, place.item)
        if isinstance(body, dict):
            for name, inner in body.items():
                below = place.member(name, body)
                self._guard_named(inner, below)
                if isinstance(inner, str) and not below.is_shown and _CREDENTIAL.search(name):
                    self._stand_ins.guard("the request body", inner)

    def form(self, body: bytes) -> str:
        """Redact a form, of which only `grant_type` is kept."""
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        for name, value in pairs:
            if name not in _OPEN_IN_FORMS:
                self._stand_ins.guard(f"{name} in the form", value)
        made = self._stand_ins
        return urlencode([(made.name(name), value if value in _GRANTS else made.text(value)) for name, value in pairs])

    def answer(self, result: Result, operation: str | None, shown: str) -> Json:
        """Redact a JSON response body, after the request. `shown`: what is written of the request."""
        self._is_answered = True
        self._stand_ins.begin_answer(f"{shown} {result.status}")
        if operation == TOKEN_OPERATION:  # the same stand-in as in later requests
            show(result.body, _TOKENS, self._stand_ins.hide)
        if result.status >= 400:  # errors have the same form for all requests
            place = self._places.answer(None, result.status)
            return self._stand_ins.error(show(result.body, place, self._stand_ins.hide))
        if operation == TOKEN_OPERATION:
            return self._shown(result.body, _TOKEN_ANSWER)
        place = self._places.answer(operation, result.status) if operation else UNKNOWN
        return self._shown(result.body, place)

    def pass_over_answer(self, body: bytes, operation: str | None, status: int) -> None:
        """Keep the secrets of a response body that is not written out of the file."""
        place = _TOKENS if operation == TOKEN_OPERATION else self._places.answer(operation, status)
        show(beginning(body), place, self._stand_ins.hide)

    def query(self, call: Call, operation: str | None) -> str:
        """Redact a query string. Values that are not known to be harmless become stand-ins."""
        return self._query(call.parameters(), operation)

    def _query(self, pairs: Iterable[tuple[str, str]], operation: str | None) -> str:
        known = self._places.query(operation)
        return urlencode(
            [
                (
                    name if name in known.below else self._stand_ins.name(name),
                    self._parameter(name, value, known.below.get(name, UNKNOWN), operation),
                )
                for name, value in pairs
            ]
        )

    def _parameter(self, name: str, value: str, place: Place, operation: str | None) -> str:
        if place is UNKNOWN and _CREDENTIAL.search(name):
            self._stand_ins.guard(f"{name} in the query", value)
        if name == "continuationToken":
            return self._stand_ins.text(value)
        if name == "property":
            if not self._names_members(value, operation):
                return self._stand_ins.text(value)
            return self._condition(str(show(value, place, self._stand_ins.hide)))
        if name in _NUMBERS:
            return value if _NUMBER.fullmatch(value) else self._stand_ins.text(value)
        return str(show(value, place, self._stand_ins.hide, self._strict, name))

    def _names_members(self, value: str, operation: str | None) -> bool:
        """Whether a filter or projection has known names only, and begins with a member of the operation's entities."""
        members = self._places.members(operation)
        names = [part.strip() for one in _FILTER.split(value, maxsplit=1)[:1] for part in one.split(",")]
        return all(
            name.partition(".")[0].removesuffix("[]") in members and self._stand_ins.knows(name) for name in names
        )

    def _condition(self, text: str) -> str:
        """Redact a filter: values that its member may have are kept."""
        parts = _CONDITION.fullmatch(text)
        if parts is None:
            return text
        name, values = parts[1].strip().rpartition(".")[2], parts[3].split(",")
        return parts[1] + parts[2] + ",".join(self._compared(name, value) for value in values)

    def _compared(self, name: str, value: str) -> str:
        """A value in a filter, which may have quotes."""
        bare = value.strip('"')
        is_open = bare and not bare.startswith(STAND_IN)
        return value.replace(bare, self._own(name, bare)) if is_open else value

    def _search(self, text: str, place: Place | None, operation: str | None) -> str:
        """Redact the query string in the body of a search."""
        return "&".join(self._searched(part, place or UNKNOWN, operation) for part in text.split("&"))

    def _searched(self, part: str, place: Place, operation: str | None) -> str:
        name, equals, value = part.partition("=")
        if name == "property" and self._names_members(unquote_plus(value), operation):
            name, _, shown = str(show(part, place, self._stand_ins.hide)).partition("=")
            return f"{name}={quote(self._condition(unquote_plus(shown)), safe=_OPEN)}"
        is_known = name in ("limit", "orderby", "count")
        shown = self._stand_ins.words(unquote_plus(value)) if is_known else self._stand_ins.text(unquote_plus(value))
        return f"{self._stand_ins.name(name)}{equals}{quote(shown, safe=_OPEN)}"

    def _shown(self, body: Json, place: Place) -> Json:
        return show(body, place, self._stand_ins.hide, self._strict)  # type: ignore[no-any-return]

    def _member(self, name: str, others: Place | None) -> str:
        """Redact the name of a member that the contract does not have. Objects of schemas and params have any names."""
        has_any = others is not None and others.read is not places.secret
        is_open = others and has_any and (others.is_shown or others.chosen is not None or _ID.fullmatch(name))
        return name if is_open else self._stand_ins.name(name)

    def _own(self, name: str, value: str) -> str:
        """Replace a text that does not fit its member: a client, a user, an etag, a link, a listed word, an id."""
        made = self._stand_ins
        if name in _CLIENTS:
            return made.client(value)
        if name in _AUTHORS:
            return made.account(value) if _ORG.fullmatch(value) else made.text(value)
        if name in _ETAGS and not (_VERSION.fullmatch(value) or headers.WRITTEN["content-type"].fullmatch(value)):
            return self._etag(value)
        if name in _LINKS or value.startswith("@/"):
            return self._link(value)
        if name in _LISTED:
            return made.words(value)
        is_odd = name.endswith(_ID_ENDINGS) and not (_ID.fullmatch(value) or _ORG.fullmatch(value) or made.knows(value))
        return made.text(value) if is_odd and not made.is_id(value) else made.account(value)

    def target(self, one: RecordedExchange) -> str:
        """Redact a path. Ids of entities and names of sandboxes are kept, and known words."""
        ids = {value for name, value in one.ids.items() if name == "SANDBOX_NAME" or _ID.fullmatch(value)}
        return encoded(self._path(one.whole_path, ids.__contains__))

    def _path(self, path: str, is_id: Callable[[str], object]) -> str:
        made = self._stand_ins
        parts = (
            part if made.knows(text) or is_id(text) or made.is_id(text) else made.text(part)
            for part, text in ((part, decoded_segment(part)) for part in path.split("/"))
        )
        return "/".join(parts)

    def _header(self, name: str, value: str) -> str:
        match name:
            case "authorization":
                self._guard_credentials(name, value)
                scheme, _, token = value.partition(" ")
                if token and scheme.lower() in headers.SCHEMES:
                    return f"{scheme} {self._stand_ins.text(token.strip())}"
                return self._stand_ins.text(value)
            case "x-gw-ims-org-id":
                return self._stand_ins.account(value) if _ORG.fullmatch(value) else self._stand_ins.text(value)
            case "x-api-key":
                return self._stand_ins.client(value)
            case "location":
                return self._link(value)
            case "etag" | "if-match" | "if-none-match":
                return self._etag(value)
        if (form := headers.WRITTEN.get(name)) is not None:
            if form.fullmatch(value):
                return self._sandbox(value) if name == "x-sandbox-name" else value
            self._stand_ins.note_replaced(*_BETWEEN.split(value))
            return self._stand_ins.text(value)
        if headers.may_hold_credentials(name):
            self._guard_credentials(name, value)
        return headers.NOT_WRITTEN

    def _sandbox(self, value: str) -> str:
        """The name of a sandbox. One that no request has is replaced in a response."""
        if self._is_answered and value not in self._sandboxes:
            return self._stand_ins.text(value)
        self._sandboxes.add(value)
        return value

    def _etag(self, value: str) -> str:
        """Replace a malformed etag. Its quotes stay, because the judge looks at them."""
        if _ETAG.fullmatch(value):
            return value
        before, inner, after = _QUOTES.fullmatch(value).groups()  # type: ignore[union-attr]
        return f"{before}{self._stand_ins.text(inner)}{after}"

    def _link(self, value: str) -> str:
        """Redact a URL: its ids and known words are kept, and the host if it is the service or Adobe's."""
        try:
            parts = urlsplit(value)
            host = f"{parts.scheme}://{parts.netloc}"
            is_known = host == self._upstream or adobe_site(parts.hostname or "") or not parts.hostname
        except ValueError:
            return self._stand_ins.text(value)
        if not is_known:
            host = f"https://{self._stand_ins.text(parts.netloc)}"
        query = self._query(parse_qsl(parts.query, keep_blank_values=True), None)
        path = encoded(self._path(decoded_path(parts.path), _ID.fullmatch))
        return f"{host if parts.hostname else ''}{path}{f'?{query}' if query else ''}"

    def _guard_credentials(self, name: str, value: str) -> None:
        """Mark the value of a header and its parts as secret."""
        self._stand_ins.guard(f"the header {name}", value, *headers.parts(name, value))
