"""The token does not live for ever."""

from __future__ import annotations

from contracts.clients import Service, Stopped, fails


@fails("token.expires")
def expires(service: Service) -> None:
    """Goes on with one token, whatever the gateway says."""
    service.token()
    for path in ("/connections", "/connectionSpecs", "/flowSpecs"):
        service.get(path)


@fails("token.expires-while-paging")
def expires_while_paging(service: Service) -> None:
    """Asks for the refused page again with the token that was refused."""
    service.token()
    href = "/connections"
    while href:
        answer = service.get(href)
        if answer.status == 401:
            answer = service.get(href)
        href = answer.json.get("_links", {}).get("next", {}).get("href", "")


@fails("token.forbidden")
def forbidden(service: Service) -> None:
    """Makes a call again that was forbidden, and only then stops."""
    for _ in range(2):
        answer = service.get("/connections")
        if answer.status == 200:
            return
    raise Stopped(f"{answer}")
