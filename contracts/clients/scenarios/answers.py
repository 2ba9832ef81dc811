"""Clients that fail scenarios of damaged or unusual responses."""

from __future__ import annotations

from contracts.clients import Service, Stopped, fails
from contracts.clients.making import made


def _looks_at_no_answer(service: Service) -> None:
    service.get("/connections")
    service.get("/connectionSpecs")


@fails("answer.truncated")
def truncated(service: Service) -> None:
    """Treats half a response as an empty list."""
    _looks_at_no_answer(service)


@fails("answer.malformed")
def malformed(service: Service) -> None:
    """Treats an unparsable response as an empty list."""
    _looks_at_no_answer(service)


@fails("answer.empty")
def empty(service: Service) -> None:
    """Treats a missing body as an empty list."""
    _looks_at_no_answer(service)


@fails("answer.unknown-members")
def unknown_members(service: Service) -> None:
    """Has a response model that allows no unknown members."""
    with made(service) as (at, _):
        answer = service.get(at)
        if answer.json.keys() != {"items"}:
            raise Stopped(f"{answer}: unknown members")


@fails("answer.reordered-members")
def reordered_members(service: Service) -> None:
    """Takes the first member of an entity as its id."""
    with made(service) as (at, _):
        record = service.read(at)
        if at != f"/connections/{next(iter(record.values()))}":
            raise Stopped(f"{at} has another id")


@fails("answer.draft-state")
def draft_state(service: Service) -> None:
    """Knows only the state enabled."""
    with made(service) as (at, _):
        if service.read(at)["state"] != "enabled":
            raise Stopped(f"{at} has an unknown state")


@fails("answer.empty-list")
def empty_list(service: Service) -> None:
    """Takes the first item of a list without checking that there is one."""
    with made(service):
        listed = service.get("/connections").json["items"]
        first = listed[0] if listed else {}
        service.get(f"/connections/{first.get('id', 'undefined')}")
