"""Tests of the pytest plugin from a project that uses it: each test runs pytest on its own files."""

import json
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent.parent
CLIENT = """
import pytest
import requests

PARAMS = {"server": "db.example.com", "port": "5432", "database": "shop", "username": "reader", "password": "c4n4ry"}
BODY = {
    "name": "orders",
    "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
    "auth": {"specName": "Basic Authentication", "params": PARAMS},
}

def create(service):
    return requests.post(service.url + "/connections", json=BODY, headers=service.headers)

def rename(service, made, etag):
    change = [{"op": "replace", "path": "/name", "value": "renamed"}]
    headers = {**service.headers, "If-Match": etag}
    return requests.patch(service.url + "/connections/" + made["id"], json=change, headers=headers)

def delete(service, made):
    return requests.delete(service.url + "/connections/" + made["id"], headers=service.headers)

def unquoted(service):
    made = create(service).json()
    answer = rename(service, made, made["etag"].strip('"'))
    delete(service, made)
    return answer
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose client is in client.py, with the plugin as if installed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p mockserver.pytest_plugin -p no:cacheprovider")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(client=CLIENT)
    return pytester


def run(project: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    project.makepyfile(test_it="from client import *\n\n" + textwrap.dedent(source))
    return project.runpytest_inprocess(*arguments)


def test_each_test_gets_the_service_as_new(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_one(flow_service):
            flow_service.faults.strike("forbidden", method="GET")
            flow_service.emulator.quirks.choose("delete-status", "202")
            flow_service.headers["x-sandbox-name"] = "dev"
            assert create(flow_service).status_code == 201
            assert [call.operation for call in flow_service.calls] == ["createConnection"]

        def test_two(flow_service, flow_service_server):
            assert flow_service is flow_service_server
            answer = requests.get(flow_service.url + "/connections", headers=flow_service.headers)
            assert answer.json()["items"] == []
            made = create(flow_service).json()
            assert delete(flow_service, made).status_code == 204
            assert [call.number for call in flow_service.calls] == [1, 2, 3]
        """,
    )
    result.assert_outcomes(passed=2)


def test_faults_scenarios_and_the_clock_are_at_hand(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_faults(flow_service):
            flow_service.faults.strike("rate-limit", 7, times=1)
            answers = [create(flow_service) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [429, 201]
            assert answers[0].headers["Retry-After"] == "7"

        def test_a_scenario(flow_service):
            with flow_service.scenario("conflict.stale-etag") as playing:
                unquoted(flow_service)
                made = create(flow_service).json()
                rename(flow_service, made, made["etag"])
            assert playing.verdict.verdict == "failed"
            assert not flow_service.faults.active()

        def test_the_clock(flow_service):
            form = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
            token = requests.post(flow_service.token_url, data=form).json()["access_token"]
            flow_service.headers["Authorization"] = "Bearer " + token
            flow_service.clock.advance(86_400_000)
            assert create(flow_service).status_code == 401
        """,
    )
    result.assert_outcomes(passed=3)


def test_a_marked_test_fails_where_its_client_breaks_a_rule(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.mark.flow_conformance
        def test_rename(flow_service):
            assert unquoted(flow_service).status_code == 412  # the test itself is content
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "the client broke etag.unquoted",
            "*FAIL  etag.unquoted  call 2",
            "*Send the member etag unchanged*",
            "*- Flow Service calls -*",
            "  1  201  POST /connections",
            "*1404-412  The version *",
            "FAILED test_it.py::test_rename - Failed: the client broke etag.unquoted",
        ]
    )


@pytest.mark.parametrize(
    ("mark", "outcome"),
    [
        ("", "passed"),
        ("@pytest.mark.flow_conformance(level='fail')", "failed"),
        ("@pytest.mark.flow_conformance(ignore=['etag.unquoted'])", "passed"),
        ("@pytest.mark.flow_conformance(ignore='etag.unquoted')", "passed"),
    ],
    ids=["unmarked", "fail", "ignored", "one ignored"],
)
def test_the_marker_says_how_strict_to_be(project: pytest.Pytester, mark: str, outcome: str) -> None:
    result = run(project, f"{mark}\ndef test_rename(flow_service):\n    unquoted(flow_service)\n")
    result.assert_outcomes(**{outcome: 1})


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("level='loud'", "a level is fail, warn or info"),
        ("ignore=['no.such']", "unknown rule: no.such"),
        ("ignore='no.such'", "unknown rule: no.such"),
        ("strictly=True", "takes level= and ignore="),
    ],
)
def test_a_marker_that_makes_no_sense_says_so(project: pytest.Pytester, mark: str, words: str) -> None:
    source = f"@pytest.mark.flow_conformance({mark})\ndef test_rename(flow_service):\n    pass\n"
    result = run(project, source)
    assert result.ret == 1 and words in result.stdout.str() and "Error: " not in result.stdout.str()


def test_a_client_that_made_no_call_is_not_called_conformant(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.mark.flow_conformance
        def test_marked(flow_service):
            pass

        def test_asked(flow_service):
            flow_service.assert_conformant()

        def test_unmarked(flow_service):
            pass
        """,
    )
    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(["*Nothing to judge: the client made no call*"])


def test_a_marked_test_without_the_fixture_is_an_error(project: pytest.Pytester) -> None:
    result = run(project, "@pytest.mark.flow_conformance\ndef test_nothing():\n    pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*judges the calls made to the fixture flow_service*"])


