"""Clients that break rules on paths, methods and query parameters."""

from __future__ import annotations

from contracts.clients import Service, breaks


@breaks("path.base-missing")
def base_missing(service: Service) -> None:
    """Calls https://platform.adobe.io/connections, without the base path."""
    service.get_from_adobe("/connections", "https")


@breaks("path.method")
def method(service: Service) -> None:
    """Deletes the whole collection."""
    service.delete("/connections")


@breaks("path.placeholder")
def placeholder(service: Service) -> None:
    """Keeps the documentation's {BASE_CONNECTION_ID}."""
    service.get("/connections/{BASE_CONNECTION_ID}")


@breaks("path.unknown")
def unknown(service: Service) -> None:
    """Misspells the path: /connection."""
    service.get("/connection")


@breaks("query.unknown-parameter")
def unknown_parameter(service: Service) -> None:
    """Pages with start=20, which is not a parameter."""
    service.get("/connections?start=20")


@breaks("query.value")
def value(service: Service) -> None:
    """Sends count=maybe."""
    service.get("/connections?count=maybe")


@breaks("query.unfilled")
def unfilled(service: Service) -> None:
    """Filters by a name that is undefined."""
    service.get("/connections?property=name==undefined")
