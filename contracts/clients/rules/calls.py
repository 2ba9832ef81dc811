"""Clients whose requests are refused for reasons that no other rule explains."""

from __future__ import annotations

from contracts.clients import Service, breaks
from contracts.clients.bodies import flow, source, target
from contracts.clients.making import made


@breaks("call.refused")
def refused(service: Service) -> None:
    """Sends a state with its new flow, which only the service sets."""
    with made(service) as (at, _):
        read = service.create(source(at.rpartition("/")[2]), "/sourceConnections")
        write = service.create(target(), "/targetConnections")
        service.post("/flows", {**flow(read, write, service.now() + 3600), "state": "enabled"})
        service.delete(f"/sourceConnections/{read}", f"/targetConnections/{write}")


@breaks("call.unread")
def unread(service: Service) -> None:
    """Puts a list of thousands of ids into the URL."""
    service.get("/connections?property=id==" + ",".join(["8c9df3a5-5f4c-4a4b-8f2a-5a7b1f0c2d3e"] * 2_000))


@breaks("call.not-emulated")
def not_emulated(service: Service) -> None:
    """Reads the merge policies of Real-Time Customer Profile."""
    service.get("/data/core/ups/config/mergePolicies")
