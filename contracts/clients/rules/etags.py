"""Clients that break rules on If-Match: sent, quoted, received from the service, and current."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import NOBODY, connection
from contracts.clients.making import made

EARLIER = '"0a1b2c3d-0000-0200-0000-5f5e10000000"'
AGAIN = {"op": "replace", "path": "/name", "value": "renamed again"}


@breaks("etag.in-query")
def in_query(service: Service) -> None:
    """Sends the etag in the query, as Adobe's Postman collection does."""
    with made(service) as (at, _):
        change = [{"op": "replace", "path": "/name", "value": "renamed"}]
        service.send("PATCH", f"{at}/?if-match=%22x%22", change)


@breaks("etag.invented")
def invented(service: Service) -> None:
    """Invents an etag."""
    with made(service) as (at, _):
        service.patch(at, EARLIER)


@breaks("etag.malformed")
def malformed(service: Service) -> None:
    """Sends a star as etag."""
    with made(service) as (at, _):
        service.patch(at, "*")


@breaks("etag.missing")
def missing(service: Service) -> None:
    """Updates without If-Match."""
    with made(service) as (at, _):
        service.patch(at, None)


@breaks("etag.other-entity")
def other_entity(service: Service) -> None:
    """Updates one connection with the etag of another."""
    with made(service) as (at, _):
        other = f"/connections/{service.create(connection('another one'))}"
        service.patch(at, service.read(other)["etag"])
        service.delete(other)


@breaks("etag.outdated-by-itself")
def outdated_by_itself(service: Service) -> None:
    """Updates twice with the etag of the creation."""
    with made(service) as (at, etag):
        service.patch(at, etag)
        service.patch(at, etag, AGAIN)


@breaks("etag.stale-repeated")
def stale_repeated(service: Service) -> None:
    """Repeats an etag after 412."""
    with made(service) as (at, etag):
        service.patch(at, etag, x_mock_fault="stale-etag")
        service.wait(5)
        service.patch(at, etag, AGAIN)


@breaks("etag.unquoted")
def unquoted(service: Service) -> None:
    """Removes the double quotes from the etag."""
    with made(service) as (at, etag):
        service.patch(at, etag.strip('"'))


@breaks("etag.unread")
def unread(service: Service) -> None:
    """Uses an etag kept from an earlier run, whose entity is restored by an import."""
    with made(service):
        state = service.mock("GET", "/state?credentials=include")
        [record, *_] = [row for row in state["records"] if row["doc"].get("name") == connection()["name"]]
        doc = {**record["doc"], "id": NOBODY, "name": "of an earlier run", "etag": EARLIER, "version": EARLIER}
        revision = state["revision"] + 1
        records = [*state["records"], {**record, "revision": revision, "doc": doc}]
        service.mock("PUT", "/state", {**state, "revision": revision, "records": records})
        service.patch(f"/connections/{NOBODY}", EARLIER)
        service.delete(f"/connections/{NOBODY}")
