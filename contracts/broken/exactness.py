"""Nearly correct servers: slightly different values, one outdated view, an unnamed writer."""

from __future__ import annotations

from typing import Any

from contracts.broken import Asked, GivenAnswer, Item, Right, broken


def _replacing(item: Item, **members: Any) -> Item:
    return {**item, **{name: value for name, value in members.items() if name in item}}


@broken("create.as-sent")
def trims_descriptions(asked: Asked, right: Right) -> GivenAnswer:
    """Trims spaces at the ends of a description."""
    return right(asked).showing(lambda item: _replacing(item, description=str(item.get("description")).strip()))


@broken("create.content-as-sent", kinds=["targetConnections"])
def keeps_numbers_as_doubles(asked: Asked, right: Right) -> GivenAnswer:
    """Stores numbers as doubles, so long ones lose their last digits."""

    def through(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: through(inner) for name, inner in value.items()}
        return int(float(value)) if type(value) is int else value

    return right(asked).showing(lambda item: _replacing(item, params=through(item.get("params"))))


@broken("create.once")
def creates_twice(asked: Asked, right: Right) -> GivenAnswer:
    """Every creation creates two entities."""
    given = right(asked)
    if asked.creates and given.done:
        right(asked)
    return given


@broken("audit.stamps-move entity.creation-stays", by_way_of="audit.other-client")
def forgets_who_made_it(asked: Asked, right: Right) -> GivenAnswer:
    """A write changes createdAt like updatedAt."""
    return right(asked).showing(lambda item: _replacing(item, createdAt=item.get("updatedAt")))


@broken("audit.other-client")
def does_not_tell_who_wrote(asked: Asked, right: Right) -> GivenAnswer:
    """`updatedClient` is the client of the creation."""
    return right(asked).showing(lambda item: _replacing(item, updatedClient=item.get("createdClient")))


@broken("etag.after-each-write", kinds=["flows"])
def lists_keep_the_version_before_an_action(asked: Asked, right: Right) -> GivenAnswer:
    """Lists show a flow's version before an action."""
    given = right(asked)
    if asked.acts and given.receipt:
        right.memory[given.receipt["id"]] = '"00000000-0000-0200-0000-000000000000"'
    if not asked.lists:
        return given
    return given.showing(lambda item: _replacing(item, version=right.memory.get(item["id"], item.get("version"))))


@broken("entity.one-state", by_way_of="list.same-as-lookup")
def lists_lack_the_client(asked: Asked, right: Right) -> GivenAnswer:
    """Lists show another client than look-ups, under the same etag."""
    given = right(asked)
    return given.showing(lambda item: _replacing(item, createdClient="list")) if asked.lists else given


@broken("list.orderby-several")
def sorts_by_the_first_member_only(asked: Asked, right: Right) -> GivenAnswer:
    """Ignores the second member of orderby."""
    order = asked.parameter("orderby") or ""
    return right(
        asked.asking([(n, v.split(",")[0] if n == "orderby" else v) for n, v in asked.parameters]) if order else asked
    )


@broken("list.equal-keys")
def shuffles_what_is_equal(asked: Asked, right: Right) -> GivenAnswer:
    """Each request of an ordered list starts with another entity."""
    given = right(asked)
    if not asked.lists or not asked.parameter("orderby") or len(given.items) < 2:
        return given
    turn = right.memory["looks"] = right.memory.get("looks", 0) + 1
    at = turn % len(given.items)
    return given.telling(items=[*given.items[at:], *given.items[:at]])


@broken("list.count-beyond-a-page")
def counts_one_page(asked: Asked, right: Right) -> GivenAnswer:
    """A count is at most twenty."""
    given = right(asked)
    count = given.json.get("count") if isinstance(given.json, dict) else None
    return given.telling(count=min(count, 20)) if isinstance(count, int) and asked.lists else given


@broken("list.search-several", kinds=["flows"])
def searches_by_the_last_filter(asked: Asked, right: Right) -> GivenAnswer:
    """A search applies only the last of several filters."""
    query = asked.object.get("queryString")
    if not asked.path.endswith("/search") or not isinstance(query, str):
        return right(asked)
    steps = query.split("&")
    filters = [step for step in steps if set(step.partition("=")[2]) & set("=<>!~")]
    kept = "&".join(step for step in steps if step not in filters[:-1])
    return right(asked.sending({**asked.object, "queryString": kept}))


@broken("draft.shown")
def lists_drafts_as_enabled(asked: Asked, right: Right) -> GivenAnswer:
    """A list shows a draft as enabled."""
    given = right(asked)
    drafts = asked.lists and any(item.get("state") == "draft" for item in given.items)
    return given.showing(lambda item: _replacing(item, state="enabled")) if drafts else given


@broken("run.same-as-lookup")
def lists_runs_without_their_size(asked: Asked, right: Right) -> GivenAnswer:
    """A list of runs omits the metrics."""
    given = right(asked)
    if not asked.lists or asked.kind != "runs":
        return given
    return given.showing(lambda run: {name: value for name, value in run.items() if name != "metrics"})


@broken("run.listed")
def shows_one_run_of_a_flow(asked: Asked, right: Right) -> GivenAnswer:
    """Lists only the first of several runs."""
    given = right(asked)
    return given.telling(items=given.items[:1]) if asked.lists and asked.kind == "runs" and given.items else given
