"""Flow runs happen: what schedules have made due since anyone last looked is made up for by whoever looks.

Nothing runs in the background. A flow's *progress* is a record beside it: the runs so far, the moment
last used and the states that unfinished runs have ahead of them. New runs and the new progress are
written as one, under the etag of the old progress, so that no run is made twice or lost, whoever
looks at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.flows import exports
from mockserver.flows.outcome import FAILED, QUEUED, RUNNING, SCHEDULED, SUCCESS, Course, Load, Span, decided, told
from mockserver.flows.rules import delta_column
from mockserver.flows.schedule import Schedule
from mockserver.runtime import derived_id
from mockserver.sources import SourceBusy
from mockserver.specs.connectors import Access
from mockserver.state.records import Doc
from mockserver.state.store import Missing, Put, Stale, StorageUnavailable, Taken
from mockserver.world import World

if TYPE_CHECKING:
    from mockserver.sources.files import File
    from mockserver.sources.source import RunRule
    from mockserver.sources.tables import Tabular

FLOWS, RUNS, PROGRESS = "flows", "runs", "flowProgress"
MAX_AT_ONCE = 50_000
"""Runs that one look makes up for, more than a year of quarters of an hour; the next look goes on."""

_COPIED = (
    "createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId", "sandboxName", "imsOrgId", "flowSpec",
    "sourceConnectionIds", "targetConnectionIds",
)  # fmt: skip
"""What a run has of its flow."""

State: TypeAlias = tuple[int, str]
"""A state of a run, and the moment in milliseconds from when on the run is in it."""


def catch_up(world: World, tenant: Tenant, flow_ids: Iterable[str]) -> None:
    """Bring the runs of these flows to the present moment. It costs what is new, and a look at each flow."""
    ids = sorted(set(flow_ids))
    while True:
        books, most = [], MAX_AT_ONCE
        try:
            for flow_id in ids:
                book = _Book.open(world, tenant, flow_id)
                most -= book.bring_up(most)
                books.append(book)
            if _commit(world, tenant, books):
                return
        except (SourceBusy, StorageUnavailable):  # a reader gets what is there; a later look makes up for the rest
            return


def catch_up_all(world: World, tenant: Tenant) -> None:
    """Bring all runs of a tenant to the present moment, those of deleted flows too."""
    kinds = (FLOWS, PROGRESS)
    catch_up(world, tenant, [doc["id"] for kind in kinds for doc in world.store.all(tenant, kind)])


def forget(world: World, tenant: Tenant, flow_id: str) -> None:
    """Remove all runs of a flow that is gone, as no operation does. Raises ValueError if it is not."""
    if world.store.get(tenant, FLOWS, flow_id) is not None:
        raise ValueError("the flow is still there: delete it first")
    runs = [(RUNS, doc["id"]) for doc in world.store.all(tenant, RUNS) if doc["flowId"] == flow_id]
    for kind, entity_id in [(PROGRESS, flow_id), *runs]:
        with suppress(Missing):
            world.store.delete(tenant, kind, entity_id)


def start(world: World, tenant: Tenant, flow: Doc, due_ms: int, span: Span, params: Any = None) -> Doc:
    """Make a run that no schedule asked for; returns its record as stored. Raises ApiError when the flow is gone."""
    while True:
        book = _Book.open(world, tenant, flow["id"])
        if book.flow is None:
            raise ApiError("unknown_flow", id=flow["id"])
        book.bring_up(MAX_AT_ONCE)
        run_id = book.add(due_ms, span, params)
        if _commit(world, tenant, [book]):
            run = world.store.get(tenant, RUNS, run_id)
            assert run is not None
            return run


def export_now(world: World, tenant: Tenant, flow: Doc, audience: str) -> Doc:
    """Export an audience at once, whatever its schedule; returns the record of the run."""
    while True:
        book = _Book.open(world, tenant, flow["id"])
        if book.flow is None:
            raise ApiError("unknown_flow", id=flow["id"])
        book.bring_up(MAX_AT_ONCE)
        run_id = book.export(book.flow, book.now_ms, audience, book.now_ms)
        if _commit(world, tenant, [book]):
            run = world.store.get(tenant, RUNS, run_id)
            assert run is not None
            return run


def exporting(world: World, tenant: Tenant, flow_id: str, audience: str) -> str | None:
    """The run that exports an audience at this moment, if one does."""
    catch_up(world, tenant, [flow_id])
    book = world.store.get(tenant, PROGRESS, flow_id) or {"ahead": []}
    under_way = (world.store.get(tenant, RUNS, run_id) for run_id, _ in book["ahead"])
    wanted = f"segment:{audience}"
    return next((run["id"] for run in under_way if run is not None and wanted in run.get("entities", ())), None)


def last_run(world: World, flow: Doc) -> dict[str, Any] | None:
    """`lastRunDetails` of a flow as it is now: its latest run, if it had one (facts §6.4)."""
    tenant = Tenant(flow["imsOrgId"], flow["sandboxName"])
    catch_up(world, tenant, [flow["id"]])
    progress = world.store.get(tenant, PROGRESS, flow["id"])
    run = world.store.get(tenant, RUNS, progress["latest"]) if progress else None
    if run is None:
        return None
    return {"id": run["id"], "state": run["state"], **told(run)["metrics"].get("durationSummary", {})}


def used_delta_column(world: World, tenant: Tenant, flow_id: str) -> str | None:
    """The delta column of the runs that were asked for so far (facts §9: later ones may not name another)."""
    progress = world.store.get(tenant, PROGRESS, flow_id)
    return progress.get("deltaColumn") if progress else None


def is_scheduled(flow: Doc) -> bool:
    """Whether a flow's spec has a schedule, so that it has runs; a draft may not be that far."""
    return bool(flow.get("provider", {}).get("scheduled"))


