"""The collections, one row each, with the body of a plausible new entity.

Everything else about a collection is read from the document, so adding one takes a row
here and its paths in the document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.schema.document import Document, DocumentedOperation

POSTGRESQL = "74a1c565-4e59-48d7-9d67-7c03b8a13137"
HTTP_API = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
SHOPIFY_STREAMING = "e77fd9d2-22a8-11ed-861d-0242ac120002"
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
CRM_TO_AEP = "14518937-270c-4525-bdec-c2ba7cce3860"
GENERIC_STREAMING = "e77fde5a-22a8-11ed-861d-0242ac120002"


class Given(Protocol):
    """The values from which the body of a new entity is built."""

    @property
    def connection(self) -> Mapping[str, Any] | None:
        """The operator's own body of a base connection."""

    @property
    def canary(self) -> str:
        """The password that must not appear anywhere."""

    def shared(self, kind: str) -> str:
        """The id of an entity to refer to."""


Body = Callable[[Given, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A collection: the name in its path, and a function for the body of a valid new entity."""

    name: str
    body: Body
    document: Document

    @property
    def path(self) -> str:
        """`/connections`."""
        return f"/{self.name}"

    def operation(self, method: str, below: str = "") -> DocumentedOperation | None:
        """The operation on the collection or, with a suffix such as `/{}`, on its entities."""
        return self.document.operation(method, self.path + below)

    @property
    def patched(self) -> bool:
        """Whether entities can be patched."""
        return self.operation("PATCH", "/{}") is not None

    @property
    def deleted(self) -> bool:
        """Whether entities can be deleted."""
        return self.operation("DELETE", "/{}") is not None

    @property
    def searched(self) -> bool:
        """Whether the collection has a search."""
        return self.operation("POST", "/search") is not None

    @property
    def drafted(self) -> bool:
        """Whether the collection has drafts."""
        create = self.operation("POST")
        return create is not None and any(p["name"] == "mode" for p in self.document.parameters(create))

    @property
    def located(self) -> bool:
        """Whether creations return `Location`."""
        create = self.operation("POST")
        response = self.document.response(create, 201) if create else None
        return response is not None and "Location" in response.get("headers", {})

    def __str__(self) -> str:
        return self.name


def connection_body(given: Given, name: str) -> dict[str, Any]:
    """A base connection: the operator's own, or PostgreSQL with invented credentials and the canary as password."""
    if given.connection is not None:
        return {**given.connection, "name": name}
    return {
        "name": name,
        "description": "created by the contract suite",
        "auth": {"specName": "Basic Authentication", "params": basic_params(given.canary)},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }


def basic_params(password: str) -> dict[str, str]:
    """The params of PostgreSQL's `Basic Authentication`."""
    return {
        "server": "db.example.com",
        "port": "5432",
        "database": "shop",
        "username": "reader",
        "password": password,
        "sslMode": "Verify Full",
    }


def source_connection_body(given: Given, name: str) -> dict[str, Any]:
    """A table of a fresh base connection."""
    return {
        "name": name,
        "description": "created by the contract suite",
        "baseConnectionId": given.shared("connections"),
        "data": {"format": "tabular"},
        "params": {"tableName": "public.customers"},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }


def target_connection_body(given: Given, name: str) -> dict[str, Any]:
    """A data set in the data lake."""
    return {
        "name": name,
        "description": "created by the contract suite",
        "data": {
            "schema": {
                "id": "https://ns.adobe.com/acme/schemas/d6f5d6bbe6e4a2a4c2a0",
                "version": "application/vnd.adobe.xed-full+json;version=1",
            }
        },
        "params": {"dataSetId": "5f3c3cedb2805c194ff0b69a"},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }


def flow_body(given: Given, name: str) -> dict[str, Any]:
    """A dataflow from a table to the data lake, once, in the far future."""
    return {
        "name": name,
        "description": "created by the contract suite",
        "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
        "sourceConnectionIds": [given.shared("sourceConnections")],
        "targetConnectionIds": [given.shared("targetConnections")],
        "transformations": [
            {"name": "Mapping", "params": {"mappingId": "0b090130b58b4bb6a04e4a8a3a4ff4a0", "mappingVersion": "0"}}
        ],
        "scheduleParams": {"startTime": "4102444800", "frequency": "once"},
    }


BODIES: Mapping[str, Body] = {
    "connections": connection_body,
    "sourceConnections": source_connection_body,
    "targetConnections": target_connection_body,
    "flows": flow_body,
}
"""Collection -> body of a new entity. The guard test asks for a row for every collection of the document."""


def kinds_of(document: Document) -> tuple[Kind, ...]:
    """The collections of the document in which entities can be created."""
    return tuple(Kind(name, body, document) for name, body in BODIES.items() if document.operation("POST", f"/{name}"))
