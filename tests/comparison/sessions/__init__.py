"""Sessions of clients with a service that is not empty. Each is a generator: the recording begins where it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mockserver import Emulator
from tests.calls import send
from tests.dataflows import pass_time

Session = Callable[[Emulator], Iterator[None]]
SESSIONS: dict[str, Session] = {}


def session(function: Session) -> Session:
    """Register a session under the name of its function."""
    SESSIONS[function.__name__.replace("_", "-")] = function
    return function


def get(emulator: Emulator, path: str, **options: Any) -> Any:
    """The body of a response, and a second of time."""
    pass_time(emulator, 1_001)
    return send(emulator, "GET", path, **options).body


def item(emulator: Emulator, path: str) -> Any:
    return get(emulator, path)["items"][0]


def patch(emulator: Emulator, path: str, etag: str, member: str = "name", value: Any = "renamed") -> Any:
    pass_time(emulator, 1_001)
    steps = [{"op": "replace", "path": f"/{member}", "value": value}]
    return send(emulator, "PATCH", path, steps, headers={"if-match": etag}).body


def act(emulator: Emulator, path: str, action: str) -> None:
    pass_time(emulator, 1_001)
    send(emulator, "POST", f"{path}/action?op={action}")


def delete(emulator: Emulator, path: str) -> None:
    pass_time(emulator, 1_001)
    send(emulator, "DELETE", path)
