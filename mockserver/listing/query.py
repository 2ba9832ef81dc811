"""What a list request asks for: `property`, `orderby`, `limit`, `count` and `continuationToken` (facts §6.1).

Pure functions from query parameters to a `ListQuery`, and from a query and a `Cursor` to the link
of the next page. Finding the records is the store's business.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl

from mockserver.errors import ApiError
from mockserver.exchange import Pairs
from mockserver.json_input import Json
from mockserver.listing import ordering, property_filter
from mockserver.listing.ordering import Place, Sort
from mockserver.listing.property_filter import Condition

MOST_ITEMS = 100
"""On one page, and on a page whose size was not asked for (facts §6.1)."""

MOST_SEARCHED = 1000
"""On one page of a search: the maximum Adobe's document declares for a search's body."""

_LIMIT = re.compile(r"[0-9]{1,10}")
_MOST_LIMIT = (1 << 31) - 1
"""Higher ones do not fit the declared int32."""

_MOST_NUMBER = 1 << 62
_MOST_TOKEN = 12 * property_filter.MOST_BYTES
"""More than the longest query makes, should each of its bytes need an escape of six."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_CHECK_BYTES = 6


@dataclass(frozen=True, slots=True)
class Listable:
    """What can be asked of one kind of resource."""

    kind: str
    fields: frozenset[str]
    """Top-level members, which filters and projections may name."""
    sortable: frozenset[str]
    """Members to order by; never one with credentials, whose order would give them away."""
    unknown_field: str = "filter_field"
    """Error key of a filter on another member."""


class Cursor(NamedTuple):
    """Where a page ended: its listing began at revision `ceiling`; the last record shown has `revision`."""

    ceiling: int
    revision: int
    place: Place
    """Where the last record stands in the order asked for; empty in the default order."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One list request, checked."""

    filters: tuple[str, ...] = ()
    """The `property` parameters as they came."""
    conditions: tuple[Condition, ...] = ()
    projection: frozenset[str] = frozenset()
    """Top-level members to show; none means all."""
    order: tuple[Sort, ...] = ()
    """Empty: the last written first."""
    limit: int = MOST_ITEMS
    count: bool = False
    after: Cursor | None = None

    def matches(self, doc: Mapping[str, Any]) -> bool:
        """Whether a record meets all conditions."""
        return all(condition.matches(doc) for condition in self.conditions)

    def project(self, item: Mapping[str, Any]) -> Json:
        """The record with the members asked for."""
        if not self.projection:
            return dict(item)
        return {name: value for name, value in item.items() if name in self.projection}


def parse(pairs: Pairs, listable: Listable, quirks: Mapping[str, str], *, most: int = MOST_ITEMS) -> ListQuery:
    """The query parameters of a list request; those of other names are not looked at.

    A `continuationToken` brings filters and order with it, and what is sent beside it is taken for
    the client's repetition, except limit and count. `most` is the highest limit.
    Raises ApiError with the catalogue's code for what is wrong.
    """
    limit = _limit(_only(pairs, "limit"), quirks, most)
    count = _boolean(_only(pairs, "count"))
    if count and limit is not None:
        raise ApiError("limit_with_count", pointer="limit")
    query = _query(_all(pairs, "property"), _all(pairs, "orderby"), listable)
    token = _only(pairs, "continuationToken")
    if token is not None:
        query = _continued(token, listable)
    return replace(query, limit=query.limit if limit is None else limit, count=count)


def parse_search(body: Mapping[str, Any], pairs: Pairs, listable: Listable, quirks: Mapping[str, str]) -> ListQuery:
    """The same request made by a body: `queryString`, `limit` (up to 1000), `orderby`, `count`, `projectionFields`.

    `queryString` is read as the query of a GET (assumed). Raises ApiError.
    """
    sent = [*pairs, *_query_string(body.get("queryString"))]
    for member, name in _SEARCH_MEMBERS.items():
        value = body.get(member)
        if value is not None:
            sent.append((name, _text(member, value)))
    return parse(tuple(sent), listable, quirks, most=MOST_SEARCHED)


def next_href(listable: Listable, query: ListQuery, after: Cursor) -> str:
    """The link to the page that begins after the cursor.

    Relative to the base path and with one parameter that holds no second `=`, because a public
    client takes what follows the only one; and that client adds its own parameters again, so the
    token carries the whole query.
    """
    content = [listable.kind, query.filters, list(map(str, query.order)), query.limit, *after]
    text = json.dumps(content).encode()
    token = base64.urlsafe_b64encode(_checksum(text) + text).rstrip(b"=").decode()
    return f"/{listable.kind}?continuationToken={token}"


