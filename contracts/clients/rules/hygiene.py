"""Clients that put secrets in the wrong place."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.making import made


@breaks("hygiene.filter-on-secrets")
def filter_on_secrets(service: Service) -> None:
    """Filters connections by their password."""
    service.get("/connections?property=auth.params.password==c4n4ry-new")


@breaks("hygiene.mask-sent-back")
def mask_sent_back(service: Service) -> None:
    """Writes back what it read, including the password's mask."""
    with made(service) as (at, etag):
        auth = service.read(at)["auth"]
        service.patch(at, etag, {"op": "replace", "path": "/auth", "value": auth})


@breaks("hygiene.secret-in-name")
def secret_in_name(service: Service) -> None:
    """Puts the new password into the connection's name too."""
    with made(service) as (at, etag):
        password = {"op": "replace", "path": "/auth/params/password", "value": "c4n4ry-new"}
        service.patch(at, etag, password, {"op": "replace", "path": "/name", "value": "db c4n4ry-new"})


@breaks("hygiene.secret-in-query")
def secret_in_query(service: Service) -> None:
    """Sends a token in the query."""
    service.get("/connections?access_token=c4n4ry")
