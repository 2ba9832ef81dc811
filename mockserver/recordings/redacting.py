"""What of an exchange is written to a recording: the rest becomes stand-ins that keep the shape of what they hide.

A stand-in is a hash keyed by the recording: equal values have equal stand-ins within one file, and nothing else can be
read from it. Placeholders of documents and what programs print for "nothing" stay as they are.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mockserver import secrecy
from mockserver.contract import Contract
from mockserver.contract.places import Auth, Places
from mockserver.exchange import Call, Result
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.journal.redaction import secrets_in
from mockserver.json_input import Json
from mockserver.secrecy import UNKNOWN_PLACE, show

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ACCOUNT = re.compile(r"[0-9A-F]{24}(?=@Adobe(?:Org|ID))")
_HEADERS = frozenset(
    [
        "accept",
        "allow",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expect",
        "if-match",
        "if-none-match",
        "location",
        "prefer",
        "retry-after",
        "server",
        "user-agent",
        "vary",
        "x-request-id",
        "x-sandbox-id",
        "x-sandbox-name",
    ]
)
"""Headers that are written. Of the others, only that they were there."""
_OF_THE_CONNECTION = frozenset(
    ("accept-encoding", "connection", "host", "keep-alive", "transfer-encoding", "via", "x-forwarded-for")
)
_SHORTEST_SECRET = 6
NOT_WRITTEN = "(not recorded)"


class StandIns:
    """Makes stand-ins with the key of one recording, and remembers the secrets that it hid."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.secrets: set[str] = set()
        """Texts that must not be in the file, in any encoding."""
        self._clients: dict[str, str] = {}

    def hide(self, value: Any) -> Any:
        """What stands for a value of a place that is not known to be harmless."""
        if isinstance(value, dict):
            return {secrecy.name(name): self.hide(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(inner) for inner in value]
        if value is None or isinstance(value, bool) or secrecy.is_placeholder(value):
            return value
        if isinstance(value, int | float):
            return int(str(int(self._digest(str(value)), 16))[: max(1, len(str(abs(int(value)))))])
        return self.text(str(value))

    def text(self, value: str) -> str:
        """What stands for a text: a UUID for a UUID, else a hash of the same length."""
        if not value or secrecy.is_placeholder(value):
            return value
        digest = self._digest(value)
        if _UUID.fullmatch(value):
            return str(uuid.UUID(digest[:32], version=4))
        return ("pseudo-" + digest * (len(value) // 32 + 1))[: max(len(value), 12)]

    def guard(self, *texts: str) -> None:
        """Note that texts are secret, unless they are too short to be found in others."""
        self.secrets.update(text for text in texts if len(text) >= _SHORTEST_SECRET)

    def client(self, key: str) -> str:
        """What stands for an API key, here and where the service repeats it."""
        return self._clients.setdefault(key, self.text(key))

    def account(self, text: str) -> str:
        """A text in which clients, organisations and accounts of Adobe have stand-ins."""
        if text in self._clients:
            return self._clients[text]
        return _ACCOUNT.sub(lambda found: self._digest(found[0])[:24].upper(), text)

    def accounts(self, value: Json) -> Json:
        """The same for every text of a JSON value."""
        if isinstance(value, dict):
            return {name: self.accounts(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.accounts(inner) for inner in value]
        return self.account(value) if isinstance(value, str) else value

    def _digest(self, text: str) -> str:
        return hashlib.blake2b(text.encode(errors="surrogatepass"), key=self._key, digest_size=16).hexdigest()


class Written:
    """The written form of requests and responses."""

    def __init__(self, contract: Contract, auth: Auth, stand_ins: StandIns) -> None:
        self._places, self._stand_ins = Places(contract.document, auth), stand_ins

    def headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Headers: listed ones as sent, a client's key and organisation as stand-ins, of others only the name."""
        return {secrecy.name(name): self._header(name.lower(), value) for name, value in sent.items()}

    def request_body(self, body: Json, operation: str | None) -> Json:
        """A JSON request body."""
        place = self._places.request(operation)
        self._stand_ins.guard(*secrets_in(body, place))
        return self._shown(body, place)

    def form(self, body: bytes) -> str:
        """A form, of which only `grant_type` is written."""
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        self._stand_ins.guard(*(value for name, value in pairs if name == "client_secret"))
        return urlencode(
            [(name, value if name == "grant_type" else self._stand_ins.text(value)) for name, value in pairs]
        )

    def answer(self, result: Result, operation: str | None) -> Json:
        """A JSON response body."""
        place = UNKNOWN_PLACE if operation is None else self._places.answer(operation, result.status)
        if operation == TOKEN_OPERATION:
            return self._token_answer(result.body)
        self._stand_ins.guard(*secrets_in(result.body, place))
        return self._shown(result.body, place)

    def _token_answer(self, body: Json) -> Json:
        """A response of the token endpoint: the token has the stand-in that requests have which carry it."""
        if not isinstance(body, dict):
            return self._stand_ins.hide(body)  # type: ignore[no-any-return]
        self._stand_ins.guard(str(body.get("access_token", "")))
        open_members = ("token_type", "expires_in", "error")
        return {name: value if name in open_members else self._stand_ins.hide(value) for name, value in body.items()}

    def query(self, call: Call, operation: str | None) -> str:
        """A query string: values at places that are not known to be harmless have stand-ins."""
        known = self._places.query(operation)
        pairs = []
        for name, value in call.parameters():
            shown = show(value, known.get(name, UNKNOWN_PLACE), self._stand_ins.hide)
            pairs.append((secrecy.name(name), shown if shown == value else self._kept(name, value, str(shown))))
        return urlencode(pairs)

    def _kept(self, name: str, value: str, shown: str) -> str:
        # a page token is no secret beyond its server, and a replay needs to tell it
        return value if name == "continuationToken" else shown

    def _shown(self, body: Json, place: secrecy.Place) -> Json:
        shown: Json = show(body, place, self._stand_ins.hide)
        return self._stand_ins.accounts(shown)

    def _header(self, name: str, value: str) -> str:
        if name in _HEADERS:
            return self._stand_ins.account(secrecy.clean(value, self._stand_ins.hide))
        if name == "authorization":
            scheme, _, token = value.partition(" ")
            if not secrecy.is_placeholder(token.strip()):
                self._stand_ins.guard(token.strip())
            return f"{scheme} {self._stand_ins.text(token.strip())}" if token else NOT_WRITTEN
        if name == "x-gw-ims-org-id":
            return self._stand_ins.account(value) if _ACCOUNT.match(value) else self._stand_ins.text(value)
        if name == "x-api-key":
            return self._stand_ins.client(value)
        if name not in _OF_THE_CONNECTION:
            self._stand_ins.guard(value)
        return NOT_WRITTEN
