"""Tests each client of `contracts/clients/` over HTTP: a faulty one gets exactly its finding, a correct one none."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts.broken.proof import served
from contracts.clients import Client, Script, Service, Stopped, load
from contracts.clients.__main__ import main
from mockserver import Config, Emulator, create_app
from mockserver.clients.service import FlowService
from mockserver.conformance import RULES, ScenarioVerdict, summary
from mockserver.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
CLIENTS = load()


def every(*kinds: str) -> pytest.MarkDecorator:
    """Parametrize over the clients of these kinds."""
    chosen = [client for client in CLIENTS.values() if client.kind in kinds]
    return pytest.mark.parametrize("client", chosen, ids=lambda client: client.name)


def heard(client: Client, server: FlowService, service: Service) -> set[str]:
    """The rules that the client broke according to the judge."""
    client.script(service)
    return {finding.rule for finding in server.report().findings}


def verdict(scenario_id: str, script: Script, server: FlowService, service: Service) -> ScenarioVerdict:
    """The verdict on a client in a scenario."""
    with contextlib.suppress(Stopped), server.scenario(scenario_id) as playing:
        script(service)
    assert playing.verdict is not None and playing.verdict.id == scenario_id
    return playing.verdict


@every("good")
def test_a_good_client_hears_nothing(client: Client, server: FlowService, service: Service) -> None:
    assert heard(client, server, service) == set(), summary(server.report())


@every("rule")
def test_a_broken_client_hears_what_it_did_and_nothing_else(
    client: Client, server: FlowService, service: Service
) -> None:
    assert heard(client, server, service) == {client.name, *client.also}, summary(server.report())


@every("scenario")
def test_a_client_that_fails_a_scenario_is_good_on_a_fine_day(
    client: Client, server: FlowService, service: Service
) -> None:
    assert heard(client, server, service) == set(), summary(server.report())
    assert server.calls, "a client that does nothing cannot be judged"


@every("scenario")
def test_a_scenario_is_failed_by_its_client(client: Client, server: FlowService, service: Service) -> None:
    found = verdict(client.name, client.script, server, service)
    assert (found.verdict, bool(found.calls), bool(found.detail)) == ("failed", True, True), found


@pytest.mark.parametrize("scenario_id", SCENARIOS)
def test_the_careful_client_passes(scenario_id: str, server: FlowService, service: Service) -> None:
    found = verdict(scenario_id, CLIENTS["careful"].script, server, service)
    assert found.verdict == "passed" and found.calls, f"let contracts/clients/careful.py react to it: {found}"
    assert found.title and found.hint, found


def test_a_client_that_cannot_renew_its_token_passes_by_stopping(server: FlowService, service: Service) -> None:
    assert verdict("token.expires", CLIENTS["given-token"].script, server, service).verdict == "passed"


def test_every_rule_and_every_scenario_has_its_client() -> None:
    for kind, table in (("rule", set(RULES)), ("scenario", set(SCENARIOS))):
        named = {one.name for one in CLIENTS.values() if one.kind == kind}
        assert not table - named, f"add a client to contracts/clients/{kind}s/ for {sorted(table - named)}"
        assert not named - table, f"contracts/clients/{kind}s/ names what no {kind} is called: {sorted(named - table)}"


def test_every_client_says_in_a_line_what_it_does() -> None:
    assert [one.name for one in CLIENTS.values() if not 10 < len(one.does) <= 105 or "\n" in one.does] == []


def run(*arguments: str, url: str | None = None, **environ: str) -> Result:
    """Run the command."""
    given = {"FLOW_SERVICE_URL": url, "MOCKSERVER_ADMIN_TOKEN": None, **environ}
    return CliRunner().invoke(main, arguments, env=given)


def test_the_command_lists_every_client_and_every_program() -> None:
    rows = json.loads(run("--json").stdout)
    files = [path for path in (ROOT / "contracts/clients/programs").iterdir() if path.is_file()]
    programs = {path.name for path in files if path.suffix != ".json"}  # programs are not listed as clients
    assert {row["name"] for row in rows if row["kind"] != "program"} == set(CLIENTS)
    assert {row["name"].removeprefix("programs/") for row in rows if row["kind"] == "program"} == programs
    listed = run().stdout
    assert all(row["name"] in listed and row["does"] in listed for row in rows)
    families = {name: {row["name"] for row in json.loads(run(name, "--json").stdout)} for name in ("etag", "good")}
    assert families["etag"] == {name for name in CLIENTS if name.startswith("etag.")} and "careful" in families["good"]


def test_the_command_runs_a_client_against_the_server_it_is_given(server: FlowService) -> None:
    ran = run("etag.unquoted", "--verbose", url=server.url)
    assert (ran.exit_code, [call.status for call in server.calls]) == (0, [201, 412, 204])
    assert "POST /connections answered 201" in ran.stdout and CLIENTS["etag.unquoted"].does in ran.stdout
    root = server.url.partition("/data")[0]
    assert run("header.sandbox-missing", "--base-url", root).exit_code == 0
    assert {finding.rule for finding in server.report().findings} == {"etag.unquoted", "header.sandbox-missing"}


def test_a_client_that_gives_up_says_why_by_status_1(server: FlowService) -> None:
    with server.scenario("outage.unavailable-once"):
        ran = run("outage.unavailable-once", url=server.url)
    assert (ran.exit_code, ran.stderr) == (1, "outage.unavailable-once gave up: GET /connections answered 503\n")


def some_other_application(environ: dict[str, object], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b""]


def test_what_the_command_cannot_do_is_said_in_words_by_status_2(server: FlowService) -> None:
    assert "did you mean etag.in-query, etag.invented" in refused("etag.nonsense", url=server.url)
    assert "run without a name to list all" in refused("nonsense", url=server.url)
    assert "did you mean header.sandbox-missing" in refused("header.sandbox-mising", url=server.url)
    assert "--base-url" in refused("careful")
    assert "does not answer" in refused("careful", url="http://127.0.0.1:9")
    assert "the URL is not a server's" in refused("careful", url="127.0.0.1")
    with served(some_other_application) as url:
        assert "is no Mock Flow Service" in refused("careful", url=url)


def refused(*arguments: str, url: str | None = None) -> str:
    """The message of the command when it refuses to run."""
    ran = run(*arguments, url=url)
    assert ran.exit_code == 2, ran.output
    return ran.stderr


def test_where_the_admin_api_is_closed_its_token_is_asked_for_and_used() -> None:
    app = create_app(Emulator(Config(log="none", admin_token="open sesame")))
    with served(app) as url:
        assert "MOCKSERVER_ADMIN_TOKEN" in refused("etag.stale-repeated", url=url)
        assert run("etag.stale-repeated", url=url, MOCKSERVER_ADMIN_TOKEN="open sesame").exit_code == 0


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("exec -- {} header.sandbox-missing", 1, "FAIL  header.sandbox-missing"),
        ("exec -- {} tutorial", 0, "no findings"),
        ("conformance --scenario conflict.stale-etag -- {} conflict.stale-etag", 1, "0 of 1 scenarios passed"),
        ("conformance --scenario conflict.stale-etag,token.expires -- {} careful", 0, "2 of 2 scenarios passed"),
    ],
    ids=["broken", "good", "broken in a scenario", "careful"],
)
def test_the_commands_that_judge_lead_a_client_here(command: str, status: int, words: str) -> None:
    words_of = command.format(f"{sys.executable} -m contracts.clients").split()
    arguments = [sys.executable, "-m", "mockserver", *words_of]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == status and words in done.stdout + done.stderr, done.stdout + done.stderr
