"""Clients that fail scenarios of rate limits."""

from __future__ import annotations

from contracts.clients import Service, Stopped, fails


@fails("rate-limit.retry-after")
def retry_after(service: Service) -> None:
    """Retries at once, whatever Retry-After says."""
    if service.get("/connections").status == 429:
        service.get("/connections")


@fails("rate-limit.no-retry-after")
def no_retry_after(service: Service) -> None:
    """Gives up at the first 429."""
    answer = service.get("/connections")
    if answer.status != 200:
        raise Stopped(f"{answer}")


@fails("rate-limit.for-good")
def for_good(service: Service) -> None:
    """Waits as requested, and never gives up: thirty times."""
    for _ in range(30):
        answer = service.get("/connections")
        if answer.status == 200:
            break
        service.wait(float(answer.header("Retry-After") or 1))
