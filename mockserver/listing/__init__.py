"""List requests: property filters, order, pages, count and projection."""

from mockserver.listing.query import (
    MAX_SEARCHED,
    Cursor,
    Listable,
    ListQuery,
    continues_plainly,
    next_href,
    parse,
    parse_search,
)

__all__ = ["MAX_SEARCHED", "Cursor", "ListQuery", "Listable", "continues_plainly", "next_href", "parse", "parse_search"]
