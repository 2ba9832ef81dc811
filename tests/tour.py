"""Every page that people look at, with something to see: the console of a seeded server, and the three reports."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from contracts import registry, requirements
from contracts.broken import load, proof
from contracts.progress import Progress
from contracts.reports import page
from contracts.run import Run
from contracts.schema.document import Document
from contracts.secrecy import Mask
from contracts.settings import MADE_UP, Settings
from contracts.wire import WsgiTransport
from mockserver import Config, Emulator, conformance
from mockserver.clients.program import PrivateServer
from mockserver.comparison import comparing, writers
from mockserver.comparison.wire import Wire
from mockserver.conformance.findings import ScenarioVerdict, Verdict
from mockserver.exchange import Call, Result
from tests.calls import connection, made, send, source, target
from tests.dataflows import COPY, EXAMPLE_SOURCES, MAPPING, flow, pass_time, runs_of
from tests.recordings.test_calibrating import every_disagreement

_ODD = {"delete-status": "202", "run-answer": "bare"}
"""What the recording behind the comparison page answers otherwise."""


@dataclass(frozen=True)
class Seeded:
    """A server that a client has worked with, and what the client has made."""

    emulator: Emulator
    connection: str
    flow: str
    spec: str

    @property
    def pages(self) -> dict[str, str]:
        """Every page of the console: those of the navigation, and one of each kind behind them."""
        console = "/_mock/console"
        return {
            **empty_pages(),
            "call": f"{console}/calls/{_refused_call(self.emulator)}",
            "runs": f"{console}/resources?kind=runs",
            "resource": f"{console}/resources/connections/{self.connection}",
            "flow": f"{console}/flows/{self.flow}",
            "source": f"{console}/sources/{self.connection}?object=public.events",
            "connector": f"{console}/specs/connectors/74a1c565-4e59-48d7-9d67-7c03b8a13137",
            "own-connector": f"{console}/specs/connectors/{self.spec}",
            "flow-specs": f"{console}/specs/flows",
            "flow-spec": f"{console}/specs/flows/14518937-270c-4525-bdec-c2ba7cce3860",
        }


def empty_pages() -> dict[str, str]:
    """The pages of the navigation, which a new server has too."""
    names = ("calls", "resources", "flows", "sources", "specs", "control", "settings", "fidelity")
    return {"now": "/_mock/", **{name: f"/_mock/console/{name}" for name in names}}


def settings(**options: object) -> Config:
    """Of a server to be looked at."""
    return Config(seed=1, log="none", **options)  # type: ignore[arg-type]


def seeded() -> Seeded:
    """Let a client do its work, a little of it wrong."""
    emulator = Emulator(settings(sources=os.path.relpath(EXAMPLE_SOURCES), service_clients=("acme-service",)))
    handle = emulator.handle

    def at_its_time(call: Call) -> Result:
        return handle(call._replace(received_ms=emulator.runtime.clock.now_ms()))

    emulator.handle = at_its_time  # type: ignore[method-assign]
    base = connection("Shop events, PostgreSQL")
    base["auth"]["params"]["server"] = "events.example.com"
    base_id = made(emulator, base)["id"]
    spec = _write_spec(emulator)
    flow_id = _let_a_flow_run(emulator, base_id)
    send(emulator, "GET", "/connections?limit=1000")
    send(emulator, "GET", f"/connections/{base_id}", headers={"x-sandbox-name": None})
    send(emulator, "PATCH", f"/connections/{base_id}", [{"op": "replace", "path": "/name", "value": "Shop"}])
    send(emulator, "GET", f"/flows/{flow_id}")
    emulator.faults.strike("rate-limit", "2", operation="listFlows", times=3)
    send(emulator, "GET", "/flows")
    emulator.runtime.clock.freeze()
    return Seeded(emulator, base_id, flow_id, spec)


def _let_a_flow_run(emulator: Emulator, base_id: str) -> str:
    reads = source(base_id, name="Page views", params={"tableName": "public.events"})
    read = made(emulator, reads, "/sourceConnections")["id"]
    written = made(emulator, target(name="Web events data set"), "/targetConnections")["id"]
    copy = {**COPY, "params": {"deltaColumn": {"name": "updated_at"}}}
    start = str(emulator.runtime.clock.now_ms() // 1000)
    body = flow(
        emulator, name="Page views to the data lake", sourceConnectionIds=[read], targetConnectionIds=[written],
        transformations=[copy, MAPPING], scheduleParams={"startTime": start, "frequency": "minute", "interval": "15"},
    )  # fmt: skip
    flow_id = made(emulator, body, "/flows")["id"]
    pass_time(emulator, 7 * 3_600_000 + 600_000)
    runs_of(emulator, flow_id)
    return flow_id


def _write_spec(emulator: Emulator) -> str:
    properties = {
        "host": {"type": "string"},
        "region": {"type": "string", "enum": ["eu", "us"]},
        "password": {"type": "string", "format": "password"},
    }
    auth = {"type": "object", "properties": properties, "required": ["host", "password"]}
    body = {
        "name": "acme-crm",
        "providerId": "0ed90a81-07f4-4586-8190-b40eccef1c5a",
        "authSpec": [{"name": "Basic Authentication", "type": "BasicAuthentication", "spec": auth}],
        "attributes": {"category": "CRM", "isSource": True},
    }
    result = send(emulator, "POST", "/connectionSpecs", body, headers={"x-api-key": "acme-service"})
    assert isinstance(result.body, dict), result
    return str(result.body["id"])


def _refused_call(emulator: Emulator) -> int:
    return next(entry.number for entry in emulator.journal.entries() if entry.status >= 400)


def reports(emulator: Emulator) -> Mapping[str, str]:
    """Name -> HTML of the report on a client, the report on a server, and the comparison with a recording."""
    return {"report": _client_report(emulator), "contract": _contract_report(), "comparison": _comparison()}


def _client_report(emulator: Emulator) -> str:
    judged = conformance.evaluate(emulator.journal.entries(), emulator.contract)
    verdicts: tuple[tuple[str, Verdict, str, str, str], ...] = (
        ("rate-limit.retry-after", "failed", "Called again after 0.1 s, Retry-After asked for 2 s.",
         "429 with Retry-After", "Wait as long as `Retry-After` says."),
        ("token.expires", "passed", "Fetched a new token and went on.", "The token expires", ""),
        ("lost.creation", "untestable", "The client created nothing.", "A creation's answer is lost",
         "Let the client create something."),
    )  # fmt: skip
    scenarios = tuple(
        ScenarioVerdict(name, verdict, detail, (number,), title, hint)
        for number, (name, verdict, detail, title, hint) in enumerate(verdicts, 5)
    )
    return conformance.render(replace(judged, scenarios=scenarios), "html")


def _contract_report() -> str:
    registry.load()
    document, rows, mask = Document.load(), requirements.load(), Mask(())
    few = frozenset({"createConnection", "retrieveConnection"})
    chosen = Settings("http://127.0.0.1", MADE_UP, operations=few, examples=0)
    app = load()["drops-description"].over(proof.right({})[0])
    report = Run(chosen, document, WsgiTransport(app), Progress(io.StringIO(), mask), mask).go()
    return page.document(report, rows[:25], mask, [one.id for one in document.operations])


def _comparison() -> str:
    recording = every_disagreement(Emulator(Config(seed=7, quirk=_ODD)))
    with PrivateServer(settings(journal_entries=0)) as server, Wire(server.url) as wire:
        return writers.render(comparing.with_emulator(recording, server.emulator, wire.send), "html")
