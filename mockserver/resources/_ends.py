"""Source and target connections: the code shared by the two ends of a flow.

Both may refer to a base connection, can be drafts, and cannot be deleted while an active flow
uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver import listing, secrecy
from mockserver.errors import ApiError, outside_contract, rejected
from mockserver.exchange import DRAFT, UNKNOWN_ID, Request, Result, Tenant
from mockserver.resources import _crud, _states
from mockserver.resources._crud import STAMPS, Collection
from mockserver.specs.connectors import Connector
from mockserver.state.records import Doc
from mockserver.world import World

_IDLE_FLOWS = ("disabled", DRAFT)
_OF_THE_SDK = ("rest", "streaming")
"""Connector families made with the Sources SDK."""
_MEMBERS = ("name", "description", "baseConnectionId", "state", "data", "connectionSpec", "params")

Check = Callable[[World, Tenant, Connector, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class End:
    """The kind of an end: source or target connections."""

    collection: Collection
    create_operation: str
    """The operation whose request schema a patched entity must match."""
    flow_member: str
    """The member of a flow that lists entities of this kind."""
    check: Check
    """Checks beyond base connection and spec. Raises ApiError."""


def end(kind: str, create_operation: str, flow_member: str, check: Check) -> End:
    """The source or the target end."""
    fields = frozenset({*STAMPS, *_MEMBERS, "version", "etag", "inheritedAttributes", "providerRefId", "typeInfo"})
    collection = Collection(
        listable=listing.Listable(
            kind=kind, fields=fields, sortable=frozenset({*STAMPS, "name", "description", "state"})
        ),
        changeable=frozenset({"name", "description", "baseConnectionId", "data", "params"}),
        show=show,
        masked=frozenset({"inheritedAttributes", "providerRefId", "typeInfo"}),
    )
    return End(collection, create_operation, flow_member, check)


def show(world: World, doc: Doc) -> dict[str, Any]:
    """An end with the current members inherited from its base connection and spec."""
    tenant = Tenant(doc["imsOrgId"], doc["sandboxName"])
    base = world.store.get(tenant, "connections", doc.get("baseConnectionId", ""))
    inherited = {} if base is None else {"baseConnection": {"id": base["id"], "connectionSpec": base["connectionSpec"]}}
    kept = doc if world.quirks["secrets"] == "show" else secrecy.without_userinfo(doc)
    shown = {**kept, "inheritedAttributes": inherited}
    connector = world.connectors_of(tenant).get(doc["connectionSpec"]["id"])
    if connector is None:
        return shown
    type_info = {} if connector.type_info is None else {"typeInfo": dict(connector.type_info)}
    return {**shown, **type_info, "providerRefId": connector.provider_id}


def create(world: World, request: Request, kind: End) -> Result:
    """Check base connection, spec, data and params, then store (facts §6, §8.4)."""
    body: Any = request.body
    connector = _demand_spec(world, request.tenant, body["connectionSpec"]["id"])
    members = _complete(world, body, connector)
    if request.arguments.get("mode") == DRAFT:
        members["state"] = DRAFT
        _demand_base(world, request.tenant, members)
    else:
        _demand_usable(world, request.tenant, kind, connector, members)
    return _crud.create(world, request, kind.collection, members)


def patch(world: World, request: Request, kind: End) -> Result:
    """Change name, description, data or params (in drafts also the base). The result is checked like a new entity."""

    def accept(old: Doc, new: dict[str, Any]) -> dict[str, Any]:
        new = secrecy.restored(new, secrecy.without_userinfo(old), old)
        _states.demand_updatable(old)
        body = {name: new[name] for name in _MEMBERS if name in new}
        for violation in world.contract.check_body(kind.create_operation, body):
            raise outside_contract(violation, "patch_failed")
        if old["state"] == DRAFT:
            _demand_base(world, request.tenant, new)
        else:
            if old.get("baseConnectionId") != new.get("baseConnectionId"):
                message = "/baseConnectionId can be changed only in a draft"
                raise ApiError("patch_failed", message=message, pointer="/baseConnectionId")
            kind.check(world, request.tenant, _demand_spec(world, request.tenant, new["connectionSpec"]["id"]), new)
        return new

    return _crud.update(world, request, kind.collection, accept)


def remove(world: World, request: Request, kind: End) -> Result:
    """Delete unless an active flow uses the entity (1447)."""
    doc = _crud.find(world, request, kind.collection)
    _states.demand_settled(doc, "delete_state")

    def uses(flow: Doc) -> bool:
        return flow["state"] not in _IDLE_FLOWS and doc["id"] in flow.get(kind.flow_member, ())

    def demand_unused() -> None:
        if any(map(uses, world.store.mentioning(request.tenant, "flows", doc["id"]))):
            raise ApiError("end_in_use", id=doc["id"])

    return _crud.remove(world, request, kind.collection, demand_unused)


def publish(world: World, request: Request, kind: End) -> Result:
    """Publish a draft, if its base connection is published (facts §8.4)."""
    doc = _crud.find(world, request, kind.collection)
    action = _states.action(world, request, "PUBLISH")
    _states.demand_state(doc, DRAFT, action)
    _crud.demand_version(world, request, doc)
    connector = _demand_spec(world, request.tenant, doc["connectionSpec"]["id"])
    _demand_usable(world, request.tenant, kind, connector, doc, action="publish")
    return _crud.save(world, request, kind.collection, {**doc, "state": "enabled"})


def _complete(world: World, body: Mapping[str, Any], connector: Connector) -> dict[str, Any]:
    """The known members of a body, in the service's order. Unknown ones are dropped (assumed)."""
    version = body["connectionSpec"].get("version")
    if version is None and world.quirks["missing-version"] == "refuse":
        detail = "version is required for the connection spec"
        raise ApiError("version_required", detail=detail, pointer="/connectionSpec/version")
    if version not in (None, connector.version):
        raise rejected("/connectionSpec/version", f"version {connector.version}", "another version")
    kept = {**body, "state": "enabled", "connectionSpec": {"id": connector.id, "version": connector.version}}
    return {name: kept[name] for name in _MEMBERS if name in kept}


