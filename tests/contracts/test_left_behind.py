"""What a run leaves behind is told, whatever the server says of its deletions, and what can be deleted is deleted."""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest

from contracts.broken import proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings import causes
from contracts.progress import Progress
from contracts.run import Run
from contracts.secrecy import Mask
from contracts.settings import MADE_UP, Settings
from contracts.stage import Stage
from contracts.wire import Answer, Sent, Unreachable, WsgiTransport
from tests.contracts.test_wrong_servers import (
    DOCUMENT,
    NUMBERS,
    Fault,
    all_hangs,
    always_500,
    creations_are_forbidden,
    half_a_surrogate_pair,
    judged,
)


def refuses_deletion(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked) if asked.method != "DELETE" else right(asked.instead("GET", "/nowhere"))


def only_says_that_it_deletes(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked) if asked.method != "DELETE" else GivenAnswer(204, (("x-request-id", str(next(NUMBERS))),), b"")


@pytest.mark.parametrize("fault", [refuses_deletion, only_says_that_it_deletes])
def test_what_stays_behind_is_told_whatever_the_server_says(fault: Fault) -> None:
    few = frozenset({"retrieveConnection"})
    found = judged(fault, operations=few)
    assert found.entities > 0 and len(found.report.left) == found.entities
    assert f"{found.entities} left behind" in found.everything


def test_what_cannot_be_deleted_is_tried_again_at_the_end_only() -> None:
    """Besides by its check: after that, in the sweep at the end, and because it is still listed."""
    tries: Counter[str] = Counter()

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        tries[asked.path] += asked.method == "DELETE"
        return right(asked.without("x-api-key") if asked.method == "DELETE" else asked)

    assert judged(fault, operations=frozenset({"retrieveConnection"})).entities > 50
    assert max(tries.values()) <= 5


def test_what_was_made_at_a_neighbour_is_deleted_whatever_the_status_of_its_creation() -> None:
    made, deleted = [], []

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        if asked.method == "DELETE" and given.done:
            deleted.append(asked.parts[-1])
        if asked.path.endswith("/encryption/keys") and asked.method == "POST" and given.done:
            made.append(given.json["publicKeyId"])
            return replace(given, status=200)
        return given

    found = judged(fault, operations=frozenset({"listEncryptionKeys", "createEncryptionKey"}))
    assert made and set(made) <= set(deleted) and found.report.made == len(made)


def test_what_a_neighbour_does_not_delete_is_told() -> None:
    def fault(asked: Asked, right: Right) -> GivenAnswer:
        given = right(asked)
        return replace(given, status=501) if asked.method == "DELETE" and "/encryption/keys/" in asked.path else given

    found = judged(fault, operations=frozenset({"listEncryptionKeys", "createEncryptionKey"}))
    kept = [line for line in found.report.unverified if "/encryption/keys/" in line]
    assert kept and all(line.endswith("DELETE returned 501") for line in kept)


def does_it_and_says_500(asked: Asked, right: Right) -> GivenAnswer:
    right(asked)
    return GivenAnswer(500, (("x-request-id", str(next(NUMBERS))),), b"")


def does_it_and_says_html(asked: Asked, right: Right) -> GivenAnswer:
    right(asked)
    return GivenAnswer(200, (("x-request-id", str(next(NUMBERS))), ("Content-Type", "text/html")), b"<html>")


@pytest.mark.parametrize("fault", [does_it_and_says_500, does_it_and_says_html, all_hangs, always_500])
def test_what_may_stay_behind_is_told_where_no_list_can_be_read(fault: Fault) -> None:
    found = judged(fault, operations=frozenset({"retrieveConnection"}))
    assert any(line.startswith("/connections of sandbox prod: ") for line in found.report.unverified)
    assert "may be left behind: /connections of sandbox prod: " in found.everything and not found.report.trouble


def test_what_cannot_be_there_is_not_told_as_left() -> None:
    assert judged(creations_are_forbidden, operations=frozenset({"retrieveConnection"})).report.unverified == []


def test_an_id_that_fits_in_no_url_is_told_as_left() -> None:
    found = judged(half_a_surrogate_pair, operations=frozenset({"retrieveConnection"}))
    assert found.entities > 0 and len(found.report.left) == found.entities and not found.report.trouble


def fails_in_passing() -> Fault:
    served = itertools.count(1)

    def fault(asked: Asked, right: Right) -> GivenAnswer:
        return always_500(asked, right) if next(served) % 7 == 0 else right(asked)

    return fault


def test_a_server_that_fails_in_passing_is_one_finding_and_what_it_failed_to_delete_is_deleted() -> None:
    found = judged(fails_in_passing())
    assert [finding.first.check for finding in found.findings] == ["answer.no-server-error"]
    assert (found.report.left, found.entities) == ([], 0)
    assert "there is no second sandbox" not in found.everything


def test_what_a_server_made_before_it_went_away_may_be_left_behind() -> None:
    class Dying(WsgiTransport):
        """The server responds no more after its first creation, whose response is lost."""

        gone = False

        def send(self, sent: Sent) -> Answer:
            if self.gone:
                raise Unreachable(f"{self.base_url} does not answer")
            answer = super().send(sent)
            self.gone = sent.method == "POST" and answer.status == 201
            return replace(answer, status=0, body=b"", silence="got no usable response") if self.gone else answer

    few = Settings("http://127.0.0.1", MADE_UP, operations=frozenset({"createConnection"}), examples=0)
    mask = Mask(())
    report = Run(few, DOCUMENT, Dying(proof.right({})[0]), Progress(io.StringIO(), mask), mask).go()
    assert report.broken_off
    assert report.unverified == ["/connections of sandbox prod: 1 creations, and no list to be read"]


def test_the_faults_of_concurrent_responses_are_not_confused() -> None:
    """The first response waits while it is heard: the faults of the second one took its place."""
    second_is_heard = threading.Event()

    def hear(answer: Answer) -> list[causes.Fault]:
        if answer.status == 200:
            second_is_heard.wait(0.5)
            return []
        second_is_heard.set()
        return [causes.Fault("failed", causes.SERVER_ERROR)]

    stage = Stage(WsgiTransport(None), Settings("http://127.0.0.1", MADE_UP), DOCUMENT, hear=hear)
    right, wrong = (Answer(Sent("GET", "/flows", ()), "/flows", status, (), b"{}") for status in (200, 500))
    first = threading.Thread(target=stage.notice, args=(right,))
    first.start()
    while not stage.record:
        time.sleep(0.001)
    stage.notice(wrong)
    first.join()
    assert stage.root_cause(wrong) == causes.SERVER_ERROR
