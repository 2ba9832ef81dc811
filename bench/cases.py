"""What is measured: the calls, as raw HTTP, and the answers they must get."""

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
"""Stands in a request for the etag of the last answer."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of call. `path` may hold `{id}`: the stored connections take turns."""

    name: str
    method: str
    path: str
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    connections: tuple[int, ...] = (1, 32)

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.replace("-", " ")

    @property
    def follows_etag(self) -> bool:
        """Whether each request needs the etag of the answer before it."""
        return ETAG in self.headers.values()

    def requests(self, ids: Sequence[str]) -> list[bytes]:
        """The requests for our server, to be sent in turn."""
        chosen = ids[:1] if self.follows_etag or "{id}" not in self.path else ids
        return [self._raw(self.path.replace("{id}", entity_id)) for entity_id in chosen]

    def bare_requests(self) -> list[bytes]:
        """The same for the bare application, whose paths are the names of the cases."""
        return [self._raw(f"/{self.name}")]

    def _raw(self, path: str) -> bytes:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        headers = {"Host": "127.0.0.1", **HEADERS, **self.headers}
        if content:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + content


# Reads and refusals come first: they leave the number of stored connections as it is.
CASES = (
    Case("GET-one", "GET", "/connections/{id}", 200),
    Case("GET-page-of-100", "GET", "/connections?limit=100", 200),
    Case("POST-invalid", "POST", "/connections", 400, _TWO_MISTAKES),
    Case("PATCH-with-etag", "PATCH", "/connections/{id}", 200, _RENAME, {"If-Match": ETAG}, connections=(1,)),
    Case("POST-valid", "POST", "/connections", 201, CONNECTION),
)
