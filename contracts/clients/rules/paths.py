"""Paths, methods and query parameters."""

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
    """Leaves the {BASE_CONNECTION_ID} of the documentation as it is."""
    service.get("/connections/{BASE_CONNECTION_ID}")


@breaks("path.unknown")
def unknown(service: Service) -> None:
    """Misspells the path: /connection."""
    service.get("/connection")


@breaks("query.unknown-parameter")
def unknown_parameter(service: Service) -> None:
    """Pages with start=20, which is no parameter here."""
    service.get("/connections?start=20")


@breaks("query.value")
def value(service: Service) -> None:
    """Sends count=maybe."""
    service.get("/connections?count=maybe")


@breaks("query.unfilled")
def unfilled(service: Service) -> None:
    """Filters for a name that it has not read: undefined."""
    service.get("/connections?property=name==undefined")
