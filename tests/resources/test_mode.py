"""Tests of `mode`: `draft` is documented; the effect of other values is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver import Config, Emulator
from mockserver.conformance import evaluate
from tests import dataflows
from tests.calls import connection, made, refused, send, source, target

BODIES: dict[str, Callable[[Emulator], Any]] = {
    "/connections": lambda emulator: connection(),
    "/sourceConnections": lambda emulator: source(made(emulator)["id"]),
    "/targetConnections": lambda emulator: target(),
    "/flows": dataflows.flow,
}


def issued(emulator: Emulator) -> dict[str, str | None]:
    """A token issued by the emulator."""
    return {"authorization": f"Bearer {emulator.tokens.issue()[0]}"}


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("mode", ["x", "Draft", "DRAFT", "", "draft%20"])
def test_another_mode_has_no_effect_and_the_client_gets_a_finding(emulator: Emulator, path: str, mode: str) -> None:
    body = BODIES[path](emulator)
    stored = made(emulator, body, f"{path}?mode={mode}")
    shown: Any = send(emulator, "GET", f"{path}/{stored['id']}").body
    assert shown["items"][0]["state"] == "enabled"
    findings = evaluate(emulator.journal.entries(), emulator.contract).open
    assert [finding.rule for finding in findings if "parameter mode" in finding.detail] == ["query.value"]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("mode", ["x", "Draft", ""])
def test_under_strict_another_mode_is_refused(emulator: Emulator, path: str, mode: str) -> None:
    strict, body = Emulator(Config(strict=True)), BODIES[path](emulator)
    result = send(strict, "POST", f"{path}?mode={mode}", body, headers=issued(strict))
    assert refused(result) == (400, "1452-400", "mode")


@pytest.mark.parametrize("strict", [False, True])
def test_a_draft_is_taken_and_without_findings(strict: bool) -> None:
    emulator = Emulator(Config(strict=strict))
    assert send(emulator, "POST", "/connections?mode=draft", connection(), headers=issued(emulator)).status == 201
    assert not [call for call in emulator.journal.entries() if call.violations]
