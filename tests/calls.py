"""Valid requests, which tests change in one place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mockserver import Emulator
from mockserver.contract import Contract
from mockserver.exchange import Call, Pairs, Result
from mockserver.sources import ExploreRequest

POSTGRESQL = "74a1c565-4e59-48d7-9d67-7c03b8a13137"
DATA_LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
LANDING_ZONE = "26f526f2-58f4-4712-961d-e41bf1ccc0e8"
HTTP_API = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"

INTEGER = {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
LONG = {"type": "integer", "minimum": -(2**53), "maximum": 2**53 - 1}
"""The XDM types of whole numbers in columns, as the explore tutorials print them."""

HEADERS = {
    "authorization": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    "x-api-key": "acme-client",
    "x-gw-ims-org-id": "5C1328435BF324E90A49402A@AdobeOrg",
    "x-sandbox-name": "prod",
}

BASIC_PARAMS = {
    "server": "db.example.com",
    "port": "5432",
    "database": "shop",
    "username": "reader",
    "password": "c4n4ry-s3cret",
    "sslMode": "Verify Full",
}


def connection(name: str = "PostgreSQL base connection", **changes: Any) -> dict[str, Any]:
    """A complete PostgreSQL connection by basic authentication."""
    body = {
        "name": name,
        "description": "made by a test",
        "auth": {"specName": "Basic Authentication", "params": dict(BASIC_PARAMS)},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }
    return {**body, **changes}


def by_string(text: str) -> dict[str, Any]:
    """A PostgreSQL connection by connection string."""
    auth = {"specName": "Connection String Based Authentication", "params": {"connectionString": text}}
    return connection(auth=auth)


def call(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str | None] | None = None,
    raw: bytes | None = None,
) -> Call:
    """A request with all headers; `headers` overrides them, None omits one."""
    sent: dict[str, str | None] = dict(HEADERS)
    content = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
    if content:
        sent["content-type"] = "application/json"
    sent.update(headers or {})
    bare, _, query = path.partition("?")
    return Call(
        method=method,
        path=bare,
        query=query,
        headers={name: value for name, value in sent.items() if value is not None},
        body=content,
        request_id="0" * 32,
        received_ms=0,
    )


def send(emulator: Emulator, method: str, path: str, body: Any = None, **options: Any) -> Result:
    """Send a request and return its result."""
    return emulator.handle(call(method, path, body, **options))


def made(emulator: Emulator, body: Any = None, path: str = "/connections") -> dict[str, str]:
    """Create a connection; returns the receipt."""
    result = send(emulator, "POST", path, body or connection())
    assert result.status == 201, result.body
    assert isinstance(result.body, dict)
    return result.body


def refused(result: Result) -> tuple[int, str | None, Any]:
    """Status, code and pointer of a refusal by the service."""
    assert isinstance(result.body, dict)
    report = result.body.get("report", {})
    return result.status, result.error, report.get("pointer")


def source(base_id: str, **changes: Any) -> dict[str, Any]:
    """A complete source connection for a table of a PostgreSQL base connection."""
    body = {
        "name": "PostgreSQL source connection",
        "description": "made by a test",
        "baseConnectionId": base_id,
        "data": {"format": "tabular"},
        "params": {"tableName": "public.customers"},
        "connectionSpec": {"id": POSTGRESQL, "version": "1.0"},
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def target(**changes: Any) -> dict[str, Any]:
    """A complete target connection for a data set of the data lake."""
    schema = {
        "id": "https://ns.adobe.com/acme/schemas/52b59140",
        "version": "application/vnd.adobe.xed-full+json;version=1",
    }
    body = {
        "name": "Data lake target connection",
        "data": {"schema": schema},
        "params": {"dataSetId": "5f3c3cedb2805c194ff0b69a"},
        "connectionSpec": {"id": DATA_LAKE, "version": "1.0"},
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def question(query: Pairs) -> ExploreRequest:
    """Parse the query of an explore request."""
    return ExploreRequest.parse(Contract.load().arguments("getByConnectionId", query))