def _demand_usable(
    world: World, tenant: Tenant, kind: End, connector: Connector, doc: Doc, *, action: str | None = None
) -> None:
    base = _demand_base(world, tenant, doc)
    if base is not None and base["state"] == DRAFT:
        hint = "publish the base connection first"
        if action:
            raise ApiError("action_not_applicable", action=action, state=DRAFT, pointer="/baseConnectionId", hint=hint)
        raise rejected("/baseConnectionId", "a published base connection", "a draft", hint=hint)
    kind.check(world, tenant, connector, doc)


def _demand_base(world: World, tenant: Tenant, doc: Doc) -> Doc | None:
    """The base connection, of this tenant and with the same spec; None if the entity names none.

    Pages of sources made with the Sources SDK print the spec id of its template, so for them the spec may differ.
    """
    base_id = doc.get("baseConnectionId")
    if base_id is None:
        return None
    base = world.store.get(tenant, "connections", base_id)
    if base is None:
        raise rejected("/baseConnectionId", "the ID of a base connection in this sandbox", UNKNOWN_ID)
    if base["connectionSpec"]["id"] != doc["connectionSpec"]["id"] and not _both_of_the_sdk(world, tenant, base, doc):
        expected = "the connection spec of the base connection"
        raise rejected("/connectionSpec/id", expected, "another connection spec")
    return base


def _both_of_the_sdk(world: World, tenant: Tenant, *entities: Doc) -> bool:
    connectors = world.connectors_of(tenant)
    found = [connectors.get(entity["connectionSpec"]["id"]) for entity in entities]
    return all(connector is not None and connector.family in _OF_THE_SDK for connector in found)


def _demand_spec(world: World, tenant: Tenant, spec_id: str) -> Connector:
    connector = world.connectors_of(tenant).get(spec_id)
    if connector is None:
        raise ApiError("unknown_spec", pointer="/connectionSpec/id")
    return connector
