"""The sandbox service: id, type and state of sandboxes. Shapes are what the public client `aepp` reads."""

from __future__ import annotations

from typing import Any

from mockserver.errors import ApiError
from mockserver.exchange import Request, Result, Tenant
from mockserver.gateway import DEFAULT_SANDBOX, is_sandbox
from mockserver.json_input import Json
from mockserver.resources import operation
from mockserver.secrecy import repeatable
from mockserver.world import World

_SANDBOXES = 50
"""Maximum sandboxes per list."""


@operation("retrieveSandbox")
def retrieve_sandbox(world: World, request: Request) -> Result:
    """Id, type and state of a sandbox; every sandbox that a call may name is active."""
    name = next(iter(request.path.values()))
    known = world.config.sandboxes
    if not is_sandbox(name) or (known and name not in known):
        raise ApiError("sandbox_unknown", name=repeatable(name))
    return Result(200, _sandbox(world, request, name))


@operation("listSandboxes")
def list_sandboxes(world: World, request: Request) -> Result:
    """The sandboxes that the operator listed; where any may be named, the default one and the caller's."""
    names = world.config.sandboxes or tuple(dict.fromkeys((DEFAULT_SANDBOX, request.tenant.sandbox)))
    start, limit = request.arguments.get("offset", 0), request.arguments.get("limit", _SANDBOXES)
    shown: Json = [_sandbox(world, request, name) for name in names[start : start + limit]]
    page: Json = {"limit": limit, "count": len(names)}
    return Result(200, {"sandboxes": shown, "_page": page, "_links": {}})


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
