"""Inlets of HTTP API connections and of flows: receive events, one or several per request.

Forms and messages are those of Adobe's pages on streaming ingestion. The inlet's id identifies the tenant, so
the headers of the gateway are not required. Only schemas created here are validated; events of other schemas are valid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.exchange import Request, Result, Tenant
from mockserver.flows import events, progress, streaming
from mockserver.json_input import Json
from mockserver.resources import flow_specs, operation
from mockserver.resources._forms import NeighbourError
from mockserver.secrecy import repeatable
from mockserver.secrecy.placeholders import is_placeholder
from mockserver.specs import inlets
from mockserver.state.records import Doc
from mockserver.world import World

_FLOW_ID = "x-adobe-flow-id"
_INVALID = "Invalid XDM Message Format"


@dataclass(frozen=True, slots=True)
class _Door:
    """The inlet of a request."""

    id: str
    owner: Doc
    """The connection or flow that it belongs to."""
    params: Mapping[str, Any]
    """The connection's params; none for a flow."""
    flows: Mapping[str, Doc]
    """The enabled flows that read it."""

    @property
    def is_xdm(self) -> bool:
        """Whether it accepts XDM messages only, not any object."""
        return bool(self.params.get("dataType") == "xdm")

    def message(self, text: str) -> str:
        """The service's message about an event."""
        return f"inletId: [{self.id}] imsOrgId: [{self.owner['imsOrgId']}] {text}"


def tenant_of(world: World, path: Mapping[str, str]) -> Tenant:
    """The tenant of a path's inlet. Raises NeighbourError if the inlet does not exist."""
    found = inlets.find(_inlet_id(path), world.store.tenants())
    if found is None:
        raise _unknown(path)
    return found.tenant


@operation("sendMessage")
def send_message(world: World, request: Request) -> Result:
    """Accept one event; with `syncValidation` it is first checked against its schema."""
    door = _open(world, request)
    event = request.body
    fault = _fault(door, event)
    if fault is not None:
        raise NeighbourError(400, _INVALID, door.message(fault))
    assert isinstance(event, dict)
    flow = _flow(door, request, event)
    synchronous = request.arguments.get("syncValidation") or request.arguments.get("synchronousValidation")
    wrong = list(_violations(events.Validation(world, request.tenant), door, event))
    if synchronous and wrong:
        raise NeighbourError(400, _INVALID, door.message("Message is invalid"), cause=events.report(wrong))
    if flow is not None:
        valid = [] if wrong else [_content(door, event)]
        streaming.arrive(world, request.tenant, flow, streaming.Arrival(valid, len(wrong) and 1))
    outcome: Json = {"status": "pass"} if synchronous else {"skipped": True}
    answer = {"inletId": door.id, "xactionId": _number(world, request), "receivedTimeMs": _now(world)}
    return Result(200, {**answer, "syncValidation": outcome})


@operation("postBatchOfStreamingMessages")
def send_messages(world: World, request: Request) -> Result:
    """Accept several events: 207 with the status of each."""
    door = _open(world, request)
    body: Any = request.body
    batch, validation = _number(world, request), events.Validation(world, request.tenant)
    responses: list[Json] = []
    arrived: dict[str, tuple[Doc, list[Mapping[str, Any]], int]] = {}
    for place, event in enumerate(body["messages"]):
        fault = _fault(door, event)
        if fault is None:
            try:
                flow = _flow(door, request, event)
            except NeighbourError as refused:
                responses.append({"statusCode": 400, "message": refused.problem.detail})
                continue
            responses.append({"xactionId": f"{batch}:{place}"})
            if flow is not None:
                _, valid, invalid = arrived.setdefault(flow["id"], (flow, [], 0))
                if next(_violations(validation, door, event), None) is None:
                    valid.append(_content(door, event))
                else:
                    arrived[flow["id"]] = flow, valid, invalid + 1
        else:
            responses.append({"statusCode": 400, "message": door.message(fault)})
    for flow, valid, invalid in arrived.values():
        streaming.arrive(world, request.tenant, flow, streaming.Arrival(valid, invalid))
    answer = {"inletId": door.id, "batchId": batch, "receivedTimeMs": _now(world)}
    return Result(207, {**answer, "responses": responses})


def _open(world: World, request: Request) -> _Door:
    """The inlet of the path, if its sender is authorised. Raises NeighbourError."""
    found = inlets.find(_inlet_id(request.path), [request.tenant])
    door = found and (_of_connection(world, found) or _of_flow(world, found))
    if not door:
        raise _unknown(request.path)
    if door.owner["state"] != "enabled":
        raise NeighbourError(400, "Inlet is not enabled", "The connection or flow of this inlet is not enabled")
    if door.params.get("authenticationRequired") is True:
        _admit(request)
    return door


