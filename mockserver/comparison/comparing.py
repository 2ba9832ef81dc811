"""Compares a recording with a server, for `mockserver compare`."""

from __future__ import annotations

from dataclasses import replace

from mockserver.comparison.accepted import Accepted
from mockserver.comparison.controls import Controls
from mockserver.comparison.replay import Replay, ReplayOutcome, Send, outcome
from mockserver.config import Config
from mockserver.emulator import Emulator
from mockserver.recordings import learning, moments, strangers
from mockserver.recordings.before import existing_before
from mockserver.recordings.recording import RecordedExchange, Recording

_STAND_IN = "recorded-token"
_BY_SERVICES = frozenset(
    {"createConnectionSpec", "updateConnectionSpec", "createFlowSpec", "updateFlowSpec", "updateFlowRun"}
)


def suited(config: Config, recording: Recording) -> Config:
    """Adapt settings to a recording: clients that successfully wrote specs or runs become service clients."""
    clients = {
        exchange.call.headers.get("x-api-key", "")
        for exchange in recording.exchanges
        if exchange.operation in _BY_SERVICES and 200 <= exchange.result.status < 300
    }
    return replace(config, service_clients=tuple(sorted({*config.service_clients, *clients} - {""})))


def with_emulator(
    recording: Recording, emulator: Emulator, send: Send, accepted: Accepted | None = None
) -> ReplayOutcome:
    """Replay on a new emulator. Earlier entities are created first, and its clock follows the recording."""
    recording = moments.aligned(recording)
    before = existing_before(recording, emulator.contract)
    learned = before.learned
    if learned.learned:
        emulator.restore(learned.state)

    changes, controls = moments.of_changes(recording), Controls(recording)

    def lead(exchange: RecordedExchange) -> None:
        controls.repeat_before(exchange, replay.bindings, send)
        if at_ms := changes.get(exchange.number, exchange.call.received_ms):
            emulator.runtime.clock.freeze(at_ms)

    replay = Replay(recording, send, token=_STAND_IN, before=before)
    compared = replay.run(lead)
    left_out = (f"not created before the replay: {line}" for line in learning.grouped(learned.left_out))
    said = (*recording.remarks, *strangers.merged(recording))
    notes = (*said, *controls.notes(), *learning.grouped(learned.guessed), *left_out)
    return outcome(compared, accepted, ambiguous=replay.bindings.ambiguous, complete=recording.complete, notes=notes)


def with_server(recording: Recording, send: Send, accepted: Accepted | None = None) -> ReplayOutcome:
    """Replay on a server that others may use too. Nothing is prepared; `send` adds the credentials."""
    recording = moments.aligned(recording)
    replay = Replay(recording, send, shared=True)
    compared = replay.run()
    notes = (*recording.remarks, *strangers.merged(recording), *Controls(recording).notes())
    return outcome(compared, accepted, ambiguous=replay.bindings.ambiguous, complete=recording.complete, notes=notes)
