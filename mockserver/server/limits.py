"""What one client, and all of them together, may take of the server; the words in which it refuses."""

from __future__ import annotations

import http
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
"""Makes the response to a request that never reaches the application, out of its method and the reason.

The method is empty where it was not read. Called in the event loop: it must neither raise nor wait.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    max_body: int = 1_048_576
    larger_bodies: Mapping[str, int] = field(default_factory=dict)
    """Path -> what it may take above `max_body`, from one client at a time: such a body is held in memory."""
    header_bytes: int = 65_536
    """Of the request target, and of all fields together."""
    header_fields: int = 100
    header_seconds: float = 30
    """From the first byte of a request to the end of its head."""
    body_seconds: float = 30
    """From the end of the head to the end of the body."""
    write_seconds: float = 30
    """How long a client may leave what was sent to it unread."""
    idle_seconds: float = 75
    """How long a connection may be silent between requests."""
    grace_seconds: float = 10
    """How long a stop waits for requests that have begun."""
    held_bytes: int = 134_217_728
    """Request bodies and unsent responses of all clients together; above it whoever has most is cut off."""


def descriptors() -> int:
    """The number of files and sockets the process may open; many where the platform does not say."""
    if resource is None:
        return _MANY
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MANY if soft == resource.RLIM_INFINITY else soft


def refuse(method: str, reason: ApiError) -> Result:
    """The response in the service's shape, where no application wants to make it."""
    del method
    return reason.result(_runtime.request_id(), _quirks)


def on_the_wire(result: Result) -> bytes:
    """A whole response after which the connection ends."""
    head = f"HTTP/1.1 {result.status} {http.HTTPStatus(result.status).phrase}\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(result.encoded)}\r\nconnection: close\r\n\r\n"
    return head.encode() + result.encoded
