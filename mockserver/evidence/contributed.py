"""Replays contributed recordings: HAR files in `fidelity/recorded/`, each with a YAML file that describes it.

`fidelity/README.md` describes the members of the YAML file.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.comparison import comparing
from mockserver.comparison.accepted import Accepted
from mockserver.comparison.replay import Compared, ReplayOutcome
from mockserver.config import Config
from mockserver.contract import Contract, documents
from mockserver.emulator import Emulator
from mockserver.evidence.samples import Aspect, Sample, documented, folder, settings
from mockserver.exchange import BASE_PATH, Call, Result, decoded_path
from mockserver.har.answers import error_code
from mockserver.journal.entries import TOKEN_OPERATION
from mockserver.recordings.recording import Recording

_MEMBERS = frozenset({"page", "read", "quirks", "settings", "differs"})
_REQUIRED = ("page", "read")


@functools.cache
def samples() -> tuple[Sample, ...]:
    """Every sample, documented and recorded, replayed."""
    recorded = (sample for path in files(folder() / "recorded") for sample in replay(path))
    return (*documented(), *recorded)


def files(recorded: Path) -> list[Path]:
    """The HAR files in a folder. Raises ValueError if one has no description, or a description has no HAR file."""
    found = sorted(recorded.glob("*.har"))
    alone = {path.stem for path in found} ^ {path.stem for path in recorded.glob("*.yaml")}
    if alone:
        raise ValueError(f"{recorded}: a .har and a .yaml belong together: {', '.join(sorted(alone))}")
    return found


def replay(path: Path) -> Iterator[Sample]:
    """Replay a recording on a new emulator; one sample per exchange with an operation of the contract."""
    page = _description(path.with_suffix(".yaml"))
    outcome = _outcome(path, page)
    if outcome.stale:
        raise ValueError(f"{path.with_suffix('.yaml')}: differs no longer: {', '.join(outcome.stale)}")
    for one in outcome.compared:
        if one.exchange.operation and one.verdict != "not comparable":
            yield _sample(path.stem, page, one, outcome)


def _description(path: Path) -> Mapping[str, Any]:
    page = documents.read(path)
    if not isinstance(page, dict) or not _MEMBERS >= page.keys() >= set(_REQUIRED):
        raise ValueError(f"{path}: expected the members page and read, and perhaps quirks, settings and differs")
    return page


def _outcome(path: Path, page: Mapping[str, Any]) -> ReplayOutcome:
    config = dataclasses.replace(Config(seed=1, quirk=dict(page.get("quirks", {}))), **settings(page))
    recording = Recording.load(path, Contract.load())
    served = tuple(one for one in recording.exchanges if one.operation != TOKEN_OPERATION)
    emulator = Emulator(comparing.suited(config, recording))
    differs = Accepted.parsed(str(path.with_suffix(".yaml")), page.get("differs", []))

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Result:
        place, _, query = target.removeprefix(BASE_PATH).partition("?")
        result = emulator.handle(Call(method, decoded_path(place), query, dict(headers), body, "0" * 32, 0))
        shown = error_code(result.status, result.body)  # not each form of errors has the code
        return dataclasses.replace(result, error=shown)

    return comparing.with_emulator(dataclasses.replace(recording, exchanges=served), emulator, send, differs)


def _sample(name: str, page: Mapping[str, Any], one: Compared, outcome: ReplayOutcome) -> Sample:
    reasons = {
        cause.difference: cause.accepted
        for cause in outcome.causes
        if cause.operation == one.exchange.operation and cause.accepted
    }
    found = dict.fromkeys(reasons.get(difference, "") for difference in one.differences)
    return Sample(
        page=name,
        id=str(one.exchange.number),
        operation=str(one.exchange.operation),
        aspect=_aspect(one),
        provenance="recorded",
        source=page["page"],
        date=page["read"],
        setup=False,
        status=one.exchange.result.status,
        quirks={},
        differs="; ".join(filter(None, found)),
        departures=tuple(map(str, one.differences)) or ((one.why,) if one.verdict != "same" else ()),
    )


def _aspect(one: Compared) -> Aspect:
    exchange = one.exchange
    if exchange.result.status >= 400:
        return "refusal"
    if exchange.ids:
        return "state" if exchange.call.method != "POST" else "success"
    return "list" if exchange.call.method == "GET" else "success"
