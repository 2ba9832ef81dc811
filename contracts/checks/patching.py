"""Checks of JSON Patch: three operations in any case, all or nothing, fixed members."""

from __future__ import annotations

from contracts.findings.verdicts import expect, same, untestable
from contracts.registry import check, patched
from contracts.stage import Stage
from contracts.stage.expectations import names_are, receipt, refused, replacing, succeeded, unchanged
from contracts.stage.kinds import Kind, basic_params

PATCH = ("patchConnection",)


@check("patch.replaces", each=patched)
def replaces_one_member(stage: Stage, kind: Kind) -> None:
    """Only the named member, etag, version and update stamps change."""
    made = stage.make(kind)
    before = stage.read(made)
    name = stage.name("renamed")
    receipt(stage.patch(made, replacing("name", name)))
    after = stage.read(made)
    same(after.get("name"), name, "name")
    for member in before.keys() - {
        "name",
        "etag",
        "version",
        "updatedAt",
        "updatedBy",
        "updatedClient",
        "lastOperation",
    }:
        same(after.get(member), before[member], f"{member}, which was not patched,")


@check("patch.op-any-case", each=patched)
def operations_in_any_case(stage: Stage, kind: Kind) -> None:
    """Operations are accepted in any case: tutorials send `replace`, the document has `REPLACE`, aepp `Replace`."""
    made, etag = stage.make(kind), ""
    etag = made.etag
    for word in ("replace", "REPLACE", "Replace", "add", "ADD", "Add"):
        operation = {"op": word, "path": "/description", "value": word}
        etag = receipt(stage.patch(made, operation, etag=etag))["etag"]
        same(stage.read(made).get("description"), word, f"description after {word}")


@check("patch.add-and-remove", each=patched)
def adds_and_removes(stage: Stage, kind: Kind) -> None:
    """A missing member can be added, and removed again with or without a value."""
    made = stage.make(kind, description=None)
    added = {"op": "add", "path": "/description", "value": "added"}
    etag = receipt(stage.patch(made, added))["etag"]
    same(stage.read(made).get("description"), "added", "description after add")
    etag = receipt(stage.patch(made, {"op": "remove", "path": "/description"}, etag=etag))["etag"]
    expect(not stage.read(made).get("description"), "the description is still there after remove")


@check("patch.in-order", each=patched)
def instructions_apply_in_order(stage: Stage, kind: Kind) -> None:
    """The last instruction on a member wins, and all are one write."""
    made = stage.make(kind)
    answer = stage.patch(made, replacing("description", "first"), replacing("description", "last"))
    etag = receipt(answer)["etag"]
    item = stage.read(made)
    same((item.get("description"), item.get("etag")), ("last", etag), "description and etag")


@check("patch.unknown-op", each=patched)
def other_operations_are_refused(stage: Stage, kind: Kind) -> None:
    """`copy`, `move`, `test` and unknown operations get 1434."""
    made = stage.make(kind)
    for word in ("copy", "move", "test", "increment", ""):
        operation = {"op": word, "path": "/description", "from": "/name", "value": "x"}
        refused(stage.patch(made, operation), 400, "1434-400")


@check("patch.missing-member", each=patched)
def a_path_that_leads_nowhere_is_refused(stage: Stage, kind: Kind) -> None:
    """Replacing or removing a missing member gets 1455."""
    made = stage.make(kind)
    for word in ("replace", "remove"):
        refused(stage.patch(made, {"op": word, "path": "/colour", "value": "blue"}), 400, "1455-400")


@check("patch.atomic", each=patched)
def all_or_nothing(stage: Stage, kind: Kind) -> None:
    """If one instruction is invalid, none is applied."""
    made = stage.make(kind)
    before = stage.read(made)
    good = replacing("description", "half done")
    answer = stage.patch(made, good, {"op": "replace", "path": "/nowhere/at/all", "value": 1})
    refused(answer, 400, "1455-400", rule="patch.missing-member")
    unchanged(before, stage.read(made), "a patch whose second instruction is bad")
    answer = stage.patch(made, good, {"op": "move", "from": "/name", "path": "/description"})
    refused(answer, 400, "1434-400", rule="patch.unknown-op")
    unchanged(before, stage.read(made), "a patch with a second operation that is not taken")


@check("patch.spec-fixed", operations=PATCH)
def the_connection_spec_is_fixed(stage: Stage) -> None:
    """The spec of a connection cannot be changed, neither as a whole nor in part."""
    made = stage.make("connections")
    before = stage.read(made)
    for path, value in (("/connectionSpec", before["connectionSpec"]), ("/connectionSpec/id", "x")):
        refused(stage.patch(made, {"op": "replace", "path": path, "value": value}), 400, "1414-400")
    unchanged(before, stage.read(made), "a patch of the connection spec")


