"""Private endpoints of Azure: created, listed, deleted. Nothing is connected: they stay Pending until used.

Shapes are those of the page on private links. An endpoint becomes Approved once a connection uses it (assumed: nobody
approves it in Azure here).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from mockserver import json_input
from mockserver.errors import ApiError, rejected
from mockserver.exchange import Request, Result
from mockserver.resources import _nearby, operation
from mockserver.secrecy import repeatable
from mockserver.state.records import Doc
from mockserver.world import World

ENDPOINTS, AUTHORING = "privateEndpoints", "interactiveAuthoring"
_SENT = ("name", "subscriptionId", "resourceGroupName", "resourceName", "fqdns", "connectionSpec")
_PARAM = "privateEndpointId"
"""The param of a connection that names an endpoint."""

_MINUTES = 60


@operation("createPrivateEndpoint")
def create_private_endpoint(world: World, request: Request) -> Result:
    """Store an endpoint for a source that supports private links."""
    sent: Any = request.body
    connector = world.connectors_of(request.tenant).get(sent["connectionSpec"]["id"])
    if connector is None:
        raise ApiError("unknown_spec", pointer="/connectionSpec/id")
    body = {"fqdns": [], **{name: sent[name] for name in _SENT if name in sent}}
    doc = _nearby.create(world, request, ENDPOINTS, lambda: (world.runtime.new_id(ENDPOINTS), body))
    return Result(201, _shown(doc, frozenset()))


@operation("listPrivateEndpoints")
def list_private_endpoints(world: World, request: Request) -> Result:
    """All endpoints, those of a connection spec or, with `op=autoResolve`, those for the connection in the body."""
    wanted = next((text for text in request.arguments.get("property", ())), "")
    name, _, spec = wanted.partition("==")
    if wanted and (name != "connectionSpec.id" or not spec):
        raise ApiError("filter_field", field=repeatable(name), pointer="property")
    if request.arguments.get("op") == "autoResolve":
        spec = _spec_in_body(request)
    used = _used(world, request)
    found = [_shown(doc, used) for doc in _nearby.every(world, request, ENDPOINTS)]
    return Result(200, {"items": [one for one in found if spec in ("", one["connectionSpec"]["id"])]})


@operation("retrievePrivateEndpoint")
def retrieve_private_endpoint(world: World, request: Request) -> Result:
    """One endpoint, in `items`."""
    return Result(200, {"items": [_shown(_endpoint(world, request), _used(world, request))]})


@operation("deletePrivateEndpoint")
def delete_private_endpoint(world: World, request: Request) -> Result:
    """Delete an endpoint. Connections that use it stay."""
    _nearby.drop(world, request, ENDPOINTS, _endpoint(world, request))
    return Result(200)


@operation("enableInteractiveAuthoring")
def enable_interactive_authoring(world: World, request: Request) -> Result:
    """Enable interactive authoring for a number of minutes."""
    sent = request.body if isinstance(request.body, dict) else {}
    minutes = sent.get("autoTerminationMinutes", _MINUTES)
    until = world.runtime.clock.now_ms() + int(str(minutes)) * 60_000
    _nearby.keep(world, request, AUTHORING, AUTHORING, lambda _: {"untilMs": until})
    return Result(202)


@operation("retrieveInteractiveAuthoring")
def retrieve_interactive_authoring(world: World, request: Request) -> Result:
    """Whether interactive authoring is enabled."""
    doc = _nearby.find(world, request, AUTHORING, AUTHORING)
    on = doc is not None and world.runtime.clock.now_ms() < doc["body"]["untilMs"]
    return Result(200, {"status": "Enabled" if on else "Disabled"})


def _endpoint(world: World, request: Request) -> Doc:
    wanted = request.path["PRIVATE_ENDPOINT_ID"]
    doc = _nearby.find(world, request, ENDPOINTS, wanted)
    if doc is None:
        raise ApiError("not_found", type="private endpoint", id=repeatable(wanted))
    return doc


def _shown(doc: Doc, used: Container[str]) -> dict[str, Any]:
    body = doc["body"]
    shown = {"id": doc["id"], **{name: body[name] for name in _SENT if name in body}}
    return {**shown, "state": "Approved" if doc["id"] in used else "Pending"}


def _used(world: World, request: Request) -> set[str]:
    """The endpoints that connections name."""
    connections = world.store.mentioning(request.tenant, "connections", _PARAM)
    every = ((connection.get("auth") or {}).get("params") for connection in connections)
    named = (params.get(_PARAM) for params in every if isinstance(params, Mapping))
    return {endpoint for endpoint in named if isinstance(endpoint, str)}


def _spec_in_body(request: Request) -> str:
    """The connection spec of the connection to resolve: the page sends it in the body of a GET."""
    try:
        sent = json_input.parse(request.call.body, max_bytes=100_000)
    except json_input.JsonProblem as problem:
        raise ApiError("rejected", message=problem.reason) from None
    spec = sent.get("connectionSpec") if isinstance(sent, dict) else None
    found = spec.get("id") if isinstance(spec, dict) else None
    if not isinstance(found, str):
        raise rejected("/connectionSpec/id", "the ID of a connection spec", "another value")
    return found
