"""Creates overdue runs on the next read, and moves unfinished runs on.

Nothing runs in the background except the writing of many rows (`landing`).

A flow's *progress* is a record of its own: the number of runs, the moment of the latest one, and the future states of
unfinished runs. New runs and the new progress are written in one transaction guarded by the etag of the old progress,
so that concurrent readers neither create a run twice nor lose one.

A request creates a limited number of runs: the newest of each flow. The first of them replaces the earlier ones. These
are counted, so that ids do not depend on how often the flow is read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from mockserver.errors import ApiError
from mockserver.exchange import Tenant
from mockserver.flows import exports, landing
from mockserver.flows.due import DueRun, Overdue, overdue
from mockserver.flows.outcome import (
    FAILED,
    QUEUED,
    RUNNING,
    SCHEDULED,
    SUCCESS,
    Course,
    Load,
    Span,
    broken,
    decided,
    reported,
)
from mockserver.flows.reading import FlowSource, trouble
from mockserver.runtime import derived_id
from mockserver.sources import SourceBusy
from mockserver.state.records import Doc
from mockserver.state.store import Missing, Put, Stale, StorageUnavailable, Taken
from mockserver.world import RunBudget, World

if TYPE_CHECKING:
    from mockserver.sources.source import RunRule

FLOWS, RUNS, PROGRESS = "flows", "runs", "flowProgress"

_COPIED = (
    "createdBy", "updatedBy", "createdClient", "updatedClient", "sandboxId", "sandboxName", "imsOrgId", "flowSpec",
    "sourceConnectionIds", "targetConnectionIds",
)  # fmt: skip
"""Members that a run copies from its flow."""

_ARRIVED = (SUCCESS, "partialSuccess")
"""States of runs whose rows are in the data set."""

_MERGED = "%d overdue runs of %d flows (%s first) are part of later ones, because a request creates at most %d"
log = logging.getLogger("mockserver")

State: TypeAlias = tuple[int, str]
"""A state of a run and the moment (milliseconds) at which the run enters it."""


def catch_up(world: World, tenant: Tenant, flow_ids: Iterable[str]) -> None:
    """Bring the runs of these flows up to date. The cost is one read of each flow plus the new runs."""
    if world.run_budget is not None and world.run_budget.settled:
        return
    ids = sorted(set(flow_ids))
    with suppress(SourceBusy, StorageUnavailable):  # the reader gets the existing runs; a later read creates the rest
        while not _bring_up(world, tenant, [_Update.begin(world, tenant, flow_id) for flow_id in ids]):
            pass


def catch_up_all(world: World, tenant: Tenant) -> None:
    """Bring the runs of a tenant's flows up to date, including those of deleted flows."""
    limit = world.flow_limit
    flows, progress = (
        {doc["id"]: doc for doc in islice(world.store.all(tenant, kind), limit)} for kind in (FLOWS, PROGRESS)
    )
    ids = [*flows, *sorted(progress.keys() - flows.keys())][:limit]

    def found(kind: str, read: dict[str, Doc], flow_id: str) -> Doc | None:
        return read.get(flow_id) or (world.store.get(tenant, kind, flow_id) if len(read) == limit else None)

    with suppress(SourceBusy, StorageUnavailable):
        updates = [
            _Update.of(world, tenant, flow_id, found(PROGRESS, progress, flow_id), found(FLOWS, flows, flow_id))
            for flow_id in sorted(ids)
        ]
        if not _bring_up(world, tenant, updates):
            catch_up(world, tenant, ids)
    if world.run_budget is not None:
        world.run_budget.settled = True


