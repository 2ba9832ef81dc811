"""Clients that fail scenarios of short and long outages."""

from __future__ import annotations

from contracts.clients import Service, Stopped, fails
from contracts.clients.bodies import connection
from contracts.clients.service import LOST


def _gives_up(service: Service) -> None:
    answer = service.get("/connections")
    if answer.status != 200:
        raise Stopped(f"{answer}")


def _creates_blindly(service: Service) -> None:
    for _ in range(3):
        answer = service.post("/connections", connection())
        if answer.status == 201:
            service.delete(f"/connections/{answer.json['id']}")
            return
        service.wait(1)


@fails("outage.unavailable-once")
def unavailable_once(service: Service) -> None:
    """Gives up at a 503."""
    _gives_up(service)


@fails("outage.bad-gateway")
def bad_gateway(service: Service) -> None:
    """Gives up at a 502."""
    _gives_up(service)


@fails("outage.connection-reset")
def connection_reset(service: Service) -> None:
    """Gives up at a broken connection."""
    _gives_up(service)


@fails("outage.for-good")
def for_good(service: Service) -> None:
    """Retries once a second and never gives up: thirty times."""
    for _ in range(30):
        if service.get("/connections").status == 200:
            break
        service.wait(1)


@fails("outage.slow-answer")
def slow_answer(service: Service) -> None:
    """Waits one second for a response, then sends the request again."""
    if service.hurried(1).get("/connections").status == LOST:
        service.get("/connections")


@fails("create.unknown-outcome")
def unknown_outcome(service: Service) -> None:
    """Creates again after a 500 without checking whether the first request worked."""
    _creates_blindly(service)


@fails("create.answer-lost")
def answer_lost(service: Service) -> None:
    """Creates again after a broken connection without checking whether the first request worked."""
    _creates_blindly(service)
