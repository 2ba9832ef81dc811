"""Flows: a source, a target and a schedule. `mockserver.flows` creates their runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver import listing, secrecy
from mockserver.errors import ApiError, outside_contract, rejected
from mockserver.exchange import DRAFT, UNKNOWN_ID, Request, Result, Tenant
from mockserver.flows import progress, rules, selectors
from mockserver.resources import _crud, _made_here, _states, flow_specs, operation
from mockserver.specs import inlets
from mockserver.specs.flow_specs import FlowSpec
from mockserver.state.records import Doc
from mockserver.world import World

_BODY = (
    "name", "description", "flowSpec", "sourceConnectionIds", "targetConnectionIds", "scheduleParams",
    "transformations", "options", "labels", "policy", "partialIngestionPercentage",
)  # fmt: skip
_ORDER = (
    *_crud.STAMPS, "name", "description", "flowSpec", "state", "version", "etag", "sourceConnectionIds",
    "targetConnectionIds", "inheritedAttributes", "options", "scheduleParams", "transformations", "labels", "policy",
    "partialIngestionPercentage", "runs", "lastOperation", "lastRunDetails",
)  # fmt: skip
"""Members in the service's order (facts §6.4); `options` and its place are assumed."""

_ENDS = {"sourceConnectionIds": "sourceConnections", "targetConnectionIds": "targetConnections"}
"""Member -> the kind of the entities whose ids it contains."""

_MAX_REPEATED = 65_536
"""Maximum bytes of a patch whose values `lastOperation` repeats (assumed)."""

_TRANSITIONS = {"ENABLE": ("disabled", "enabled"), "DISABLE": ("enabled", "disabled"), "PUBLISH": (DRAFT, "enabled")}
"""Action -> the state it requires and the state it leads to."""


def _show(world: World, doc: Doc) -> dict[str, Any]:
    """A flow with the members derived from its current runs, and its inlet if it has one."""
    kept = doc if world.quirks["secrets"] == "show" else secrecy.without_userinfo(doc)
    shown = {**kept, "runs": f"/runs?property=flowId=={doc['id']}"}
    if doc["state"] != DRAFT and flow_specs.has_inlets(world, doc):
        shown["options"] = {**doc.get("options", {}), "inletUrl": inlets.inlet_url(doc)}
    last = progress.last_run(world, doc)
    if last is not None:
        shown["lastRunDetails"] = last
    return {name: shown[name] for name in _ORDER if name in shown}


_ALWAYS_CHANGEABLE = frozenset(_BODY) - {"flowSpec", *_ENDS}

FLOWS = _crud.Collection(
    listable=listing.Listable(
        kind=progress.FLOWS,
        fields=frozenset(_ORDER),
        sortable=frozenset({*_crud.STAMPS, "name", "description", "state"}),
    ),
    changeable=_ALWAYS_CHANGEABLE | _ENDS.keys(),
    show=_show,
    masked=frozenset({"runs", "lastRunDetails", "options"}),
    showing=1_000,  # each reads the progress of the flow and its latest run
    prepare=lambda world, tenant, docs: progress.catch_up(world, tenant, [doc["id"] for doc in docs]),
)


@operation("createFlow")
def create_flow(world: World, request: Request) -> Result:
    """Check spec, ends, schedule and transformations, then store; a draft is checked when it is published."""
    sent: Any = request.body
    if "state" in sent:
        raise ApiError("flow_state_sent", pointer="/state")
    spec = _demand_spec(world, request.tenant, sent["flowSpec"])
    now = world.runtime.clock.now_ms()
    flow = {name: sent[name] for name in _BODY if name in sent}
    flow |= {"flowSpec": {"id": spec.id, "version": spec.version}, "state": DRAFT}
    flow = selectors.stamped(flow, {}, now) if spec.exports else flow
    if request.arguments.get("mode") != DRAFT:
        _demand_sound(world, request.tenant, spec, flow)
        flow["state"] = "enabled"
    flow |= _derived(world, request.tenant, flow, now)
    flow["lastOperation"] = {"started": now, "updated": 0, "operation": "create"}
    return _crud.create(world, request, FLOWS, flow)


@operation("retrieveFlow")
def retrieve_flow(world: World, request: Request) -> Result:
    """One flow, with its latest run."""
    return _crud.lookup(world, request, FLOWS)


@operation("listFlows")
def list_flows(world: World, request: Request) -> Result:
    """A page of flows, newest write first."""
    return _page(world, request, _crud.asked(world, request, FLOWS))


