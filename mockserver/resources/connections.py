"""Base connections. The parts common to all resources are in `_crud`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver import listing
from mockserver.contract.schema import pointer
from mockserver.errors import ApiError, outside_contract, rejected
from mockserver.exchange import DRAFT, MISSING, Request, Result, Tenant
from mockserver.flows import progress
from mockserver.resources import _crud, _patching, _states, operation
from mockserver.secrecy import MASK, repeatable, restored
from mockserver.sources import ExploreRequest, SourceError
from mockserver.specs.connectors import PASSWORD_FOR, Connectors
from mockserver.state.records import Doc
from mockserver.world import World

_BODY = ("name", "description", "connectionSpec", "state", "auth", "encryption")


def _show(world: World, doc: Doc) -> dict[str, Any]:
    connectors = world.connectors_of(Tenant(doc["imsOrgId"], doc["sandboxName"]))
    shown = connectors.complete(doc)
    shown = dict(shown) if world.quirks["secrets"] == "show" else connectors.mask(shown)
    shown.pop(PASSWORD_FOR, None)
    if ((doc.get("auth") or {}).get("params") or {}).get("usePrivateLink") is True:
        shown["lastOperation"] = {"started": 0, "updated": 0, "operation": "create"}  # as the page prints it
    return shown


def _lasting(world: World, doc: Doc) -> bool:
    """Whether a connection is shown by a spec of the catalogue, which cannot change."""
    return world.quirks["secrets"] != "show" and world.connectors.get(doc["connectionSpec"]["id"]) is not None


CONNECTIONS = _crud.Collection(
    listable=listing.Listable(
        kind="connections",
        fields=frozenset({*_crud.STAMPS, *_BODY, "version", "etag"}),
        sortable=frozenset({*_crud.STAMPS, "name", "description", "state"}),
    ),
    changeable=frozenset({"name", "description", "auth", "state", "encryption"}),
    show=_show,
    masked=frozenset({"auth"}),
    lasting=_lasting,
)


@operation("createConnection")
def create_connection(world: World, request: Request) -> Result:
    """Check spec, auth spec, params and credentials, then store (facts §6, §8.1)."""
    connectors = world.connectors_of(request.tenant)
    body = _complete(world, request, connectors)
    if request.arguments.get("mode") == DRAFT:
        if connectors.get(body["connectionSpec"]["id"]) is None:
            raise ApiError("unknown_spec", pointer="/connectionSpec/id")
        body["state"] = DRAFT
    else:
        _demand_state(body["state"])
        _demand_usable(world, request, connectors, body)
    return _crud.create(world, request, CONNECTIONS, body)


@operation("retrieveConnection")
def retrieve_connection(world: World, request: Request) -> Result:
    """One connection, with secrets masked (quirk `secrets`)."""
    return _crud.lookup(world, request, CONNECTIONS)


@operation("listConnections")
def list_connections(world: World, request: Request) -> Result:
    """A page of connections, newest write first."""
    return _crud.page(world, request, CONNECTIONS, _crud.asked(world, request, CONNECTIONS))


@operation("getConnectionsByFilters")
def search_connections(world: World, request: Request) -> Result:
    """A page of connections, requested in a body."""
    return _crud.page(world, request, CONNECTIONS, _crud.searched(world, request, CONNECTIONS))


@operation("patchConnection")
def patch_connection(world: World, request: Request) -> Result:
    """Change name, description, auth or state. The result is checked like a new connection."""
    connectors = world.connectors_of(request.tenant)

    def accept(old: Doc, new: dict[str, Any]) -> dict[str, Any]:
        _demand_changeable(old)
        if "auth" in new and "auth" in old:  # a value sent back as it was shown is unchanged
            new["auth"] = restored(new["auth"], connectors.mask(old)["auth"], old["auth"])
        body = {name: new[name] for name in _BODY if name in new}
        for violation in world.contract.check_body("createConnection", body):
            raise outside_contract(violation, "patch_failed")
        is_catalogued = world.connectors.get(old["connectionSpec"]["id"]) is not None
        if new.get("auth") != old.get("auth") and not is_catalogued:
            _demand_sent_again(connectors, request, old, new)
        if new.get("state") != old["state"]:
            _demand_state(new.get("state"))
        if PASSWORD_FOR in old or new.get("auth") != old.get("auth"):
            _note_password(connectors, request, old, new)
        if old["state"] != DRAFT and new.get("auth") != old.get("auth"):
            if not _only_revoked(old, new):
                _demand_usable(world, request, connectors, new)
            # overdue runs read with the old credentials, although nobody has queried them yet
            progress.catch_up(world, request.tenant, _flows_on(world, request, old["id"]))
        return new

    return _crud.update(world, request, CONNECTIONS, accept)


@operation("deleteConnection")
def delete_connection(world: World, request: Request) -> Result:
    """Delete a connection unless a flow uses it (1418)."""
    doc = _crud.find(world, request, CONNECTIONS)
    _demand_changeable(doc)
    return _crud.remove(world, request, CONNECTIONS, lambda: _demand_unused(world, request, doc["id"]))


@operation("performAction")
def perform_action(world: World, request: Request) -> Result:
    """Publish a draft. Finalising is reserved to providers (1402)."""
    doc = _crud.find(world, request, CONNECTIONS)
    action = _states.action(world, request, "PUBLISH")
    _states.demand_state(doc, DRAFT, action)
    _crud.demand_version(world, request, doc)
    _demand_usable(world, request, world.connectors_of(request.tenant), doc)
    return _crud.save(world, request, CONNECTIONS, {**doc, "state": "enabled"})


@operation("testConnection")
def test_connection(world: World, request: Request) -> Result:
    """Try the stored credentials: `{"result": true}` or false (facts §8.3)."""
    doc = _crud.find(world, request, CONNECTIONS)
    try:
        _demand_usable(world, request, world.connectors_of(request.tenant), doc)
    except ApiError:
        return Result(200, {"result": False})
    return Result(200, {"result": True})


@operation("getByConnectionId")
def explore_connection(world: World, request: Request) -> Result:
    """Tables of the source, one table's columns, or its first rows (facts §8.3)."""
    doc = _crud.find(world, request, CONNECTIONS)
    access = world.connectors_of(request.tenant).access(doc)
    request.sources.append(world.sources.answering(access))
    return Result(200, world.sources.explore(access, ExploreRequest.parse(request.arguments)))


