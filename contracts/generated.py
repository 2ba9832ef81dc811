"""Generated requests: schemathesis in all its phases, with every check, on the stage of this run.

Its engine plans and judges; the hooks here see to it that requests reach something real (an entity
of ours, with its current etag), that nothing else is ever written to, and that all exchanges are
recorded and observed like the suite's own.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import schemathesis
from schemathesis.engine import events, from_schema

from contracts.generation_hooks import Aim, answer_of
from contracts.plausible import plausible
from contracts.verdicts import FAILED, PASSED, UNTESTABLE, Outcome
from contracts.wire import Answer, WsgiTransport

if TYPE_CHECKING:
    from contracts.run import Run

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "object_level_authorization",
)
"""The tool's checks; each is `generated.NAME` in the table of promises."""

PLAIN = (
    "listConnections",
    "createConnection",
    "getConnectionsByFilters",
    "retrieveConnection",
    "testConnection",
    "listConnectionSpecs",
    "listFlowSpecs",
    "searchFlowSpecs",
    "getSourceConnections",
    "createSourceConnection",
    "retrieveSourceConnection",
    "getTargetConnections",
    "createTargetConnection",
    "retrieveTargetConnection",
    "listFlows",
    "createFlow",
    "getFlowsByFilters",
    "retrieveFlow",
    "listFlowRuns",
)
"""Operations that take every plausible request. Elsewhere 400 and 412 may be right too: an etag that a link
carries is an old one by now, a published draft is no draft, what a flow uses stays, a source decides for itself."""

ACCEPTANCE: list[int | str] = ["2xx", 400, 404, 412]

_MAX_MESSAGE = 400

REFUSALS: list[int | str] = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
"""Right answers to a request that is wrong; 412 for a wrong If-Match."""


def run(run: Run) -> None:
    """All phases; the outcomes go to the run."""
    logging.getLogger("hypothesis").setLevel(logging.ERROR)
    specs = run.stage.call("GET", "/connectionSpecs").json.get("items", [])
    tolerant = not any(o.check == "create.unknown-members" and o.verdict == FAILED for o in run.report.outcomes)
    document = plausible(run.document.source, specs, tolerant=tolerant)
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(_config(run)))
    if isinstance(run.stage.transport, WsgiTransport):
        schema.app = run.stage.transport.app
    found = _Found(run)
    with Aim(run.stage.fresh(), run.settings.read_only).attached():
        for event in from_schema(schema).execute():
            if run.stopped.is_set():
                found.tell()
                raise KeyboardInterrupt
            match event:
                case events.ScenarioStarted():
                    run.progress.step(0, 0, f"{event.phase.value}: {event.label}")
                case events.ScenarioFinished():
                    found.learn(event.recorder)
                case events.NonFatalError() if event.info.title != "Missing Open API links":  # none are chosen then
                    run.report.trouble.append(f"{event.label}: {event.info.title}: {event.info.message[:300]}")
                case events.Interrupted():
                    found.tell()
                    raise KeyboardInterrupt
    found.tell()


class _Found:
    """Gathers what the tool's checks said: once for each check and operation."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._failed: dict[tuple[str, str], tuple[str, tuple[Answer, ...]]] = {}
        self._passed: set[tuple[str, str]] = set()

    def learn(self, recorder: Any) -> None:
        """One scenario."""
        for case_id, nodes in recorder.checks.items():
            operation = str(recorder.cases[case_id].value.operation.label)
            for node in nodes:
                key = (node.name, operation)
                if node.failure_info is None:
                    self._passed.add(key)
                elif key not in self._failed:
                    failure = node.failure_info.failure
                    message = " ".join(f"{failure.title}. {failure.message}".split())[:_MAX_MESSAGE]
                    evidence = tuple(_answers(recorder, case_id))
                    self._failed[key] = (message, evidence)

    def tell(self) -> None:
        """Hand all of it to the run."""
        for name in CHECKS:
            if name == "ignored_auth" and not self._run.settings.token_given:
                reason = "this server takes the suite's made-up token: give a real one in FLOW_SERVICE_TOKEN"
                self._run.add(Outcome(f"generated.{name}", "", UNTESTABLE, reason))
                continue
            subjects = sorted({operation for check, operation in (*self._failed, *self._passed) if check == name})
            for operation in subjects:
                message, evidence = self._failed.get((name, operation), ("", ()))
                verdict = FAILED if message else PASSED
                self._run.add(Outcome(f"generated.{name}", operation, verdict, message, evidence))
            if not subjects:
                self._run.add(Outcome(f"generated.{name}", "", UNTESTABLE, "no generated request called for it"))


def _answers(recorder: Any, case_id: str) -> list[Answer]:
    interaction = recorder.interactions.get(case_id)
    if interaction is None or interaction.response is None:
        return []
    return [answer_of(interaction.response, "")]


def _operations(run: Run) -> list[dict[str, Any]]:
    """Per-operation settings. What is not for this run is switched off by name: a filter would lose to these."""
    settings, document = run.settings, run.document
    wanted = {
        operation.id
        for operation in document.operations
        if (not settings.operations or operation.id in settings.operations)
        and (operation.reads or not settings.read_only)
        and (settings.lasting or not document.lasts(operation) or (settings.forgets and operation.path[:5] == "/runs"))
    }
    items = [item for path in document.source["paths"].values() for item in path.values() if isinstance(item, dict)]
    names = [item["operationId"] for item in items if "operationId" in item]
    accepting = {"positive_data_acceptance": {"expected-statuses": ACCEPTANCE}}
    rows: list[dict[str, Any]] = []
    for name in names:
        if name not in wanted:
            rows.append({"include-operation-id": name, "enabled": False})
        elif name not in PLAIN:
            rows.append({"include-operation-id": name, "checks": accepting})
    return rows


def _config(run: Run) -> dict[str, Any]:
    settings = run.settings
    checks: dict[str, Any] = {
        "negative_data_rejection": {"expected-statuses": REFUSALS},
        "missing_required_header": {"expected-statuses": [400, 401, 403, 404]},
        "ignored_auth": {"enabled": settings.token_given},
    }
    remaining = run.remaining()
    return {
        "seed": settings.seed,
        "base-url": run.stage.transport.base_url,
        "headers": {"Authorization": settings.headers["Authorization"]},
        "warnings": False,
        "cache": {"enabled": False},
        "continue-on-failure": True,
        "request-timeout": 60,
        "generation": {"max-examples": settings.examples, "database": "none"},
        "checks": checks,
        "operations": _operations(run),
        # DELETE on a whole collection is refused by every server that is right; a read-only run does not rely on that.
        **({"phases": {"coverage": {"unexpected-methods": []}}} if settings.read_only else {}),
        **({"max-time": max(1, int(remaining))} if remaining is not None else {}),
    }
