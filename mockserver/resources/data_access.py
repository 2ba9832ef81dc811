"""Data Access: names and sizes of a batch's files. Their content is not served; see `--lake`.

Shapes are those of `help/data-access/tutorials/dataset-data.md`.
"""

from __future__ import annotations

from typing import Any

from mockserver.exchange import Request, Result
from mockserver.flows import batches
from mockserver.flows.batches import Batch
from mockserver.json_input import Json
from mockserver.resources import operation
from mockserver.resources._forms import NeighbourError
from mockserver.resources.catalog import batch_of
from mockserver.secrecy import repeatable
from mockserver.world import World

FILES = "/data/foundation/export/files"
_LIMIT = 100


@operation("listBatchFiles")
def list_batch_files(world: World, request: Request) -> Result:
    """The ids of a batch's files."""
    batch = batch_of(world, request)
    moment = str(batch.course.end)
    found: list[Any] = [
        {
            "dataSetFileId": file_id,
            "dataSetViewId": batch.data_set,
            "version": "1.0.0",
            "created": moment,
            "updated": moment,
            "isValid": True,
            "_links": {"self": {"href": f"{request.call.origin}{FILES}/{file_id}"}},
        }
        for file_id in batch.files
    ]
    return _page(request, found)


@operation("retrieveFile")
def retrieve_file(world: World, request: Request) -> Result:
    """Name and size of a file, by its id."""
    wanted = request.path["FILE_ID"]
    for batch in batches.every(world, request.tenant):
        if wanted in batch.files:
            number = batch.files.index(wanted)
            if "path" in request.arguments:
                raise NeighbourError(501, "Not implemented", "The content of files is not served: see --lake")
            name = f"part-{number:05d}-{batch.id}.parquet"
            href = f"{request.call.origin}{FILES}/{wanted}?path={name}"
            return _page(
                request,
                [{"name": name, "length": str(_length(batch, number)), "_links": {"self": {"href": href}}}],
            )
    raise NeighbourError(404, "Not found", f"There is no file {repeatable(wanted)}")


def _length(batch: Batch, number: int) -> int:
    """Size of one file in bytes: an equal part of the batch; all parts add up."""
    count = len(batch.files)
    return batch.size * (number + 1) // count - batch.size * number // count


def _page(request: Request, found: list[Any]) -> Result:
    start, limit = request.arguments.get("start", 0), request.arguments.get("limit", _LIMIT)
    data: Json = found[start : start + limit]
    return Result(200, {"data": data, "_page": {"limit": limit, "count": len(found[start : start + limit])}})
