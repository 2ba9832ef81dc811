"""List requests: property filters, order, pages, count and projection."""

from mockserver.listing.query import (
    MAX_SEARCHED,
    Cursor,
    Listable,
    ListQuery,
    next_href,
    parse,
    parse_search,
)

__all__ = ["MAX_SEARCHED", "Cursor", "ListQuery", "Listable", "next_href", "parse", "parse_search"]
