"""Faulty servers that patch too much, too little or something else."""

from __future__ import annotations

from typing import Any

from contracts.broken import Asked, GivenAnswer, Item, Right, broken

OPERATIONS = ("add", "replace", "remove")
STAMPS = ("id", "createdAt", "etag", "version", "imsOrgId", "updatedAt")


def _op(step: Item) -> str:
    return str(step.get("op")).lower()


def _member(step: Item) -> str:
    return str(step.get("path")).strip("/").split("/")[0]


def _kept(asked: Asked, right: Right, steps: list[Item]) -> GivenAnswer:
    """The response if only some instructions are applied; a receipt also if none is left."""
    if not asked.patches or steps == asked.instructions:
        return right(asked)
    if steps:
        return right(asked.sending(steps))
    return _pretended(asked, right)


def _pretended(asked: Asked, right: Right) -> GivenAnswer:
    """A receipt without a write."""
    found = right.entity(asked)
    if not found or asked.headers.get("if-match") != found["etag"]:
        return right(asked)
    return right(asked.instead("GET", asked.path)).saying({"id": found["id"], "etag": found["etag"]})


@broken("patch.replaces", kinds=["connections", "flows"])
def patch_forgets_the_rest(asked: Asked, right: Right) -> GivenAnswer:
    """A patch removes all members that it does not name."""
    named = {_member(step) for step in asked.instructions}
    if asked.patches and named and "description" not in named and right.entity(asked).get("description"):
        return right(asked.sending([*asked.instructions, {"op": "remove", "path": "/description"}]))
    return right(asked)


@broken("patch.op-any-case journey.change-credentials", kinds=["connections", "flows"])
def operations_in_lower_case_only(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts `replace` and refuses `Replace`."""
    odd = [s for s in asked.instructions if str(s.get("op")) != _op(s)] if asked.patches else []
    return right(asked.sending([{**step, "op": "unknown"} for step in odd]) if odd else asked)


@broken("patch.op-any-case")
def operations_in_upper_case_only(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts only `REPLACE`, as in the document."""
    odd = [s for s in asked.instructions if str(s.get("op")) != _op(s).upper()] if asked.patches else []
    return right(asked.sending([{**step, "op": "unknown"} for step in odd]) if odd else asked)


@broken("patch.add-and-remove", kinds=["targetConnections"])
def removes_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges `remove` without removing."""
    steps = [step for step in asked.instructions if _op(step) != "remove"]
    return _kept(asked, right, steps)


@broken("patch.add-and-remove")
def remove_needs_a_value(asked: Asked, right: Right) -> GivenAnswer:
    """Requires a value for `remove`."""
    lacking = asked.patches and any(_op(s) == "remove" and "value" not in s for s in asked.instructions)
    return right(asked.sending([{"op": "replace", "path": "/name"}]) if lacking else asked)


@broken("patch.in-order")
def instructions_in_any_order(asked: Asked, right: Right) -> GivenAnswer:
    """Applies the last instruction first."""
    return right(asked.sending(asked.instructions[::-1]) if asked.patches and asked.instructions else asked)


@broken("patch.atomic", kinds=["connections", "sourceConnections", "flows"])
def patches_one_by_one(asked: Asked, right: Right) -> GivenAnswer:
    """Applies the instructions before an invalid one."""
    given = right(asked)
    if asked.patches and given.status == 400 and len(asked.instructions) > 1:
        right(asked.sending(asked.instructions[:1]))
    return given


@broken("patch.unknown-op patch.atomic")
def leaves_out_unknown_operations(asked: Asked, right: Right) -> GivenAnswer:
    """Skips unknown operations."""
    return _kept(asked, right, [step for step in asked.instructions if _op(step) in OPERATIONS])


@broken("patch.missing-member")
def leaves_out_unknown_members(asked: Asked, right: Right) -> GivenAnswer:
    """Skips instructions on missing members."""
    return _kept(asked, right, [step for step in asked.instructions if _member(step) not in ("colour", "nowhere")])


@broken("patch.spec-fixed")
def patches_the_connection_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Patches the connection spec."""
    return _kept(asked, right, [step for step in asked.instructions if _member(step) != "connectionSpec"])


@broken("patch.spec-fixed")
def patches_a_part_of_the_connection_spec(asked: Asked, right: Right) -> GivenAnswer:
    """Protects /connectionSpec but not /connectionSpec/id."""
    deep = [step for step in asked.instructions if str(step.get("path")).startswith("/connectionSpec/")]
    return _kept(asked, right, [step for step in asked.instructions if step not in deep])


@broken("patch.stamps-fixed", kinds=["connections", "flows"])
def patches_stamps(asked: Asked, right: Right) -> GivenAnswer:
    """Patches id, times and owner."""
    return _kept(asked, right, [step for step in asked.instructions if _member(step) not in STAMPS])


@broken("patch.empty")
def takes_empty_patches(asked: Asked, right: Right) -> GivenAnswer:
    """Accepts an empty patch."""
    return _pretended(asked, right) if asked.patches and asked.json == [] else right(asked)


@broken("patch.no-value")
def takes_no_value_for_null(asked: Asked, right: Right) -> GivenAnswer:
    """Treats a missing value as null."""
    if not asked.patches:
        return right(asked)
    return right(
        asked.sending([s if "value" in s or _op(s) == "remove" else {**s, "value": ""} for s in asked.instructions])
    )


@broken("patch.single-instruction")
def patches_arrays_only(asked: Asked, right: Right) -> GivenAnswer:
    """Refuses a single instruction without its array."""
    alone = asked.patches and isinstance(asked.json, dict)
    return right(asked.sending("no array") if alone else asked)


@broken("patch.outcome-checked")
def patches_without_a_check(asked: Asked, right: Right) -> GivenAnswer:
    """Does not check the patched document."""
    given = right(asked)
    return _pretended(asked, right) if asked.patches and given.code in ("1100-400", "1455-400") else given


@broken("patch.params-as-a-whole")
def merges_params(asked: Asked, right: Right) -> GivenAnswer:
    """Keeps params that the patch does not contain."""
    stored = (right.entity(asked).get("auth") or {}).get("params", {}) if asked.patches else {}

    def merged(step: Item) -> Item:
        value: Any = step.get("value")
        merges = step.get("path") == "/auth/params" and isinstance(value, dict)
        return {**step, "value": {**stored, **value}} if merges else step

    return right(asked.sending([merged(step) for step in asked.instructions]) if stored else asked)


@broken("patch.disable")
def states_cannot_be_patched(asked: Asked, right: Right) -> GivenAnswer:
    """A connection cannot be disabled."""
    on_state = asked.patches and any(_member(step) == "state" for step in asked.instructions)
    return right(asked.sending([{"op": "replace", "path": "/id", "value": "x"}]) if on_state else asked)


@broken("patch.order-of-refusals delete.gone")
def looks_at_the_etag_first(asked: Asked, right: Right) -> GivenAnswer:
    """Checks the etag before the entity's existence."""
    given = right(asked)
    return given.refusing("1404-412") if asked.patches and given.code == "1439-404" else given


@broken("etag.changes-on-write patch.replaces if-match.any-case")
def patch_answers_nothing(asked: Asked, right: Right) -> GivenAnswer:
    """Responds to a patch with 204."""
    given = right(asked)
    return GivenAnswer(204, given.headers, b"") if asked.patches and given.done else given


@broken("patch.replaces filter.after-write", kinds=["flows"])
def lost_patch(asked: Asked, right: Right) -> GivenAnswer:
    """Acknowledges a patch and discards it."""
    return _pretended(asked, right) if asked.patches and asked.instructions else right(asked)