def _bring_up(world: World, tenant: Tenant, updates: Sequence[_Update]) -> bool:
    """Advance flows within the budget of the request; False if another writer was faster.

    Each overdue flow has an even share, but one run at least: its latest run is then the latest. A flow that is
    written pays for its progress, too.
    """
    budget = _budget(world)
    left, waiting = budget.left, sum(update.overdue is not None for update in updates)
    for update in updates:
        if update.overdue is None:
            update.bring_up(0)
        else:
            left -= min(left, 1 + update.bring_up(min(left, max(1, left // waiting - 1))))
            waiting -= 1
    done = _commit(world, tenant, updates)
    budget.left = left if done else budget.left
    return done


def forget(world: World, tenant: Tenant, flow_id: str) -> None:
    """Remove all runs of a deleted flow; no API operation does this. Raises ValueError if the flow still exists."""
    if world.store.get(tenant, FLOWS, flow_id) is not None:
        raise ValueError("the flow is still there: delete it first")
    runs = [(RUNS, doc["id"]) for doc in world.store.mentioning(tenant, RUNS, flow_id) if doc["flowId"] == flow_id]
    for kind, entity_id in [(PROGRESS, flow_id), *runs]:
        with suppress(Missing):
            world.store.delete(tenant, kind, entity_id)


def start(world: World, tenant: Tenant, flow: Doc, due_ms: int, span: Span, params: Any = None) -> Doc:
    """Create a run on demand; returns its stored record. Raises ApiError if the flow does not exist."""
    return _made(world, tenant, flow["id"], lambda update, flow: update.add(due_ms, span, params))


def export_now(world: World, tenant: Tenant, flow: Doc, audience: str) -> Doc:
    """Export an audience immediately, regardless of its schedule; returns the record of the run."""
    return _made(
        world, tenant, flow["id"], lambda update, flow: update.export(flow, update.now_ms, audience, update.now_ms)
    )


def _made(world: World, tenant: Tenant, flow_id: str, make: Callable[[_Update, Doc], str]) -> Doc:
    """Bring a flow up to date and add one run; returns the record of that run."""
    while True:
        update = _Update.begin(world, tenant, flow_id)
        if update.flow is None:
            raise ApiError("unknown_flow", id=flow_id)
        update.bring_up(_budget(world).left)
        run_id = make(update, update.flow)
        if _commit(world, tenant, [update]):
            run = world.store.get(tenant, RUNS, run_id)
            assert run is not None
            return run


def exporting(world: World, tenant: Tenant, flow_id: str, audience: str) -> str | None:
    """The run that is exporting an audience now, if any."""
    catch_up(world, tenant, [flow_id])
    progress = world.store.get(tenant, PROGRESS, flow_id) or {"ahead": []}
    under_way = (world.store.get(tenant, RUNS, run_id) for run_id, _ in progress["ahead"])
    wanted = f"segment:{audience}"
    return next((run["id"] for run in under_way if run is not None and wanted in run.get("entities", ())), None)


def last_run(world: World, flow: Doc) -> dict[str, Any] | None:
    """`lastRunDetails` of a flow: its latest run, if any (facts §6.4)."""
    tenant = Tenant(flow["imsOrgId"], flow["sandboxName"])
    catch_up(world, tenant, [flow["id"]])
    progress = world.store.get(tenant, PROGRESS, flow["id"])
    run = world.store.get(tenant, RUNS, progress["latest"]) if progress else None
    if run is None:
        return None
    return {"id": run["id"], "state": run["state"], **reported(run)["metrics"].get("durationSummary", {})}


def used_delta_column(world: World, tenant: Tenant, flow_id: str) -> str | None:
    """The delta column of earlier runs on demand (facts §9: later ones may not name another)."""
    progress = world.store.get(tenant, PROGRESS, flow_id)
    return progress.get("deltaColumn") if progress else None


def of_flow(flow: Doc, run_id: str, made_ms: int) -> dict[str, Any]:
    """The members of a new run that come from its flow."""
    stamps = {"id": run_id, "flowId": flow["id"], "createdAt": made_ms, "updatedAt": made_ms}
    return {**stamps, **{name: flow[name] for name in _COPIED}}


def provided(source: Doc, now_ms: int, *, scheduled: bool) -> dict[str, Any]:
    """The members that the flow provider stores when a flow is enabled.

    `scheduled`: its spec has a schedule, so it has runs. Source connections are read once: later patches do not
    affect the flow (facts §7).
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
class _Update:
    """The pending changes of a flow's progress and runs."""

    world: World
    tenant: Tenant
    flow: Doc | None
    old: Doc | None
    new: dict[str, Any]
    now_ms: int
    overdue: Overdue | None
    puts: list[Put] = field(default_factory=list)
    merged: int = 0
    """Number of runs that later ones replace."""
    _source: FlowSource | None = None

    @classmethod
    def begin(cls, world: World, tenant: Tenant, flow_id: str) -> _Update:
        """Read a flow and its progress."""
        return cls.of(
            world, tenant, flow_id, world.store.get(tenant, PROGRESS, flow_id), world.store.get(tenant, FLOWS, flow_id)
        )

    @classmethod
    def of(cls, world: World, tenant: Tenant, flow_id: str, old: Doc | None, flow: Doc | None) -> _Update:
        """The update of a flow with its progress as read."""
        now_ms = world.runtime.clock.now_ms()
        fresh = {"id": flow_id, "runs": 0, "lastMs": None, "latest": None, "ahead": []}
        new = {**(old or fresh), "updatedAt": now_ms}
        return cls(world, tenant, flow, old, new, now_ms, overdue(flow, new, now_ms))

    def bring_up(self, limit: int) -> int:
        """Advance unfinished runs and create the newest due ones, up to a limit; returns how many were created."""
        unfinished, self.new["ahead"] = self.new["ahead"], []
        for run_id, states in unfinished:
            run = self.world.store.get(self.tenant, RUNS, run_id)
            if run is not None and "reported" not in run:
                self._follow(run, states, run["etag"])
        due = list(self.overdue.newest(limit)) if self.overdue and limit else []
        if len(due) > 1 and (column := due[0].span.column) is not None:
            assert self.flow is not None
            moments = (due[0].span.start_ms, *(one.at_ms for one in due))
            self._source = self._opened(self.flow).foreseeing(column, moments)
        for one in due:
            self._make(one)
        return len(due)

    def _make(self, run: DueRun) -> None:
        """Create a due run and record how far the schedule has been processed."""
        self.new["runs"] += run.merged
        self.merged += run.merged
        if run.audience is None:
            self.add(run.at_ms, run.span, made_ms=run.at_ms)
            self.new["lastMs"] = run.at_ms
        else:
            assert self.flow is not None
            self.export(self.flow, run.at_ms, run.audience, made_ms=run.at_ms)
            self.new["exported"] = {**self.new.get("exported", {}), run.audience: run.at_ms}

    def export(self, flow: Doc, due_ms: int, audience: str, made_ms: int) -> str:
        """Create one run that exports an audience or, without one, the data sets; returns its id."""
        source = self.world.store.get(self.tenant, "sourceConnections", flow["sourceConnectionIds"][0])
        found = exports.entities(flow, source, audience)
        return self._record(due_ms, made_ms, Load(*exports.load(found)), None, Span(None, due_ms), {"entities": found})

    def add(self, due_ms: int, span: Span, params: Any = None, made_ms: int | None = None) -> str:
        """Create one run; returns its id."""
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
        """Add the record of one run; returns its id."""
        flow = self.flow
        assert flow is not None
        self.new["runs"] += 1
        run_id = derived_id(flow["id"], str(self.new["runs"]))
        record = {
            **of_flow(flow, run_id, made),
            **more,
            "span": list(span),
            "course": list(course := decided(run_id, due_ms, load, rule)),
        }
        self.new["latest"] = run_id
        self._follow(record, self._states(rule, made, due_ms, course), None)
        return run_id

    def _opened(self, flow: Doc) -> FlowSource:
        return self._source or FlowSource.open(self.world, self.tenant, flow["provider"])

    def _states(self, rule: RunRule | None, made_ms: int, due_ms: int, course: Course) -> list[State]:
        """The states of a run, each with the moment it is entered."""
        end = SUCCESS if rule is None else FAILED
        if rule is not None and rule.status != FAILED:
            end = self.world.quirks["partial-run-status"]
        scheduled = [(made_ms, SCHEDULED)] if made_ms < due_ms else []
        return [*scheduled, (due_ms, QUEUED), (course.start, RUNNING), (course.end, end)]

    def _follow(self, run: Doc, states: Sequence[State], etag: str | None) -> None:
        """Write the current state of a run and keep its future ones. Without an etag it is a new run."""
        passed = sum(at <= self.now_ms for at, _ in states)
        if etag is None:
            passed = max(passed, 1)
        state = states[passed - 1][1] if passed else None
        if state in _ARRIVED and self.world.config.lake is not None and "entities" not in run:
            landed = self._landed(run, state)
            if landed is None:
                passed -= 1
                state = states[passed - 1][1] if passed else None
            else:
                run, state = landed
        if state is not None:
            at = max(states[passed - 1][0], run["createdAt"])
            self.puts.append(Put(RUNS, {**run, "updatedAt": at, "state": state}, etag))
        if states[passed:]:
            self.new["ahead"].append([run["id"], [list(state) for state in states[passed:]]])

    def _landed(self, run: Doc, state: str) -> tuple[Doc, str] | None:
        """A run and its state after its rows have been written, None as long as they are being written.

        The run fails if the source fails meanwhile. Rows whose writing began before the flow was deleted are completed.
        """

        def land() -> Generator[int]:
            if self.flow is not None:
                yield from landing.land(self.world, self.tenant, self.flow, run, self._opened(self.flow))

        name = (self.tenant, run["id"])
        try:
            done = self.world.runtime.background.is_done(name, land, _budget(self.world).landed)
        except ApiError as error:
            return {**run, "course": list(broken(Course(*run["course"]), trouble(error)))}, FAILED
        return (run, state) if done else None

    def put(self) -> Put:
        """The progress record to write."""
        return Put(PROGRESS, self.new, self.old["etag"] if self.old else None)


def _commit(world: World, tenant: Tenant, updates: Iterable[_Update]) -> bool:
    """Write the changes, oldest first. False if another writer was faster."""
    changed = [update for update in updates if update.puts]
    puts = sorted((put for update in changed for put in update.puts), key=lambda put: put.doc["updatedAt"])
    if not puts:
        return True
    try:
        world.store.transact(tenant, [*puts, *(update.put() for update in changed)])
    except (Stale, Taken, Missing):
        return False
    if merged := [update for update in changed if update.merged]:
        count = sum(update.merged for update in merged)
        log.warning(_MERGED, count, len(merged), merged[0].new["id"], world.run_limit)
    return True


def _budget(world: World) -> RunBudget:
    return world.run_budget or RunBudget(world.run_limit)
