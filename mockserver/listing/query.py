"""Parses list requests: `property`, `orderby`, `limit`, `count` and `continuationToken` (facts §6.1).

Pure functions from query parameters to a `ListQuery`, and from a query and a `Cursor` to the link
of the next page. The store finds the records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl, unquote_plus

from mockserver.errors import ApiError, wrong_value
from mockserver.listing import ordering, property_filter, sealing
from mockserver.listing.ordering import Place, Sort
from mockserver.listing.property_filter import Condition
from mockserver.runtime import PROCESS_KEY
from mockserver.secrecy import described, repeatable

MAX_ITEMS = 100
"""Maximum and default page size (facts §6.1)."""

MAX_SEARCHED = 1000
"""Maximum page size of a search, as declared for the body in Adobe's document."""

_BARE_FILTER = re.compile(r"^[^=!<>]+(?:==|!=|<=|>=|<|>)", re.IGNORECASE)
_MAX_NUMBER = 1 << 62
MAX_TOKEN = 12 * property_filter.MAX_BYTES
"""Maximum length of a token: enough for the longest query with every byte escaped."""

MAX_QUERY_STRING = 8 * property_filter.MAX_BYTES
"""Maximum characters of a search's `queryString`, which may be percent-encoded."""


@dataclass(frozen=True, slots=True)
class Listable:
    """The list parameters of one kind of resource."""

    kind: str
    fields: frozenset[str]
    """Top-level members that filters and projections may name."""
    sortable: frozenset[str]
    """Members to sort by, never credentials: their order would reveal them."""
    unknown_field: str = "filter_field"
    """The error key of a filter on another member."""


