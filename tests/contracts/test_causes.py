"""Tests how failures are grouped: by cause, by symptom, and by what is supposed until a response refutes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.findings.causes import Causes
from contracts.findings.suppositions import GATEWAY, UNREFUSED, refused_kinds, unrefused
from contracts.findings.verdicts import FAILED, NOT_COMPARABLE, Outcome
from contracts.wire import Answer, Sent


def failed(check: str, *, cause: str = "", symptom: str = "", rule: str = "") -> Outcome:
    return Outcome(check, "", FAILED, f"{check} failed", cause=cause or check, symptom=symptom, rule=rule)


def test_failures_of_the_same_kind_of_request_in_the_same_way_are_one_finding() -> None:
    causes = Causes()
    first = causes.add(failed("explore.test", symptom="GET /*/{}/test: false in place of true"))
    same = causes.add(failed("journey.connect", symptom="GET /*/{}/test: false in place of true"))
    other = causes.add(failed("explore.root", symptom="GET /*/{}/explore: no list"))
    assert [one.verdict for one in (first, same, other)] == [FAILED, NOT_COMPARABLE, FAILED]
    assert same.message == "not comparable, because explore.test failed"


def test_a_symptom_leads_only_to_a_finding_whose_own_check_has_it() -> None:
    causes = Causes()
    causes.add(failed("answer.schema", cause="schema id"))
    causes.add(failed("create.kept", cause="schema id", symptom="GET /*/{}: no name"))
    assert causes.add(failed("patch.replaces", symptom="GET /*/{}: no name")).verdict == FAILED


def test_a_rule_that_a_check_found_broken_is_one_finding_with_what_breaks_it_elsewhere() -> None:
    causes = Causes()
    alone = causes.add(failed("patch.empty", cause="code 1434-400", rule="create.body-empty"))
    causes.add(failed("create.name-missing", cause="never refuses POST /*"))
    same = causes.add(failed("patch.outcome-checked", cause="create.name-missing", rule="create.name-missing"))
    known = causes.add(failed("patch.trailing-slash", cause="code 1434-400", rule="create.name-missing"))
    assert [one.verdict for one in (alone, same, known)] == [FAILED, NOT_COMPARABLE, NOT_COMPARABLE]
    assert same.message == "not comparable, because create.name-missing failed"
    assert known.message == "not comparable, because patch.empty failed"


def test_what_was_supposed_to_be_one_cause_is_told_apart_once_a_response_refutes_it() -> None:
    causes, cause = Causes(), f"{UNREFUSED}PATCH /*/{{}}"
    names = ("patch.atomic", "patch.unknown-op", "patch.no-value")
    shown = [causes.add(failed(name, cause=cause, symptom=f"symptom of {name}")) for name in names]
    assert [one.verdict for one in shown] == [FAILED, NOT_COMPARABLE, NOT_COMPARABLE]
    freed = causes.refute(cause)
    assert [before for before, _ in freed] == shown[1:]
    assert [(after.check, after.verdict) for _, after in freed] == [(name, FAILED) for name in names[1:]]
    assert [finding.label for finding in causes.findings] == list(names)
    assert causes.refute(cause) == causes.refute("another cause") == []


def answer(method: str, target: str, status: int, code: str = "", *, sent: Any = None, gateway: bool = False) -> Answer:
    headers = () if sent is None else (("Content-Type", "application/json"),)
    request = Sent(method, target, headers, b"" if sent is None else json.dumps(sent).encode())
    body = {"error_code": code} if gateway else {"type": f"https://ns.adobe.com/aep/errors/FLOW-{code}"}
    return Answer(request, target, status, (), json.dumps(body).encode())


PATCH = [{"op": "copy", "path": "/name"}]


@pytest.mark.parametrize(
    ("refusal", "kinds"),
    [
        (answer("PATCH", "/flows/1", 400, "1434-400", sent=PATCH), ["PATCH /*/{}"]),
        (answer("PATCH", "/flows/1", 400, "1403-400", sent=PATCH), []),  # for want of a header
        (answer("PATCH", "/flows/1", 404, "1439-404", sent=PATCH), []),
        (answer("POST", "/flows", 400, "1405-400"), []),
        (answer("POST", "/connections", 422, sent={"name": ""}), ["POST /*"]),
        (answer("GET", "/connections?limit=0", 400, "1452-400"), ["GET /*?limit"]),
        (answer("GET", "/connections", 403, "403000", gateway=True), [GATEWAY]),
        (answer("GET", "/connections", 503, "503000", gateway=True), []),
    ],
)
def test_a_refusal_shows_which_kind_of_request_is_checked(refusal: Answer, kinds: list[str]) -> None:
    assert list(refused_kinds(refusal)) == kinds


@pytest.mark.parametrize(
    ("accepted", "kind"),
    [
        (answer("PATCH", "/flows/1", 200, sent=PATCH), "PATCH /*/{}"),
        (answer("GET", "/connections?orderby=colour", 200), "GET /*?orderby"),
        (answer("GET", "/connections/unknown", 200), ""),
        (answer("PATCH", "/flows/1", 400, sent=PATCH), ""),
    ],
)
def test_only_a_success_may_be_a_request_that_is_never_refused(accepted: Answer, kind: str) -> None:
    assert unrefused(accepted) == kind
