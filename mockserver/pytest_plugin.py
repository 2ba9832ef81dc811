"""The pytest plugin: fixtures `flow_service`, `flow_service_factory`, `flow_service_server`, a marker, `--flow-report`.

Importing it is cheap: the emulator is loaded when a test first uses a fixture.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.clients.service import FlowService
    from mockserver.conformance import Report
    from mockserver.journal.entries import Entry

_MARK = "flow_conformance"
_MAX_LINES = 40
"""Calls shown with a failed test; the latest."""

_NOT_BEFORE_THE_END = frozenset({"lifecycle.never-deleted", "lifecycle.draft-left"})
"""Rules about leftovers, judged at the end: a fixture may still clean up."""

_FIXTURES = frozenset({"flow_service", "flow_service_factory"})

_SERVICES = pytest.StashKey[list["FlowService"]]()
_FOUND = pytest.StashKey[frozenset[tuple[str, str]]]()
_FAILED = pytest.StashKey[bool]()
_REPORTS = pytest.StashKey[list[Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--flow-report=DIR`."""
    group = parser.getgroup("flow service", "Flow Service clients")
    group.addoption(
        "--flow-report", metavar="DIR", type=Path, help="write what clients of flow_service did wrong, in every form"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARK}(level='warn', ignore=[]): fail when the client breaks a rule of this level or worse",
    )
    config.stash[_REPORTS] = []


@pytest.fixture(scope="session")
def flow_service_config() -> dict[str, Any]:
    """Settings of the server, named like members of `mockserver.Config`. Override this fixture to change them."""
    return {}


@pytest.fixture(scope="session")
def flow_service_server(flow_service_config: dict[str, Any]) -> Iterator[FlowService]:
    """One running service for all tests of this process."""
    from mockserver.clients.service import flow_service as serving

    with serving(**flow_service_config) as service:
        yield service


@pytest.fixture
def _flow_service_attempt(request: pytest.FixtureRequest) -> None:
    """Begin an attempt; discard the findings of earlier ones, if a plugin repeats the test."""
    stash = request.node.stash
    stash[_SERVICES], stash[_FOUND], stash[_FAILED] = [], frozenset(), False


@pytest.fixture
def flow_service(
    flow_service_server: FlowService, _flow_service_attempt: None, request: pytest.FixtureRequest
) -> Iterator[FlowService]:
    """The service without records, calls and faults."""
    flow_service_server.reset()
    request.node.stash[_SERVICES].append(flow_service_server)
    yield flow_service_server
    _conclude(request, [flow_service_server])


@pytest.fixture
def flow_service_factory(
    flow_service_config: dict[str, Any], _flow_service_attempt: None, request: pytest.FixtureRequest
) -> Iterator[Callable[..., FlowService]]:
    """A function that starts further services. Its arguments are members of `Config`, such as strict=True."""
    from mockserver.clients.service import flow_service as serving

    started: list[FlowService] = []
    with contextlib.ExitStack() as running:

        def start(**settings: Any) -> FlowService:
            service = running.enter_context(serving(**{**flow_service_config, **settings}))
            started.append(service)
            request.node.stash[_SERVICES].append(service)
            return service

        yield start
        _conclude(request, started)


