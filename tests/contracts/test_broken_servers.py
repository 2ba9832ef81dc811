"""Every deliberately wrong server is caught, by the checks it names; the right one passes the same."""

from pathlib import Path

import pytest
import yaml

from contracts import broken, registry, trial
from contracts.broken import Broken, load
from contracts.document import Document
from contracts.registry import CHECKS, OBSERVERS
from contracts.verdicts import FAILED, UNTESTABLE
from mockserver import Config, Emulator, create_app

DOCUMENT = Document.load()
SERVERS = load()

UNPROVEN = yaml.safe_load((Path(broken.__file__).parent / "unproven.yaml").read_text()) or []


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return Emulator(Config(log="none"))


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_broken_server_is_caught(server: Broken, emulator: Emulator) -> None:
    app = server.over(create_app(emulator))
    outcomes = trial.judge(app, (*server.caught_by, *server.by_way_of), document=DOCUMENT)
    caught = {outcome.check for outcome in outcomes if outcome.verdict == FAILED}
    assert caught >= set(server.caught_by)


def test_the_right_server_passes_the_same_checks(emulator: Emulator) -> None:
    names = sorted({name for server in SERVERS.values() for name in (*server.caught_by, *server.by_way_of)})
    outcomes = trial.judge(create_app(emulator), names, document=DOCUMENT)
    assert [(o.label, o.message) for o in outcomes if o.verdict in (FAILED, UNTESTABLE)] == []


def test_every_check_is_proven_by_a_broken_server_or_listed_as_unproven() -> None:
    registry.load()
    proven = {name for server in SERVERS.values() for name in server.caught_by}
    assert sorted({*CHECKS, *OBSERVERS} - proven) == sorted(UNPROVEN)
