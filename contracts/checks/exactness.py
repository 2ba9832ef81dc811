"""Checks for nearly correct servers: values exactly as sent, one state in every view, the right author of a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.findings.verdicts import expect, same, same_types, untestable
from contracts.registry import any_kind, check, drafted, patched
from contracts.stage import Stage, filters
from contracts.stage.expectations import etag_header, ids, receipt, replacing, succeeded
from contracts.stage.kinds import Kind, basic_params
from contracts.stage.ledger import Made
from contracts.wire import Answer

TEXTS = {
    "long": "x" * 3000 + " end",
    "very long": "y" * 70_000 + " end",
    "padded": "  two spaces before,  two between, one after ",
    "decomposed or in mixed case": "cafe\u0301 A\u030a \u1112\u1161\u11ab Straße İstanbul ĲSSEL ﬁn ①",
    "with line breaks or invisible signs": "1\n2\r\n3\r\t\u2028\u00a0\u200b\u200d\ufeff\u202e\u00ad\x01\x7f🐘\n",
    "empty": "",
}
"""Descriptions that a server must not trim, cut, normalise or omit."""

MAX_TEXT = 10_000
"""Maximum characters; longer texts may be refused, but not cut."""

CONTENT: Mapping[str, Any] = {
    "big": 9007199254740993,
    "least": -9223372036854775808,
    "milliseconds": 1795913493821,
    "ratio": 0.1,
    "whole": "1.0",
    "digits": "007",
    "none": None,
    "false": False,
    "empty text": "",
    "empty object": {},
    "empty list": [],
    "text": " cafe\u0301 ",
    "list": [3, 1, 2, 2, {"b": None, "a": [[]]}],
    "numbers": [2.0, 1e-7, 123456.789012345, 1.7976931348623157e308],
    "date": "2026-11-29T05:00:00Z",
    "id": "7738EE60-7A92-4F21-9400-F84CDA8EEAE0",
    "deep": {"1": {"2": {"3": {"4": {"5": {"6": {"7": {"8": {"9": [[[["end"]]]]}}}}}}}}},
    "many": list(range(120)),
    "$ref": "#/a",
    "a.b": 1,
    "x/y~z": {"": 1},
    "k" * 100: 1,
    "Text": "beside text",
}
"""Free content of the client."""


@check("create.as-sent", each=any_kind)
def members_come_back_as_they_were_sent(stage: Stage, kind: Kind) -> None:
    """Texts are returned unchanged in look-up, list and search, new or patched."""
    for what, text in TEXTS.items():
        sent = {"name": stage.name(f"Mixed Case {text[:60]}") + " ", "description": text}
        if len(text) > MAX_TEXT and stage.call("POST", kind.path, stage.body(kind, **sent)).status in (400, 413):
            continue
        made = stage.make(kind, **sent)
        _shown_everywhere(stage, made, sent, f"a text that is {what}")
        if kind.patched:
            patched_texts = {name: f"{value}.\n" for name, value in sent.items()}
            receipt(stage.patch(made, *(replacing(name, value) for name, value in patched_texts.items())))
            _shown_everywhere(stage, made, patched_texts, f"a patched text that is {what}")


@check("create.content-as-sent", each=lambda kind: kind.name != "connections")
def content_comes_back_as_it_was_sent(stage: Stage, kind: Kind) -> None:
    """64-bit numbers, null, empty values, order and unknown members are returned unchanged, new or patched."""
    member, value = free_content(stage, kind, CONTENT)
    made = stage.make(kind, **{member: value})
    _shown_everywhere(stage, made, {member: value}, "free content")
    if kind.patched:
        receipt(stage.patch(made, replacing(member, value)))
        _shown_everywhere(stage, made, {member: value}, "patched free content")


@check("create.once", each=any_kind)
def a_creation_makes_one(stage: Stage, kind: Kind) -> None:
    """One creation creates one entity; sent again, it creates a second one."""
    name = stage.name("once")
    made = [stage.make(kind, name=name)]
    same(ids(stage.listed(f"{kind.path}?{filters('name==' + name)}")), ids_of(made), "entities with the name of one")
    made.append(stage.make(kind, name=name))
    found = ids(stage.listed(f"{kind.path}?{filters('name==' + name)}"))
    same(sorted(found), sorted(ids_of(made)), "entities with the name of two")


@check("etag.after-each-write", each=patched)
def one_state_everywhere_after_each_write(stage: Stage, kind: Kind) -> None:
    """After every kind of write, all views show one etag and one entity."""
    made = stage.make(kind)
    _one_state(stage, made.path, made.answer, "a creation")
    etag = _one_state(stage, made.path, stage.patch(made, replacing("description", "patched")), "a patch")
    patched_again = stage.patch(made, replacing("name", stage.name("again")), replacing("description", "2"), etag=etag)
    etag = _one_state(stage, made.path, patched_again, "a patch of two members")
    for member, value in _changes(stage, made):
        change = stage.patch(made, replacing(member, value), etag=etag)
        etag = _one_state(stage, made.path, change, f"a patch of {member}")
    if "x-api-key" not in stage.settings.given:
        change = stage.patch(made, replacing("description", "theirs"), etag=etag, **{"x-api-key": "contract-suite-2"})
        _one_state(stage, made.path, change, "a patch by another client")
    if kind.name == "flows":
        for word in ("disable", "enable"):
            _one_state(stage, made.path, stage.call("POST", f"{made.path}/action?op={word}"), f"the action {word}")
    if kind.drafted:
        draft = stage.call("POST", f"{kind.path}?mode=draft", stage.body(kind))
        path = f"{kind.path}/{receipt(draft, 201)['id']}"
        etag = _one_state(stage, path, draft, "a draft")
        change = stage.call("PATCH", path, [replacing("description", "drafted")], headers={"If-Match": etag})
        _one_state(stage, path, change, "a patch of a draft")
        _one_state(stage, path, stage.call("POST", f"{path}/action?op=publish"), "a publication")


@check("audit.stamps-move", each=patched)
def a_write_is_stamped(stage: Stage, kind: Kind) -> None:
    """Each write increases `updatedAt` if time has passed; author and client of the creation stay."""
    made = stage.make(kind)
    before = stage.read(made)
    for member in ("createdBy", "updatedBy", "createdClient", "updatedClient"):
        expect(before.get(member), f"a new entity without {member}")
    etag = made.etag
    for number in range(200):
        etag = receipt(stage.patch(made, replacing("description", str(number)), etag=etag))["etag"]
        after = stage.read(made)
        if after["updatedAt"] > before["updatedAt"]:
            break
    else:
        untestable("200 patches in one millisecond: the server's clock stands still")
    for member in ("id", "createdAt", "createdBy", "createdClient", "imsOrgId", "sandboxName", "sandboxId"):
        same(after.get(member), before.get(member), f"{member} after a patch")
    same(after.get("updatedBy"), before.get("updatedBy"), "updatedBy after a patch by the same user")


@check("audit.other-client", each=patched)
def another_clients_write_bears_its_name(stage: Stage, kind: Kind) -> None:
    """A patch with another API key changes `updatedClient` and `updatedAt`; the creator stays."""
    if "x-api-key" in stage.settings.given:
        untestable("a second API key is needed, and the one given is the operator's")
    made = stage.make(kind)
    before = stage.read(made)
    same(before.get("createdClient"), stage.headers["x-api-key"], "createdClient of a new entity")
    other = {"x-api-key": "contract-suite-2"}
    written = receipt(stage.patch(made, replacing("description", "by another client"), **other))
    after = _entity(stage, made.path)
    same(after.get("updatedClient"), "contract-suite-2", "updatedClient after a patch by another API key")
    same(after.get("createdClient"), before.get("createdClient"), "createdClient after a patch by another API key")
    expect(after.get("updatedBy") != before.get("updatedBy"), "updatedBy is the first client's after another's write")
    same(after.get("createdBy"), before.get("createdBy"), "createdBy after a patch by another API key")
    same((after.get("etag"), after.get("version")), (written["etag"],) * 2, "etag and version")
    listed = stage.listed(f"{kind.path}?{filters('id==' + made.id)}")
    same(listed, [after], "the entity in a list after another client's write")


@check("draft.shown", each=drafted)
def a_draft_is_listed_as_one(stage: Stage, kind: Kind) -> None:
    """Look-up and list show a draft with the state `draft`, and a filter finds it by this state."""
    made = receipt(stage.call("POST", f"{kind.path}?mode=draft", stage.body(kind)), 201)
    shown = _entity(stage, f"{kind.path}/{made['id']}")
    listed = stage.listed(f"{kind.path}?{filters('id==' + made['id'], 'state==draft')}")
    same(listed, [shown], "the draft in a list of drafts")
    same(stage.listed(f"{kind.path}?{filters('id==' + made['id'], 'state==enabled')}"), [], "drafts among the enabled")


def ids_of(made: list[Made]) -> list[str]:
    """The ids of entities, in the order of creation."""
    return [entity.id for entity in made]


def free_content(stage: Stage, kind: Kind, own: Mapping[str, Any]) -> tuple[str, Any]:
    """A member with free content of the client."""
    body = stage.body(kind)
    if kind.name == "flows":
        first, *others = body["transformations"]
        return "transformations", [{**first, "params": {**first["params"], "own": dict(own)}}, *others]
    return "params", {**body["params"], "own": dict(own)}


def _changes(stage: Stage, made: Made) -> list[tuple[str, Any]]:
    """New values for the patchable members of a kind, each more than once."""
    body = made.body
    if made.kind.name == "connections":
        if stage.connection is not None:
            return []
        params = [
            {**basic_params(stage.canary), "username": user, "port": port} for user, port in (("a", "1"), ("b", "2"))
        ]
        return [("state", "disabled"), *(("auth/params", value) for value in params)]
    if made.kind.name == "flows":
        schedule, (first, *others) = body["scheduleParams"], body["transformations"]
        return [
            (member, value)
            for number in ("1", "2")  # minutes after midnight, and of the mapping's version
            for member, value in (
                ("scheduleParams", {**schedule, "startTime": str(4102444800 + 60 * int(number))}),
                ("transformations", [{**first, "params": {**first["params"], "mappingVersion": number}}, *others]),
            )
        ]
    return [("params", {**body["params"], "own": text}) for text in ("first", "second")]


def _entity(stage: Stage, path: str) -> dict[str, Any]:
    items = succeeded(stage.call("GET", path))["items"]
    same(len(items), 1, f"number of entities at {path}")
    return dict(items[0])


def views(stage: Stage, path: str) -> dict[str, dict[str, Any]]:
    """An entity as shown by look-up, list and search."""
    name, entity_id = path.strip("/").split("/")
    kind = stage.kind(name)
    text = f"id=={entity_id}"
    found = {"lookup": _entity(stage, path)}
    lists = {"list": succeeded(stage.call("GET", f"{kind.path}?{filters(text)}"))}
    if kind.searched:
        lists["search"] = succeeded(stage.call("POST", f"{kind.path}/search", {"queryString": f"property={text}"}))
    for view, page in lists.items():
        same(ids(page["items"]), [entity_id], f"entities of a {view} by id")
        found[view] = page["items"][0]
    return found


def _shown_everywhere(stage: Stage, made: Made, expected: dict[str, Any], what: str) -> None:
    shown = views(stage, made.path)
    for view, item in shown.items():
        same(item, shown["lookup"], f"{what}, in a {view}: the entity")
        for member, value in expected.items():
            same(item.get(member), value, f"{what}, in a {view}: {member}")
            same_types(item.get(member), value, f"{what}, in a {view}: {member}")


def _one_state(stage: Stage, path: str, write: Answer, what: str) -> str:
    """Expect that all views agree after a write; returns the etag."""
    etag = receipt(write, write.status if write.succeeded else 200)["etag"]
    etag_header(write, etag, f"ETag of the answer to {what}")
    answer = stage.call("GET", path)
    etag_header(answer, etag, f"ETag of the lookup after {what}")
    lookup, *others = views(stage, path).items()
    same((lookup[1].get("etag"), lookup[1].get("version")), (etag, etag), f"etag and version after {what}")
    for view, item in others:
        same(item, lookup[1], f"the entity in a {view} after {what}", f"stale {view}")
    return str(etag)
