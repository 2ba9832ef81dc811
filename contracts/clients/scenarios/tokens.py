"""Clients that fail scenarios of refused tokens."""

from __future__ import annotations

from contracts.clients import Service, Stopped, fails


@fails("token.expires")
def expires(service: Service) -> None:
    """Keeps using one token, whatever the gateway says."""
    service.token()
    for path in ("/connections", "/connectionSpecs", "/flowSpecs"):
        service.get(path)


@fails("token.expires-while-paging")
def expires_while_paging(service: Service) -> None:
    """Repeats the refused page with the refused token."""
    service.token()
    href = "/connections"
    while href:
        answer = service.get(href)
        if answer.status == 401:
            answer = service.get(href)
        href = answer.json.get("_links", {}).get("next", {}).get("href", "")


@fails("token.forbidden")
def forbidden(service: Service) -> None:
    """Repeats a forbidden request before it stops."""
    for _ in range(2):
        answer = service.get("/connections")
        if answer.status == 200:
            return
    raise Stopped(f"{answer}")
