"""Creates connections that are always deleted again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from contracts.clients.bodies import connection
from contracts.clients.service import Service, Stopped


def creates(service: Service, body: Mapping[str, Any] | None = None, **headers: Any) -> None:
    """Create a connection, and delete it if that worked."""
    answer = service.post("/connections", connection() if body is None else body, **headers)
    if answer.status == 201:
        service.delete(f"/connections/{answer.json['id']}")


@contextmanager
def made(service: Service, body: Mapping[str, Any] | None = None) -> Iterator[tuple[str, str]]:
    """The path and the etag of a new connection, which is deleted afterwards. Raises Stopped."""
    answer = service.post("/connections", connection() if body is None else body)
    if answer.status != 201:
        raise Stopped(f"{answer}")
    at = f"/connections/{answer.json['id']}"
    try:
        yield at, str(answer.json["etag"])
    finally:
        service.delete(at)
