"""Sandboxes and the data landing zone: calls to other services that clients of Flow Service make.

The sandbox service returns ids of sandboxes; the connectors service returns the data landing zone.
Shapes are those of their tutorials and of what the public client `aepp` reads. Nothing is stored.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from mockserver.errors import ApiError
from mockserver.exchange import Request, Result, Tenant
from mockserver.gateway import DEFAULT_SANDBOX, is_sandbox
from mockserver.json_input import Json
from mockserver.resources import operation
from mockserver.secrecy import repeatable
from mockserver.world import World

_CONTAINERS = {
    "user_drop_zone": "dlz-user-container",
    "dlz_destination": "dlz-destination",
    "dlz_databricks_source": "dlz-databricks-container",
}
"""Type of landing zone -> its container, as in the tutorials."""

_DAYS = 7
"""How long files stay in a landing zone."""

_SANDBOXES = 50
"""Maximum sandboxes of a list."""

_KEY_SECONDS = 3600
"""Life of an AWS key. No page tells it: assumed."""


@operation("retrieveSandbox")
def retrieve_sandbox(world: World, request: Request) -> Result:
    """Id, type and state of a sandbox. Every sandbox that calls may name is active."""
    name = next(iter(request.path.values()))
    known = world.config.sandboxes
    if not is_sandbox(name) or (known and name not in known):
        raise ApiError("sandbox_unknown", name=repeatable(name))
    return Result(200, _sandbox(world, request, name))


@operation("listSandboxes")
def list_sandboxes(world: World, request: Request) -> Result:
    """The configured sandboxes; if any name is allowed, the default one and the caller's."""
    names = world.config.sandboxes or tuple(dict.fromkeys((DEFAULT_SANDBOX, request.tenant.sandbox)))
    start, limit = request.arguments.get("offset", 0), request.arguments.get("limit", _SANDBOXES)
    shown: Json = [_sandbox(world, request, name) for name in names[start : start + limit]]
    page: Json = {"limit": limit, "count": len(names)}
    return Result(200, {"sandboxes": shown, "_page": page, "_links": {}})


@operation("retrieveLandingZone")
def retrieve_landing_zone(world: World, request: Request) -> Result:
    """The location of the landing zone and how long files stay."""
    container = _container(request)
    if world.config.platform == "aws":
        days = {"timeUnit": "days", "timeQuantity": _DAYS}
        return Result(200, {"dlzPath": _path(request, container), "dataTTL": days, "dlzProvider": "Amazon S3"})
    return Result(200, {"containerName": container, "containerTTL": str(_DAYS)})


@operation("retrieveLandingZoneCredentials")
def retrieve_landing_zone_credentials(world: World, request: Request) -> Result:
    """Well-formed credentials derived from the tenant. There is no storage behind them."""
    container = _container(request)
    made = hashlib.sha256("/".join((*request.tenant, container)).encode()).hexdigest()
    if world.config.platform == "aws":
        return Result(
            200,
            {
                "credentials": {
                    "awsAccessKeyId": "MOCK" + made[:16].upper(),
                    "awsSecretAccessKey": made[:40],
                    "awsSessionToken": made,
                },
                "dlzPath": _path(request, container),
                "dlzProvider": "Amazon S3",
                "expiryTime": world.runtime.clock.now_ms() // 1000 + _KEY_SECONDS,
            },
        )
    account = "dlblobstore" + made[:13]
    token = urlencode(
        {"sv": "2020-04-08", "si": f"dlz-{request.tenant.sandbox_id}", "sr": "c", "sp": "racwdlm", "sig": made}
    )
    credentials: dict[str, Any] = {"containerName": container, "SASToken": token, "storageAccountName": account}
    return Result(200, {**credentials, "SASUri": f"https://{account}.blob.core.windows.net/{container}?{token}"})


def _sandbox(world: World, request: Request, name: str) -> dict[str, Any]:
    known = world.config.sandboxes
    default = name == (known[0] if known else DEFAULT_SANDBOX)
    return {
        "id": Tenant(request.tenant.org, name).sandbox_id,
        "name": name,
        "title": name,
        "state": "active",
        "type": "production" if default else "development",
        "region": "VA7",
        "isDefault": default,
    }


def _container(request: Request) -> str:
    """The container of the requested type."""
    return _CONTAINERS[request.arguments["type"]]


def _path(request: Request, container: str) -> dict[str, str]:
    return {"bucketName": f"dlz-{request.tenant.sandbox}", "dlzFolder": container}
