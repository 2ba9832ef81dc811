"""Checks of references between entities: base connections, inherited attributes, ends of a flow."""

from __future__ import annotations

from contracts.findings.verdicts import same
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import NOWHERE, refused, replacing


@check("source.foreign-base", operations=("createSourceConnection",))
def a_base_is_ones_own(stage: Stage) -> None:
    """The base connection of another sandbox is refused like an unknown one."""
    other = stage.elsewhere()
    body = other.body("sourceConnections", baseConnectionId=stage.shared("connections"))
    refused(other.call("POST", "/sourceConnections", body), 400)


@check("source.inherited", operations=("retrieveSourceConnection",))
def a_source_tells_its_base(stage: Stage) -> None:
    """`inheritedAttributes` has the base connection and its spec."""
    base = stage.make("connections")
    inherited = stage.read(stage.make("sourceConnections", baseConnectionId=base.id)).get("inheritedAttributes")
    expected = {"id": base.id, "connectionSpec": stage.read(base)["connectionSpec"]}
    same(inherited, {"baseConnection": expected}, "inheritedAttributes")


@check("flow.ends-fixed", operations=("patchFlow",))
def a_flow_keeps_its_ends(stage: Stage) -> None:
    """A published flow cannot get another source or target connection."""
    flow = stage.make("flows")
    for member in ("sourceConnectionIds", "targetConnectionIds"):
        refused(stage.patch(flow, replacing(member, [NOWHERE])), 400)
        same(stage.read(flow).get(member), flow.body[member], member)
