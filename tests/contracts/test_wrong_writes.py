"""A server that is wrong about writes, versions, times or members everywhere gives one finding; two give both."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Item, Right
from contracts.findings.causes import in_schema
from contracts.findings.verdicts import FAILED, Broken, same
from contracts.schema.document import Document
from contracts.stage.entities import Entities
from tests.contracts.test_wrong_servers import CONNECTIONS, Fault, judged

STAMPS = ("etag", "version", "updatedAt", "updatedBy", "updatedClient", "lastOperation")
TEN_YEARS = 10 * 365 * 86_400_000
FLOWS = CONNECTIONS | {"createFlow", "patchFlow", "retrieveFlow"}


def _place(asked: Asked) -> str:
    return "/" + "/".join(asked.parts[:2])


def _before(asked: Asked, right: Right) -> Item:
    return right.entity(asked) if asked.patches or asked.acts else {}


def acknowledges_patches_only(asked: Asked, right: Right) -> GivenAnswer:
    before = _before(asked, right) if asked.patches else {}
    given = right(asked)
    if before and given.done:
        right.memory.setdefault(_place(asked), {name: before[name] for name in before if name not in STAMPS})
    if asked.acts and given.done:
        right.memory.get(_place(asked), {}).pop("state", None)

    def shown(item: Item) -> Item:
        old = right.memory.get(f"/{asked.kind}/{item.get('id')}", {})
        return {**item, **{name: value for name, value in old.items() if name in item}}

    return given.showing(shown)


def one_version_behind(asked: Asked, right: Right) -> GivenAnswer:
    before = _before(asked, right)
    given = right(asked)
    if before and given.done:
        right.memory[_place(asked)] = before
    old = right.memory.get(asked.path) if asked.looks_up and given.done else None
    return given.telling(items=[old]) if old else given


def more_members(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.telling(extra="x", _debug={"t": 1}) if asked.method != "HEAD" else given


def more_members_of_entities(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked).showing(lambda item: {**item, "tenantId": "acme", "href": "/x"})


def shifted(*names: str) -> Fault:
    def shown(item: Item) -> Item:
        return {**item, **{name: item[name] + TEN_YEARS for name in names if name in item}}

    return lambda asked, right: right(asked).showing(shown)


SERVERS: dict[str, tuple[Fault, str]] = {
    "patches have no effect": (acknowledges_patches_only, "entity.as-written"),
    "look-ups are one write behind": (one_version_behind, "entity.as-written"),
    "more members in every body": (more_members, "answer.schema"),
    "more members in every entity": (more_members_of_entities, "list.projection"),
    "created in the future": (shifted("createdAt"), "time.created-first"),
    "all times in the future": (shifted("createdAt", "updatedAt"), "time.etag-second"),
}


@pytest.mark.parametrize(("server", "seen"), SERVERS.values(), ids=SERVERS)
def test_one_cause_is_one_finding(server: Fault, seen: str) -> None:
    found = judged(server, operations=FLOWS)
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert [finding.first.check for finding in found.findings] == [seen], "\n".join(labels)
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)


def loses_descriptions(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked).showing(lambda item: {name: value for name, value in item.items() if name != "description"})


@pytest.mark.parametrize("name", ["more members in every body", "created in the future"])
def test_another_fault_is_found_beside_it(name: str) -> None:
    server = SERVERS[name][0]

    def both(asked: Asked, right: Right) -> GivenAnswer:
        return server(asked, Right(lambda one: loses_descriptions(one, right), right.memory))

    found = judged(both)
    checks = [finding.first.check for finding in found.findings]
    assert SERVERS[name][1] in checks and "entity.as-written" in checks, found.report.having(FAILED)


def test_an_etag_is_former_only_after_a_later_write() -> None:
    known = Entities()
    known.learn_version("1", '"a"', written=True)
    known.learn_version("1", '"b"', written=False)  # a look-up shows another etag
    assert known.version("1") == '"b"' and not known.is_former("1", '"a"') and not known.is_former("1", '"b"')
    known.learn_version("1", '"c"', written=True)
    assert known.version("1") == '"c"' and known.is_former("1", '"a"') and not known.is_former("1", '"c"')
    known.learn_version("1", '"a"', written=False)
    assert known.version("1") == '"c"'
    known.learn_version("1", '"a"', written=True)  # a write that restores an etag
    assert known.version("1") == '"a"' and known.is_former("1", '"c"')
    assert known.version("2") is None and not known.is_former("2", '"a"')


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"count": 1, "extra": "x", "_debug": {}}, "schema kind added _debug"),
        ({"items": [], "count": 1, "extra": "x"}, "schema $ form"),
        ({}, "schema $ form"),
    ],
)
def test_members_beside_a_count_are_members_that_must_not_be_there(body: Any, cause: str) -> None:
    document = Document.load()
    operation = document.match("GET", "/connections?count=true")
    assert operation is not None
    departure = document.departure(operation, 200, body)
    assert departure is not None and in_schema("", departure).cause == cause


def test_a_member_that_only_the_expected_value_has_is_of_the_same_kind() -> None:
    for came, expected in (({}, {"extra": 1}), ({"extra": 1}, {})):
        with pytest.raises(Broken) as broken:
            same(came, expected, "an entity")
        assert broken.value.kinds == {"added extra"}
