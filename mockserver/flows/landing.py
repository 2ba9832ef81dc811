"""Writes the mapped rows of runs below `--lake DIR`, as JSON lines and, if pyarrow is installed, as Parquet.

Files are `DIR/<organisation>/<sandbox>/<data set>/<batch>.jsonl`. They are complete before their run shows as
successful: each is written in `DIR/.unfinished` and moved. Servers that share their records may share the folder.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from mockserver import files, json_input
from mockserver.exchange import Tenant
from mockserver.flows import mapping, rules, schemas
from mockserver.flows.outcome import Course, Span, batch_id
from mockserver.flows.reading import FlowSource
from mockserver.state.records import Doc
from mockserver.state.store import StorageUnavailable
from mockserver.world import World

MAPPING_SETS = "mappingSets"
log = logging.getLogger("mockserver")

_WORK_PER_FILE, _WORK_PER_ROW, _WORK_PER_BYTE = 50_000, 2_000, 2
"""Work, in the measure of mappings, of creating the files of a run, and of a row and each of its bytes."""

_UNFINISHED = ".unfinished"
"""The folder of files that are being written. No organisation has this name."""

_UNSAFE = re.compile(r"[^A-Za-z0-9@_.-]|^\.+")


def data_set_of(world: World, tenant: Tenant, target_id: str) -> str | None:
    """The data set of a target connection."""
    target: Any = world.store.get(tenant, "targetConnections", target_id) or {}
    data_set = (target.get("params") or {}).get("dataSetId")
    return data_set if isinstance(data_set, str) else None


def land(world: World, tenant: Tenant, flow: Doc, run: Doc, source: FlowSource) -> Generator[int]:
    """Write the rows of a successful run, one at each step; yields the work of each.

    Raises StorageUnavailable if they cannot be written, and ApiError if the source fails meanwhile; then nothing has
    been written.
    """
    data_set = data_set_of(world, tenant, run["targetConnectionIds"][0])
    course, span = Course(*run["course"]), Span(*run["span"])
    if world.config.lake is None or data_set is None or course.rows <= course.failing:
        return
    name = batch_id(run["id"], course.copied)
    with _writing(world.config.lake) as lake, closing(_read(source, span)) as read:  # ends the session of a live source
        place = _folder(lake, tenant, data_set)
        rows = arrived(world, tenant, flow, islice(read, course.failing, course.rows))
        yield from _write(place / f"{name}.jsonl", files.make_folder(lake, _UNFINISHED), rows)


@contextmanager
def stream_file(
    world: World, tenant: Tenant, flow: Doc, batch: str, events: Sequence[Mapping[str, Any]]
) -> Iterator[Callable[[int | None], int | None]]:
    """Lock the file of a stream's run, which has JSON lines only. Raises StorageUnavailable.

    Yields a function that writes the events behind as many bytes as the run counts, or at the end if it counts none
    yet (None), and returns how many it must count then. It removes what a server wrote there that was killed before
    it counted that.
    """
    data_set = data_set_of(world, tenant, flow["targetConnectionIds"][0])
    if world.config.lake is None or data_set is None or not events:
        yield lambda counted: counted
        return
    lines = b"".join(json_input.dumps(dict(row)) + b"\n" for row, _ in arrived(world, tenant, flow, events))
    with (
        _writing(world.config.lake) as lake,
        files.appending(_folder(lake, tenant, data_set) / f"{batch}.jsonl") as file,
    ):

        def write(counted: int | None) -> int:
            if counted is not None:
                files.cut(file, counted)
            return files.add(file, lines)

        yield write


@contextmanager
def _writing(lake: str) -> Iterator[Path]:
    """The folder of the lake. Logs why it cannot be written to, and raises StorageUnavailable."""
    try:
        yield Path(lake)
    except OSError as trouble:
        reason = trouble.strerror or type(trouble).__name__
        log.warning("Lake %s cannot be written to: %s", lake, reason)
        raise StorageUnavailable(f"the lake cannot be written to: {reason}") from trouble


def arrived(
    world: World, tenant: Tenant, flow: Doc, rows: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Rows mapped by the flow's mapping set, and the work of each; unmapped if the mapping set was not created here.

    A row whose mapping takes too much work, or more than is left to the run, is empty, as if no mapping applied.
    """
    found = _mapping_set(world, tenant, flow)
    if found is None:
        yield from ((row, 0) for row in rows)
        return
    given = mapping.rules(found["mappings"])
    known = schemas.fields(world, tenant, mapping.schema_of(found))
    left, empty = mapping.MAX_RUN_WORK, 0
    for row in rows:
        left += mapping.RUN_WORK_PER_ROW
        work = mapping.Work(min(left, mapping.MAX_WORK))
        before = work.left
        try:
            made, _ = mapping.mapped(row, given, known, work)
        except mapping.TooMuchWork:
            made, empty = {}, empty + 1
        spent = before - max(0, work.left)
        left -= spent
        yield made, spent
    if empty:
        log.warning("%d rows of flow %s are empty: their mappings take too much work", empty, flow["id"])


def _read(source: FlowSource, span: Span) -> Generator[Mapping[str, Any]]:
    for item in source.objects if span.column is not None or span.whole else ():
        yield from item.stretch(span.column, span.start_ms, span.end_ms)


def _mapping_set(world: World, tenant: Tenant, flow: Doc) -> Mapping[str, Any] | None:
    for _, name, params in rules.transformations(flow):
        wanted = params.get("mappingId")
        doc = world.store.get(tenant, MAPPING_SETS, wanted) if isinstance(wanted, str) else None
        if name == rules.MAPPING and doc is not None:
            return doc["body"]["sent"]  # type: ignore[no-any-return]
    return None


def _folder(lake: Path, tenant: Tenant, data_set: str) -> Path:
    return files.make_folder(lake, *map(_safe, (tenant.org, tenant.sandbox, data_set)))


def _write(path: Path, aside: Path, rows: Iterable[tuple[Mapping[str, Any], int]]) -> Generator[int]:
    with files.replacing(path, aside) as file:
        yield _WORK_PER_FILE
        for row, work in rows:
            line = json_input.dumps(dict(row)) + b"\n"
            file.write(line)
            yield _WORK_PER_ROW + _WORK_PER_BYTE * len(line) + work
        file.flush()
        _write_parquet(file.name, path.with_suffix(".parquet"), aside)


def _write_parquet(lines: str, path: Path, aside: Path) -> None:
    """Write the rows as Parquet; skipped without pyarrow, or if the rows do not share column types."""
    try:
        import pyarrow
        import pyarrow.json
        import pyarrow.parquet
    except ImportError:
        return
    try:
        with files.replacing(path, aside) as file:
            pyarrow.parquet.write_table(pyarrow.json.read_json(lines), file)
    except pyarrow.ArrowException as why:
        log.warning("%s has JSON lines only: %s", path.with_suffix("").name, why)


def _safe(name: str) -> str:
    """A name made safe as one part of a path."""
    return _UNSAFE.sub("_", name)[:120] or "_"
