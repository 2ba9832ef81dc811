"""What runs leave in data sets: one batch for each run that got as far as writing, told from the run's record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mockserver.exchange import Tenant
from mockserver.flows import landing, outcome, progress
from mockserver.flows.outcome import Course
from mockserver.runtime import derived_id
from mockserver.state.records import Doc
from mockserver.world import World


class Batch(NamedTuple):
    """One batch: where it went, and the run that it came from."""

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
        """How many rows are in it."""
        return 0 if self.status == "failed" else self.course.rows - self.course.failing

    @property
    def files(self) -> tuple[str, ...]:
        """Ids of its files."""
        count = self.course.files if self.written else 0
        return tuple(f"{derived_id(self.run['id'], 'files')}-{number}" for number in range(1, count + 1))

    @property
    def size(self) -> int:
        """Bytes of all its files, made up from the rows."""
        return self.course.bytes * self.written // self.course.rows if self.course.rows else 0


def every(world: World, tenant: Tenant) -> Iterator[Batch]:
    """The batches that there are now, last made first."""
    progress.catch_up_all(world, tenant)
    targets: dict[str, str | None] = {}
    for run in world.store.all(tenant, progress.RUNS):
        target = run["targetConnectionIds"][0]
        if target not in targets:
            targets[target] = landing.data_set_of(world, tenant, target)
        found = of_run(run, targets[target])
        if found is not None:
            yield found


def of_run(run: Doc, data_set: str | None) -> Batch | None:
    """The batch of a run that has ended; None where nothing was written, or no data set is known."""
    if data_set is None or "entities" in run or "reported" in run or run["state"] not in _ENDED:
        return None
    course = Course(*run["course"])
    if run["state"] == outcome.FAILED and course.end == course.copied:
        return None
    return Batch(outcome.batch_id(run["id"], course.copied), data_set, run, course)


_ENDED = (outcome.SUCCESS, outcome.FAILED, "partialSuccess")