@operation("getFlowsByFilters")
def search_flows(world: World, request: Request) -> Result:
    """A page of flows, requested in a body, which may also name the members to return."""
    return _page(world, request, _crud.searched(world, request, FLOWS))


def _page(world: World, request: Request, query: listing.ListQuery) -> Result:
    """A page of flows. Overdue runs are created for all of them at once, so that each gets its share."""
    if any(condition.path[0] == "lastRunDetails" for condition in query.conditions):
        progress.catch_up_all(world, request.tenant)
    return _crud.page(world, request, FLOWS, query)


@operation("patchFlow")
def patch_flow(world: World, request: Request) -> Result:
    """Change basics, schedule or transformations. The result is checked like a new flow (facts §7)."""
    exports = False

    def accept(old: Doc, new: dict[str, Any]) -> dict[str, Any]:
        new = secrecy.restored(new, secrecy.without_userinfo(old), old)
        _states.demand_updatable(old)
        for violation in world.contract.check_body("createFlow", {name: new[name] for name in _BODY if name in new}):
            raise outside_contract(violation, "patch_failed")
        nonlocal exports
        now = world.runtime.clock.now_ms()
        exports = bool(old["inheritedAttributes"]["properties"].get("isDestinationFlow"))
        if old["state"] == DRAFT:
            new |= _derived(world, request.tenant, new, now)
        else:
            spec = _demand_spec(world, request.tenant, new["flowSpec"])
            _demand_ends_unchanged(old, new, spec)
            if new["sourceConnectionIds"] != old["sourceConnectionIds"]:
                _demand_ends(world, request.tenant, spec, new)
                new |= _derived(world, request.tenant, new, old["provider"]["activeMs"])
            rules.demand_patchable(old, new, now)
            rules.demand_schedule(spec, new)
            rules.demand_transformations(spec, new, is_xdm=_reads_xdm(world, request.tenant, new))
            _made_here.demand_mappings(world, request.tenant, new)
            if spec.exports and new.get("transformations") != old.get("transformations"):
                _settle_runs(world, request, old)
                new = selectors.stamped(new, old, now)
            if new.get("scheduleParams") != old.get("scheduleParams"):
                _settle_runs(world, request, old)
                new["provider"] = {**old["provider"], "activeMs": now}
        patch: Any = request.body if isinstance(request.body, list) else [request.body]
        if len(request.call.body) > _MAX_REPEATED:
            patch = [{name: change[name] for name in ("op", "path")} for change in patch]
        return {**new, "lastOperation": _completed("update", now, ops=patch)}

    result = _crud.update(world, request, FLOWS, accept)
    if exports and world.quirks["activation-status"] == "202":
        return Result(202, None, result.headers)
    return result


@operation("deleteByFlow")
def delete_flow(world: World, request: Request) -> Result:
    """Delete the flow. Its connections stay (documented), and so do its runs (assumed)."""
    doc = _crud.find(world, request, FLOWS)
    _states.demand_settled(doc, "delete_state")
    _settle_runs(world, request, doc)
    return _crud.remove(world, request, FLOWS, lambda: None)


@operation("postStateTransition")
def act_on_flow(world: World, request: Request) -> Result:
    """Enable, disable or publish. Finalising is reserved to providers (1402)."""
    doc = _crud.find(world, request, FLOWS)
    action = _states.action(world, request, *_TRANSITIONS)
    before, after = _TRANSITIONS[action]
    _states.demand_state(doc, before, action)
    _crud.demand_version(world, request, doc)
    now = world.runtime.clock.now_ms()
    changed = {**doc, "state": after, "lastOperation": _completed(action.lower(), now)}
    if action == "PUBLISH":
        _demand_sound(world, request.tenant, _demand_spec(world, request.tenant, doc["flowSpec"]), doc, publishing=True)
        changed |= _derived(world, request.tenant, doc, now)
    elif action == "ENABLE":
        changed["provider"] = {**doc["provider"], "activeMs": now}
    else:
        _settle_runs(world, request, doc)
    return _crud.save(world, request, FLOWS, changed)


def _demand_spec(world: World, tenant: Tenant, sent: Mapping[str, Any] | str) -> FlowSpec:
    """The flow spec named by a flow; one public client sends just the id."""
    sent = {"id": sent} if isinstance(sent, str) else sent
    spec = flow_specs.find(world, tenant, sent["id"])
    if spec is None:
        raise ApiError("unknown_spec", pointer="/flowSpec/id")
    if sent.get("version", spec.version) != spec.version:
        raise rejected("/flowSpec/version", f"version {spec.version}", "another version")
    return spec


