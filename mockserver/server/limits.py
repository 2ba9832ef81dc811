"""Limits of the server, for one client and for all together, and its default error responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mockserver.errors import ApiError
from mockserver.exchange import Result
from mockserver.quirks import Quirks
from mockserver.runtime import Runtime

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_MANY = 65_536
_runtime = Runtime()
_quirks = Quirks()

Refuse: TypeAlias = Callable[[str, ApiError], Result]
"""Creates the response to a request that never reaches the application, from its method and the error.

The method is empty if it was not received. Called in the event loop: it must neither raise nor block.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    max_body: int = 1_048_576
    larger_bodies: Mapping[str, int] = field(default_factory=dict)
    """Path -> maximum body where `max_body` is exceeded. Only one client at a time, because it is held in memory."""
    header_bytes: int = 65_536
    """Maximum of the request target, and of all header fields together."""
    header_fields: int = 100
    header_seconds: float = 30
    """Time from the first byte of a request to the end of its head."""
    body_seconds: float = 30
    """Time from the end of the head to the end of the body."""
    write_seconds: float = 30
    """Time a client may leave sent data unread."""
    idle_seconds: float = 75
    """Time a connection may be idle between requests."""
    grace_seconds: float = 10
    """Time a stopping server waits for current requests."""
    held_bytes: int = 134_217_728
    """Maximum of request bodies and unsent responses of all clients. Above it, the client with most is cut off."""


def descriptors() -> int:
    """Maximum number of files and sockets the process may open; 65,536 if the platform has no limit."""
    if resource is None:
        return _MANY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MANY if soft == resource.RLIM_INFINITY else soft


def refuse(method: str, reason: ApiError) -> Result:
    """The default `Refuse`: an error body in the form of the service."""
    del method
    return reason.result(_runtime.request_id(), _quirks)
