"""Symbols: values that the service generated in a recording, and their counterparts in a replay.

Another server generates other ids. Symbols are found and replaced by their place, never by text replacement: an id in
a path segment, an etag in If-Match, a cursor in `continuationToken`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mockserver.exchange import Result
from mockserver.json_input import Json
from mockserver.recordings.recording import SAFE_IN_SEGMENT, RecordedExchange
from mockserver.specs.connectors import Connectors
from mockserver.specs.flow_specs import FlowSpecs

Kind: TypeAlias = Literal["id", "etag", "page", "token"]
Symbol: TypeAlias = tuple[Kind, str]

_MADE_ID = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(-\d{1,6})?|[0-9a-f]{24}|[0-9a-f]{32,64}|[0-9A-HJKMNP-TV-Z]{26}"
)
"""UUIDs of Flow Service, with a number for files of a batch; hexadecimal ids of data sets, schemas, mapping sets and
inlets; ULIDs of batches."""
_PLACED_ID = re.compile(rf"(?:.*[/.])?(?:{_MADE_ID.pattern})")
"""An id at the end of a URI, of a `meta:altId` or of a path such as `@/dataSets/…`."""
_ID_MEMBERS = frozenset({"id", "ids", "_id", "$id", "$ref", "meta:altId", "href"})
_ID_ENDINGS = ("Id", "Ids", "Url", "URL")
_ETAG = re.compile(r'(?:W/)?"[^"]*"')
_FILTER_VALUE = re.compile(r"(?P<before>[^=<>!~]+[=<>!~]+)(?P<value>.*)", re.DOTALL)
_PAGE = "continuationToken"


def kind_of(name: str, value: Json) -> Kind | None:
    """The kind of symbol in a member, or None for other values."""
    if not isinstance(value, str) or not value:
        return None
    if name in ("etag", "eTag", "version") and _ETAG.fullmatch(value):
        return "etag"
    if name == "access_token":
        return "token"
    named = name in _ID_MEMBERS or name.endswith(_ID_ENDINGS) or value.startswith("@/")
    return "id" if named and _PLACED_ID.fullmatch(value) else None


def is_made_id(key: str) -> bool:
    """Whether the key of an object is an id: data sets and batches are answered as `{id: entity}`."""
    return _MADE_ID.fullmatch(key) is not None


def is_catalogued(value: str) -> bool:
    """Whether a value is the id of a spec that every organisation has."""
    return any(specs.get(value) is not None for specs in (Connectors.load("azure"), FlowSpecs.load()))


def is_placed_id(value: str) -> bool:
    """Whether a value is an id, or ends with one, as the URI of a schema does."""
    return _PLACED_ID.fullmatch(value) is not None


def parts_of(value: str) -> Iterator[str]:
    """The id that a member holds, then the one at its end, by which a path may name the same entity."""
    yield value
    last = re.split(r"[/.]", value)[-1]
    if last != value:
        yield last


def quoted(etag: str) -> bool:
    """Whether an etag has quotes."""
    return _ETAG.fullmatch(etag) is not None


def page_token(href: Json) -> str:
    """The cursor in a `next.href`; empty if there is none."""
    return dict(parse_qsl(urlsplit(href).query)).get(_PAGE, "") if isinstance(href, str) else ""


def defined_in(result: Result) -> Iterator[Symbol]:
    """Every symbol in a response."""
    yield from symbols_in(result.body)
    if result.status == 201 and isinstance(result.body, dict) and isinstance(new := result.body.get("id"), str):
        yield "id", new  # of a new entity, in any form
    for name, value in result.headers:
        if name.lower() == "etag" and value:
            yield "etag", value
        elif name.lower() == "location" and is_made_id(last := value.rpartition("/")[2]):
            yield "id", last


def symbols_in(value: Json, name: str = "") -> Iterator[Symbol]:
    """Every symbol in a JSON value that is the member `name`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "href" and (token := page_token(inner)):
                yield "page", token
            if is_made_id(key):
                yield "id", key
            yield from symbols_in(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from symbols_in(inner, name)
    elif kind := kind_of(name, value):
        yield from ((kind, part) for part in (parts_of(str(value)) if kind == "id" else (str(value),)))


@dataclass(slots=True)
class Bindings:
    """Maps recorded symbols to ours. The first binding wins; contradicting ones are counted in `ambiguous`."""

    born: dict[Symbol, int]
    """Symbol -> number of the exchange that first shows it."""
    created: frozenset[Symbol] = frozenset()
    """The symbols in responses that create an entity."""
    followed: frozenset[str] = frozenset()
    """The cursors that the client sent."""
    others: frozenset[str] = frozenset()
    """Ids of entities that other clients created during the recording, which a replay cannot have."""
    began_ms: int = 0
    """When the recording began."""
    ambiguous: int = 0
    _ours: dict[Symbol, str] = field(default_factory=dict)
    _recorded: dict[str, set[str]] = field(default_factory=dict)
    """Our value -> the recorded ones that are or were bound to it."""

    @classmethod
    def of(cls, exchanges: Sequence[RecordedExchange], others: frozenset[str] = frozenset()) -> Bindings:
        """Create empty bindings for a recording."""
        born: dict[Symbol, int] = {}
        created: set[Symbol] = set()
        for exchange in exchanges:
            if exchange.result.status < 400:  # a refusal repeats the id that was asked for
                found = list(defined_in(exchange.result))
                for symbol in found:
                    born.setdefault(symbol, exchange.number)
                created.update(found if exchange.result.status == 201 else ())
        sent = (value for one in exchanges for name, value in one.call.parameters() if name == _PAGE)
        began_ms = exchanges[0].call.received_ms if exchanges else 0
        return cls(born, frozenset(created), frozenset(sent), others, began_ms)

    def bind(self, symbol: Symbol, ours: str) -> None:
        """Bind a recorded symbol to ours."""
        if self._ours.setdefault(symbol, ours) != ours:
            self.ambiguous += 1
        else:
            self._recorded.setdefault(ours, set()).add(symbol[1])

    def rebind(self, symbol: Symbol, ours: str) -> None:
        """Bind a recorded symbol that now has another meaning."""
        self._ours[symbol] = ours
        self._recorded.setdefault(ours, set()).add(symbol[1])

    def ours(self, symbol: Symbol) -> str | None:
        """Our counterpart of a recorded symbol, or None."""
        return self._ours.get(symbol)

    def is_ours(self, value: str) -> bool:
        """Whether one of our ids is already bound."""
        return value in self._recorded

    def recorded(self, ours: str) -> Iterator[str]:
        """The recorded ids of one of our entities. An id that is bound to nothing is the same on both sides."""
        known = self._recorded.get(ours, ())
        yield from (one for one in {ours, *known} if self._ours.get(("id", one), one) == ours)

    def lost(self, exchange: RecordedExchange) -> Symbol | None:
        """A symbol in a request that an earlier exchange defined and that has no counterpart here; None if all have."""
        created = (symbol for symbol in _in_body(exchange) if symbol in self.created)  # a data set may be any
        needed = itertools.chain(_outside_body(exchange), created)
        return next((symbol for symbol in needed if self.is_lost(symbol, exchange.number)), None)

    def is_lost(self, symbol: Symbol, number: int) -> bool:
        """Whether an exchange before `number` defined a symbol that has no counterpart here."""
        return self.born.get(symbol, number) < number and symbol not in self._ours

    def in_path(self, exchange: RecordedExchange) -> str:
        """The path of a request with our ids."""
        target = f"{exchange.target}/"
        for recorded in exchange.ids.values():
            ours = self._ours.get(("id", recorded))
            if ours is not None:
                for more in ("", "/"):  # the id of a schema is a URI, whose slashes a client need not encode
                    segment = quote(recorded, safe=SAFE_IN_SEGMENT + more)
                    target = target.replace(f"/{segment}/", f"/{quote(ours, safe=SAFE_IN_SEGMENT)}/")
        return target[:-1]

    def in_query(self, exchange: RecordedExchange) -> str:
        """The query of a request with our ids and cursors."""
        if not exchange.call.query:
            return ""
        pairs = [(name, self._parameter(name, value)) for name, value in exchange.call.parameters()]
        if pairs == list(exchange.call.parameters()):
            return exchange.call.query
        return urlencode(pairs)

    def _parameter(self, name: str, value: str) -> str:
        if name == _PAGE:
            return self._ours.get(("page", value), value)
        if name == "property":
            return self._condition(value)
        return self._ours.get(("id", value), value)

    def _condition(self, text: str) -> str:
        """A condition such as `id==…,…` with our ids."""
        parts = _FILTER_VALUE.fullmatch(text)
        return parts["before"] + ",".join(map(self._quoted, parts["value"].split(","))) if parts else text

    def _quoted(self, value: str) -> str:
        bare = value.strip('"')
        return value.replace(bare, self._ours.get(("id", bare), bare)) if bare else value

    def in_header(self, name: str, value: str) -> str:
        """A header with our etag in If-Match, with or without quotes as the client sent it."""
        if name != "if-match":
            return value
        quoted = value if _ETAG.fullmatch(value) else f'"{value}"'
        ours = self._ours.get(("etag", quoted))
        return value if ours is None else ours if quoted == value else ours.strip('"')

    def in_body(self, value: Json, name: str = "") -> Json:
        """A request body with our ids."""
        if isinstance(value, dict):
            return {self._ours.get(("id", key), key): self.in_body(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.in_body(inner, name) for inner in value]
        if name == "queryString" and isinstance(value, str):  # of a search: what would be the query of a list
            return "&".join(self._in_search(part) for part in value.split("&"))
        return self._ours.get(("id", value), value) if isinstance(value, str) else value

    def _in_search(self, part: str) -> str:
        name, equals, condition = part.partition("=")
        return name + equals + self._condition(condition) if name == "property" else self._condition(part)


def uses(exchange: RecordedExchange) -> Iterator[Symbol]:
    """The symbols in a request."""
    yield from _outside_body(exchange)
    yield from _in_body(exchange)


def _outside_body(exchange: RecordedExchange) -> Iterator[Symbol]:
    for value in exchange.ids.values():
        yield "id", value
    for name, value in exchange.call.parameters():
        if name == _PAGE:
            yield "page", value
    yield from (("id", value) for value in filtered_ids(exchange))
    if match := exchange.call.headers.get("if-match"):
        yield "etag", match if _ETAG.fullmatch(match) else f'"{match}"'


def _in_body(exchange: RecordedExchange) -> Iterator[Symbol]:
    yield from (symbol for symbol in symbols_in(exchange.body) if symbol[0] == "id")


def filtered_ids(exchange: RecordedExchange) -> Iterator[str]:
    """The ids in the filters of a list request."""
    for name, value in exchange.call.parameters():
        if name == "property" and (parts := _FILTER_VALUE.fullmatch(value)):
            values = (item.strip('"') for item in parts["value"].split(","))
            yield from (value for value in values if is_made_id(value))
