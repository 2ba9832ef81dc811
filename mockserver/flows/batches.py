"""Batches of data sets, derived from the records of runs: one batch for each run that wrote something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from mockserver.exchange import Tenant
from mockserver.flows import landing, outcome, progress
from mockserver.flows.outcome import Course
from mockserver.runtime import derived_id
from mockserver.state.records import Doc
from mockserver.world import World


class Batch(NamedTuple):
    """One batch: its data set and the run that wrote it."""

    id: str
    data_set: str
    run: Doc
    course: Course

    @property
    def status(self) -> str:
        """`success` or `failed`."""
        return "failed" if self.run["state"] == outcome.FAILED else "success"

    @property
    def written(self) -> int:
        """Number of rows."""
        return 0 if self.status == "failed" else self.course.rows - self.course.failing

    @property
    def files(self) -> tuple[str, ...]:
        """The ids of its files."""
        count = self.course.files if self.written else 0
        return tuple(f"{derived_id(self.run['id'], 'files')}-{number}" for number in range(1, count + 1))

    @property
    def size(self) -> int:
        """Size of all its files in bytes, synthesised from the number of rows."""
        return self.course.bytes * self.written // self.course.rows if self.course.rows else 0


def every(world: World, tenant: Tenant, runs: int | None = None) -> Iterator[Batch]:
    """All batches as of now, newest first, or those of the newest `runs`."""
    progress.catch_up_all(world, tenant)
    targets: dict[str, str | None] = {}
    for run in islice(world.store.all(tenant, progress.RUNS), runs):
        target = run["targetConnectionIds"][0]
        if target not in targets:
            targets[target] = landing.data_set_of(world, tenant, target)
        found = of_run(run, targets[target])
        if found is not None:
            yield found


def of_run(run: Doc, data_set: str | None) -> Batch | None:
    """The batch of a finished run; None if it wrote nothing or its data set is unknown."""
    if data_set is None or "entities" in run or "reported" in run or run["state"] not in _ENDED:
        return None
    course = Course(*run["course"])
    if run["state"] == outcome.FAILED and course.end == course.copied:
        return None
    return Batch(outcome.batch_id(run["id"], course.copied), data_set, run, course)


_ENDED = (outcome.SUCCESS, outcome.FAILED, "partialSuccess")