def _of_connection(world: World, found: inlets.Inlet) -> _Door | None:
    """The inlet of an HTTP API connection, if the entity is one."""
    connection = world.store.get(found.tenant, "connections", found.entity_id)
    if connection is None:
        return None
    shown = world.connectors_of(found.tenant).complete(connection)
    if "inletId" not in ((shown.get("auth") or {}).get("params") or {}):
        return None
    flows = {flow["id"]: flow for flow in _flows(world, found.tenant, connection["id"])}
    return _Door(inlets.inlet_id(connection), connection, connection["auth"]["params"], flows)


def _of_flow(world: World, found: inlets.Inlet) -> _Door | None:
    """The inlet of a flow, if the flow has one. It accepts any object from anybody."""
    flow = world.store.get(found.tenant, progress.FLOWS, found.entity_id)
    if flow is None or not flow_specs.has_inlets(world, flow):
        return None
    return _Door(inlets.inlet_id(flow), flow, {}, {flow["id"]: flow})


def _admit(request: Request) -> None:
    """Require a token of the sender. Raises NeighbourError."""
    scheme, _, token = request.call.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NeighbourError(401, "Authorization", "[id] Ims service token is empty")


def _flows(world: World, tenant: Tenant, connection_id: str) -> Iterator[Doc]:
    for flow in world.store.mentioning(tenant, progress.FLOWS, connection_id):
        provider = flow.get("provider", {})
        if flow["state"] == "enabled" and provider.get("baseConnectionId") == connection_id:
            yield flow


def _flow(door: _Door, request: Request, event: Mapping[str, Any]) -> Doc | None:
    """The flow of an event: the one it names, else the only one; None if no flow reads the inlet."""
    header = event.get("header") if door.is_xdm else None
    named = header.get("flowId") if isinstance(header, Mapping) else None
    named = named or request.arguments.get(_FLOW_ID) or request.call.headers.get(_FLOW_ID)
    if named is None:
        if len(door.flows) > 1:
            text = f"Message names no flow: send {_FLOW_ID}, several dataflows read this inlet"
            raise NeighbourError(400, _INVALID, door.message(text))
        return next(iter(door.flows.values()), None)
    if named not in door.flows and not (is_placeholder(named) and len(door.flows) == 1):
        text = f"Message names the flow {repeatable(str(named))}, which is no enabled dataflow of this inlet"
        raise NeighbourError(400, _INVALID, door.message(text))
    return door.flows.get(named) or next(iter(door.flows.values()))


def _fault(door: _Door, event: Json) -> str | None:
    """The reason why the inlet refuses an event; None if it accepts it."""
    if not isinstance(event, dict):
        return "Message has unknown xdm format"
    if not door.is_xdm:
        return None
    header, body = event.get("header"), event.get("body")
    schema = header.get("schemaRef") if isinstance(header, dict) else None
    entity = body.get("xdmEntity") if isinstance(body, dict) else None
    if not isinstance(header, dict) or not isinstance(schema, dict) or not isinstance(entity, dict):
        return "Message has unknown xdm format"
    if not isinstance(schema.get("id"), str) or not isinstance(schema.get("contentType"), str):
        return "Message has unknown xdm format"
    org = header.get("imsOrgId", door.owner["imsOrgId"])
    if org != door.owner["imsOrgId"] and not is_placeholder(org):
        return "Message has an absent or wrong ims org in the header"
    return None


def _violations(validation: events.Validation, door: _Door, event: Mapping[str, Any]) -> Iterator[Json]:
    if not door.is_xdm:
        return
    try:
        yield from validation.violations(event["header"]["schemaRef"]["id"], event["body"]["xdmEntity"])
    except events.TooManySchemas:
        text = f"Messages have more than {events.MAX_SCHEMAS} schemas: send them in several requests"
        raise NeighbourError(400, _INVALID, door.message(text)) from None


def _content(door: _Door, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row in an event."""
    entity: Mapping[str, Any] = event["body"]["xdmEntity"] if door.is_xdm else event
    return entity


def _inlet_id(path: Mapping[str, str]) -> str:
    return next(iter(path.values()))


def _unknown(path: Mapping[str, str]) -> NeighbourError:
    return NeighbourError(404, "Inlet not found", f"inletId: [{repeatable(_inlet_id(path))}] There is no such inlet")


def _now(world: World) -> int:
    return world.runtime.clock.now_ms()


def _number(world: World, request: Request) -> str:
    """The id of a request in the form of the samples: milliseconds and two counters."""
    made = world.runtime.new_id("events").replace("-", "")
    return f"{_now(world)}:{int(made[:3], 16)}:{int(made[3:5], 16)}"
