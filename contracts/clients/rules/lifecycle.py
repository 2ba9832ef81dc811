"""Clients that break rules on the life of entities, from creation to deletion."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import NOBODY, TEMPLATE, connection, flow, resource, source, target
from contracts.clients.making import made


@breaks("lifecycle.deleted-in-use")
def deleted_in_use(service: Service) -> None:
    """Deletes the source connection before the flow that uses it."""
    with made(service) as (at, _):
        read = service.create(source(at.rpartition("/")[2]), "/sourceConnections")
        write = service.create(target(), "/targetConnections")
        run = service.create(flow(read, write, service.now() + 3600), "/flows")
        service.delete(f"/sourceConnections/{read}", f"/flows/{run}")
        service.delete(f"/sourceConnections/{read}", f"/targetConnections/{write}")


@breaks("lifecycle.draft-left")
def draft_left(service: Service) -> None:
    """Creates a draft and leaves it."""
    service.create(path="/connections?mode=draft")


@breaks("lifecycle.duplicate-name")
def duplicate_name(service: Service) -> None:
    """Gives two connections the same name."""
    with made(service), made(service, connection(description="the other")):
        pass


@breaks("lifecycle.never-deleted")
def never_deleted(service: Service) -> None:
    """Creates a connection and leaves it."""
    service.create()


@breaks("lifecycle.other-connector")
def other_connector(service: Service) -> None:
    """Leaves the id of a template in the source connection."""
    with made(service, resource()) as (at, _):
        other = source(at.rpartition("/")[2]) | {"data": {"format": "json"}, "params": {}}
        read = service.create(other | {"connectionSpec": {"id": TEMPLATE, "version": "1.0"}}, "/sourceConnections")
        service.delete(f"/sourceConnections/{read}")


@breaks("lifecycle.unknown-id")
def unknown_id(service: Service) -> None:
    """Looks up an id that no response contained."""
    service.get(f"/connections/{NOBODY}")


@breaks("lifecycle.used-after-deletion")
def used_after_deletion(service: Service) -> None:
    """Deletes the same connection twice."""
    with made(service) as (at, _):
        service.delete(at)


@breaks("lifecycle.wrong-state")
def wrong_state(service: Service) -> None:
    """Publishes an entity that is not a draft."""
    with made(service) as (at, _):
        service.post(f"{at}/action?op=publish")


@breaks("lifecycle.other-sandbox")
def other_sandbox(service: Service) -> None:
    """Looks up a connection in sandbox prod that it created in sandbox dev."""
    answer = service.post("/connections", connection(), x_sandbox_name="dev")
    at = f"/connections/{answer.json['id']}"
    service.get(at, x_sandbox_name="prod")
    service.send("DELETE", at, x_sandbox_name="dev")
