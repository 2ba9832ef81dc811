"""Clients that fail scenarios of concurrent changes by others."""

from __future__ import annotations

from contracts.clients import Service, fails
from contracts.clients.making import made


@fails("conflict.stale-etag")
def stale_etag(service: Service) -> None:
    """Retries with the refused etag."""
    with made(service) as (at, etag):
        if service.patch(at, etag).status == 412:
            service.patch(at, etag)


@fails("conflict.stale-etag-twice")
def stale_etag_twice(service: Service) -> None:
    """Reads again after the first 412; after the second it uses the etag in the refusal."""
    with made(service) as (at, _):
        answer = service.patch(at, service.read(at)["etag"])
        if answer.status == 412:
            answer = service.patch(at, service.read(at)["etag"])
        if answer.status == 412:
            service.patch(at, answer.json["report"]["entity"])


@fails("conflict.deleted")
def deleted(service: Service) -> None:
    """Looks up an entity, ignores the response, and changes the entity."""
    with made(service) as (at, etag):
        service.get(at)
        service.patch(at, etag)


@fails("conflict.sandbox-gone")
def sandbox_gone(service: Service) -> None:
    """Retries eight times after 404."""
    with made(service) as (at, _):
        for _ in range(8):
            if service.get(at).status == 200:
                break
            service.wait(1)
