"""Tests that a command's process searches for no garbage as it starts and ends."""

import gc
import sys

import pytest

from mockserver.__main__ import run

pytestmark = pytest.mark.usefixtures("nothing_is_frozen_before")


@pytest.mark.parametrize(("arguments", "status"), [(["quirks"], 0), (["no-such-command"], 2)], ids=["right", "wrong"])
def test_what_a_command_made_is_not_searched_when_it_ends(
    arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mockserver", *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    assert (ended.value.code, gc.get_freeze_count() > 0) == (status, True)


def test_the_imports_of_a_command_are_searched_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not never: `exec` and `record` run as long as their client."""
    monkeypatch.setattr(sys, "argv", ["mockserver", "quirks"])
    with pytest.raises(SystemExit):
        run()
    assert gc.isenabled() and gc.get_threshold()[0] > 50_000
