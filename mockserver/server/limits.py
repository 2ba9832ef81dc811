"""What one client may take of the server, and the words in which the server itself refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mockserver import json_input
from mockserver.errors import ApiError
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

BACKLOG = 2_048
"""Clients that may wait to be accepted: a crowd connects faster than it is let in."""

_MANY = 65_536
_runtime = Runtime()
_quirks = Quirks()


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    max_body: int = 1_048_576
    larger_bodies: Mapping[str, int] = field(default_factory=dict)
    """path -> what it may take above `max_body`, by one client at a time: such a body is held in memory."""
    header_bytes: int = 65_536
    """Of the request line, and of all fields together."""
    header_fields: int = 100
    header_seconds: float = 30
    """From the first byte of a request to the end of its head."""
    body_seconds: float = 30
    """From the end of the head to the end of the body."""
    write_seconds: float = 30
    """How long a client may leave its answer lying."""
    idle_seconds: float = 75
    """How long an open connection may stay silent between requests."""
    grace_seconds: float = 10
    """How long a stop waits for what has begun."""
    threads: int = 16
    """How many requests may be inside the application at once; more wait their turn."""


def descriptors() -> int:
    """How many files and sockets the process may hold; many where the platform does not say."""
    if resource is None:
        return _MANY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MANY if soft == resource.RLIM_INFINITY else soft


def raise_descriptors() -> None:
    """Take as many descriptors as the system grants without being asked twice."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _MANY if hard == resource.RLIM_INFINITY else min(hard, _MANY)
        if most > descriptors():
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def refusal(key: str, detail: str) -> tuple[int, bytes]:
    """Status and JSON body, in the service's shape, of a request that never reaches the application."""
    result = ApiError(key, detail=detail).result(_runtime.request_id(), _quirks)
    return result.status, json_input.dumps(result.body)
