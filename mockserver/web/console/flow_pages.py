"""**Flows**: each flow as a picture from source to target, with its runs on a timeline and their metrics as bars."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mockserver.exchange import Tenant
from mockserver.web.console import first_steps, flow_picture, rows
from mockserver.web.console.frame import Frame
from mockserver.web.console.records import KINDS, Records

_SIZE = 10
"""Flows per page."""
_MAX_RUNS, _MAX_BARS = 60, 12
_FEW_RUNS = 40


def add(pages: Blueprint, frame: Frame) -> None:
    """Add both pages."""

    @pages.get("/console/flows")
    def console_flows() -> Response:
        known = frame.tenants()
        tenant = frame.tenant(known)
        records = Records(frame.emulator, tenant)
        found = records.page(KINDS["flows"], after=request.args.get("after", ""), size=_SIZE)
        drawn = [flow_picture.draw(records, flow, _runs(records, flow["id"], _FEW_RUNS)) for flow in found.items]
        return frame.page(
            "flows.html",
            "flows",
            tenants=known if tenant in known else [*known, tenant],
            tenant=tenant,
            flows=list(zip(found.items, drawn, strict=True)),
            following=found.after,
            first=first_steps.flow(frame, tenant),
        )

    @pages.get("/console/flows/<flow_id>")
    def console_flow(flow_id: str) -> Response:
        return _flow(frame, frame.tenant(frame.tenants()), flow_id)


def _flow(frame: Frame, tenant: Tenant, flow_id: str) -> Response:
    records = Records(frame.emulator, tenant)
    flow = records.get(KINDS["flows"], flow_id)
    if flow is None:
        return frame.missing("flows", "This tenant has no such flow.")
    runs = _runs(records, flow_id, _MAX_RUNS)
    latest = runs[-_MAX_BARS:][::-1]
    measured = [(run, *rows.records_of(run), rows.took(run), rows.bytes_of(run)) for run in latest]
    return frame.page(
        "flow.html",
        "flows",
        tenant=tenant,
        flow=flow,
        picture=flow_picture.draw(records, flow, runs),
        runs=measured,
        max_read=max((read for _, read, *_ in measured), default=0),
        schedule=rows.every(flow.get("scheduleParams")),
        spec=records.flow_spec(flow.get("flowSpec")),
        curl=frame.curl(tenant, "GET", f"/runs?property=flowId=={flow_id}"),
    )


def _runs(records: Records, flow_id: str, limit: int) -> list[dict[str, object]]:
    """The latest runs, oldest first."""
    return records.runs_of(flow_id, limit)[::-1]