@operation("exploreConfigByConnectionId")
def connection_configs(world: World, request: Request) -> Result:
    """The configurable columns, in the form of the document's example."""
    doc = _crud.find(world, request, CONNECTIONS)
    access = world.connectors_of(request.tenant).access(doc)
    request.sources.append(world.sources.answering(access))
    return Result(200, world.sources.configs(access))


def _complete(world: World, request: Request, connectors: Connectors) -> dict[str, Any]:
    """The known members of a body, in the service's order. Unknown ones are dropped (assumed)."""
    sent: Any = request.body
    body = {name: sent[name] for name in _BODY if name in sent}
    spec = body["connectionSpec"]
    if "version" not in spec and world.quirks["missing-version"] == "refuse":
        raise ApiError(
            "version_required", detail="version is required for the connection spec", pointer="/connectionSpec/version"
        )
    connector = connectors.get(spec["id"])
    newest = connector.reference if connector else {"id": spec["id"], "version": "1.0"}
    body["connectionSpec"] = {**newest, "version": spec["version"]} if _names_another(spec, newest) else newest
    body.setdefault("state", "enabled")
    return {name: body[name] for name in _BODY if name in body}


def _names_another(spec: Mapping[str, Any], newest: Mapping[str, Any]) -> bool:
    return "version" in spec and spec["version"] != newest["version"]


def _demand_usable(world: World, request: Request, connectors: Connectors, doc: Doc) -> None:
    """Require a valid auth spec and params that the source accepts. Raises ApiError."""
    connectors.check(doc, world.quirks, strict=world.config.strict)
    access = connectors.access(doc)
    request.sources.append(world.sources.answering(access))
    try:
        world.sources.check(access)
    except SourceError as error:
        raise error.at("/auth/params") from None


def _demand_state(state: Any) -> None:
    if state not in _states.SETTABLE:
        allowed = ", ".join(_states.SETTABLE)
        raise ApiError("state_value", state=repeatable(str(state), 40), allowed=allowed, pointer="/state")


def _demand_changeable(doc: Doc) -> None:
    """Refuse to change or delete a connection that the service is processing. Drafts are allowed (tutorial)."""
    if doc["state"] == "initializing":
        raise ApiError("initializing")
    _states.demand_settled(doc, "connection_state")


def _demand_unused(world: World, request: Request, connection_id: str) -> None:
    """Refuse to delete a base connection used by any flow, whatever its state."""
    if next(_flows_on(world, request, connection_id), None) is not None:
        raise ApiError("connection_in_use", id=connection_id)


def _flows_on(world: World, request: Request, connection_id: str) -> Iterator[str]:
    """The flows with a base connection at one of their ends."""
    for flow in world.store.mentioning(request.tenant, progress.FLOWS, connection_id):
        inherited = flow.get("inheritedAttributes", {})
        ends = [*inherited.get("sourceConnections", ()), *inherited.get("targetConnections", ())]
        if any(end.get("baseConnection", {}).get("id") == connection_id for end in ends):
            yield flow["id"]


def _only_revoked(old: Doc, new: Mapping[str, Any]) -> bool:
    """Whether a patch removed all credentials without adding others. This is documented; `test` fails afterwards."""
    auth = old.get("auth")
    return isinstance(auth, dict) and new.get("auth") == {name: auth[name] for name in auth if name != "params"}


def _demand_sent_again(connectors: Connectors, request: Request, old: Doc, new: Doc) -> None:
    """Refuse a patch to an auth spec that would show a stored secret, because it does not call the param secret."""
    sent = _patching.apply(connectors.mask(old), request.body, CONNECTIONS.changeable)
    uncovered = next(_uncovered(sent.get("auth"), connectors.mask(new).get("auth"), ("auth",)), None)
    if uncovered is not None:
        expected = "the value once more, because it was a secret"
        raise rejected(pointer(uncovered), expected, MISSING, key="patch_failed")


def _uncovered(sent: Any, shown: Any, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The places that were masked and would be shown."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        for name, value in shown.items():
            yield from _uncovered(sent.get(name), value, (*at, repeatable(name)))
    elif isinstance(sent, list) and isinstance(shown, list):
        for place, (one, value) in enumerate(zip(sent, shown, strict=False)):
            yield from _uncovered(one, value, (*at, str(place)))
    elif sent == MASK and shown != MASK:
        yield at


def _note_password(connectors: Connectors, request: Request, old: Doc, new: dict[str, Any]) -> None:
    """Remember the original target of a password if the connection now has another one.

    Otherwise a client that may patch a connection could have its stored password sent to any server.
    """
    # the patch was applied to masked params: a password that is still a mask was not changed by the client
    resent = connectors.access(_patching.apply(connectors.mask(old), request.body, CONNECTIONS.changeable)).password
    meant = old.get(PASSWORD_FOR) or connectors.access(old).target
    if resent not in (None, MASK) or connectors.access(new).is_meant_by(meant):
        new.pop(PASSWORD_FOR, None)
    else:
        new[PASSWORD_FOR] = meant
