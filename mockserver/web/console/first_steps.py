"""Commands for empty pages: a first connection, and a flow with everything that it needs."""

from __future__ import annotations

from typing import Any

from mockserver.exchange import Tenant
from mockserver.web.console.frame import Frame

_POSTGRESQL = {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"}
_DATA_LAKE = {"id": "c604ff05-7f1a-43c0-8e18-33bf874cb11c", "version": "1.0"}
_TABLES_TO_DATA_LAKE = {"id": "14518937-270c-4525-bdec-c2ba7cce3860", "version": "1.0"}
_CONNECTION = {
    "name": "PostgreSQL base connection",
    "auth": {
        "specName": "Basic Authentication",
        "params": {
            "server": "db.example.com",
            "port": "5432",
            "database": "shop",
            "username": "reader",
            "password": "example-password",
            "sslMode": "Verify Full",
        },
    },
    "connectionSpec": _POSTGRESQL,
}
_SOURCE = {
    "name": "Store visits",
    "baseConnectionId": "$base",
    "data": {"format": "tabular"},
    "params": {"tableName": "sales.store_visits"},
    "connectionSpec": _POSTGRESQL,
}
_TARGET = {
    "name": "Store visits data set",
    "data": {
        "schema": {
            "id": "https://ns.adobe.com/acme/schemas/52b59140",
            "version": "application/vnd.adobe.xed-full+json;version=1",
        }
    },
    "params": {"dataSetId": "5f3c3cedb2805c194ff0b69a"},
    "connectionSpec": _DATA_LAKE,
}
_FLOW = {
    "name": "Store visits to the data lake",
    "flowSpec": _TABLES_TO_DATA_LAKE,
    "sourceConnectionIds": ["$source"],
    "targetConnectionIds": ["$target"],
    "transformations": [
        {"name": "Copy", "params": {"deltaColumn": {"name": "entered_at"}}},
        {"name": "Mapping", "params": {"mappingId": "0b090130b58b4819afc78b6dc98b484d", "mappingVersion": 0}},
    ],
}
_VARIABLES = ("base", "source", "target")


def connection(frame: Frame, tenant: Tenant) -> str:
    """A command that creates a connection."""
    return frame.curl(tenant, "POST", "/connections", _CONNECTION)


def flow(frame: Frame, tenant: Tenant) -> str:
    """Commands for a POSIX shell that create a flow, which runs every 15 minutes, and what it needs."""
    now = str(frame.emulator.runtime.clock.now_ms() // 1000)
    schedule = {"startTime": now, "frequency": "minute", "interval": "15"}
    calls: tuple[tuple[str, Any], ...] = (
        ("connections", _CONNECTION),
        ("sourceConnections", _SOURCE),
        ("targetConnections", _TARGET),
    )
    made = [
        f'{variable}=$({_silent(frame.curl(tenant, "POST", f"/{path}", body))} | sed \'s/.*"id":"\\([^"]*\\)".*/\\1/\')'
        for variable, (path, body) in zip(_VARIABLES, calls, strict=True)
    ]
    text = "\n".join([*made, frame.curl(tenant, "POST", "/flows", {**_FLOW, "scheduleParams": schedule})])
    for variable in _VARIABLES:
        text = text.replace(f'"${variable}"', f'"\'"${variable}"\'"')
    return text


def _silent(command: str) -> str:
    return command.replace("curl ", "curl -s ", 1)
