"""**Resources**: the records of a tenant in tables, and a page for each record with its JSON, history and `curl`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.journal.entries import CallFilter
from mockserver.web.console import rows
from mockserver.web.console.frame import Frame
from mockserver.web.console.records import KINDS, RecordPage, Records, ResourceKind

_HISTORY = 30
_NAMED = {
    "baseConnectionId": "connections",
    "sourceConnectionIds": "sourceConnections",
    "targetConnectionIds": "targetConnections",
    "flowId": "flows",
}
"""Member that contains an id -> kind of that record."""


def add(pages: Blueprint, frame: Frame) -> None:
    """Add both pages."""

    @pages.get("/console/resources")
    def console_resources() -> Response:
        return _table(frame)

    @pages.get("/console/resources/<kind>/<entity_id>")
    def console_resource(kind: str, entity_id: str) -> Response:
        tenant = frame.tenant(frame.tenants())
        if kind not in KINDS:
            return frame.missing("resources", "There is no such kind of record.")
        return _record(frame, tenant, KINDS[kind], entity_id)


def _table(frame: Frame) -> Response:
    known = frame.tenants()
    tenant = frame.tenant(known)
    kind = KINDS.get(request.args.get("kind", ""), KINDS["connections"])
    text, after = request.args.get("text", "").strip()[:400], request.args.get("after", "")
    records = Records(frame.emulator, tenant)
    problem = None
    try:
        found = records.page(kind, text, after)
    except ApiError as refused:
        problem = refused.result("", frame.emulator.quirks).reason
        found = RecordPage([], None)
    return frame.page(
        "resources.html",
        "resources",
        tenants=known if tenant in known else [*known, tenant],
        tenant=tenant,
        kind=kind,
        kinds=[(one, records.count(one)) for one in KINDS.values()],
        columns=rows.COLUMNS[kind.name],
        rows=[rows.cells(records, kind.name, item) for item in found.items],
        text=text,
        after=after,
        following=found.after,
        problem=problem,
        curl=frame.curl(tenant, "GET", f"/{kind.name}"),
    )


def _record(frame: Frame, tenant: Tenant, kind: ResourceKind, entity_id: str) -> Response:
    records = Records(frame.emulator, tenant)
    shown = records.get(kind, entity_id)
    journal = frame.emulator.journal
    history = journal.newest(_HISTORY, CallFilter(entity=entity_id)) if journal.on else []
    if shown is None and not history:
        return frame.missing("resources", f"This tenant has no such record among its {kind.title.lower()}.")
    return frame.page(
        "resource.html",
        "resources",
        status=200 if shown else 404,
        tenant=tenant,
        kind=kind,
        entity_id=entity_id,
        shown=shown,
        label=_label(records, kind, shown or {}),
        named=list(_named(shown or {})),
        text=json.dumps(shown, ensure_ascii=False, indent=2),
        history=history,
        recorded=journal.on,
        curl=frame.curl(tenant, "GET", f"/{kind.name}/{entity_id}"),
    )


def _label(records: Records, kind: ResourceKind, shown: Mapping[str, Any]) -> str:
    if "flowSpec" in shown:
        return records.flow_spec(shown["flowSpec"])
    return records.label(shown["connectionSpec"]) if "connectionSpec" in shown else kind.one


def _named(shown: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Member, kind and id of each record that a record refers to."""
    for member, kind in _NAMED.items():
        value = shown.get(member)
        for entity_id in value if isinstance(value, list) else [value]:
            if isinstance(entity_id, str):
                yield member, kind, entity_id
