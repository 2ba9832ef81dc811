"""Every faulty server is caught by the checks that it names, and the correct one passes all checks."""

import dataclasses
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from contracts import registry, trial
from contracts.broken import BrokenServer, load, proof
from contracts.broken import __main__ as command
from contracts.broken.wrapping import Asked, GivenAnswer, Right
from contracts.findings.verdicts import FAILED, PASSED, UNTESTABLE, Outcome
from contracts.registry import CHECKS, OBSERVERS
from contracts.schema.document import Document
from tests.calls import HEADERS

ROOT = Path(__file__).parents[2]

registry.load()
DOCUMENT = Document.load()
SERVERS = load()


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_broken_server_is_caught(server: BrokenServer) -> None:
    assert proof.prove(server, DOCUMENT).missed == (), f"{server.name} passes: {server.description}"


MET = ("weak-etags", "needs-no-if-match", "reading-writes", "lookup-has-an-etag-of-its-own", "keeps-what-was-used-once")


@pytest.mark.parametrize("name", MET)
def test_a_broken_server_answers_requests_that_are_not_about_its_fault(name: str) -> None:
    app = SERVERS[name].over(proof.right({})[0])
    outcomes = trial.judge(app, ["method.not-allowed", "spec.list", "explore.configs"], document=DOCUMENT)
    assert [outcome.label for outcome in outcomes if outcome.check in CHECKS and outcome.verdict != PASSED] == []


def test_every_check_has_a_broken_server_that_it_catches() -> None:
    catching = {name for server in SERVERS.values() for name in server.caught_by}
    missing = sorted({*CHECKS, *OBSERVERS} - catching)
    assert not missing, f"add servers to contracts/broken/ that these checks catch: {missing}"


def test_every_broken_server_says_what_is_wrong_with_it() -> None:
    assert [server.name for server in SERVERS.values() if not 10 < len(server.description) < 80] == []
    assert len({server.description for server in SERVERS.values()}) == len(SERVERS)


def test_the_command_tells_of_each_wrong_server_and_of_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With few checks of the right one: test_own_server.py and test_own_server_on_sqlite.py have all of them."""
    few = dict(list(SERVERS.items())[:2])
    monkeypatch.setattr(command, "load", lambda: few)
    monkeypatch.setattr(proof, "CHECKS", dict(list(CHECKS.items())[:9]))
    done = CliRunner().invoke(command.main, ["--seeds", "1"])
    assert done.exit_code == 0, done.output
    assert all(f"{name} " in done.output for name in few)
    assert "2 of 2 faulty servers are caught\ncorrect server, seed 1: 0 false alarms\n" in done.output


def test_a_server_that_nobody_catches_and_a_false_alarm_fail_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def does_no_harm(asked: Asked, right: Right) -> GivenAnswer:
        """Responds correctly."""
        return right(asked)

    name, server = next(iter(SERVERS.items()))
    harmless = dataclasses.replace(server, fault=does_no_harm)
    alarm = Outcome("list.pages", "flows", FAILED, "a page is missing")
    monkeypatch.setattr(command, "load", lambda: {name: harmless})
    monkeypatch.setattr(proof, "false_alarms", lambda seed, document: [alarm])
    done = CliRunner().invoke(command.main, ["--seeds", "1"])
    assert done.exit_code == 1 and "PASSES " + ", ".join(server.caught_by) in done.output
    assert "0 of 1 faulty servers are caught\ncorrect server, seed 1: 1 false alarms" in done.output
    assert "  list.pages[flows]: a page is missing" in done.output


def test_one_wrong_server_is_served_until_it_is_interrupted() -> None:
    program = [sys.executable, "-m", "contracts.broken", "--serve", next(iter(SERVERS))]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[3].rstrip(":")
            asked = urllib.request.Request(f"{url}/connectionSpecs", headers=HEADERS)
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert answer.status == 200
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(100) == 0
    unknown = CliRunner().invoke(command.main, ["--serve", "nobody"])
    assert unknown.exit_code == 2 and "there is no faulty server 'nobody'" in unknown.output


def test_what_an_earlier_run_with_the_same_seed_left_is_no_finding() -> None:
    app, _ = proof.right({})
    lasting = [
        name for name, check in CHECKS.items() if check.lasting and name.startswith(("next-door.", "connectors."))
    ]
    for _ in range(2):
        outcomes = trial.judge(app, lasting, document=DOCUMENT, seed=5)
        assert [(o.label, o.message) for o in outcomes if o.verdict == FAILED] == []


def test_connectors_that_a_platform_does_not_have_are_untestable() -> None:
    app, _ = proof.right({"platform": "aws"})
    checks = ["connectors.private-endpoints", "list.different-entities"]
    outcomes = [one for one in trial.judge(app, checks, document=DOCUMENT) if one.check in checks]
    assert {one.verdict for one in outcomes} == {PASSED, UNTESTABLE}, outcomes
    reasons = {one.message for one in outcomes if one.verdict == UNTESTABLE}
    assert any(reason.startswith("the server has no connection spec ") for reason in reasons), reasons
    assert any(" does not list Access Key" in reason for reason in reasons), reasons