def provided(source: Doc, now_ms: int, *, scheduled: bool) -> dict[str, Any]:
    """What the flow provider keeps of a flow that is enabled now; `scheduled`: its spec has a schedule, so it runs.

    Source connections are read once: what is patched later does not reach the flow (facts §7).
    """
    params = source.get("params") or {}
    return {
        "activeMs": now_ms,
        "scheduled": scheduled,
        "baseConnectionId": source.get("baseConnectionId"),
        "connectionSpec": source["connectionSpec"],
        "object": params.get("tableName") or params.get("path"),
    }


@dataclass(slots=True)
class _Book:
    """A flow's progress while it is being brought up to date."""

    world: World
    tenant: Tenant
    flow: Doc | None
    old: Doc | None
    new: dict[str, Any]
    now_ms: int
    puts: list[Put] = field(default_factory=list)
    _source: _Source | None = None

    @classmethod
    def open(cls, world: World, tenant: Tenant, flow_id: str) -> _Book:
        old = world.store.get(tenant, PROGRESS, flow_id)
        flow = world.store.get(tenant, FLOWS, flow_id)
        now_ms = world.runtime.clock.peek_ms()
        fresh = {"id": flow_id, "runs": 0, "lastMs": None, "latest": None, "ahead": []}
        return cls(world, tenant, flow, old, {**(old or fresh), "updatedAt": now_ms}, now_ms)

    def bring_up(self, most: int) -> int:
        """Move unfinished runs on and make those that are due, at most so many; returns how many."""
        unfinished, self.new["ahead"] = self.new["ahead"], []
        for run_id, states in unfinished:
            run = self.world.store.get(self.tenant, RUNS, run_id)
            if run is not None and "reported" not in run:
                self._follow(run, states, run["etag"])
        flow = self.flow
        if flow is None or flow["state"] != "enabled" or not is_scheduled(flow):
            return 0
        if exports.exports(flow):
            return self._export(flow, most)
        schedule = Schedule.of(flow.get("scheduleParams"))
        if schedule is None:
            return 0
        due = schedule.moments(self.new["lastMs"], flow["provider"]["activeMs"], self.now_ms)
        moments = list(islice(due, most))
        if len(moments) > 1 and (first := self._span(schedule, moments[0])).column is not None:
            self._source = self._opened(flow).foreseeing(first.column, (first.start_ms, *moments))
        for moment in moments:
            self.add(moment, self._span(schedule, moment), made_ms=moment)
            self.new["lastMs"] = moment
        return len(moments)

    def _export(self, flow: Doc, most: int) -> int:
        """Make the runs of an export that are due, at most so many; returns how many."""
        last = dict(self.new.get("exported", {}))
        found = list(islice(exports.due(flow, last, flow["provider"]["activeMs"], self.now_ms), most))
        for moment, audience in found:
            self.export(flow, moment, audience, made_ms=moment)
            self.new["exported"] = {**self.new.get("exported", {}), audience: moment}
        return len(found)

    def export(self, flow: Doc, due_ms: int, audience: str, made_ms: int) -> str:
        """Make one run that exports an audience, or without one the data sets; returns its id."""
        source = self.world.store.get(self.tenant, "sourceConnections", flow["sourceConnectionIds"][0])
        found = exports.entities(flow, source, audience)
        return self._record(due_ms, made_ms, Load(*exports.load(found)), None, Span(None, due_ms), {"entities": found})

    def add(self, due_ms: int, span: Span, params: Any = None, made_ms: int | None = None) -> str:
        """Make one run; returns its id."""
        assert self.flow is not None
        self._source = self._opened(self.flow)
        load, rule = self._source.read(span, self.new["runs"] + 1)
        made = self.now_ms if made_ms is None else made_ms
        if params is not None and span.column is not None:
            self.new["deltaColumn"] = span.column
        return self._record(due_ms, made, load, rule, span, {} if params is None else {"params": params})

    def _record(
        self, due_ms: int, made: int, load: Load, rule: RunRule | None, span: Span, more: Mapping[str, Any]
    ) -> str:
        """Put one run down; returns its id."""
        flow = self.flow
        assert flow is not None
        self.new["runs"] += 1
        run_id = derived_id(flow["id"], str(self.new["runs"]))
        record = {
            "id": run_id,
            "flowId": flow["id"],
            "createdAt": made,
            "updatedAt": made,
            **{name: flow[name] for name in _COPIED},
            **more,
            "span": list(span),
            "course": list(course := decided(run_id, due_ms, load, rule)),
        }
        self.new["latest"] = run_id
        self._follow(record, self._states(rule, made, due_ms, course), None)
        return run_id

    def _opened(self, flow: Doc) -> _Source:
        return self._source or _Source.open(self.world, self.tenant, flow["provider"])

    def _states(self, rule: RunRule | None, made_ms: int, due_ms: int, course: Course) -> list[State]:
        """The states of a run, each with the moment from when on it is in it."""
        end = SUCCESS if rule is None else FAILED
        if rule is not None and rule.status != FAILED:
            end = self.world.quirks["partial-run-status"]
        scheduled = [(made_ms, SCHEDULED)] if made_ms < due_ms else []
        return [*scheduled, (due_ms, QUEUED), (course.start, RUNNING), (course.end, end)]

    def _follow(self, run: Doc, states: Sequence[State], etag: str | None) -> None:
        """Write the state that a run is in now, and remember those it has ahead. Without an etag it is a new run."""
        passed = sum(at <= self.now_ms for at, _ in states)
        if etag is None:
            passed = max(passed, 1)
        if passed:
            at, state = states[passed - 1]
            self.puts.append(Put(RUNS, {**run, "updatedAt": at, "state": state}, etag))
        if states[passed:]:
            self.new["ahead"].append([run["id"], [list(state) for state in states[passed:]]])

    def _span(self, schedule: Schedule, moment: int) -> Span:
        """What the run of this moment reads: what came since the moment before."""
        assert self.flow is not None
        last, column = self.new["lastMs"], delta_column(self.flow)
        first = None if schedule.backfill else schedule.start_ms
        whole = last is None and schedule.backfill
        return Span(first if last is None else last, moment, column, whole)

    def put(self) -> Put:
        """The progress to write."""
        return Put(PROGRESS, self.new, self.old["etag"] if self.old else None)


