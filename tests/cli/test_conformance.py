"""Tests of `mockserver conformance` with real programs over sockets: exit status, report, wrong usage."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mockserver import Config, Emulator, create_app
from mockserver.cli import main
from mockserver.scenarios import SCENARIOS
from tests.calls import HEADERS

CAREFUL = ["-m", "contracts.clients", "careful"]
NAIVE = [str(Path(__file__).parents[2] / "contracts/clients/programs/naive.py")]
QUICK = "conflict.stale-etag,paging.three-pages,token.expires"
FAILS = "import os, urllib.request as u; u.urlopen(os.environ['FLOW_SERVICE_URL'] + '/x')"
SILENT = ["-c", "print('nothing to do')"]


def conformance(*arguments: str, program: list[str]) -> Result:
    return CliRunner().invoke(main, ["conformance", *arguments, "--", sys.executable, *program])


def test_a_careful_program_passes() -> None:
    result = conformance("--scenario", QUICK, program=CAREFUL)
    assert result.exit_code == 0, result.output
    assert "no findings · 3 of 3 scenarios passed" in result.stdout
    assert "1/3 conflict.stale-etag" in result.stderr


def test_a_naive_program_fails_and_the_report_says_at_what(tmp_path: Path) -> None:
    result = conformance("--scenario", QUICK, "--report", str(tmp_path), "--json", program=NAIVE)
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert {one["id"]: one["verdict"] for one in report["scenarios"]} == dict.fromkeys(QUICK.split(","), "failed")
    numbers = [call["number"] for call in report["calls"]]
    assert numbers == list(range(1, len(numbers) + 1)), "the runs are numbered through"
    proof = {number for one in report["scenarios"] for number in one["calls"]}
    assert proof <= {call["number"] for call in report["calls"] if call["fault"] or call["status"]}
    assert (tmp_path / "junit.xml").is_file() and (tmp_path / "report.sarif").is_file()


def test_findings_about_what_a_scenario_interrupted_are_left_out() -> None:
    result = conformance("--scenario", "conflict.sandbox-gone", "--json", program=CAREFUL)
    assert json.loads(result.stdout)["findings"] == [], "it could not delete what it had made"


ONLY_A_TOKEN = """
import os, urllib.request as u
form = b"grant_type=client_credentials&client_id=a&client_secret=b"
u.urlopen(os.environ["FLOW_SERVICE_TOKEN_URL"], form)
"""


@pytest.mark.parametrize(
    ("program", "words", "status"),
    [
        (SILENT, "made no call", 3),
        (["-c", ONLY_A_TOKEN], "made no call", 3),
        (["-c", FAILS], "fails in the undisturbed run", 1),
    ],
    ids=["no-call", "only-a-token", "fails"],
)
def test_no_scenario_is_played_with_a_client_that_fails_undisturbed(
    program: list[str], words: str, status: int
) -> None:
    result = conformance(program=program)
    assert result.exit_code == status and words in result.stderr and "1/26" not in result.stderr


def test_no_scenario_is_played_with_a_client_that_does_not_end_by_itself() -> None:
    source = FAILS.replace("; ", "\ntry: ").replace("import os", "import os, time") + "\nexcept OSError: time.sleep(60)"
    result = conformance("--timeout", "2", program=["-c", source])
    assert result.exit_code == 1 and "did not end in the undisturbed run" in result.stderr


def test_a_client_that_reads_the_environment_needs_no_interception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.intercept.available", lambda: False)
    assert conformance("--scenario", "token.forbidden", program=CAREFUL).exit_code == 0


def test_a_client_that_does_not_end_fails() -> None:
    source = (
        "import os, time, urllib.request as u\n"
        "try: u.urlopen(os.environ['FLOW_SERVICE_URL'] + '/connections')\n"
        "except Exception as error: time.sleep(0 if error.code == 403 else 60)\n"
    )
    result = conformance("--scenario", "outage.for-good", "--timeout", "1", program=["-c", source])
    assert result.exit_code == 1 and "it had not ended after 1 s" in result.stdout


@pytest.mark.parametrize(
    "arguments", [["--scenario", "no.such"], ["--level", "loud"], ["--baseline", "no-such-file"]], ids=" ".join
)
def test_wrong_use_is_status_2(arguments: list[str]) -> None:
    assert conformance(*arguments, program=SILENT).exit_code == 2


def test_a_command_that_is_not_there_is_wrong_use() -> None:
    result = CliRunner().invoke(main, ["conformance", "--", "no-such-program"])
    assert result.exit_code == 2 and "cannot start 'no-such-program': No such file" in result.output
    assert "Errno" not in result.output


def test_a_verdict_says_by_its_first_word_what_the_exit_status_says() -> None:
    naive = conformance("--scenario", QUICK, program=NAIVE).stdout
    assert "Failed:" in naive and "0 of 3 scenarios passed, 3 failed" in naive
    assert all(SCENARIOS[one].hint.split(".")[0] in " ".join(naive.split()) for one in QUICK.split(","))
    assert "Passed: no findings" in conformance("--scenario", "token.expires", program=CAREFUL).stdout


def test_output_is_shown_for_runs_that_do_not_pass_unless_switched_off() -> None:
    assert "nothing to do" not in conformance("--output", "none", program=SILENT).stderr
    talks = ["-c", "import sys; sys.exit('cannot go on')"]
    assert "| cannot go on" in conformance(program=talks).stderr


def test_scenarios_are_listed_and_explained() -> None:
    listed = CliRunner().invoke(main, ["scenarios", "--json"])
    assert [row["id"] for row in json.loads(listed.stdout)] == list(SCENARIOS)
    one = CliRunner().invoke(main, ["scenarios", "token.expires"]).stdout
    assert "judged" in one and "what to do" in one
    assert CliRunner().invoke(main, ["scenarios", "nonsense"]).exit_code == 2


def test_a_scenario_is_played_by_hand_over_http() -> None:
    client = create_app(Emulator(Config(seed=1))).test_client()
    assert client.delete("/_mock/scenarios").status_code == 404
    assert client.post("/_mock/scenarios", json={"scenario": "token.forbidden"}).status_code == 201
    assert client.get("/connections", headers=HEADERS).status_code == 403
    assert client.get("/_mock/scenarios").json["playing"]["verdict"]["verdict"] == "failed"
    ended = client.delete("/_mock/scenarios?exitStatus=1").json
    assert (ended["id"], ended["verdict"], ended["calls"]) == ("token.forbidden", "passed", [1])
    shown = client.get("/_mock/scenarios").json
    assert (shown["playing"], shown["verdicts"], len(shown["known"])) == (None, [ended], len(SCENARIOS))
    assert client.get("/connections", headers=HEADERS).status_code == 200


@pytest.mark.parametrize("body", [{}, {"scenario": 1}, {"scenario": "all"}, {"scenario": "no.such"}], ids=str)
def test_a_scenario_that_cannot_be_put_on_is_refused_in_words(body: dict[str, object]) -> None:
    client = create_app(Emulator(Config(seed=1))).test_client()
    assert client.post("/_mock/scenarios", json=body).status_code == 400


HANGS_UP = """
import os, time, urllib.request as u
at = os.environ["FLOW_SERVICE_URL"] + "/connections"
names = {"Authorization": "TOKEN", "x-api-key": "API_KEY", "x-gw-ims-org-id": "ORG", "x-sandbox-name": "SANDBOX"}
headers = {header: os.environ["FLOW_SERVICE_" + name] for header, name in names.items()}
headers["Authorization"] = "Bearer " + headers["Authorization"]
for pause in PAUSES:
    try:
        u.urlopen(u.Request(at, headers=headers), timeout=0.5).read()
        break
    except OSError:
        time.sleep(pause)
"""


@pytest.mark.parametrize("pauses", [(3, 0), (0,)], ids=["tries again later", "gives up silently"])
def test_a_client_that_hangs_up_is_found_out_however_it_goes_on(pauses: tuple[int, ...]) -> None:
    program = ["-c", HANGS_UP.replace("PAUSES", repr(pauses))]
    result = conformance("--scenario", "outage.slow-answer", program=program)
    assert result.exit_code == 1 and "it disconnected before the response" in result.stdout, result.stdout
