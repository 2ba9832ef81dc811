"""Whose the things are that others refer to, and that what refers to them says so."""

from __future__ import annotations

from contracts.expectations import NOWHERE, refused, replacing
from contracts.registry import check
from contracts.stage import Stage
from contracts.verdicts import same


@check("source.foreign-base", operations=("createSourceConnection",))
def a_base_is_ones_own(stage: Stage) -> None:
    """Another sandbox's base connection is as good as none."""
    other = stage.elsewhere()
    body = other.body("sourceConnections", baseConnectionId=stage.shared("connections"))
    refused(other.call("POST", "/sourceConnections", body), 400)


@check("source.inherited", operations=("retrieveSourceConnection",))
def a_source_tells_its_base(stage: Stage) -> None:
    """`inheritedAttributes` holds the base connection and its spec."""
    base = stage.make("connections")
    inherited = stage.read(stage.make("sourceConnections", baseConnectionId=base.id)).get("inheritedAttributes")
    expected = {"id": base.id, "connectionSpec": stage.read(base)["connectionSpec"]}
    same(inherited, {"baseConnection": expected}, "inheritedAttributes")


@check("flow.ends-fixed", operations=("patchFlow",))
def a_flow_keeps_its_ends(stage: Stage) -> None:
    """A published flow cannot be given another source or target."""
    flow = stage.make("flows")
    for member in ("sourceConnectionIds", "targetConnectionIds"):
        refused(stage.patch(flow, replacing(member, [NOWHERE])), 400)
        same(stage.read(flow).get(member), flow.body[member], member)
