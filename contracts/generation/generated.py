"""Generated requests: schemathesis in all its phases, with every check, on the stage of this run.

Its engine plans and judges. The hooks ensure that requests reach something real (an entity
created by the run, with its current etag), that nothing else is written to, and that all exchanges are
recorded and observed like the suite's own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from schemathesis.engine import StopReason, events, from_schema

from contracts.bounded import bind
from contracts.findings.causes import ETAG, HEADER, NOT_JSON, SCHEMA, SERVER_ERROR, STATUS, Fault, basic
from contracts.findings.verdicts import FAILED, PASSED, UNTESTABLE, Outcome
from contracts.generation.home import without_traces
from contracts.generation.hooks import Aim, answer_of
from contracts.generation.plausible import plausible
from contracts.progress import Progress
from contracts.settings import Settings
from contracts.stage import Stage
from contracts.wire import Answer, Unreachable, WsgiTransport

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
"""Schemathesis' checks; each is `generated.NAME` in the table of promises."""

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
"""Operations that accept every plausible request. Others may correctly respond 400 or 412: an etag from a link
may be stale, a draft may be published, an entity may be in use, a source may refuse."""

ACCEPTANCE: list[int | str] = ["2xx", 400, 404, 412]

_MAX_MESSAGE = 400

OWN_CAUSES: dict[str, str | tuple[str, ...]] = {
    "not_a_server_error": SERVER_ERROR,
    "status_code_conformance": STATUS,
    "content_type_conformance": NOT_JSON,
    "response_headers_conformance": (HEADER, ETAG),
    "response_schema_conformance": (SCHEMA, ETAG),
}
"""Check of Schemathesis -> prefixes of the cause if one of our observers found the same fault."""

REFUSALS: list[int | str] = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
"""Correct statuses for an invalid request; 412 for a wrong If-Match."""


@dataclass(frozen=True, slots=True)
class Job:
    """The parts of a run that generation needs."""

    stage: Stage
    progress: Progress
    add: Callable[[Outcome], None]
    tolerant: bool
    """Whether the server accepts unknown members."""
    trouble: list[str]
    """Receives errors of the suite itself."""

    @property
    def settings(self) -> Settings:
        """Those of the run."""
        return self.stage.settings


def run(job: Job) -> None:
    """Run all phases and add the outcomes to the run. Raises KeyboardInterrupt and Unreachable."""
    logging.getLogger("hypothesis").setLevel(logging.ERROR)
    document = plausible(job.stage.document.source, _specs(job.stage), tolerant=job.tolerant)
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(_config(job)))
    if isinstance(job.stage.transport, WsgiTransport):
        schema.app = job.stage.transport.app
    aim = Aim(job.stage.fresh())
    found = _Found(job, aim)
    with aim.attached(), _without_tracebacks(job.trouble), without_traces():
        for event in from_schema(schema).execute():
            if (
                job.stage.flight.stopped.is_set() or aim.gone or job.stage.is_over()
            ):  # with max-time it goes on until then
                break
            match event:
                case events.ScenarioStarted():
                    job.progress.step(0, 0, f"{event.phase.value}: {event.label or 'sequences'}")
                case events.ScenarioFinished():
                    found.learn(event.recorder)
                case events.NonFatalError():
                    found.learn_error(event)
                case events.FatalError():
                    job.trouble.append(f"Schemathesis: {type(event.exception).__name__}: {event.exception}")
                case events.EngineFinished():
                    found.learn_end(event)
    found.tell()
    job.stage.flight.check()
    if aim.gone:
        raise Unreachable(aim.gone)


@contextmanager
def _without_tracebacks(trouble: list[str]) -> Iterator[None]:
    """Record errors in threads of Schemathesis as trouble. Python would print them and forget them."""
    before = threading.excepthook
    threading.excepthook = lambda failed: trouble.append(
        f"Schemathesis: {failed.exc_type.__name__}: {failed.exc_value}"
    )
    try:
        yield
    finally:
        threading.excepthook = before


