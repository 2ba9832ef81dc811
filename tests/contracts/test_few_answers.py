"""A server with one answer for everything, with few operations, or with a success for what is absent: one finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings.causes import Causes
from contracts.findings.verdicts import FAILED, NOT_COMPARABLE, PASSED, Outcome
from tests.contracts.test_wrong_servers import CONNECTIONS, Fault, judged

JSON = (("Content-Type", "application/json"), ("x-request-id", "1"))


def always(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Fault:
    return lambda asked, right: GivenAnswer(status, (*JSON, *headers), b"" if asked.method == "HEAD" else body)


CONSTANT: dict[str, tuple[Fault, str]] = {
    "not found": (always(404, b'{"title":"no"}'), "answers 404 to every request"),
    "redirect": (always(302, b"", ("Location", "/login")), "answers 302 to every request"),
    "refused": (always(403, b'{"error_code":"403000","message":"no"}'), "answers 403 to every request: give valid"),
    "no token": (always(401, b'{"error_code":"401013","message":"no"}'), "answers 401 to every request: give a fresh"),
    "HTML": (always(200, b"<html></html>"), "answers 200 to every request"),
    "empty object": (always(200, b"{}"), "answers 200 to every request"),
    "server error": (always(500, b""), "answers 500 to every request"),
}


@pytest.mark.parametrize(("server", "ended"), CONSTANT.values(), ids=CONSTANT)
def test_one_answer_to_everything_ends_the_run_and_nothing_else_is_compared(server: Fault, ended: str) -> None:
    found = judged(server, operations=frozenset())
    assert len(found.findings) == 1 and ended in found.report.ended
    rest = [outcome.verdict for outcome in found.report.outcomes if outcome.verdict != FAILED]
    assert len(rest) > 500 and set(rest) == {NOT_COMPARABLE}
    assert found.report.exchanges < 12 and (found.report.trouble, found.report.left) == ([], [])


def serving(*kinds: str) -> Fault:
    """A server with the lists of these collections, and nothing else."""

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        if asked.lists and asked.kind in kinds:
            return right(asked)
        absent = right(asked.instead("GET", "/nowhere"))
        return replace(absent, body=b"") if asked.method == "HEAD" else absent

    return fault


@pytest.mark.parametrize("kinds", [(), ("connectionSpecs",), ("connections", "connectionSpecs")])
def test_all_operations_that_a_server_lacks_are_one_finding(kinds: tuple[str, ...]) -> None:
    found = judged(serving(*kinds), operations=frozenset())
    checks = [finding.first.check for finding in found.findings]
    assert checks[0] == "answer.collection-there" and len(checks) <= 2, checks
    assert len(found.report.having(NOT_COMPARABLE)) > 500
    if kinds:
        assert "POST /connections" in found.findings[0].places, "the finding names what is missing"


def empty_for_404(asked: Asked, right: Right) -> GivenAnswer:
    given = right(asked)
    return given.saying({"items": []}, 200) if given.status == 404 and asked.method != "HEAD" else given


def test_an_empty_list_for_what_is_absent_is_one_finding() -> None:
    found = judged(empty_for_404, operations=CONNECTIONS | {"retrieveEncryptionKey", "createEncryptionKey"})
    assert [finding.cause for finding in found.findings] == ["absent entity"], found.everything
    assert len(found.report.having(NOT_COMPARABLE)) > 10


def test_a_failure_after_a_fault_depends_on_it_until_a_check_passes_with_that_fault() -> None:
    causes = Causes()
    causes.add(Outcome("etag.shape", "", FAILED, "a wrong etag", cause="etag shape"))
    causes.add(Outcome("answer.json", "", FAILED, "no JSON", cause="not JSON"))
    hidden = [
        causes.add(Outcome(name, "", FAILED, f"{name} failed", cause=name, met=(cause,)))
        for name, cause in (("patch.remove", "etag shape"), ("list.fresh", "not JSON"))
    ]
    assert [one.verdict for one in hidden] == [NOT_COMPARABLE, NOT_COMPARABLE]
    causes.add(Outcome("patch.add", "", PASSED, met=("etag shape",)))
    later = causes.add(
        Outcome("patch.atomic", "", FAILED, "patch.atomic failed", cause="patch.atomic", met=("etag shape",))
    )
    assert later.verdict == FAILED
    freed = [pair for cause in causes.harmless for pair in causes.refute(cause, always=False)]
    assert [(before.check, after.check, after.verdict) for before, after in freed] == [
        ("patch.remove", "patch.remove", FAILED)
    ]