@check("patch.stamps-fixed", each=patched)
def stamps_are_fixed(stage: Stage, kind: Kind) -> None:
    """id, times, etag and owner cannot be patched."""
    made = stage.make(kind)
    before = stage.read(made)
    for member, value in (("id", "x"), ("createdAt", 1), ("etag", '"x"'), ("version", '"x"'), ("imsOrgId", "x")):
        refused(stage.patch(made, replacing(member, value)), 400)
    unchanged(before, stage.read(made), "patches of members that belong to the service")


@check("patch.empty", each=patched)
def an_empty_patch_is_refused(stage: Stage, kind: Kind) -> None:
    """A missing body gets 1405, and so does an empty array."""
    made = stage.make(kind)
    headers = {"If-Match": made.etag, "Content-Type": "application/json"}
    refused(stage.call("PATCH", made.path, headers=headers), 400, "1405-400", rule="create.body-empty")
    refused(stage.patch(made), 400, "1405-400", rule="create.body-empty")


@check("patch.no-value", each=patched)
def add_and_replace_need_a_value(stage: Stage, kind: Kind) -> None:
    """An instruction without its value is refused, not treated as null."""
    made = stage.make(kind)
    before = stage.read(made)
    for word in ("add", "replace"):
        refused(stage.patch(made, {"op": word, "path": "/description"}), 400)
    unchanged(before, stage.read(made), "instructions without a value")


@check("patch.single-instruction", each=patched)
def a_single_instruction_without_its_array(stage: Stage, kind: Kind) -> None:
    """A single instruction is accepted, as the official document types the body."""
    made = stage.make(kind)
    answer = stage.call("PATCH", made.path, replacing("description", "alone"), headers={"If-Match": made.etag})
    receipt(answer)
    same(stage.read(made).get("description"), "alone", "description")


@check("patch.outcome-checked", operations=PATCH)
def the_outcome_is_checked(stage: Stage) -> None:
    """A patched connection must be as valid as a new one."""
    if stage.settings.connection:
        untestable("the connection is the operator's own")
    made = stage.make("connections")
    before = stage.read(made)
    without = {key: value for key, value in basic_params(stage.canary).items() if key != "server"} | {"port": "5433"}
    answer = stage.patch(made, replacing("auth/params", without))
    if answer.succeeded:
        stage.read(made)  # an observer tells if the params were merged
    refused(answer, 400, "1100-400", rule="create.param-missing")
    refused(stage.patch(made, replacing("name", "")), 400, rule="create.name-missing")
    refused(stage.patch(made, {"op": "remove", "path": "/name"}), 400, rule="create.name-missing")
    refused(stage.patch(made, replacing("state", "asleep")), 400, "1456-400", rule="create.state")
    answer = stage.patch(made, replacing("auth/specName", "Carrier Pigeon Authentication"))
    refused(answer, 400, "1415-400", rule="create.unknown-auth-spec")
    unchanged(before, stage.read(made), "patches with a bad outcome")


@check("patch.params-as-a-whole", operations=PATCH)
def params_are_replaced_as_a_whole(stage: Stage) -> None:
    """`replace /auth/params` removes all former params."""
    if stage.settings.connection:
        untestable("the connection is the operator's own")
    made = stage.make("connections")
    params = {key: value for key, value in basic_params(stage.canary).items() if key != "sslMode"}
    receipt(stage.patch(made, replacing("auth/params", {**params, "server": "other.example.com"})))
    shown = stage.read(made)["auth"]["params"]
    names_are(shown, params, "names in auth.params")
    same(shown["server"], "other.example.com", "auth.params.server")


@check("patch.disable", operations=PATCH)
def a_connection_can_be_disabled(stage: Stage) -> None:
    """A connection can be disabled and enabled again."""
    made = stage.make("connections")
    etag = receipt(stage.patch(made, replacing("state", "disabled")))["etag"]
    same(stage.read(made).get("state"), "disabled", "state")
    receipt(stage.patch(made, replacing("state", "enabled"), etag=etag))
    same(stage.read(made).get("state"), "enabled", "state")


@check("patch.order-of-refusals", each=patched)
def an_absent_entity_comes_before_its_etag(stage: Stage, kind: Kind) -> None:
    """A patch of an unknown entity gets 404, whatever the etag."""
    made = stage.make(kind)
    path = f"{kind.path}/00000000-0000-4000-8000-000000000000"
    headers = {"If-Match": made.etag}
    refused(stage.call("PATCH", path, [replacing("description", "x")], headers=headers), 404, "1439-404")


@check("patch.trailing-slash", each=patched)
def a_trailing_slash_changes_nothing(stage: Stage, kind: Kind) -> None:
    """PATCH works with a slash, as in the official document, and without, as in tutorials."""
    made = stage.make(kind)
    headers = {"If-Match": made.etag}
    receipt(stage.call("PATCH", made.path + "/", [replacing("description", "slashed")], headers=headers))
    item = succeeded(stage.call("GET", made.path + "/"))["items"][0]
    same(item.get("description"), "slashed", "description")
