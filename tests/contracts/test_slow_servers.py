"""A server that limits its rate is obeyed within a budget; one that is slow ends with what was not covered."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings.verdicts import UNTESTABLE
from contracts.stage.throttle import MAX_WAITED, Throttle, asked_for
from contracts.wire import Answer, Sent
from tests.contracts.test_wrong_servers import NUMBERS, Fault, judged


def limited(asked: Asked, after: str | None) -> GivenAnswer:
    told = json.dumps({"error_code": "429050", "message": "Too many requests"}).encode()
    body = b"" if asked.method == "HEAD" else told
    given = GivenAnswer(429, (("Content-Type", "application/json"), ("x-request-id", f"limit-{next(NUMBERS)}")), body)
    return given.having("Retry-After", after)


def throttling(every: int, after: str | None) -> Fault:
    """A server that turns away one request of several."""
    served = itertools.count(1)

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        return right(asked) if next(served) % every else limited(asked, after)

    return fault


def test_a_server_that_limits_its_rate_is_obeyed_and_has_no_finding() -> None:
    found = judged(throttling(7, "0"))
    assert found.findings == [] and (found.report.left, found.report.ended) == ([], "")
    assert "as the server asked with 429 and Retry-After" in found.everything


@pytest.mark.parametrize("after", ["99999", None])
def test_a_server_that_names_no_time_or_too_long_a_one_is_not_waited_for(after: str | None) -> None:
    server = throttling(7, after)
    found = judged(server)
    assert len(found.findings) <= 2 and found.report.waited == ""


def test_generated_requests_wait_too() -> None:
    found = judged(throttling(5, "0"), operations=frozenset({"listFlowSpecs"}), examples=1)
    assert found.findings == [], found.everything
    assert found.report.waited


def answer(after: str, status: int = 429) -> Answer:
    return Answer(Sent("GET", "/flows"), "/flows", status, (("Retry-After", after),), b"")


def test_all_waits_of_a_run_have_a_limit() -> None:
    waited: list[float] = []
    throttle = Throttle(waited.append)
    while throttle.obeys(answer("45")):
        pass
    assert sum(waited) == throttle.seconds <= MAX_WAITED and len(waited) == throttle.waits == 6
    assert str(throttle) == "waited 6 times, 270 s in all, as the server asked with 429 and Retry-After"
    assert throttle.obeys(answer("20")) and not throttle.obeys(answer("20"))
    assert str(Throttle(waited.append)) == ""


def test_the_time_to_wait_is_a_number_or_a_date() -> None:
    assert asked_for(answer("12")) == 12 and asked_for(answer("Thu, 01 Jan 2026 00:00:00 GMT")) == 0
    assert asked_for(answer("Fri, 01 Jan 2100 00:00:00 GMT"))
    assert [asked_for(answer(text)) for text in ("", "-1", "soon", "1.5")] == [None] * 4
    assert asked_for(answer("12", status=503)) is None


def test_a_slow_server_ends_the_run_and_the_report_names_what_was_not_covered() -> None:
    """The server takes more than the budget for one response, however fast the machine is."""

    def slow(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        if asked.creates and right.memory.setdefault("first", given) is given:
            time.sleep(0.2)
        return given

    found = judged(slow, budget=0.1, operations=frozenset())
    assert found.report.ended == "the budget of 0.1 s is spent" and found.findings == []
    left_out = [outcome.label for outcome in found.report.having(UNTESTABLE) if "budget" in outcome.message]
    assert len(left_out) > 300 and f"the budget was spent: {left_out[0]}" in found.everything
    assert (found.report.left, found.entities) == ([], 0)
