"""Every deliberately wrong server is caught, by the checks it names; the right one passes them all."""

from typing import Any

import pytest

from contracts import registry, trial
from contracts.broken import Broken, load
from contracts.document import Document
from contracts.registry import CHECKS, OBSERVERS
from contracts.verdicts import FAILED, UNTESTABLE
from mockserver import Config, Emulator, create_app

registry.load()
DOCUMENT = Document.load()
SERVERS = load()


def right_server(**options: Any) -> tuple[Any, str | None]:
    """The application and the token it asks for, if any.

    Its clock takes ten minutes for each look at the runs, and moves on for each creation: entities made
    within one millisecond would have no order of creation that a wrong server could keep to.
    """
    emulator = Emulator(Config(log="none", **options))
    app = create_app(emulator)

    def hurried(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "GET" and "/runs" in environ["PATH_INFO"]:
            emulator.runtime.clock.advance(600_000)
        if environ["REQUEST_METHOD"] == "POST":
            emulator.runtime.clock.advance(1)
        return app(environ, start_response)

    return hurried, emulator.tokens.issue()[0] if emulator.config.strict else None


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_broken_server_is_caught(server: Broken) -> None:
    app, token = right_server(**server.options)
    outcomes = trial.judge(server.over(app), server.checks, document=DOCUMENT, kinds=server.kinds, token=token)
    caught = {outcome.check for outcome in outcomes if outcome.verdict == FAILED}
    assert sorted(set(server.caught_by) - caught) == [], f"{server.name} ({server.description}) passes"


@pytest.mark.parametrize("seed", range(1, 3))
def test_the_right_server_passes_every_check(seed: int) -> None:
    app, _ = right_server()
    outcomes = trial.judge(app, CHECKS, document=DOCUMENT, seed=seed)
    assert {o.check for o in outcomes if o.verdict == UNTESTABLE} == {"gateway.token-unknown"}  # it takes any token
    assert [(o.label, o.message) for o in outcomes if o.verdict == FAILED] == []


@pytest.mark.parametrize(
    ("options", "checks"),
    [({"strict": True}, ["gateway.token-unknown"]), ({"platform": "aws"}, ["create.unlisted-auth-spec"])],
    ids=["strict", "aws"],
)
def test_the_right_server_passes_what_depends_on_its_settings(options: dict[str, Any], checks: list[str]) -> None:
    app, token = right_server(**options)
    outcomes = trial.judge(app, checks, document=DOCUMENT, token=token)
    assert [(o.label, o.message) for o in outcomes if o.verdict in (FAILED, UNTESTABLE)] == []


def test_every_check_has_a_broken_server_that_it_catches() -> None:
    catching = {name for server in SERVERS.values() for name in server.caught_by}
    assert sorted({*CHECKS, *OBSERVERS} - catching) == []


def test_every_broken_server_says_what_is_wrong_with_it() -> None:
    assert [server.name for server in SERVERS.values() if not 10 < len(server.description) < 110] == []
