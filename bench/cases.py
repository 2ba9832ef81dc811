"""The measured requests, as raw HTTP, and the expected responses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

HEADERS = {
    "Authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "x-api-key": "bench",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
}

CONNECTION: dict[str, Any] = {
    "name": "PostgreSQL base connection",
    "description": "PostgreSQL base connection via basic authentication",
    "auth": {
        "specName": "Basic Authentication",
        "params": {
            "server": "db.example.com",
            "port": "5432",
            "database": "shop",
            "username": "reader",
            "password": "not-a-secret",
            "sslMode": "Allow",
        },
    },
    "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
}

_TWO_MISTAKES = {
    **CONNECTION,
    "auth": {"specName": "Basic Authentication", "params": {"server": "db", "sslMode": "On"}},
}
_RENAME = [{"op": "replace", "path": "/name", "value": "renamed by the benchmark"}]

ETAG = "{etag}"
"""Placeholder in a request for the etag of its last response on the same client connection."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of request. If `path` contains `{id}`, the stored connections take turns."""

    name: str
    method: str
    path: str
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name for display."""
        return self.name.replace("-", " ")

    @property
    def follows_etag(self) -> bool:
        """Whether each request needs the etag of the previous response."""
        return ETAG in self.headers.values()

    def raw(self, entity_id: str) -> bytes:
        """The request, head and body, for one entity."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        typed = {"Content-Type": "application/json", "Content-Length": str(len(content))} if content else {}
        headers = {"Host": "127.0.0.1", **HEADERS, **typed, **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path.replace('{id}', entity_id)} HTTP/1.1\r\n{lines}\r\n".encode() + content


@dataclass(frozen=True, slots=True)
class Stream:
    """The requests that one client connection, or all of them together, send in turn. `etag` is the first etag."""

    requests: tuple[bytes, ...]
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """Requests that each of several client connections sends in turn, repeatedly."""

    name: str
    steps: tuple[Case, ...]

    @property
    def label(self) -> str:
        """The name for display."""
        return self.name.replace("-", " ")

    @property
    def cases(self) -> tuple[Case, ...]:
        """Each kind of request once."""
        return tuple({case.name: case for case in self.steps}.values())

    @property
    def follows_etag(self) -> bool:
        """Whether each client connection needs its own records, whose etags it follows."""
        return any(case.follows_etag for case in self.steps)

    @property
    def statuses(self) -> frozenset[int]:
        """The expected statuses."""
        return frozenset(case.status for case in self.steps)

    def shares(self, ids: Sequence[str], connections: int) -> list[Sequence[str]]:
        """The records of each client connection: its own if etags are followed, otherwise all."""
        return [ids[number::connections] for number in range(connections)] if self.follows_etag else [ids]

    def stream(self, ids: Sequence[str], etag: str) -> Stream:
        """The requests for these records in turn. Only the first record is changed, so that its etag is known."""
        turns = range(len(ids)) if any("{id}" in case.path for case in self.steps) else range(1)
        chosen = (
            case.raw(ids[0] if case.follows_etag else ids[(turn + place) % len(ids)])
            for turn in turns
            for place, case in enumerate(self.steps)
        )
        return Stream(tuple(chosen), etag)


UNKNOWN_ID = "45a9a940-bcf6-42b5-ab59-000000000404"
"""The id of no connection."""

READ = Case("GET-one", "GET", "/connections/{id}", 200)
PAGE = Case("GET-page-of-100", "GET", "/connections?limit=100", 200)
SHORT_PAGE = Case("GET-page-of-20", "GET", "/connections?limit=20", 200)
BAD = Case("POST-wrong-type", "POST", "/connections", 400, {**CONNECTION, "name": 42})
INVALID = Case("POST-invalid", "POST", "/connections", 400, _TWO_MISTAKES)
CHANGE = Case("PATCH-with-etag", "PATCH", "/connections/{id}", 200, _RENAME, {"If-Match": ETAG})
CREATE = Case("POST-valid", "POST", "/connections", 201, CONNECTION)

UNKNOWN = Case("GET-unknown", "GET", f"/connections/{UNKNOWN_ID}", 404)
STALE = Case("PATCH-with-stale-etag", "PATCH", "/connections/{id}", 412, _RENAME, {"If-Match": '"stale"'})

_MIXED = (
    *(*[READ] * 4, SHORT_PAGE, CREATE),
    *(*[READ] * 5, SHORT_PAGE, CHANGE),
    *(*[READ] * 5, SHORT_PAGE, CREATE),
)
"""70 % look-ups, 15 % pages of 20, 10 % creates, 5 % changes."""

GET_ONE, PAGE_OF_100, WRONG_TYPE, POST_VALID = (Workload(case.name, (case,)) for case in (READ, PAGE, BAD, CREATE))

# Reads and refusals come first, because they do not change the number of stored connections.
LOADS = (
    GET_ONE,
    PAGE_OF_100,
    WRONG_TYPE,
    Workload(INVALID.name, (INVALID,)),
    Workload(CHANGE.name, (CHANGE,)),
    Workload("mixed", _MIXED),
    POST_VALID,
)
