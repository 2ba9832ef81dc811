"""Deliberately wrong servers: each is ours with one fault, and names the checks that must catch it.

A server is a function of one request, which it may change, pass to the right server with `serve`,
and whose answer it may change. Put it in the module of its theme; the table finds it.
"""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

Memory = dict[str, Any]
"""What a server remembers from request to request; new for each trial."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, below the base path."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed, or None."""
        return _parsed(self.body)

    def without(self, *names: str) -> Asked:
        """The request without some headers."""
        return replace(self, headers={name: value for name, value in self.headers.items() if name not in names})

    def having(self, **headers: str) -> Asked:
        """The request with headers replaced; `_` stands for `-`."""
        return replace(self, headers={**self.headers, **{n.replace("_", "-"): v for n, v in headers.items()}})

    def on(self, kind: str, *, below: int) -> bool:
        """Whether it goes to a collection (0), an entity in it (1), or something below one (2)."""
        parts = self.path.strip("/").split("/")
        return parts[0] == kind and len(parts) == below + 1


@dataclass(frozen=True, slots=True)
class Given:
    """One answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        """The body parsed, or None."""
        return _parsed(self.body)

    def saying(self, value: Any, status: int | None = None) -> Given:
        """The answer with another JSON body, or another status too."""
        return replace(self, body=json.dumps(value).encode(), status=status or self.status)

    def having(self, name: str, value: str | None) -> Given:
        """The answer with a header replaced, or (None) left out."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


Serve = Callable[[Asked], Given]
Fault = Callable[[Asked, Serve, Memory], Given]


@dataclass(frozen=True, slots=True)
class Broken:
    """One wrong server."""

    name: str
    fault: Fault
    caught_by: tuple[str, ...]
    """Checks that must fail against it."""
    by_way_of: tuple[str, ...] = ()
    """Checks to run besides, for the traffic that an observer needs."""

    def over(self, app: Any) -> Any:
        """The wrong server around the right one."""
        return _Wrapped(app, self.fault)


SERVERS: dict[str, Broken] = {}


def broken(name: str, *, caught_by: Iterable[str], by_way_of: Iterable[str] = ()) -> Callable[[Fault], Fault]:
    """Register a wrong server."""

    def register(fault: Fault) -> Fault:
        if name in SERVERS:
            raise RuntimeError(f"two broken servers are called {name}")
        SERVERS[name] = Broken(name, fault, tuple(caught_by), tuple(by_way_of))
        return fault

    return register


def load() -> dict[str, Broken]:
    """Every wrong server of this package."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
    return SERVERS


@dataclass(slots=True)
class _Wrapped:
    """A WSGI application that lets a fault stand between the client and the right server."""

    app: Any
    fault: Fault
    memory: Memory = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        base = "/data/foundation/flowservice"
        headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key[:5] == "HTTP_"}
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"].removeprefix(base)
        asked = Asked(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)
        given = self.fault(asked, lambda changed: self._serve(environ, base, changed), self.memory)
        start_response(f"{given.status} X", list(given.headers))
        return [given.body]

    def _serve(self, environ: dict[str, Any], base: str, asked: Asked) -> Given:
        kept = {key: value for key, value in environ.items() if key[:5] != "HTTP_" and key != "CONTENT_TYPE"}
        for name, value in asked.headers.items():
            key = name.upper().replace("-", "_")
            kept[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
        kept |= {
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": base + asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_LENGTH": str(len(asked.body)) if asked.body else "",
            "wsgi.input": io.BytesIO(asked.body),
        }
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [int(status.split()[0]), headers]

        chunks = self.app(kept, start_response)
        body = b"".join(chunks)
        getattr(chunks, "close", lambda: None)()
        headers = tuple(pair for pair in started[1] if pair[0].lower() != "content-length")
        return Given(started[0], headers, body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
