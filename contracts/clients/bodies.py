"""Request bodies of correct clients, which faulty ones change in one place."""

from __future__ import annotations

from typing import Any

from contracts.stage.kinds import CRM_TO_AEP, DATA_LAKE, HTTP_API, POSTGRESQL, basic_params

PASSWORD = "c4n4ry-s3cret"
STRING = f"Server=db.example.com;Database=shop;Port=5432;UID=reader;Password={PASSWORD}"
"""A connection string without TLS."""

NOBODY = "11111111-2222-4333-8444-555555555555"
"""An id of no entity."""

PINTEREST_ADS = "f82aae23-91e7-4884-b25f-2d2159d841fd"
TEMPLATE = "63d2b27b-69a5-45c9-a7fe-78148a25de3c"
"""A connection spec id that tutorials of the Sources SDK left in their samples."""


def connection(name: str = "orders", **changes: Any) -> dict[str, Any]:
    """A base connection to PostgreSQL by Basic Authentication."""
    body = {
        "name": name,
        "description": "made by a client on trial",
        "auth": {"specName": "Basic Authentication", "params": basic_params(PASSWORD)},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }
    return {**body, **changes}


def with_params(**changes: Any) -> dict[str, Any]:
    """Return the body with changed params; None removes one."""
    params = {name: value for name, value in {**basic_params(PASSWORD), **changes}.items() if value is not None}
    return connection(auth={"specName": "Basic Authentication", "params": params})


def by_string(text: str, name: str = "orders") -> dict[str, Any]:
    """A base connection to PostgreSQL by connection string."""
    auth = {"specName": "Connection String Based Authentication", "params": {"connectionString": text}}
    return connection(name, auth=auth)


def streaming() -> dict[str, Any]:
    """An HTTP API connection that accepts XDM messages."""
    auth = {"specName": "Streaming Connection", "params": {"dataType": "xdm"}}
    return connection("events", auth=auth, connectionSpec={"id": HTTP_API, "version": "1.0"})


def resource() -> dict[str, Any]:
    """A connection to a source made with the Sources SDK."""
    auth = {"specName": "OAuth2 Refresh Code", "params": {"accessToken": PASSWORD}}
    return connection("audiences", auth=auth, connectionSpec={"id": PINTEREST_ADS, "version": "1.0"})


def message() -> dict[str, Any]:
    """An XDM message as on the HTTP API page."""
    schema = {
        "id": "https://ns.adobe.com/acme/schemas/52b59140",
        "contentType": "application/vnd.adobe.xed-full+json;version=1",
    }
    body = {"xdmMeta": {"schemaRef": schema}, "xdmEntity": {"_id": "event-1"}}
    return {"header": {"schemaRef": schema}, "body": body}


def source(base_id: str) -> dict[str, Any]:
    """A source connection for a table of a base connection."""
    return {
        "name": "orders in PostgreSQL",
        "baseConnectionId": base_id,
        "data": {"format": "tabular"},
        "params": {"tableName": "public.customers"},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }


def target() -> dict[str, Any]:
    """A target connection for a data set of the data lake."""
    schema = {
        "id": "https://ns.adobe.com/acme/schemas/52b59140",
        "version": "application/vnd.adobe.xed-full+json;version=1",
    }
    return {
        "name": "orders in the data lake",
        "data": {"schema": schema},
        "params": {"dataSetId": "5f3c3cedb2805c194ff0b69a"},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }


def flow(source_id: str, target_id: str, start: int) -> dict[str, Any]:
    """A dataflow every 15 minutes from a start time in seconds since 1970."""
    return {
        "name": "orders to the data lake",
        "flowSpec": {"id": CRM_TO_AEP, "version": "1.0"},
        "sourceConnectionIds": [source_id],
        "targetConnectionIds": [target_id],
        "transformations": [
            {"name": "Copy", "params": {"deltaColumn": {"name": "entered_at"}}},
            {"name": "Mapping", "params": {"mappingId": "0b090130b58b4819afc78b6dc98b484d", "mappingVersion": 0}},
        ],
        "scheduleParams": {"startTime": str(start), "frequency": "minute", "interval": "15"},
    }
