"""Clients that fail scenarios of lists with several pages."""

from __future__ import annotations

from contracts.clients import Service, fails


@fails("paging.three-pages")
def three_pages(service: Service) -> None:
    """Takes the first page for the whole list."""
    service.get("/connections")


@fails("paging.token-expires")
def token_expires(service: Service) -> None:
    """Repeats the request for a page with its expired token."""
    href = "/connections"
    while href:
        answer = service.get(href)
        if answer.status == 400:
            answer = service.get(href)
        href = answer.json.get("_links", {}).get("next", {}).get("href", "")
