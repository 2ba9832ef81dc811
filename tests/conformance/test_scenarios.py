"""Every scenario passes the careful client, fails a broken one, and says so when it never came about."""

from pathlib import Path

import pytest

from mockserver.conformance import ScenarioVerdict
from mockserver.faults import FAULTS
from mockserver.scenarios import SCENARIOS, Stage, choose
from tests.conformance.client import Client
from tests.conformance.scenario_clients import BROKEN, MORE_BROKEN, NEVER_ARISES, Script, Stopped, careful, static


def play(scenario_id: str, script: Script) -> ScenarioVerdict:
    client = Client()
    stage = Stage(client.emulator)
    stage.start(SCENARIOS[scenario_id])
    try:
        script(client)
        status = 0
    except Stopped:
        status = 1
    verdict = stage.stop(status)
    assert verdict is not None and verdict.id == scenario_id
    return verdict


@pytest.mark.parametrize("scenario_id", SCENARIOS)
def test_the_careful_client_passes(scenario_id: str) -> None:
    verdict = play(scenario_id, careful)
    assert verdict.verdict == "passed", verdict
    assert verdict.calls and verdict.title and verdict.hint


@pytest.mark.parametrize("scenario_id", BROKEN)
def test_a_broken_client_fails(scenario_id: str) -> None:
    verdict = play(scenario_id, BROKEN[scenario_id])
    assert verdict.verdict == "failed", verdict
    assert verdict.calls and verdict.detail


@pytest.mark.parametrize(("scenario_id", "script"), MORE_BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_there_are_other_ways_to_fail(scenario_id: str, script: Script) -> None:
    verdict = play(scenario_id, script)
    assert verdict.verdict == "failed", verdict


@pytest.mark.parametrize("scenario_id", NEVER_ARISES)
def test_a_situation_that_never_arose_is_no_pass(scenario_id: str) -> None:
    verdict = play(scenario_id, NEVER_ARISES[scenario_id])
    assert verdict.verdict == "untestable" and verdict.detail


def test_a_client_that_cannot_renew_its_token_passes_by_stopping() -> None:
    assert play("token.expires", static).verdict == "passed"


def test_every_scenario_has_its_broken_client_and_every_fault_it_orders_is_known() -> None:
    assert set(BROKEN) == set(SCENARIOS) and len(SCENARIOS) >= 15
    assert {order["fault"] for one in SCENARIOS.values() for order in one.orders} <= FAULTS.keys()


def test_every_scenario_says_what_it_must() -> None:
    for one in SCENARIOS.values():
        assert all(len(text) > 7 for text in (one.title, one.happens, one.judged, one.source, one.hint, one.needs))


def test_one_scenario_is_on_at_a_time_and_its_faults_go_with_it() -> None:
    client = Client()
    stage = Stage(client.emulator)
    stage.start(SCENARIOS["token.forbidden"])
    client.send("GET", "/connections")
    assert stage.playing is SCENARIOS["token.forbidden"]
    stage.start(SCENARIOS["rate-limit.retry-after"])
    assert [verdict.id for verdict in stage.verdicts()] == ["token.forbidden"]
    assert [one.order.kind.name for one in client.emulator.faults.active()] == ["rate-limit"]
    client.emulator.reset()
    assert (stage.playing, stage.stop()) == (None, None)


@pytest.mark.parametrize("text", ["", "token", "token.expires,nonsense"])
def test_a_scenario_that_does_not_exist_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no such scenario"):
        choose(text)


def test_scenarios_are_chosen_by_name_or_all() -> None:
    assert [one.id for one in choose("token.expires, answer.empty")] == ["token.expires", "answer.empty"]
    assert choose("all") == list(SCENARIOS.values())


def test_every_scenario_stands_in_the_page() -> None:
    page = (Path(__file__).parent.parent.parent / "docs/faults-and-scenarios.md").read_text()
    rows = {one.id: f"| `{one.id}` | {one.happens} | {one.judged} |" for one in SCENARIOS.values()}
    assert not [scenario_id for scenario_id, row in rows.items() if row not in page]
