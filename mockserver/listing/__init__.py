"""What a list request asks for: property filter, order, page, count and projection."""

from mockserver.listing.query import (
    MOST_SEARCHED,
    Cursor,
    Listable,
    ListQuery,
    next_href,
    parse,
    parse_search,
)

__all__ = ["MOST_SEARCHED", "Cursor", "ListQuery", "Listable", "next_href", "parse", "parse_search"]