_SEARCH_MEMBERS = {"limit": "limit", "orderby": "orderby", "count": "count", "projectionFields": "property"}
"""Members of a search's body and the query parameters they stand for."""


def _query(filters: tuple[str, ...], orderby: tuple[str, ...], listable: Listable) -> ListQuery:
    asked = property_filter.parse(filters, listable.fields, listable.unknown_field)
    order = ordering.parse(orderby, listable.sortable)
    return ListQuery(filters, asked.conditions, asked.projection, order)


def _query_string(text: Any) -> Pairs:
    if text is None:
        return ()
    pairs = tuple(parse_qsl(_text("queryString", text).lstrip("?"), keep_blank_values=True))
    for name, _ in pairs:
        if name not in ("property", *_SEARCH_MEMBERS):
            _refuse("queryString", name, "property=name==value, and more of them after &", pointer="/queryString")
    return pairs


def _text(member: str, value: Any) -> str:
    """A member of a search's body as it would stand in a query."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) and member == "count":
        return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 20.0 is an integer to JSON Schema, so it is one here
    if isinstance(value, int) and not isinstance(value, bool) and member == "limit":
        return str(value) if 0 <= value <= _MOST_LIMIT else "(out of range)"
    raise ApiError("parameter_value", value=f"of type {type(value).__name__}", field=member, pointer=f"/{member}")


def _all(pairs: Pairs, wanted: str) -> tuple[str, ...]:
    return tuple(value for name, value in pairs if name == wanted)


def _only(pairs: Pairs, wanted: str) -> str | None:
    """The value of a parameter that may be repeated, as a public client does with limit, but not changed."""
    values = set(_all(pairs, wanted))
    if len(values) > 1:
        _refuse(wanted, "(several)", "one value")
    return values.pop() if values else None


def _limit(text: str | None, quirks: Mapping[str, str], most: int) -> int | None:
    if text is None:
        return None
    limit = int(text) if _LIMIT.fullmatch(text) else 0
    if not 1 <= limit <= _MOST_LIMIT or (limit > most and quirks["limit-above-maximum"] == "refuse"):
        _refuse("limit", text, f"a whole number from 1 to {most}")
    return min(limit, most)


def _boolean(text: str | None) -> bool:
    if text is None:
        return False
    if text.lower() not in ("true", "false"):
        _refuse("count", text, "true or false")
    return text.lower() == "true"


def _continued(token: str, listable: Listable) -> ListQuery:
    """The query and the cursor in a token; it may be anything, so it is checked like a query of its own."""
    try:
        kind, filters, orderby, limit, ceiling, revision, place = _opened(token)
        query = _query(_texts(filters), _texts(orderby), listable)
        after = Cursor(_number(ceiling), _number(revision), _place(place, query.order))
        if kind != listable.kind or not 1 <= _number(limit) <= MOST_SEARCHED or after.revision > after.ceiling:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        name, hint = "continuationToken", "take it from _links.next.href of the page before, unchanged"
        raise ApiError("parameter_value", value="(not ours)", field=name, pointer=name, hint=hint) from None
    return replace(query, limit=limit, after=after)


def _opened(token: str) -> list[Any]:
    """What `next_href` put in. Raises ValueError."""
    if len(token) > _MOST_TOKEN or not _TOKEN.fullmatch(token):
        raise ValueError
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    check, text = sealed[:_CHECK_BYTES], sealed[_CHECK_BYTES:]
    if check != _checksum(text):
        raise ValueError
    content = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(content, list):
        raise ValueError
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError


def _checksum(text: bytes) -> bytes:
    """Tells a token that was cut, mixed up or made by hand; it guards nothing, a token grants nothing."""
    return hashlib.blake2s(text, digest_size=_CHECK_BYTES).digest()


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return tuple(value)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_NUMBER:
        raise ValueError
    return value


def _place(value: Any, order: tuple[Sort, ...]) -> Place:
    if not isinstance(value, list) or len(value) != len(order) or [ordering.scalar(item) for item in value] != value:
        raise ValueError
    return tuple(value)


def _refuse(name: str, value: str, expected: str, *, pointer: str | None = None) -> NoReturn:
    raise ApiError("parameter_value", value=value[:40], field=name, pointer=pointer or name, expected=expected)