def _conclude(request: pytest.FixtureRequest, services: list[FlowService]) -> None:
    """Keep the reports, and judge. All fixtures of the test have cleaned up by now."""
    if request.config.getoption("flow_report"):
        request.config.stash[_REPORTS] += [service.report() for service in services]
    if not request.node.stash.get(_FAILED, False):
        _judge(request.node, at_the_end=True, only=services)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Require a fixture in a marked test."""
    if item.get_closest_marker(_MARK) and _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
        pytest.fail(f"@pytest.mark.{_MARK} judges the calls made to the fixture flow_service: use it", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """Judge a marked test after it has passed."""
    outcome = yield
    _judge(item, at_the_end=False)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Show with a failed test what its client did."""
    report = yield
    services = item.stash.get(_SERVICES, [])
    if report.when == "call" and report.failed and services:
        item.stash[_FAILED] = True
        reported = bool(item.stash.get(_FOUND, frozenset()))
        for number, service in enumerate(services, 1):
            title = "Flow Service calls" + (f" (service {number} of {len(services)})" if len(services) > 1 else "")
            report.sections.append((title, _described(service, reported=reported)))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the reports to the controlling process, or write them."""
    config = session.config
    reports: list[Report] = config.stash[_REPORTS]
    if not reports:
        return
    from mockserver.conformance import recorded

    workeroutput = getattr(config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput["flow_service"] = json.dumps([recorded.to_json(report) for report in reports])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the report of all tests and print its location."""
    folder: Path | None = config.getoption("flow_report")
    reports: list[Report] = config.stash[_REPORTS]
    if folder is None or not reports:
        return
    from mockserver.conformance import write_reports
    from mockserver.conformance.merging import merge
    from mockserver.conformance.writers.terminal import verdict
    from mockserver.contract import Contract

    whole = merge(reports, Contract.load())
    written = write_reports(whole, folder)
    terminalreporter.section("Flow Service clients")
    terminalreporter.write_line(f"{len(whole.calls)} calls, {verdict(whole)}")
    terminalreporter.write_line(f"report: {' · '.join(str(path) for path in written)}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Collect the reports of a finished worker of pytest-xdist."""
    handed = getattr(node, "workeroutput", {}).get("flow_service")
    if handed:
        from mockserver.conformance import recorded

        node.config.stash[_REPORTS] += [recorded.from_json(raw) for raw in json.loads(handed)]


def _judge(item: pytest.Item, *, at_the_end: bool, only: list[FlowService] | None = None) -> None:
    """Fail a marked test with new findings. Leftovers count only at the end."""
    marker = item.get_closest_marker(_MARK)
    if marker is None:
        return
    from mockserver.conformance import NOTHING_JUDGED

    services = item.stash.get(_SERVICES, []) if only is None else only
    reports = [service.report() for service in services]
    found = [_new(item, marker, report, at_the_end=at_the_end) for report in reports]
    if not at_the_end and not any(report.judged for report in reports):
        pytest.fail(f"{NOTHING_JUDGED} (@pytest.mark.{_MARK})", pytrace=False)
    for report in found:
        _fail_for(item, report)


def _new(item: pytest.Item, marker: pytest.Mark, report: Report, *, at_the_end: bool) -> Report:
    """The report with only the new findings that the marker asks for."""
    from dataclasses import replace

    from mockserver.clients.service import findings

    known = item.stash.get(_FOUND, frozenset())
    try:
        wanted = findings(report, *_wanted(marker))
    except ValueError as error:
        pytest.fail(f"@pytest.mark.{_MARK}: {error}", pytrace=False)
    new = tuple(
        one
        for one in wanted
        if (one.rule, one.detail) not in known and (at_the_end or one.rule not in _NOT_BEFORE_THE_END)
    )
    return replace(report, findings=new)


def _fail_for(item: pytest.Item, report: Report) -> None:
    from mockserver.conformance import summary

    if report.findings:
        item.stash[_FOUND] = item.stash.get(_FOUND, frozenset()) | {(one.rule, one.detail) for one in report.findings}
        rules = ", ".join(dict.fromkeys(one.rule for one in report.findings))
        pytest.fail(f"the client broke {rules}\n\n{summary(report)}", pytrace=False)


def _wanted(marker: pytest.Mark) -> tuple[str, Collection[str]]:
    unknown = marker.kwargs.keys() - {"level", "ignore"}
    if marker.args or unknown:
        pytest.fail(f"@pytest.mark.{_MARK} takes level= and ignore=", pytrace=False)
    return marker.kwargs.get("level", "warn"), marker.kwargs.get("ignore", ())


def _described(service: FlowService, *, reported: bool) -> str:
    """The calls, one per line, with their findings unless these are `reported` elsewhere."""
    if not service.emulator.journal.on:
        return "(not recorded: journal_entries is 0)"
    calls, findings = service.calls, () if reported else service.report().open
    lines = [_line(call) for call in calls[-_MAX_LINES:]]
    if service.learned is not None:
        lines[:0] = [f"learned: {service.learned.summary}", *service.learned.lines()]
    if len(calls) > len(lines):
        lines.insert(0, f"({len(calls) - len(lines)} earlier ones)")
    for one in findings:
        numbers = ", ".join(map(str, one.calls))
        lines += [f"{one.level}  {one.rule}  call {numbers}: {one.detail}", f"      {one.hint}"]
    return "\n".join(lines or ["(none)"])


def _line(call: Entry) -> str:
    query = f"?{call.query}" if call.query else ""
    marks = "  ".join(filter(None, (call.error, call.fault and f"fault {call.fault}", call.refusal)))
    return f"{call.number:>3}  {call.status or 'no answer'}  {call.method} {call.path}{query}  {marks}".rstrip()