@dataclass(frozen=True, slots=True)
class _Source:
    """What a flow reads, or why it cannot."""

    objects: tuple[Tabular | File, ...]
    trouble: RunRule | None
    outcome: Callable[[int], RunRule | None]

    @classmethod
    def open(cls, world: World, tenant: Tenant, provided: Mapping[str, Any]) -> _Source:
        name = provided["object"]
        base = provided["baseConnectionId"]
        connection = world.store.get(tenant, "connections", base) if base else provided
        try:
            if connection is None:
                raise ApiError("rejected", message="the base connection is gone")
            access: Access = world.connectors_of(tenant).access(connection)
            objects = world.sources.objects(access, name) if isinstance(name, str) else ()
        except ApiError as error:
            return cls((), _trouble(error), lambda number: None)
        return cls(objects, None, lambda number: world.sources.outcome(access, name or "", number))

    def foreseeing(self, column: str, moments: Sequence[int | None]) -> _Source:
        """The source, told which windows will be asked for: those between neighbouring moments."""
        try:
            for item in self.objects:
                item.foresee(column, moments)
        except ApiError as error:
            return _Source((), _trouble(error), self.outcome)
        return self

    def read(self, span: Span, number: int) -> tuple[Load, RunRule | None]:
        """What run `number` finds, and how it ends; None: well."""
        if self.trouble is not None:
            return Load(), self.trouble
        try:
            return Load.of(self.objects, span), self.outcome(number)
        except ApiError as error:
            return Load(), _trouble(error)


def _trouble(error: ApiError) -> RunRule:
    from mockserver.sources.source import RunRule

    return RunRule(FAILED, rows=1.0, message=error.variables.get("message", str(error)))


def _commit(world: World, tenant: Tenant, books: Iterable[_Book]) -> bool:
    """Write what changed, in the order of time; False when somebody else was faster."""
    changed = [book for book in books if book.puts]
    puts = sorted((put for book in changed for put in book.puts), key=lambda put: put.doc["updatedAt"])
    if not puts:
        return True
    try:
        world.store.transact(tenant, [*puts, *(book.put() for book in changed)])
    except (Stale, Taken, Missing):
        return False
    return True
