"""Tests of the command that runs the suite: what it covers, what it leaves behind, and what it shows."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from contracts import registry
from contracts.broken import proof
from contracts.broken.wrapping import Asked, GivenAnswer, Right, Wrapped
from contracts.checks import neighbours
from contracts.registry import CHECKS
from contracts.settings import MADE_UP
from contracts.wire import PLATFORM
from tests.contracts.command import contract, ours, serving
from tests.contracts.own import ROOT, served


def count(url: str) -> int:
    """The number of entities on the server, in all collections."""
    state = json.loads(urllib.request.urlopen(f"{url}/_mock/state").read())
    return len(state["records"])


def wait_for_entities(url: str) -> None:
    """Wait until the run has created something, so that it can be interrupted."""
    deadline = time.monotonic() + 30
    while count(url) == 0 and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_plain_run_makes_runs_of_ours_and_leaves_none_behind() -> None:
    with ours() as url:
        done = contract(
            url,
            "--operations",
            "createFlowRun,updateRun,listFlowRuns,postAction,runAdhocActivation",
            "--examples",
            "5",
            "--json",
        )
        assert count(url) == 0
    report = json.loads(done.stdout)
    assert (done.exit_code, report["failures"], report["left"]) == (0, [], [])
    registry.load()
    lasting = {check.id for check in CHECKS.values() if check.lasting and check.id.startswith("run.")}
    assert {report["promises"][name] for name in lasting} == {"passed"}
    assert report["operations"]["createFlowRun"]["201"] > 2


def test_where_runs_cannot_be_deleted_none_is_made() -> None:
    def without_forgetting(asked: Asked, right: Right) -> GivenAnswer:
        return right(asked.instead("GET", "/nowhere") if asked.path.startswith("/_mock") else asked)

    with serving(Wrapped(proof.right({})[0], without_forgetting)) as url:
        done = contract(url, "--operations", "createFlowRun,updateRun", "--examples", "1", "--json")
    report = json.loads(done.stdout)
    assert report["promises"]["run.on-demand"] == "untestable"
    assert report["operations"].get("createFlowRun", {}).get("201", 0) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["http://127.0.0.1:9"], "does not answer: Connection refused"),
        (["ftp://example.com"], "the URL is not a server's"),
        (["https://platform.adobe.io"], "needs credentials"),
        (["http://127.0.0.1:9", "--header", "x"], "NAME:VALUE"),
    ],
)
def test_wrong_use_is_told_in_a_line_and_ends_with_2(arguments: list[str], says: str) -> None:
    done = contract(*arguments)
    assert done.exit_code == 2
    assert says in done.stderr and "Traceback" not in done.stderr


def exchanges(folder: Path) -> list[tuple[str, str]]:
    """Method and path of every exchange in a HAR file."""
    entries = json.loads((folder / "exchanges.har").read_text())["log"]["entries"]
    return [(entry["request"]["method"], entry["request"]["url"].partition("?")[0]) for entry in entries]


def test_a_read_only_run_sends_nothing_that_could_change_anything(tmp_path: Path) -> None:
    with ours() as url:
        done = contract(url, "--read-only", "--examples", "1", "--json", "--report", str(tmp_path))
    report = json.loads(done.stdout)
    assert (done.exit_code, report["failures"], report["made"]) == (0, [], 0)
    writes = {(method, path) for method, path in exchanges(tmp_path) if method not in ("GET", "HEAD", "OPTIONS")}
    assert {path.rpartition("/")[2] for _, path in writes} <= {"search"}


def test_chosen_operations_are_the_only_ones_generated(tmp_path: Path) -> None:
    with ours() as url:
        done = contract(url, "--operations", "listFlowSpecs", "--examples", "1", "--json", "--report", str(tmp_path))
    outcomes = json.loads(done.stdout)["outcomes"]
    assert done.exit_code == 0
    assert {o["subject"] for o in outcomes if o["check"].startswith("generated.")} <= {"GET /flowSpecs", None}


def test_a_spent_budget_ends_the_run_and_leaves_nothing() -> None:
    with ours() as url:
        done = contract(url, "--budget", "1", "--examples", "50", "--json")
        assert count(url) == 0
    report = json.loads(done.stdout)
    assert report["endedEarly"] == "the budget of 1 s is spent"


def test_generated_requests_have_the_token_of_the_run_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sessions are bound like the suite's own; `requests` by itself prefers a password of `.netrc`."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login reader password of-netrc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    tokens = set()

    def noting(asked: Asked, right: Right) -> GivenAnswer:
        if asked.headers.get("user-agent", "").startswith("schemathesis"):
            tokens.add(asked.headers.get("authorization"))
        return right(asked)

    with serving(Wrapped(proof.right({})[0], noting)) as url:
        done = contract(url, "--operations", "listFlowSpecs", "--examples", "1", "--json")
    assert done.exit_code == 0 and MADE_UP["Authorization"] in tokens
    assert not [token for token in tokens if token and token.startswith("Basic")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_deletes_what_it_made_and_says_so(number: signal.Signals) -> None:
    with served() as url:
        command = [sys.executable, "-m", "mockserver", "contract", url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            wait_for_entities(url)
            process.send_signal(number)
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "ended early: interrupted" in out and "0 left behind" in out
        assert count(url) == 0


NEIGHBOURS = "retrieveSandbox,retrieveLandingZone,retrieveLandingZoneCredentials"


def zone_credentials(url: str) -> dict[str, str]:
    request = urllib.request.Request(url + neighbours.CREDENTIALS + "?type=user_drop_zone", headers=MADE_UP)
    return dict(json.loads(urllib.request.urlopen(request).read()))


def test_what_opens_a_landing_zone_is_asked_for_and_is_in_no_output(tmp_path: Path) -> None:
    with ours() as url:
        opening = zone_credentials(url)
        done = contract(url, "--operations", NEIGHBOURS, "--examples", "0", "--json", "--report", str(tmp_path))
    report = json.loads(done.stdout)
    assert {row["verdict"] for row in report["outcomes"] if row["check"].startswith("neighbour.")} == {"passed"}
    assert report["operations"]["retrieveLandingZoneCredentials"]["200"] > 0
    everything = done.stdout + done.stderr + "".join(path.read_text() for path in tmp_path.iterdir())
    assert "dlz-user-container" in everything and opening["SASToken"].rpartition("=")[2] not in everything


def _without_neighbours(asked: Asked, right: Right) -> GivenAnswer:
    return right(asked.instead("GET", "/nowhere") if asked.path.startswith(PLATFORM) else asked)


def test_neighbours_may_live_elsewhere_and_are_untestable_where_they_are_not() -> None:
    options = ["--operations", NEIGHBOURS, "--examples", "0", "--json"]
    with serving(Wrapped(proof.right({})[0], _without_neighbours)) as alone, ours() as url:
        for more, verdict in (((), "untestable"), (("--neighbours", url), "passed")):
            done = contract(alone, *options, *more)
            rows = [row for row in json.loads(done.stdout)["outcomes"] if row["check"] == "neighbour.landing-zone"]
            assert [row["verdict"] for row in rows] == [verdict], done.stderr


def test_credentials_are_in_no_output(tmp_path: Path) -> None:
    body = {
        "name": "mine",
        "auth": {
            "specName": "Basic Authentication",
            "params": {
                "server": "db.example.com",
                "port": "5432",
                "database": "shop",
                "username": "reader",
                "password": 'p"ss-w0rd/ü',
            },
        },
        "connectionSpec": {"id": "74a1c565-4e59-48d7-9d67-7c03b8a13137", "version": "1.0"},
    }
    (tmp_path / "connection.json").write_text(json.dumps(body))
    (tmp_path / "env").write_text("FLOW_SERVICE_TOKEN=t0ken-of-mine\nFLOW_SERVICE_API_KEY='key-of-mine'\n")
    folder = tmp_path / "report"
    with ours() as url:
        arguments = ["--env-file", str(tmp_path / "env"), "--connection", str(tmp_path / "connection.json")]
        chosen = ["--operations", "createConnection,listConnections,patchConnection", "--examples", "1"]
        done = contract(url, *arguments, *chosen, "--report", str(folder))
    everything = done.stdout + done.stderr + "".join(path.read_text() for path in folder.iterdir())
    for secret in ("t0ken-of-mine", "key-of-mine", 'p"ss-w0rd/ü', json.dumps('p"ss-w0rd/ü')[1:-1]):
        assert secret not in everything
    assert "made" in done.stdout
