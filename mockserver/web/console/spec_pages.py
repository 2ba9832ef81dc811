"""**Specs**: connectors with their auth specs, and flow specs, each with a `curl` command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.specs.connectors import Connector
from mockserver.web.console.frame import Frame


def add(pages: Blueprint, frame: Frame) -> None:
    """Add the lists and a page for each spec."""
    world = frame.emulator.world

    @pages.get("/console/specs")
    def console_specs() -> Response:
        text = request.args.get("text", "").strip()[:100]
        connectors = [
            one for one in world.connectors.all() if text.lower() in f"{one.label} {one.name} {one.id}".lower()
        ]
        return frame.page(
            "specs.html",
            "specs",
            kind="connectors",
            text=text,
            count=len(connectors),
            categories=_categories(connectors),
        )

    @pages.get("/console/specs/flows")
    def console_flow_specs() -> Response:
        text = request.args.get("text", "").strip()[:100]
        specs = [spec for spec in world.flow_specs.all() if text.lower() in f"{spec.name} {spec.id}".lower()]
        return frame.page("specs.html", "specs", kind="flows", text=text, count=len(specs), specs=specs)

    @pages.get("/console/specs/connectors/<spec_id>")
    def console_connector(spec_id: str) -> Response:
        connector = world.connectors.get(spec_id)
        if connector is None:
            raise ApiError("unknown_path", detail="The catalogue has no such connection spec.")
        return _connector(frame, frame.tenant(frame.tenants()), connector)

    @pages.get("/console/specs/flows/<spec_id>")
    def console_flow_spec(spec_id: str) -> Response:
        spec = world.flow_specs.get(spec_id)
        if spec is None:
            raise ApiError("unknown_path", detail="The catalogue has no such flow spec.")
        tenant = frame.tenant(frame.tenants())
        return frame.page(
            "flow_spec.html",
            "specs",
            spec=spec,
            sources=list(_labels(frame, spec.source_connection_spec_ids)),
            targets=list(_labels(frame, spec.target_connection_spec_ids)),
            text=json.dumps(spec.described, ensure_ascii=False, indent=2),
            curl=frame.curl(tenant, "GET", f"/flowSpecs/{spec.id}"),
        )


def _categories(connectors: list[Connector]) -> list[tuple[str, list[Connector]]]:
    """Connectors by category, both in alphabetical order."""
    by_category: dict[str, list[Connector]] = {}
    for connector in sorted(connectors, key=lambda one: one.label.lower()):
        by_category.setdefault(connector.category, []).append(connector)
    return sorted(by_category.items())


def _connector(frame: Frame, tenant: Tenant, connector: Connector) -> Response:
    return frame.page(
        "connector.html",
        "specs",
        connector=connector,
        auth_specs=[(spec.describe(), curl) for spec, curl in _auth_specs(frame, tenant, connector)],
        text=json.dumps(connector.describe(), ensure_ascii=False, indent=2),
        curl=frame.curl(tenant, "GET", f"/connectionSpecs/{connector.id}"),
    )


def _auth_specs(frame: Frame, tenant: Tenant, connector: Connector) -> Iterator[tuple[Any, str]]:
    """Each auth spec, with a command that creates a connection from the example in the catalogue."""
    examples = frame.emulator.world.connectors.examples(connector.id)
    for name, spec in connector.auth_specs.items():
        auth = next((example for example in examples if example["specName"] == name), None)
        if auth is not None:
            yield spec, frame.curl(tenant, "POST", "/connections", _body(connector, auth))


def _body(connector: Connector, auth: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a request that creates a connection."""
    return {"name": f"{connector.label} connection", "auth": auth, "connectionSpec": dict(connector.reference)}


def _labels(frame: Frame, spec_ids: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Id and label of connection specs, by label. A spec that the platform lacks is labelled with its id."""
    found = ((one, frame.emulator.world.connectors.get(one)) for one in spec_ids)
    yield from sorted(
        ((one, connector.label if connector else one) for one, connector in found), key=lambda pair: pair[1]
    )
