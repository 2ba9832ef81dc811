"""Clients that break rules on access tokens."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.wire import BASE_PATH


@breaks("token.credentials-in-query")
def credentials_in_query(service: Service) -> None:
    """Sends its client secret in the query of the token request."""
    service.token(in_query=True)


@breaks("token.in-clear")
def in_clear(service: Service) -> None:
    """Calls Adobe's host by http:// and sends its token."""
    service.get_from_adobe(f"{BASE_PATH}/connections", "http")


@breaks("token.new-for-every-call")
def new_for_every_call(service: Service) -> None:
    """Fetches a new token for each of five requests."""
    for _ in range(5):
        service.token()
        service.get("/connections")


@breaks("token.refused")
def refused(service: Service) -> None:
    """Requests a token with an unknown grant type."""
    service.token(grant_type="password")


@breaks("token.refused-reused")
def refused_reused(service: Service) -> None:
    """Keeps using a refused token."""
    service.token()
    service.get("/connections", x_mock_fault="token-revoked")
    service.get("/connectionSpecs")


@breaks("token.not-issued")
def not_issued(service: Service) -> None:
    """Fetches a token and keeps using the one from its configuration."""
    service.headers["Authorization"] = "Bearer given-long-ago"
    given = dict(service.headers)
    service.token()
    service.headers = given
    service.get("/connections")
