"""Clients that break rules on retries: too soon, too often, or of requests that must not be repeated."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import connection
from contracts.clients.making import made

MANY = 12
"""Attempts in a row. More than necessary, because on a busy machine some look like pauses."""


@breaks("retry.after-success")
def after_success(service: Service) -> None:
    """Does not understand 201 and creates again at once."""
    with made(service), made(service):
        pass


@breaks("retry.create-after-unknown-outcome")
def create_after_unknown_outcome(service: Service) -> None:
    """Creates again after a 503 without checking whether the first request worked."""
    service.post("/connections", connection(), x_mock_fault="unavailable")
    service.wait(5)
    with made(service):
        pass


@breaks("retry.ignores-retry-after")
def ignores_retry_after(service: Service) -> None:
    """Retries after one second although Retry-After says five."""
    service.get("/connections", x_mock_fault="rate-limit=5")
    service.wait(1)
    service.get("/connections")


@breaks("retry.no-pause")
def no_pause(service: Service) -> None:
    """Retries without a pause while the service is unavailable."""
    for _ in range(MANY):
        service.get("/connections", x_mock_fault="unavailable")


@breaks("retry.polling-too-fast")
def polling_too_fast(service: Service) -> None:
    """Polls a state without a pause."""
    with made(service) as (at, _):
        for _ in range(MANY):
            service.get(at)


@breaks("retry.refused-call", "call.refused")
def refused_call(service: Service) -> None:
    """Repeats a permanently refused request: writing a spec with a user token."""
    body = {"name": "a spec of ours", "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a"}
    for _ in range(2):
        service.post("/connectionSpecs", body)
        service.wait(5)
