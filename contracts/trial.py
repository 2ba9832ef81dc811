"""Runs single checks against a WSGI application without sockets: for broken servers, and while writing a check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contracts import registry
from contracts.findings.causes import Fault
from contracts.findings.verdicts import FAILED, PASSED, Outcome
from contracts.registry import CHECKS, OBSERVERS, Watch, faults_of
from contracts.schema.document import Document
from contracts.settings import MADE_UP, Settings
from contracts.stage import Stage
from contracts.wire import Answer, WsgiTransport


def judge(
    app: Any,
    checks: Iterable[str],
    *,
    document: Document,
    seed: int = 1,
    kinds: Iterable[str] | None = None,
    token: str | None = None,
) -> list[Outcome]:
    """Run the named checks; returns their outcomes and those of all observers.

    `kinds` limits the collections. With a `token` issued by the server, checks also test how it treats
    other tokens. Created entities are deleted again, except runs.
    """
    registry.load()
    given, headers = frozenset[str](), MADE_UP
    if token is not None:
        given, headers = frozenset({"authorization"}), {**MADE_UP, "Authorization": f"Bearer {token}"}
    settings = Settings("http://127.0.0.1", headers, given, seed=seed, lasting=True)
    watch = Watch(document, "", {})
    observed: dict[str, Outcome] = {}

    def hear(answer: Answer) -> list[Fault]:
        found = faults_of(watch, answer)
        for name, fault in found.items():
            if name not in observed:
                observed[name] = Outcome(name, "", FAILED, fault.message, (answer,), cause=fault.cause)
        return list(found.values())

    stage = Stage(WsgiTransport(app), settings, document, hear=hear)
    watch.canary, watch.entities = stage.canary, stage.ledger.entities
    wanted = None if kinds is None else set(kinds)
    outcomes = [
        CHECKS[check_id].judge(stage.fresh(), kind)
        for check_id in checks
        if check_id in CHECKS
        for kind in CHECKS[check_id].subjects(stage)
        if kind is None or wanted is None or kind.name in wanted
    ]
    stage.sweep()
    return outcomes + [observed.get(name) or Outcome(name, "", PASSED) for name in OBSERVERS]