def _demand_sound(
    world: World, tenant: Tenant, spec: FlowSpec, flow: Mapping[str, Any], *, publishing: bool = False
) -> None:
    """Require what a flow needs to run. Raises ApiError."""
    _demand_ends(world, tenant, spec, flow, publishing=publishing)
    rules.demand_schedule(spec, flow)
    rules.demand_transformations(spec, flow, is_xdm=_reads_xdm(world, tenant, flow))
    _made_here.demand_mappings(world, tenant, flow)


def _reads_xdm(world: World, tenant: Tenant, flow: Mapping[str, Any]) -> bool:
    """Whether the source connection of a flow delivers XDM."""
    source = world.store.get(tenant, "sourceConnections", rules.demand_one(flow, "sourceConnectionIds"))
    return source is not None and (source.get("data") or {}).get("format") == "parquet_xdm"


def _demand_ends(
    world: World, tenant: Tenant, spec: FlowSpec, flow: Mapping[str, Any], *, publishing: bool = False
) -> None:
    """Require a published source and target whose connection specs the flow spec accepts."""
    for member, kind in _ENDS.items():
        entity_id = rules.demand_one(flow, member)
        connection = world.store.get(tenant, kind, entity_id)
        if connection is None:
            raise rejected(f"/{member}/0", f"the ID of one of the {kind} of this sandbox", UNKNOWN_ID)
        if connection["state"] == DRAFT:
            hint = "publish the connection first"
            if publishing:
                at = f"/{member}/0"
                raise ApiError("action_not_applicable", action="publish", state=DRAFT, pointer=at, hint=hint)
            raise rejected(f"/{member}/0", "a published connection", "a draft", hint=hint)
        rules.demand_fit(spec, member, connection)


def _derived(world: World, tenant: Tenant, flow: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """The members derived from the ends: `inheritedAttributes` and the provider's. Drafts may lack them."""
    spec = flow_specs.find(world, tenant, flow["flowSpec"]["id"])
    properties = {name: True for name in ("isSourceFlow", "isDestinationFlow") if spec and spec.attributes.get(name)}
    inherited: dict[str, Any] = {"properties": properties, "sourceConnections": [], "targetConnections": []}
    provider = {}
    for member, kind in _ENDS.items():
        for entity_id in flow.get(member, ()):
            connection = world.store.get(tenant, kind, entity_id)
            if connection is None:
                continue
            inherited[kind].append(_inherited(world, tenant, connection))
            if kind == "sourceConnections":
                scheduled = spec is not None and (spec.schedule is not None or spec.exports)
                provider = {"provider": progress.provided(connection, now_ms, scheduled=scheduled)}
    return {"inheritedAttributes": inherited, **provider}


def _inherited(world: World, tenant: Tenant, connection: Doc) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": connection["id"], "connectionSpec": connection["connectionSpec"]}
    base = world.store.get(tenant, "connections", connection.get("baseConnectionId") or "")
    if base is not None:
        entry["baseConnection"] = {"id": base["id"], "connectionSpec": base["connectionSpec"]}
    connector = world.connectors_of(tenant).get(connection["connectionSpec"]["id"])
    if connector is not None and connector.type_info is not None:
        entry["typeInfo"] = dict(connector.type_info)
    return entry


def _demand_ends_unchanged(old: Doc, new: Mapping[str, Any], spec: FlowSpec) -> None:
    """Refuse other ends except in drafts (assumed: tutorials create a new flow), other sources unless it exports."""
    for member in ("targetConnectionIds",) if spec.exports else _ENDS:
        if new.get(member) != old.get(member):
            raise ApiError("patch_failed", message=f"/{member} can be changed only in a draft", pointer=f"/{member}")


def _settle_runs(world: World, request: Request, doc: Doc) -> None:
    """Create the runs that were due before a change, as if it had not happened."""
    progress.catch_up(world, request.tenant, [doc["id"]])


def _completed(name: str, now_ms: int, **more: Any) -> dict[str, Any]:
    """`lastOperation` after a change (facts §6.4: the update tutorial's sample)."""
    status = {"value": "completed", "errors": []}
    times = {"started": now_ms, "updated": now_ms, "percentCompleted": 100.0}
    return {**times, "status": status, **more, "operation": name}
