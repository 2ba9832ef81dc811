"""Somebody else is at work in the same sandbox."""

from __future__ import annotations

from contracts.clients import Service, fails
from contracts.clients.making import made


@fails("conflict.stale-etag")
def stale_etag(service: Service) -> None:
    """Tries again with the etag that was refused."""
    with made(service) as (at, etag):
        if service.patch(at, etag).status == 412:
            service.patch(at, etag)


@fails("conflict.stale-etag-twice")
def stale_etag_twice(service: Service) -> None:
    """Reads again after the first 412; after the second it takes the etag that the refusal names."""
    with made(service) as (at, _):
        answer = service.patch(at, service.read(at)["etag"])
        if answer.status == 412:
            answer = service.patch(at, service.read(at)["etag"])
        if answer.status == 412:
            service.patch(at, answer.json["report"]["entity"])


@fails("conflict.deleted")
def deleted(service: Service) -> None:
    """Looks an entity up, does not look at the answer, and changes it."""
    with made(service) as (at, etag):
        service.get(at)
        service.patch(at, etag)


@fails("conflict.sandbox-gone")
def sandbox_gone(service: Service) -> None:
    """Takes 404 for a matter of patience, and looks eight times."""
    with made(service) as (at, _):
        for _ in range(8):
            if service.get(at).status == 200:
                break
            service.wait(1)
