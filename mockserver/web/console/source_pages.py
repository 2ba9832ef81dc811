"""**Sources**: the source behind each connection, its tables and files, and their first rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from mockserver.exchange import Tenant
from mockserver.sources import ExploreRequest, SourceBusy, SourceError
from mockserver.sources.asked import FILE_TYPES
from mockserver.web.console.frame import Frame
from mockserver.web.console.records import KINDS, Records

_ROWS = 20


def add(pages: Blueprint, frame: Frame) -> None:
    """Add both pages."""

    @pages.get("/console/sources")
    def console_sources() -> Response:
        known = frame.tenants()
        tenant = frame.tenant(known)
        records = Records(frame.emulator, tenant)
        found = records.page(KINDS["connections"], after=request.args.get("after", ""))
        rows = [(one, records.label(one.get("connectionSpec")), records.answering(one["id"])) for one in found.items]
        return frame.page(
            "sources.html",
            "sources",
            tenants=known if tenant in known else [*known, tenant],
            tenant=tenant,
            rows=rows,
            following=found.after,
            **frame.sources(),
        )

    @pages.get("/console/sources/<connection_id>")
    def console_source(connection_id: str) -> Response:
        tenant = frame.tenant(frame.tenants())
        records = Records(frame.emulator, tenant)
        shown = records.get(KINDS["connections"], connection_id)
        if shown is None:
            return frame.missing("sources", "This tenant has no such connection.")
        return _source(frame, tenant, records, shown)


def _source(frame: Frame, tenant: Tenant, records: Records, shown: Mapping[str, Any]) -> Response:
    access, answering = records.access(shown["id"]), records.answering(shown["id"])
    stored = access.family == "storage"
    name, live = request.args.get("object", "")[:1000], answering.startswith("live")
    problem, items, table = None, [], None
    explore = frame.emulator.world.sources.explore
    folder = name if stored and name.endswith("/") else ""
    try:
        listed: Any = explore(access, ExploreRequest("folder", folder) if folder else ExploreRequest("root"))
        items = listed if isinstance(listed, list) else []
        if name and not folder:
            table = explore(access, _question(name, stored, preview=not live))
    except SourceError as error:
        problem = error.reason("")
    except SourceBusy:
        problem = "The source is busy. Reload in a moment."
    return frame.page(
        "source.html",
        "sources",
        tenant=tenant,
        shown=shown,
        label=records.label(shown.get("connectionSpec")),
        answering=answering,
        live=live,
        name=name,
        folder=folder,
        items=items,
        table=table if isinstance(table, dict) else None,
        rows=_first(table),
        problem=problem,
    )


def _question(name: str, stored: bool, *, preview: bool) -> ExploreRequest:
    """The explore request for a table or file. The file type is derived from its name."""
    if not stored:
        return ExploreRequest("table", name, preview=preview)
    ending = name.rpartition(".")[2].lower()
    return ExploreRequest("file", name, preview=preview, file_type=ending if ending in FILE_TYPES else "delimited")


def _first(table: Any) -> list[Mapping[str, Any]]:
    data = table.get("data") if isinstance(table, dict) else None
    if not isinstance(data, list):
        return []
    rows: list[Mapping[str, Any]] = [row for row in data if isinstance(row, dict)]
    return rows[:_ROWS]
