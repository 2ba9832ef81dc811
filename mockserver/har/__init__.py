"""Reads HAR files of browsers, Postman, Newman or proxies.

Only requests to Flow Service, its neighbouring services and its token endpoint are read; others are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mockserver.contract import Contract
from mockserver.exchange import Call
from mockserver.har import entries, reading
from mockserver.har.entries import Recorded
from mockserver.har.reading import HarError

_MAX_NUMBER = 1_000_000
"""Maximum number of an exchange. Larger ones are not used to count missing exchanges."""


@dataclass(frozen=True, slots=True)
class LoadedHar:
    """The readable part of a file."""

    exchanges: list[Recorded]
    controls: list[Recorded]
    """Requests to the emulator's own API, for which see `is_control`."""
    unread: tuple[str, ...]
    """Errors of invalid entries."""
    complete: bool
    cut: bool
    entries: int
    """Number of entries, including other traffic."""
    masked: bool = False
    """Whether organisations and credentials are stand-ins."""
    lacks: frozenset[int] = frozenset()
    """Numbers of exchanges that the recorder left out or that were removed later."""

    def remarks(self) -> Iterator[str]:
        """Describe what is missing in the file."""
        if self.cut:
            yield f"the file is truncated after entry {self.entries}"
        if self.unread:
            yield f"invalid HAR entries: {len(self.unread)}, the first: {self.unread[0]}"
        if self.lacks:
            yield f"exchanges that the file lacks: {len(self.lacks)}, the first: {min(self.lacks)}"
        found = self.exchanges
        lacking = {
            "requests without their credentials": sum("authorization" in one.gaps.headers for one in found),
            "requests without their body": sum(one.gaps.body for one in found),
            "responses without their body": sum(one.gaps.answer for one in found),
            "responses without their headers": sum(one.gaps.answer_headers for one in found),
            "incomplete responses": sum(not one.whole for one in found),
            "requests without a readable startedDateTime, so the order of the file counts": sum(
                not one.dated for one in found
            ),
        }
        yield from (f"{what}: {count} of {len(found)}" for what, count in lacking.items() if count)


def is_control(one: Recorded) -> bool:
    """Whether a request changed an emulator through its own API, as a deletion of runs does."""
    changing = one.call.method not in ("GET", "HEAD") and 200 <= one.result.status < 300
    return changing and not one.host and one.call.path.startswith("/_mock/")


def is_of_the_service(one: Recorded, contract: Contract) -> bool:
    """Whether a call is to Flow Service, its token endpoint or a neighbouring service."""
    outside = one.call.path.startswith(("/data/", "/ims/"))
    return bool(one.host) or outside or not one.call.mounted or is_named_by_path(one.call, contract)


def in_order(recorded: list[Recorded]) -> list[Recorded]:
    """Sort exchanges by start time. If one has none, the order of the file is kept."""
    if all(one.call.received_ms for one in recorded):
        return sorted(recorded, key=lambda one: one.call.received_ms)
    return recorded


def load(path: Path, contract: Contract) -> LoadedHar:
    """Read the calls to the service and collect errors of invalid entries. Raises HarError if none can be read."""
    file = reading.read(path)
    found: list[Recorded] = []
    controls: list[Recorded] = []
    unread: list[str] = []
    for number, raw in enumerate(file.entries, 1):
        try:
            one = entries.read(raw)
        except KeyError as error:
            unread.append(f"{path}: entry {number} is not a valid HAR entry: it has no {error.args[0]}")
        except (TypeError, AttributeError, ValueError):
            unread.append(f"{path}: entry {number} is not a valid HAR entry: a member is of the wrong kind")
        else:
            if one is not None and is_control(one):
                controls.append(one)
            elif one is not None and is_of_the_service(one, contract):
                found.append(one)
    if unread and len(unread) == len(file.entries):
        raise HarError(unread[0])
    numbers = {entries.sequence(raw) for raw in file.entries}
    lacks = frozenset(range(1, min(max(numbers, default=0), _MAX_NUMBER))) - numbers
    return LoadedHar(found, controls, tuple(unread), file.complete, file.cut, len(file.entries), file.masked, lacks)


def is_named_by_path(call: Call, contract: Contract) -> bool:
    """Whether a short path begins with a collection of the service. Those of neighbours begin with `data`."""
    first = call.path.strip("/").split("/")[0]
    return first != "data" and any(operation.segments[0] == first for operation in contract.operations.values())