def _specs(stage: Stage) -> list[dict[str, Any]]:
    """The server's connection specs."""
    body = {} if stage.is_over() else stage.call("GET", "/connectionSpecs").json
    items = body.get("items") if isinstance(body, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


class _Found:
    """Collects the failures of Schemathesis' checks, one per check and operation."""

    def __init__(self, job: Job, aim: Aim) -> None:
        self._job, self._aim = job, aim
        self._failed: dict[tuple[str, str], Outcome] = {}
        self._passed: set[tuple[str, str]] = set()

    def learn(self, recorder: Any) -> None:
        """One scenario."""
        for case_id, nodes in recorder.checks.items():
            operation = str(recorder.cases[case_id].value.operation.label)
            blocked = self._aim.blocked.get(case_id)
            for node in nodes:
                key = (node.name, operation)
                if node.failure_info is None:
                    self._passed.add(key)
                elif key not in self._failed and blocked is None:
                    failure = node.failure_info.failure
                    message = " ".join(f"{failure.title}. {failure.message}".split())[:_MAX_MESSAGE]
                    evidence = tuple(_answers(recorder, case_id))
                    repeated = [self._job.stage.ledger.repeats(answer.sent) for answer in evidence]
                    cause = _cause(node.name, self._aim.faults.get(case_id, [])) or "".join(repeated)
                    check = f"generated.{node.name}"
                    self._failed[key] = Outcome(check, operation, FAILED, message, evidence, cause=cause or check)

    def learn_error(self, event: events.NonFatalError) -> None:
        """Record an error of Schemathesis; missing responses are already known."""
        if (
            isinstance(event.value, requests.RequestException | TimeoutError)
            or event.info.title == "Missing Open API links"
        ):
            return
        self._job.trouble.append(f"{event.label}: {event.info.title}: {event.info.message[:300]}")

    def learn_end(self, event: events.EngineFinished) -> None:
        """Record an end before everything was tested, unless the budget is spent: what was not sent shows nothing."""
        budget = self._job.stage.is_over()
        if event.stop_reason != StopReason.COMPLETED and not budget:
            self._job.trouble.append(f"Schemathesis ended early: {event.stop_reason.skip_explanation}")
        elif _wanted(self._job) and not self._passed and not self._failed and not budget:
            self._job.trouble.append("Schemathesis has checked no response of any operation")

    def tell(self) -> None:
        """Add all failures to the run."""
        for name in CHECKS:
            if name == "ignored_auth" and not self._job.settings.token_given:
                reason = "this server takes the suite's made-up token: give a real one in FLOW_SERVICE_TOKEN"
                self._job.add(Outcome(f"generated.{name}", "", UNTESTABLE, reason))
                continue
            subjects = sorted({operation for check, operation in (*self._failed, *self._passed) if check == name})
            for operation in subjects:
                passed = Outcome(f"generated.{name}", operation, PASSED)
                self._job.add(self._failed.get((name, operation), passed))
            if not subjects:
                self._job.add(Outcome(f"generated.{name}", "", UNTESTABLE, "no generated request applies"))


def _cause(check: str, faults: Sequence[Fault]) -> str:
    """The cause of a fault that our observers found as well; empty for a finding of Schemathesis only."""
    own = OWN_CAUSES.get(check, "none")
    return next((fault.cause for fault in faults if fault.cause.startswith(own)), "") or basic(faults)


def _answers(recorder: Any, case_id: str) -> list[Answer]:
    interaction = recorder.interactions.get(case_id)
    if interaction is None or interaction.response is None:
        return []
    return [answer_of(interaction.response, "")]


def _wanted(job: Job) -> set[str]:
    """The ids of the operations to call."""
    settings, document = job.settings, job.stage.document
    return {
        operation.id
        for operation in document.operations
        if (not settings.operations or operation.id in settings.operations)
        and (operation.reads or not settings.read_only)
        and (settings.lasting or not document.lasts(operation) or (settings.forgets and operation.path[:5] == "/runs"))
    }


def _operations(job: Job) -> list[dict[str, Any]]:
    """Settings of operations. Excluded ones are disabled by name: these settings would override a filter.

    As few rows as can be: each check of each response goes through all of them.
    """
    document, wanted = job.stage.document, _wanted(job)
    items = [item for path in document.source["paths"].values() for item in path.values() if isinstance(item, dict)]
    names = [item["operationId"] for item in items if "operationId" in item]
    accepting = {"positive_data_acceptance": {"expected-statuses": ACCEPTANCE}}
    left_out = [name for name in names if name not in wanted]
    free = [name for name in names if name in wanted and name not in PLAIN]
    rows: list[tuple[dict[str, Any], list[str]]] = [({"enabled": False}, left_out), ({"checks": accepting}, free)]
    return [{"include-operation-id-regex": f"^({'|'.join(few)})$", **row} for row, few in rows if few]


def _certificates(url: str) -> Any:
    """What certificates are verified with: Schemathesis' own setting would hide the file that the environment names."""
    session = requests.Session()
    bind(session, url)
    return session.verify


def _config(job: Job) -> dict[str, Any]:
    settings = job.settings
    checks: dict[str, Any] = {
        "negative_data_rejection": {"expected-statuses": REFUSALS},
        "missing_required_header": {"expected-statuses": [400, 401, 403, 404]},
        "ignored_auth": {"enabled": settings.token_given},
    }
    return {
        "seed": settings.seed,
        "base-url": job.stage.transport.base_url,
        "headers": {"Authorization": settings.headers["Authorization"]},
        "warnings": False,
        "cache": {"enabled": False},
        "suppress-health-check": ["too_slow"],  # it measures time, and a loaded machine may take any
        "continue-on-failure": True,
        "request-timeout": settings.patience,
        "max-redirects": 0,
        "tls-verify": _certificates(job.stage.transport.base_url),
        "generation": {"max-examples": settings.examples, "database": "none"},
        "checks": checks,
        "operations": _operations(job),
        # correct servers refuse DELETE on a collection, but a read-only run must not rely on it
        **({"phases": {"coverage": {"unexpected-methods": []}}} if settings.read_only else {}),
    }
