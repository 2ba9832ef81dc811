"""Lists that do not fit on one page."""

from __future__ import annotations

from contracts.clients import Service, fails


@fails("paging.three-pages")
def three_pages(service: Service) -> None:
    """Takes the first page for the list."""
    service.get("/connections")


@fails("paging.token-expires")
def token_expires(service: Service) -> None:
    """Asks for a page again when its token has expired."""
    href = "/connections"
    while href:
        answer = service.get(href)
        if answer.status == 400:
            answer = service.get(href)
        href = answer.json.get("_links", {}).get("next", {}).get("href", "")