class Cursor(NamedTuple):
    """The end of a page. The listing began at revision `ceiling`; the last record has `revision`."""

    ceiling: int
    revision: int
    place: Place
    """Sort values of the last record; empty in the default order."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A checked list request."""

    filters: tuple[str, ...] = ()
    """The `property` parameters as sent."""
    conditions: tuple[Condition, ...] = ()
    projection: frozenset[str] = frozenset()
    """Top-level members to show; empty means all."""
    order: tuple[Sort, ...] = ()
    """Sort fields; empty means the latest write first."""
    limit: int = MAX_ITEMS
    count: bool = False
    after: Cursor | None = None
    budget: property_filter.Budget = field(default_factory=property_filter.Budget, compare=False)
    """The remaining visits of the filters of this request."""

    def matches(self, doc: Mapping[str, Any]) -> bool:
        """Whether a record meets all conditions. Raises ApiError if the budget of the filters is exceeded."""
        return all(condition.matches(doc, self.budget) for condition in self.conditions)

    def project(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The record reduced to the requested members."""
        if not self.projection:
            return dict(item)
        return {name: value for name, value in item.items() if name in self.projection}


def parse(
    arguments: Mapping[str, Any],
    listable: Listable,
    quirks: Mapping[str, str],
    *,
    key: bytes = PROCESS_KEY,
    max_limit: int = MAX_ITEMS,
) -> ListQuery:
    """Parse the typed query parameters. Other parameters are ignored.

    A `continuationToken` contains filters and order. Parameters beside it are ignored as repetitions, except limit
    and count. Tokens are sealed with `key`.
    Raises ApiError with the catalogue's code for what is wrong.
    """
    limit, count = arguments.get("limit"), bool(arguments.get("count"))
    if limit is not None and limit > max_limit:
        if quirks["limit-above-maximum"] == "refuse":
            raise wrong_value("limit", str(limit), f"an integer from 1 to {max_limit}")
        limit = max_limit
    if count and limit is not None:
        raise ApiError("limit_with_count", pointer="limit")
    orderby = (arguments["orderby"],) if arguments.get("orderby") is not None else ()
    query = _query(tuple(arguments.get("property", ())), orderby, listable)
    token = arguments.get("continuationToken")
    if token is not None:
        query = _continued(token, listable, key)
    return replace(query, limit=query.limit if limit is None else limit, count=count)


def parse_search(
    body: Mapping[str, Any],
    arguments: Mapping[str, Any],
    listable: Listable,
    quirks: Mapping[str, str],
    *,
    key: bytes = PROCESS_KEY,
) -> ListQuery:
    """Parse the body of a search: `queryString`, `limit` (up to 1000), `orderby`, `count`, `projectionFields`.

    `queryString` holds filters as a query would (assumed). Raises ApiError.
    """
    asked = {**arguments, **{name: body[name] for name in ("orderby", "count") if name in body}}
    if "limit" in body:
        asked["limit"] = int(body["limit"])  # 20.0 is an integer to JSON Schema
    asked["property"] = _filters(body.get("queryString", ""))
    if isinstance(body.get("projectionFields"), str):  # not every search has it
        asked["property"].append(body["projectionFields"])
    return parse(asked, listable, quirks, key=key, max_limit=MAX_SEARCHED)


def next_href(listable: Listable, query: ListQuery, after: Cursor, *, key: bytes = PROCESS_KEY) -> str:
    """The link to the page after the cursor.

    It is relative to the base path. Its one parameter contains no second `=`, because a public client takes the text
    after the only one. That client also adds its own parameters again, so the token contains the whole query.
    """
    content = [listable.kind, query.filters, list(map(str, query.order)), query.limit, *after]
    return f"/{listable.kind}?continuationToken={sealing.seal(json.dumps(content).encode(), key)}"


def continues_plainly(token: str, key: bytes) -> bool:
    """Whether a token continues a list without filter and order, so that a page costs no more than its own records."""
    try:
        _, filters, orderby, *_ = _opened(token, key)
    except (ValueError, TypeError, RecursionError):
        return False
    return not filters and not orderby


def _query(filters: tuple[str, ...], orderby: tuple[str, ...], listable: Listable) -> ListQuery:
    asked = property_filter.parse(filters, listable.fields, listable.unknown_field)
    order = ordering.parse(orderby, listable.sortable)
    return ListQuery(filters, asked.conditions, asked.projection, order)


def _filters(query_string: str) -> list[str]:
    """The filters in a search's `queryString`: values of `property`, or bare ones such as `id==…`."""
    if len(query_string) > MAX_QUERY_STRING:
        expected = f"at most {MAX_QUERY_STRING} characters"
        raise wrong_value("queryString", described(query_string), expected, pointer="/queryString")
    found = []
    parts = [part for part in query_string.lstrip("?").split("&") if part]
    for part in parts[: property_filter.MAX_CONDITIONS + 1]:  # one too many is refused; the others need not be read
        name, value = next(iter(parse_qsl(part, keep_blank_values=True)), ("", ""))
        if name == "property":
            found.append(value)
        elif _BARE_FILTER.search(part):
            found.append(unquote_plus(part))
        else:
            expected = "filters such as name==value, with or without property= before each; separate several with &"
            raise wrong_value("queryString", repeatable(name), expected, pointer="/queryString")
    return found


def _continued(token: str, listable: Listable, key: bytes) -> ListQuery:
    """The query and cursor of a token. Tokens may be forged, so the content is checked like a new query."""
    try:
        kind, filters, orderby, limit, ceiling, revision, place = _opened(token, key)
        query = _query(_texts(filters), _texts(orderby), listable)
        after = Cursor(_number(ceiling), _number(revision), _place(place, query.order))
        if kind != listable.kind or not 1 <= _number(limit) <= MAX_SEARCHED or after.revision > after.ceiling:
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        expected = "the token of _links.next.href in the page before, unchanged"
        name, shown = "continuationToken", described(token)
        raise ApiError("parameter_value", value=shown, field=name, pointer=name, expected=expected) from None
    return replace(query, limit=limit, after=after)


def _opened(token: str, key: bytes) -> list[Any]:
    """The content of a token. Raises ValueError."""
    if len(token) > MAX_TOKEN:
        raise ValueError
    content = json.loads(sealing.unseal(token, key), parse_constant=_refuse_constant)
    if not isinstance(content, list):
        raise ValueError
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError
    return tuple(value)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise ValueError
    return value


def _place(value: Any, order: tuple[Sort, ...]) -> Place:
    if not isinstance(value, list) or len(value) != len(order) or [ordering.scalar(item) for item in value] != value:
        raise ValueError
    return tuple(value)
