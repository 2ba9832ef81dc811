"""Ad hoc activation: exports audiences immediately, each by a run of its own.

Form and messages are those of Adobe's ad hoc activation document. Export jobs belong to the Segmentation Service: ids
in version 1 requests are not looked up. The required hour after an audience's first export is not checked.
"""

from __future__ import annotations

import re
from typing import Any

from mockserver.exchange import BASE_PATH, Request, Result
from mockserver.flows import exports, progress
from mockserver.flows.selectors import selectors
from mockserver.resources import operation
from mockserver.resources._forms import NeighbourError
from mockserver.secrecy import repeatable
from mockserver.state.records import Doc
from mockserver.world import World

MAX_AUDIENCES = 80
"""Maximum audiences of one job (documented)."""

_SECOND = re.compile(r"application/vnd\.adobe\.adhoc\.activation\+json\s*;\s*version\s*=\s*2")


@operation("runAdhocActivation")
def run_adhoc_activation(world: World, request: Request) -> Result:
    """Start a run for each audience of each flow; all of them or none."""
    sent: Any = request.body
    wanted: dict[str, list[str]] = sent["activationInfo"]
    if not _SECOND.search(request.call.headers.get("accept", "")) and not sent.get("exportIds"):
        raise _refused("exportIds is required in version 1: name the export job, or ask for version 2")
    pairs = [(flow_id, audience) for flow_id, audiences in wanted.items() for audience in dict.fromkeys(audiences)]
    if not pairs:
        raise _refused("activationInfo names no audience")
    if len({audience for _, audience in pairs}) > MAX_AUDIENCES:
        raise _refused(f"a job activates at most {MAX_AUDIENCES} audiences")
    flows = {flow_id: _flow(world, request, flow_id) for flow_id, _ in pairs}
    for flow_id, audience in pairs:
        _demand_ready(world, request, flows[flow_id], audience)
    order = []
    for flow_id, audience in pairs:
        run = progress.export_now(world, request.tenant, flows[flow_id], audience)
        url = f"{request.call.origin}{BASE_PATH}/runs/{run['id']}"
        order.append({"segment": audience, "order": flow_id, "statusURL": url})
    return Result(200, {"order": order})


def _flow(world: World, request: Request, flow_id: str) -> Doc:
    flow = world.store.get(request.tenant, progress.FLOWS, flow_id)
    if flow is None:
        raise NeighbourError(404, "Not found", f"There is no dataflow {repeatable(flow_id)}")
    if flow["state"] != "enabled" or not exports.exports(flow):
        raise _refused(f"Dataflow {flow_id} is not an enabled flow to a destination")
    return flow


def _demand_ready(world: World, request: Request, flow: Doc, audience: str) -> None:
    """Require a flow that exports the audience now, without a run in progress. Raises NeighbourError."""
    if not exports.scheduled(flow, audience, world.runtime.clock.now_ms()):
        known = next((value.get("name") for value in selectors(flow) if value.get("id") == audience), None)
        name = known if isinstance(known, str) else repeatable(audience)
        raise _refused(f"Segments {name} are not part of this dataflow or out of schedule range!")
    run_id = progress.exporting(world, request.tenant, flow["id"], audience)
    if run_id is not None:
        going_on = f"Run already going on for audience {audience} for order {flow['id']} with run id {run_id}"
        raise _refused(going_on)


def _refused(message: str) -> NeighbourError:
    return NeighbourError(400, "Bad request", message)
