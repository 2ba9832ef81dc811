"""Faulty servers with wrong destinations."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Item, Right, broken
from contracts.checks.destinations import DATA_SETS, SELECTORS
from contracts.stage.various import S3_DESTINATION
from contracts.wire import ADHOC


def _without(item: Item, *names: str) -> Item:
    return {name: item[name] for name in item if name not in names}


@broken("destination.spec")
def destinations_have_no_target_spec(asked: Asked, right: Right) -> GivenAnswer:
    """A destination's spec has no target spec."""
    given = right(asked)
    if asked.kind != "connectionSpecs":
        return given
    return given.showing(lambda item: _without(item, "targetSpec") if item.get("id") == S3_DESTINATION else item)


@broken("destination.params")
def takes_any_params_of_a_target(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts any params of a target connection."""
    spec = asked.object.get("connectionSpec") or {}
    if asked.creates and asked.kind == "targetConnections" and spec.get("id") == S3_DESTINATION:
        return right(asked.sending({**asked.object, "params": {}}))
    return right(asked)


@broken("destination.profiles")
def demands_credentials_for_profiles(asked: Asked, right: Right) -> GivenAnswer:
    """Every base connection needs auth."""
    given = right(asked)
    if asked.creates and asked.kind == "connections" and asked.object and "auth" not in asked.object:
        return right(asked.sending({**asked.object, "auth": {}}))
    return given


@broken("destination.profiles")
def profiles_do_not_say_what_they_are(asked: Asked, right: Right) -> GivenAnswer:
    """A source connection of profiles has no typeInfo."""
    given = right(asked)
    return given.showing(lambda i: _without(i, "typeInfo")) if asked.kind == "sourceConnections" else given


@broken("destination.inherited")
def exports_look_like_sources(asked: Asked, right: Right) -> GivenAnswer:
    """Every flow has isSourceFlow."""

    def change(item: Item) -> Item:
        inherited = {**item["inheritedAttributes"], "properties": {"isSourceFlow": True}}
        return {**item, "inheritedAttributes": inherited}

    given = right(asked)
    return given.showing(change) if asked.kind == "flows" and asked.looks_up else given


@broken("destination.selectors")
def audiences_stay_once_they_are_there(asked: Asked, right: Right) -> GivenAnswer:
    """Removing an audience from a flow has no effect."""
    if asked.patches and asked.kind == "flows":
        removes = [s.get("op") == "remove" and str(s.get("path")).startswith(SELECTORS) for s in asked.instructions]
        kept = [step for step, removed in zip(asked.instructions, removes, strict=True) if not removed]
        unchanged = [{"op": "replace", "path": "/description", "value": "unchanged"}]
        return right(asked.sending(kept or unchanged) if any(removes) else asked)
    return right(asked)


@broken("destination.source-replaced")
def no_published_flow_changes_its_source(asked: Asked, right: Right) -> GivenAnswer:
    """Exports cannot get another source connection."""
    if asked.patches and any(step.get("path") == "/sourceConnectionIds" for step in asked.instructions):
        return right(asked).refusing("1455-400").telling(errorMessage="fixed")
    return right(asked)


@broken("destination.source-replaced")
def inherits_from_the_source_before(asked: Asked, right: Right) -> GivenAnswer:
    """A flow inherits from its replaced source connection."""
    if asked.kind == "flows" and asked.looks_up:
        seen = right.memory.setdefault("inherited", {})
        return right(asked).showing(
            lambda i: {**i, "inheritedAttributes": seen.setdefault(i["id"], i["inheritedAttributes"])}
        )
    if asked.patches and asked.kind == "flows":
        right(asked.instead("GET", asked.path)).showing(
            lambda i: right.memory.setdefault("inherited", {}).setdefault(i["id"], i["inheritedAttributes"]) and i
        )
    return right(asked)


@broken("destination.revoked")
def keeps_credentials_that_were_taken_away(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses to remove all params."""
    removed = [step.get("path") for step in asked.instructions if step.get("op") == "remove"]
    if asked.patches and "/auth/params" in removed:
        return right(asked.sending([{"op": "remove", "path": "/auth"}]))
    return right(asked)


@broken("destination.data-sets")
def every_stretch_of_data_sets_is_the_last(asked: Asked, right: Right) -> GivenAnswer:
    """`hasNext` of data sets is always false."""
    given = right(asked)
    if asked.path == f"/connectionSpecs/{DATA_SETS}/configs" and given.done:
        return given.telling(pageInfo={**given.json["pageInfo"], "hasNext": False})
    return given


@broken("run.ad-hoc")
def exports_whatever_is_named(asked: Asked, right: Right) -> GivenAnswer:
    """Exports audiences that the flow does not have."""
    if asked.path == ADHOC and (wanted := asked.object.get("activationInfo")):
        return right(asked.sending({"activationInfo": {flow: ["chosen"] for flow in wanted}}))
    return right(asked)


@broken("run.ad-hoc")
def refuses_exports_as_flow_service_does(asked: Asked, right: Right) -> GivenAnswer:
    """Ad hoc activation refuses in the form of Flow Service."""
    given = right(asked)
    return given.telling(errorMessage="no") if asked.path == ADHOC and not given.done else given
