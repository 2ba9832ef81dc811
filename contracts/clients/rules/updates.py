"""Clients that break rules on the body of PATCH."""

from __future__ import annotations

from typing import Any

from contracts.clients import Service, breaks
from contracts.clients.bodies import NOBODY, PASSWORD, flow, source, target
from contracts.clients.making import made
from contracts.stage.kinds import basic_params


def _patches(service: Service, **instruction: Any) -> None:
    with made(service) as (at, etag):
        service.patch(at, etag, instruction)


@breaks("update.not-applicable")
def not_applicable(service: Service) -> None:
    """Changes the id of an entity."""
    _patches(service, op="replace", path="/id", value="x")


@breaks("update.operation")
def operation(service: Service) -> None:
    """Patches with move, which the service does not support."""
    _patches(service, op="move", path="/name", value="x")


@breaks("update.params-lost")
def params_lost(service: Service) -> None:
    """Replaces all params to change one of them, and loses sslMode."""
    kept = {name: value for name, value in basic_params(PASSWORD).items() if name != "sslMode"}
    _patches(service, op="replace", path="/auth/params", value=kept)


@breaks("update.single-instruction")
def single_instruction(service: Service) -> None:
    """Sends one instruction without an array."""
    with made(service) as (at, etag):
        service.send("PATCH", at, {"op": "replace", "path": "/name", "value": "x"}, if_match=etag)


@breaks("update.spec-changed")
def spec_changed(service: Service) -> None:
    """Changes the connection spec of a connection."""
    _patches(service, op="replace", path="/connectionSpec/id", value=NOBODY)


@breaks("update.under-active-flow")
def under_active_flow(service: Service) -> None:
    """Changes the table of an enabled flow's source connection."""
    with made(service) as (at, _):
        read = service.create(source(at.rpartition("/")[2]), "/sourceConnections")
        write = service.create(target(), "/targetConnections")
        run = service.create(flow(read, write, service.now() + 3600), "/flows")
        here = f"/sourceConnections/{read}"
        etag = service.read(here)["etag"]
        service.patch(here, etag, {"op": "replace", "path": "/params/tableName", "value": "public.orders"})
        service.delete(f"/flows/{run}", here, f"/targetConnections/{write}")
