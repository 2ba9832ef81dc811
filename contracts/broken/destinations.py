"""Servers that know sources, and little of destinations."""

from __future__ import annotations

from contracts.broken import Asked, GivenAnswer, Item, Right, broken
from contracts.checks.destinations import ADHOC, AMAZON_S3, DATA_SETS, SELECTORS


def _without(item: Item, *names: str) -> Item:
    return {name: item[name] for name in item if name not in names}


@broken("destination.spec")
def destinations_have_no_target_spec(asked: Asked, right: Right) -> GivenAnswer:
    """A destination's spec ends with its auth specs."""
    given = right(asked)
    return given.showing(lambda i: _without(i, "targetSpec")) if asked.path.endswith(AMAZON_S3) else given


@broken("destination.params")
def takes_any_params_of_a_target(asked: Asked, right: Right) -> GivenAnswer:
    """Where to write is not looked at."""
    if asked.creates and asked.kind == "targetConnections" and asked.object["connectionSpec"]["id"] == AMAZON_S3:
        return right(asked.sending({**asked.object, "params": {}}))
    return right(asked)


@broken("destination.profiles")
def demands_credentials_for_profiles(asked: Asked, right: Right) -> GivenAnswer:
    """Every base connection needs auth."""
    given = right(asked)
    if asked.creates and asked.kind == "connections" and "auth" not in asked.object:
        return right(asked.sending({**asked.object, "auth": {}}))
    return given


@broken("destination.profiles")
def profiles_do_not_say_what_they_are(asked: Asked, right: Right) -> GivenAnswer:
    """A source connection of profiles has no typeInfo."""
    given = right(asked)
    return given.showing(lambda i: _without(i, "typeInfo")) if asked.kind == "sourceConnections" else given


@broken("destination.inherited")
def exports_look_like_sources(asked: Asked, right: Right) -> GivenAnswer:
    """Every flow is one of a source."""

    def change(item: Item) -> Item:
        inherited = {**item["inheritedAttributes"], "properties": {"isSourceFlow": True}}
        return {**item, "inheritedAttributes": inherited}

    given = right(asked)
    return given.showing(change) if asked.kind == "flows" and asked.looks_up else given


@broken("destination.selectors")
def audiences_stay_once_they_are_there(asked: Asked, right: Right) -> GivenAnswer:
    """Removing an audience from a flow does nothing."""
    if asked.patches and asked.kind == "flows":
        kept = [step for step in asked.instructions if step["op"] != "remove" or not step["path"].startswith(SELECTORS)]
        return right(asked.sending(kept or [{"op": "replace", "path": "/description", "value": "unchanged"}]))
    return right(asked)


@broken("destination.source-replaced")
def no_published_flow_changes_its_source(asked: Asked, right: Right) -> GivenAnswer:
    """What a flow reads is fixed for exports too."""
    if asked.patches and any(step["path"] == "/sourceConnectionIds" for step in asked.instructions):
        return right(asked).refusing("1455-400").telling(errorMessage="fixed")
    return right(asked)


@broken("destination.source-replaced")
def inherits_from_the_source_before(asked: Asked, right: Right) -> GivenAnswer:
    """A flow whose source was replaced still tells of the old one."""
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
    """Removing all params is refused."""
    if asked.patches and any(step["path"] == "/auth/params" and step["op"] == "remove" for step in asked.instructions):
        return right(asked.sending([{"op": "remove", "path": "/auth"}]))
    return right(asked)


@broken("destination.data-sets")
def every_stretch_of_data_sets_is_the_last(asked: Asked, right: Right) -> GivenAnswer:
    """More data sets are never announced."""
    given = right(asked)
    if asked.path == f"/connectionSpecs/{DATA_SETS}/configs" and given.done:
        return given.telling(pageInfo={**given.json["pageInfo"], "hasNext": False})
    return given


@broken("destination.adhoc")
def exports_whatever_is_named(asked: Asked, right: Right) -> GivenAnswer:
    """An audience that the flow does not know is exported like the one it knows."""
    if asked.path == ADHOC:
        return right(asked.sending({"activationInfo": {flow: ["chosen"] for flow in asked.object["activationInfo"]}}))
    return right(asked)


@broken("destination.adhoc")
def refuses_exports_as_flow_service_does(asked: Asked, right: Right) -> GivenAnswer:
    """Ad hoc activation has no refusals of its own form."""
    given = right(asked)
    return given.telling(errorMessage="no") if asked.path == ADHOC and not given.done else given
