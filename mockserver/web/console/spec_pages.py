"""**Specs**: connectors with their auth specs, and flow specs, written ones first, each with a `curl` command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request

from mockserver.exchange import Tenant
from mockserver.json_input import Json
from mockserver.resources import connection_specs, flow_specs
from mockserver.specs.auth_specs import AuthSpec
from mockserver.specs.connectors import Connector
from mockserver.specs.flow_specs import FlowSpec
from mockserver.web.console.frame import Frame
from mockserver.web.console.records import Records

_MADE_UP = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}
"""Example values by type; all other types get text."""


def add(pages: Blueprint, frame: Frame) -> None:
    """Add the lists and a page for each spec."""

    @pages.get("/console/specs")
    def console_specs() -> Response:
        return _connectors(frame)

    @pages.get("/console/specs/flows")
    def console_flow_specs() -> Response:
        return _flow_specs(frame)

    @pages.get("/console/specs/connectors/<spec_id>")
    def console_connector(spec_id: str) -> Response:
        tenant = frame.tenant(frame.tenants())
        connector = frame.emulator.world.connectors_of(tenant).get(spec_id)
        if connector is None:
            return frame.missing("specs", "Neither the catalogue nor this tenant has such a connection spec.")
        return _connector(frame, tenant, connector)

    @pages.get("/console/specs/flows/<spec_id>")
    def console_flow_spec(spec_id: str) -> Response:
        tenant = frame.tenant(frame.tenants())
        spec = flow_specs.find(frame.emulator.world, tenant, spec_id)
        if spec is None:
            return frame.missing("specs", "Neither the catalogue nor this tenant has such a flow spec.")
        return _flow_spec(frame, tenant, spec)


def _connectors(frame: Frame) -> Response:
    world, text = frame.emulator.world, _wanted()
    known = frame.tenants()
    tenant = frame.tenant(known)
    compiled = world.connectors_of(tenant)
    written = [compiled.get(spec["id"]) for spec in connection_specs.own_specs(world, tenant)]
    own = [one for one in written if one and _fits(text, one.name, one.id)]
    connectors = [one for one in world.connectors.all() if _fits(text, one.label, one.name, one.id)]
    return frame.page(
        "specs.html",
        "specs",
        kind="connectors",
        text=text,
        tenants=known,
        tenant=tenant,
        count=len(own) + len(connectors),
        own=own,
        categories=_categories(connectors),
    )


def _flow_specs(frame: Frame) -> Response:
    world, text = frame.emulator.world, _wanted()
    known = frame.tenants()
    tenant = frame.tenant(known)
    own = [FlowSpec(spec) for spec in flow_specs.own_specs(world, tenant)]
    replaced = {spec.id for spec in own}
    catalogue = [spec for spec in world.flow_specs.all() if spec.id not in replaced]
    own, specs = ([spec for spec in some if _fits(text, spec.name, spec.id)] for some in (own, catalogue))
    return frame.page(
        "specs.html",
        "specs",
        kind="flows",
        text=text,
        tenants=known,
        tenant=tenant,
        count=len(own) + len(specs),
        own=own,
        specs=specs,
    )


def _wanted() -> str:
    return request.args.get("text", "").strip()[:100]


def _fits(text: str, *names: str) -> bool:
    return text.lower() in " ".join(names).lower()


def _categories(connectors: list[Connector]) -> list[tuple[str, list[Connector]]]:
    """Connectors by category, both in alphabetical order."""
    by_category: dict[str, list[Connector]] = {}
    for connector in sorted(connectors, key=lambda one: one.label.lower()):
        by_category.setdefault(connector.category, []).append(connector)
    return sorted(by_category.items())


def _connector(frame: Frame, tenant: Tenant, connector: Connector) -> Response:
    written = connection_specs.own_specs(frame.emulator.world, tenant)
    own = _as_written(frame, tenant, connector.id, written, "retrieveConnectionSpec")
    return frame.page(
        "connector.html",
        "specs",
        connector=connector,
        own=own is not None,
        tenant=tenant,
        auth_specs=[(spec.describe(), curl) for spec, curl in _auth_specs(frame, tenant, connector)],
        text=_pretty(own or connector.describe()),
        curl=frame.curl(tenant, "GET", f"/connectionSpecs/{connector.id}"),
    )


def _flow_spec(frame: Frame, tenant: Tenant, spec: FlowSpec) -> Response:
    written = flow_specs.own_specs(frame.emulator.world, tenant)
    own = _as_written(frame, tenant, spec.id, written, "retrieveFlowSpec")
    return frame.page(
        "flow_spec.html",
        "specs",
        spec=spec,
        own=own is not None,
        tenant=tenant,
        sources=list(_labels(frame, tenant, spec.source_connection_spec_ids)),
        targets=list(_labels(frame, tenant, spec.target_connection_spec_ids)),
        text=_pretty(own or spec.described),
        curl=frame.curl(tenant, "GET", f"/flowSpecs/{spec.id}"),
    )


def _as_written(frame: Frame, tenant: Tenant, spec_id: str, written: Sequence[Any], lookup: str) -> Json:
    """The spec as the tenant wrote it, None for one of the catalogue."""
    own = next((spec for spec in written if spec["id"] == spec_id), None)
    return None if own is None else Records(frame.emulator, tenant).shown_spec(own, lookup)


def _pretty(spec: object) -> str:
    return json.dumps(spec, ensure_ascii=False, indent=2)


def _auth_specs(frame: Frame, tenant: Tenant, connector: Connector) -> Iterator[tuple[AuthSpec, str]]:
    """Each auth spec, with a command that creates a connection; empty without an example."""
    catalogue = frame.emulator.world.connectors
    examples = catalogue.examples(connector.id) if catalogue.get(connector.id) else []
    for name, spec in connector.auth_specs.items():
        auth = next((one for one in examples if one["specName"] == name), None) or _example(frame, spec)
        yield spec, frame.curl(tenant, "POST", "/connections", _body(connector, auth)) if auth else ""


def _example(frame: Frame, spec: AuthSpec) -> Mapping[str, Any] | None:
    """Example credentials with the required params, or None if values of their types do not suffice."""
    schema = spec.describe()["spec"]
    known = schema.get("properties", {})
    params = {name: _value(name, known.get(name, {})) for name in schema.get("required", ())}
    if spec.fault(params, frame.emulator.quirks):
        return None
    return {"specName": spec.name, "params": params}


def _value(name: str, schema: Mapping[str, Any]) -> Any:
    choice = schema.get("enum")
    return choice[0] if choice else _MADE_UP.get(str(schema.get("type")), f"example-{name}")


def _body(connector: Connector, auth: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request that creates a connection."""
    return {"name": f"{connector.label} connection", "auth": auth, "connectionSpec": dict(connector.reference)}


def _labels(frame: Frame, tenant: Tenant, spec_ids: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Id and label of connection specs, by label. A spec that the platform lacks is labelled with its id."""
    connectors = frame.emulator.world.connectors_of(tenant)
    found = ((one, connectors.get(one)) for one in spec_ids)
    yield from sorted(
        ((one, connector.label if connector else one) for one, connector in found), key=lambda pair: pair[1]
    )
