"""Faulty servers with wrong flows, source and target connections, and runs."""

from __future__ import annotations

import uuid
from typing import Any

from contracts.broken import Asked, GivenAnswer, Item, Right, broken

ENDS = ("sourceConnections", "targetConnections")


@broken("source.base-connection")
def takes_an_unknown_base(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a source connection with an unknown base connection."""
    base = asked.object.get("baseConnectionId") if asked.creates else None
    if base and not right(asked.instead("GET", f"/connections/{base}")).done:
        known = right.everything(asked.instead("GET", "/connections"))
        return right(asked.sending({**asked.object, "baseConnectionId": known[0]["id"]}) if known else asked)
    return right(asked)


@broken("flow.references")
def takes_unknown_ends(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a flow with unknown connections."""
    if asked.creates and asked.kind == "flows":
        body = asked.object
        for kind in ENDS:
            member = kind[:-1] + "Ids"
            known = [item["id"] for item in right.everything(asked.instead("GET", f"/{kind}"))]
            body = {**body, member: [i if i in known else known[0] for i in body.get(member, [])]}
        return right(asked.sending(body))
    return right(asked)


@broken("flow.inherited source.inherited list.same-as-lookup", kinds=["sourceConnections", "flows"])
def lookups_inherit_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """A look-up shows no inherited attributes."""
    given = right(asked)
    if asked.looks_up:
        return given.showing(lambda i: {name: i[name] for name in i if name != "inheritedAttributes"})
    return given


@broken("flow.inherited")
def flows_inherit_from_others(asked: Asked, right: Right) -> GivenAnswer:
    """A flow shows a base connection that its source does not use."""

    def change(item: Item) -> Item:
        inherited = item.get("inheritedAttributes", {})
        for end in inherited.get("sourceConnections", []):
            end.get("baseConnection", {})["id"] = item["id"]
        return item

    return right(asked).showing(change)


@broken("flow.holds-its-connections")
def deletes_connections_in_use(asked: Asked, right: Right) -> GivenAnswer:
    """Deletes a base connection that a flow uses."""
    given = right(asked)
    return GivenAnswer(204, given.headers, b"") if given.code == "1418-400" else given


@broken("flow.holds-its-connections")
def deletes_ends_in_use(asked: Asked, right: Right) -> GivenAnswer:
    """Deletes a source or target connection that a flow uses."""
    given = right(asked)
    return GivenAnswer(204, given.headers, b"") if given.code == "1447-400" else given


@broken("flow.holds-its-connections journey.dataflow")
def keeps_what_was_used_once(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses to delete connections of a deleted flow."""
    used = right.memory.setdefault("used", set())
    if asked.creates and asked.kind == "flows":
        used |= {*asked.object.get("sourceConnectionIds", ()), *asked.object.get("targetConnectionIds", ())}
        used |= {right.entity(asked.instead("GET", f"/sourceConnections/{i}")).get("baseConnectionId") for i in used}
    if asked.method == "DELETE" and asked.parts[-1] in used and right.entity(asked):
        return right(asked.instead("GET", "/connections?x")).refusing(
            "1418-400" if asked.kind == "connections" else "1447-400"
        )
    return right(asked)


@broken("flow.state-not-taken")
def takes_a_state_with_a_flow(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a state in a new flow."""
    sent = {name: value for name, value in asked.object.items() if name != "state"}
    return right(asked.sending(sent) if asked.creates and asked.kind == "flows" else asked)


@broken("flow.enabled-and-disabled")
def flow_actions_change_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges `disable` and leaves the flow enabled."""
    before = right.memory.setdefault("states", {})
    if asked.acts and asked.kind == "flows":
        before.setdefault(asked.parts[1], right.entity(asked).get("state"))
    return right(asked).showing(
        lambda item: {**item, "state": before[item["id"]]} if item.get("id") in before else item
    )


@broken("flow.enabled-and-disabled")
def flows_cannot_be_enabled_again(asked: Asked, right: Right) -> GivenAnswer:
    """A disabled flow stays disabled."""
    enable = asked.acts and (asked.parameter("op") or "").lower() == "enable"
    return right(asked.asking([("op", "unknown")]) if enable and asked.kind == "flows" else asked)


@broken("flow.enabled-and-disabled")
def flows_are_disabled_twice(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges an action that does not fit the state."""
    given = right(asked)
    if asked.kind == "flows" and given.code == "1422-400":
        found = right.entity(asked)
        return given.saying({"id": found["id"], "etag": found["etag"]}, 200).having("ETag", found["etag"])
    return given


@broken("journey.dataflow")
def flow_without_its_runs(asked: Asked, right: Right) -> GivenAnswer:
    """A flow does not show where its runs are."""
    return right(asked).showing(lambda item: {name: item[name] for name in item if name != "runs"})


@broken("flow.ends-fixed")
def flows_change_their_ends(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts another source connection for an enabled flow."""
    given = right(asked)
    on_ends = asked.kind == "flows" and any("ConnectionIds" in str(s.get("path")) for s in asked.instructions)
    if asked.patches and on_ends and given.status == 400:
        return right(asked.sending([{"op": "add", "path": "/description", "value": "joined anew"}]))
    return given


@broken("run.on-demand")
def one_run_too_many(asked: Asked, right: Right) -> GivenAnswer:
    """Creates a requested run twice."""
    if asked.creates and asked.kind == "runs":
        right(asked)
    return right(asked)


@broken("run.on-demand")
def runs_are_lost(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges a run that does not exist."""
    given = right(asked)
    if asked.creates and asked.kind == "runs" and given.done:
        right.memory[(given.items or [given.json])[0]["id"]] = "lost"
    if asked.lists and asked.kind == "runs" and given.done and "items" in given.json:
        return given.telling(items=[item for item in given.items if item["id"] not in right.memory])
    return given


@broken("run.of-its-flow")
def runs_of_all_flows(asked: Asked, right: Right) -> GivenAnswer:
    """The runs of one flow are the runs of all flows."""
    return right(asked.filtering() if asked.lists and asked.kind == "runs" else asked)


@broken("run.wrong")
def runs_of_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a run of an unknown flow."""
    given = right(asked)
    if asked.creates and given.code in ("1430-400", "1446-400"):
        etag = f'"{uuid.uuid4().hex[:8]}-0000-0200-0000-6387c6b90000"'
        return given.saying({"items": [{"id": str(uuid.uuid4()), "etag": etag}]}, 201).having("ETag", etag)
    return given


@broken("run.idle-flow")
def disabled_flows_run(asked: Asked, right: Right) -> GivenAnswer:
    """A disabled flow runs on demand."""
    given = right(asked)
    if not asked.creates or given.code != "1444-400":
        return given
    action = f"/flows/{asked.object.get('flowId')}/action"
    right(asked.instead("POST", action, query="op=enable"))
    run = right(asked)
    right(asked.instead("POST", action, query="op=disable"))
    return run


@broken("run.by-providers-only")
def users_report_runs(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts reports of runs from users."""
    given = right(asked)
    if asked.kind == "runs" and given.code == "1427-400":
        return right(asked.instead("GET", asked.path)).saying(right.entity(asked))
    return given


def _records(run: Item, **changes: Any) -> Item:
    """A run with a changed count of records."""
    metrics = run.get("metrics", {})
    if "recordSummary" not in metrics:
        return run
    return {**run, "metrics": {**metrics, "recordSummary": {**metrics["recordSummary"], **changes}}}


@broken("run.metrics-add-up", by_way_of="run.on-demand")
def runs_lose_records(asked: Asked, right: Right) -> GivenAnswer:
    """A run's input exceeds its output and failed records."""

    def change(run: Item) -> Item:
        return _records(
            run, inputRecordCount=run.get("metrics", {}).get("recordSummary", {}).get("inputRecordCount", 0) + 7
        )

    given = right(asked)
    return given.showing(change) if asked.kind == "runs" else given


@broken("run.metrics-add-up", by_way_of="run.on-demand")
def runs_end_before_they_start(asked: Asked, right: Right) -> GivenAnswer:
    """`completedAtUTC` is before `startedAtUTC`."""

    def change(run: Item) -> Item:
        metrics = run.get("metrics", {})
        times = metrics.get("durationSummary", {})
        if "completedAtUTC" not in times:
            return run
        turned = {"startedAtUTC": times["completedAtUTC"], "completedAtUTC": times["startedAtUTC"]}
        return {**run, "metrics": {**metrics, "durationSummary": turned}}

    given = right(asked)
    return given.showing(change) if asked.kind == "runs" else given


@broken("flow.kept", kinds=["flows"])
def schedules_become_numbers(asked: Asked, right: Right) -> GivenAnswer:
    """Shows a start time sent as text as a number."""

    def change(item: Item) -> Item:
        schedule = item.get("scheduleParams")
        if not isinstance(schedule, dict):
            return item
        return {**item, "scheduleParams": {**schedule, "startTime": int(schedule.get("startTime", 0))}}

    return right(asked).showing(change)


@broken("flow.found-by-reference")
def filters_do_not_reach_into_arrays(asked: Asked, right: Right) -> GivenAnswer:
    """A filter on a member of an array finds nothing."""
    deep = any("[]" in text for text in asked.filters)
    return right(asked.filtering("name==nobody") if deep else asked)


def _new_flow(asked: Asked, **missing: Any) -> Asked:
    """A creation of a flow with added members, or the unchanged request."""
    return asked.sending({**asked.object, **missing}) if asked.creates and asked.kind == "flows" else asked


@broken("flow.mapping")
def flows_need_no_mapping(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts a flow of tables without transformations."""
    mapping = {"name": "Mapping", "params": {"mappingId": "0b090130b58b4bb6a04e4a8a3a4ff4a0", "mappingVersion": "0"}}
    given = right(asked)
    refused = given.code == "1100-400" and asked.object and not asked.object.get("transformations")
    return right(_new_flow(asked, transformations=[mapping])) if refused else given


@broken("flow.schedule")
def takes_any_schedule(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts any schedule."""
    given = right(asked)
    if asked.kind != "flows" or given.code != "1100-400" or "scheduleParams" not in asked.object:
        return given
    return right(_new_flow(asked, scheduleParams={"startTime": "4102444800", "frequency": "once"}))


@broken("flow.draft-order")
def publishes_flows_on_drafts(asked: Asked, right: Right) -> GivenAnswer:
    """Publishes a flow before its connections."""
    found = right.entity(asked) if asked.acts and asked.kind == "flows" else {}
    for source in found.get("sourceConnectionIds", ()):
        right(asked.instead("POST", f"/sourceConnections/{source}/action", query="op=publish"))
    return right(asked)


@broken("run.unknown")
def unknown_runs_are_empty(asked: Asked, right: Right) -> GivenAnswer:
    """An unknown run is an empty list."""
    given = right(asked)
    return given.saying({"items": []}, 200) if asked.kind == "runs" and given.code == "1439-404" else given


@broken("journey.dataflow-of-files")
def previews_without_rows(asked: Asked, right: Right) -> GivenAnswer:
    """The preview of a file has columns and no rows."""
    given = right(asked)
    if asked.parts[-1:] == ["explore"] and "objectType=file" in asked.query:
        return given.telling(data=[])
    return given


@broken("journey.dataflow-of-a-stream")
def streams_without_an_inlet(asked: Asked, right: Right) -> GivenAnswer:
    """A streaming connection shows no inlet."""

    def without_inlet(item: Item) -> Item:
        auth = item.get("auth") or {}
        params = {name: value for name, value in auth.get("params", {}).items() if name != "inletUrl"}
        return {**item, "auth": {**auth, "params": params}} if "params" in auth else item

    return right(asked).showing(without_inlet)