TRIED_AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range(3):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in reports):
            break
        item._initrequest()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
"""Repeats setup, call and teardown of a failed test, like pytest-rerunfailures, flaky and pytest-retry."""


def test_findings_belong_to_an_attempt(project: pytest.Pytester) -> None:
    project.makeconftest(TRIED_AGAIN)
    result = run(
        project,
        """
        attempts = []

        @pytest.mark.flow_conformance
        def test_never_right(flow_service):
            unquoted(flow_service)

        @pytest.mark.flow_conformance
        def test_right_at_the_second_try(flow_service):
            attempts.append(1)
            if len(attempts) == 1:
                unquoted(flow_service)
            delete(flow_service, create(flow_service).json())

        @pytest.mark.flow_conformance(level="info")
        def test_never_tidy(flow_service):
            create(flow_service)

        def test_tries():
            assert len(attempts) == 2
        """,
    )
    assert (result.parseoutcomes().get("failed"), result.parseoutcomes().get("errors")) == (1, 1)
    result.stdout.fnmatch_lines(["*broke lifecycle.never-deleted*", "*the client broke etag.unquoted*"])


def test_cleaning_up_in_a_fixture_counts_and_not_cleaning_up_shows_at_the_end(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.fixture
        def made(flow_service):
            made = create(flow_service).json()
            yield made
            delete(flow_service, made)

        @pytest.mark.flow_conformance(level="info")
        def test_tidy(flow_service, made):
            assert rename(flow_service, made, made["etag"]).status_code == 200

        @pytest.mark.flow_conformance(level="info")
        def test_untidy(flow_service):
            create(flow_service)
        """,
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_untidy*", "*broke lifecycle.never-deleted*"])


def test_a_failed_test_shows_what_its_client_did(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_rename(flow_service):
            flow_service.faults.strike("reset", method="GET")
            with pytest.raises(requests.ConnectionError):
                requests.get(flow_service.url + "/connections?limit=500", headers=flow_service.headers)
            assert unquoted(flow_service).status_code == 200
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- Flow Service calls -*",
            "  1  no answer  GET /connections?limit=500  fault reset",
            "  2  201  POST /connections",
            "  3  412  PATCH /connections/*1404-412  The version *",
            "FAIL  etag.unquoted  call 3: *",
        ]
    )
    assert "c4n4ry" not in result.stdout.str().replace(CLIENT, "")


TWO = """
@pytest.mark.parametrize("number", range(4))
def test_rename(flow_service, number):
    unquoted(flow_service)
"""


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["one-process", "two-workers"])
def test_the_report_of_all_tests_is_written_once(project: pytest.Pytester, workers: list[str]) -> None:
    result = run(project, TWO, "--flow-report=reports/flow", *workers)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*Flow Service clients*", "12 calls, 1 FAIL*", "report: *report.json*"])
    report = json.loads((project.path / "reports/flow/report.json").read_text())
    [finding] = [one for one in report["findings"] if one["rule"] == "etag.unquoted"]
    assert finding["calls"] == [2, 5, 8, 11]
    assert (project.path / "reports/flow/junit.xml").is_file()


def test_without_clients_there_is_no_report(project: pytest.Pytester) -> None:
    result = run(project, "def test_nothing():\n    pass\n", "--flow-report=flow")
    result.assert_outcomes(passed=1)
    assert not (project.path / "flow").exists() and "Flow Service" not in result.stdout.str()


def test_the_settings_of_the_server_are_a_fixture(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.fixture(scope="session")
        def flow_service_config():
            return {"strict": True}

        def test_strict(flow_service):
            assert create(flow_service).status_code == 201
            flow_service.headers["Authorization"] = "Bearer made-up-by-the-client"
            assert create(flow_service).status_code == 401
        """,
    )
    result.assert_outcomes(passed=1)


def test_without_a_journal_nobody_passes_for_having_been_judged(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        @pytest.fixture(scope="session")
        def flow_service_config():
            return {"journal_entries": 0}

        def test_unjudged(flow_service):
            assert create(flow_service).status_code == 201

        @pytest.mark.flow_conformance
        def test_marked(flow_service):
            assert create(flow_service).status_code == 201

        def test_asked(flow_service):
            flow_service.assert_conformant()
        """,
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*NothingRecorded: The journal is off*", "(not recorded: journal_entries is 0)"])


def test_a_unittest_uses_the_context_manager(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_unit="""
        import unittest
        import mockserver
        from client import create, delete, unquoted

        class Renaming(unittest.TestCase):
            def setUp(self):
                self.service = self.enterContext(mockserver.flow_service(seed=1))

            def test_good(self):
                delete(self.service, create(self.service).json())
                self.service.assert_conformant()

            def test_bad(self):
                unquoted(self.service)
                with self.assertRaisesRegex(AssertionError, "etag.unquoted"):
                    self.service.assert_conformant()
                self.service.assert_conformant(ignore=["etag.unquoted"])
        """
    )
    result = project.run(sys.executable, "-m", "unittest", "-q", "test_unit")
    assert result.ret == 0, result.stderr.str()


def test_the_plugin_costs_nothing_where_nobody_uses_it() -> None:
    source = (
        "import sys, mockserver.pytest_plugin; print([n for n in ('flask', 'yaml', 'jsonschema') if n in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == "[]", found.stderr


def test_the_package_brings_the_plugin_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"mockserver.pytest_plugin": "mockserver.pytest_plugin"}
