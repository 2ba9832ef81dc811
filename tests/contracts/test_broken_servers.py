"""Every deliberately wrong server is caught, by the checks it names; the right one passes them all."""

import pytest

from contracts import registry
from contracts.broken import Broken, load, proof
from contracts.document import Document
from contracts.registry import CHECKS, OBSERVERS

registry.load()
DOCUMENT = Document.load()
SERVERS = load()


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_broken_server_is_caught(server: Broken) -> None:
    assert proof.prove(server, DOCUMENT).missed == (), f"{server.name} passes: {server.description}"


@pytest.mark.parametrize("seed", range(1, 3))  # ten: `make broken`
def test_the_right_server_passes_every_check(seed: int) -> None:
    assert [(o.label, o.verdict, o.message) for o in proof.false_alarms(seed, DOCUMENT)] == []


def test_every_check_has_a_broken_server_that_it_catches() -> None:
    catching = {name for server in SERVERS.values() for name in server.caught_by}
    assert sorted({*CHECKS, *OBSERVERS} - catching) == []


def test_every_broken_server_says_what_is_wrong_with_it() -> None:
    assert [server.name for server in SERVERS.values() if not 10 < len(server.description) < 80] == []
    assert len({server.description for server in SERVERS.values()}) == len(SERVERS)
