"""Clients that break rules on lists: pages, limits, filters and orders."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from contracts.clients import Service, breaks
from contracts.clients.bodies import connection


@contextmanager
def _second_page(service: Service) -> Iterator[str]:
    """The token of the second of two pages of connections, which are deleted afterwards."""
    made = [f"/connections/{service.create(connection(f'page {number}'))}" for number in range(3)]
    href = service.get("/connections?limit=2").json["_links"]["next"]["href"]
    yield href.partition("continuationToken=")[2]
    service.delete(*made)


@breaks("filter.refused")
def filter_refused(service: Service) -> None:
    """Filters with ~, which is not an operator."""
    service.get("/connections?property=name~x")


@breaks("filter.no-such-member")
def no_such_member(service: Service) -> None:
    """Filters by the name of the connection spec, which connections do not have."""
    service.get("/connections?property=connectionSpec.name==postgre-sql")


@breaks("filter.taken-literally")
def taken_literally(service: Service) -> None:
    """Filters by a name in single quotes."""
    service.get("/connections?property=name=='orders'")


@breaks("orderby.refused")
def orderby_refused(service: Service) -> None:
    """Orders by name:desc instead of -name."""
    service.get("/connections?orderby=name:desc")


@breaks("paging.count-with-limit")
def count_with_limit(service: Service) -> None:
    """Requests the count and a limit of five at once."""
    service.get("/connections?count=true&limit=5")


@breaks("paging.first-page-only")
def first_page_only(service: Service) -> None:
    """Takes the first hundred of 101 connections for all."""
    made = [f"/connections/{service.create(connection(f'many {number}'))}" for number in range(101)]
    service.get("/connections")
    service.delete(*made)


@breaks("paging.limit-above-maximum")
def limit_above_maximum(service: Service) -> None:
    """Requests 500 connections on one page."""
    service.get("/connections?limit=500")


@breaks("paging.limit-invalid")
def limit_invalid(service: Service) -> None:
    """Requests a page of zero connections."""
    service.get("/connections?limit=0")


@breaks("paging.page-repeated")
def page_repeated(service: Service) -> None:
    """Fetches the second page over and over."""
    with _second_page(service) as token:
        for _ in range(2):
            service.get(f"/connections?continuationToken={token}")
            service.get("/connectionSpecs")


@breaks("paging.token-altered")
def token_altered(service: Service) -> None:
    """Decodes the page token, changes its content, and encodes it again."""
    with _second_page(service) as token:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        changed = base64.urlsafe_b64encode(text + b" ").decode().rstrip("=")
        service.get(f"/connections?continuationToken={changed}")


@breaks("paging.token-invented")
def token_invented(service: Service) -> None:
    """Takes the page token for a page number."""
    service.get("/connections?continuationToken=2")


@breaks("filter.time-unit")
def time_unit(service: Service) -> None:
    """Filters by a creation time in seconds."""
    service.get("/connections?property=createdAt>1767225600")
