"""What a fault is followed by is no finding of its own, also if the run meets it before its cause."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from contracts.broken import load, proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.findings.causes import of_kind
from contracts.findings.verdicts import FAILED, NOT_COMPARABLE
from contracts.registry import Check
from contracts.schema.differences import NAMES
from contracts.settings import MADE_UP, Settings
from contracts.stage import Stage
from contracts.wire import WsgiTransport
from tests.contracts.shapes import names
from tests.contracts.test_wrong_servers import CONNECTIONS, DOCUMENT, Fault, everywhere, judged


def no_etag_anywhere(asked: Asked, right: Right) -> GivenAnswer:
    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: without(inner) for name, inner in value.items() if name != "etag"}
        return [without(item) for item in value] if isinstance(value, list) else value

    given = right(asked).having("ETag", None)
    return given.saying(without(given.json)) if given.done and given.body else given


def weak_etags(asked: Asked, right: Right) -> GivenAnswer:
    def weak(name: str, value: Any) -> Any:
        return f"W/{value}" if name == "etag" and isinstance(value, str) else value

    sent = asked.headers.get("if-match")
    given = right(asked.having(if_match=sent.removeprefix("W/")) if sent else asked)
    header = given.header("etag")
    given = given.having("ETag", f"W/{header}") if header else given
    return given.saying(everywhere(given.json, weak)) if given.done and given.body else given


def refuses_with_200(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, status=200) if given.status >= 400 else given


def refuses_with_400(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, status=400) if 400 <= given.status < 500 else given


def ignores_patches(asked: Asked, right: Right) -> GivenAnswer:
    entity = right.entity(asked) if asked.patches and "if-match" in asked.headers else {}
    if not entity:
        return right(asked)
    return right(asked.instead("GET", asked.path)).saying({"id": entity["id"], "etag": entity["etag"]})


def ids_are_numbers(asked: Asked, right: Right) -> GivenAnswer:
    """As in the database: a request may name either."""
    numbers = right.memory.setdefault("numbers", {})
    known = {str(number): entity_id for entity_id, number in numbers.items()}
    path = re.sub(r"\b9[0-9]{8}\b", lambda found: known.get(found[0], found[0]), asked.path)
    given = right(replace(asked, path=path))

    def as_number(name: str, value: Any) -> Any:
        is_id = name == "id" and isinstance(value, str) and asked.kind == "connections"
        return numbers.setdefault(value, 900_000_000 + len(numbers)) if is_id else value

    return given.saying(everywhere(given.json, as_number)) if given.done and given.body else given


def fault(name: str) -> Fault:
    """The fault of a server of `contracts/broken`."""
    return load()[name].fault


def byte_order_marks(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return replace(given, body=b"\xef\xbb\xbf" + given.body) if given.body else given


snake_case = names(lambda name: re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name))
LOCATED = frozenset({"createConnection", "createXdmResource", "previewMappingSet"})
INLETS = frozenset({"createConnection", "sendMessage"})
ONE: dict[str, tuple[Fault, str, frozenset[str]]] = {
    "merges objects": (fault("merges-objects-that-replace"), "entity.as-written", CONNECTIONS),
    "no etag": (no_etag_anywhere, "answer.schema", CONNECTIONS),
    "weak etags": (weak_etags, "answer.schema", CONNECTIONS),
    "refuses with 200": (refuses_with_200, "answer.documented-status", CONNECTIONS | INLETS),
    "refuses with 400": (refuses_with_400, "error.status-and-code-agree", INLETS),
    "ignores patches": (ignores_patches, "entity.as-written", CONNECTIONS),
    "patches without a check": (fault("patches-without-a-check"), "etag.never-repeated", CONNECTIONS),
    "first id for all": (fault("first-id-for-all"), "create.id-unique", CONNECTIONS),
    "ids in capitals": (fault("ids-in-capitals"), "answer.schema", CONNECTIONS),
    "location of another": (fault("location-of-another"), "create.location", LOCATED),
    "projection ignored": (fault("projection-ignored"), "list.projection", CONNECTIONS),
    "ids are numbers": (ids_are_numbers, "answer.schema", CONNECTIONS),
}
"""The server, the check of its only finding, and the operations of the run."""


@pytest.mark.parametrize(("server", "check", "operations"), ONE.values(), ids=ONE)
def test_one_fault_is_one_finding(server: Fault, check: str, operations: frozenset[str]) -> None:
    found = judged(server, operations=operations)
    labels = [f"{finding.label}: {finding.first.message}" for finding in found.findings]
    assert [finding.first.check for finding in found.findings] == [check], "\n".join(labels)
    assert (found.report.trouble, found.report.left, found.entities) == ([], [], 0)
    failed = [outcome for outcome in found.report.having(FAILED) if outcome.check != check]
    assert failed == [] and found.report.having(NOT_COMPARABLE)


def test_a_byte_order_mark_is_a_finding() -> None:
    found = judged(byte_order_marks, operations=frozenset({"listConnectionSpecs"}))
    assert [finding.cause for finding in found.findings] == ["byte order mark"]


def test_a_member_of_another_spelling_is_not_lacking() -> None:
    def reads(stage: Stage) -> None:
        stage.call("GET", "/connectionSpecs").json["items"][0]["providerId"]

    transport = WsgiTransport(Wrapped(proof.right({})[0], snake_case))
    stage = Stage(transport, Settings("http://127.0.0.1", MADE_UP), DOCUMENT)
    outcome = Check("spec.list", reads, None, False, ()).judge(stage.fresh(), None)
    assert outcome.cause == of_kind(NAMES), outcome.message


def test_an_id_in_capitals_hides_no_id_that_is_given_twice() -> None:
    servers = load()
    capitals, twice = (servers[name].fault for name in ("ids-in-capitals", "first-id-for-all"))
    memory: dict[str, Any] = {}

    def both(asked: Asked, right: Right) -> GivenAnswer:
        return twice(asked, Right(lambda one: capitals(one, right), memory))

    found = judged(both, operations=frozenset({"createConnection"}))
    assert "create.id-unique" in [finding.first.check for finding in found.findings], found.everything
    assert any("letter case" in finding.cause for finding in found.findings)
