"""Compares a recording with a server: what `mockserver compare` does, without the command line."""

from __future__ import annotations

from dataclasses import replace

from mockserver.config import Config
from mockserver.emulator import Emulator
from mockserver.recordings.accepted import Accepted
from mockserver.recordings.learning import existing_before
from mockserver.recordings.recording import RecordedExchange, Recording
from mockserver.recordings.replay import Replay, ReplayOutcome, Send, outcome

_STAND_IN = "recorded-token"
_BY_SERVICES = frozenset(
    {"createConnectionSpec", "updateConnectionSpec", "createFlowSpec", "updateFlowSpec", "updateFlowRun"}
)


def suited(config: Config, recording: Recording) -> Config:
    """Settings under which the emulator can answer as the recorded service did: whose tokens are service tokens."""
    clients = {
        exchange.call.headers.get("x-api-key", "")
        for exchange in recording.exchanges
        if exchange.operation in _BY_SERVICES and 200 <= exchange.result.status < 300
    }
    return replace(config, service_clients=tuple(sorted({*config.service_clients, *clients} - {""})))


def with_emulator(
    recording: Recording, emulator: Emulator, send: Send, accepted: Accepted | None = None
) -> ReplayOutcome:
    """Replay on a fresh emulator: entities that were there before exist, and its clock follows the recording."""
    before = existing_before(recording, emulator.contract)
    if before.learned:
        emulator.restore(before.state)

    def lead(exchange: RecordedExchange) -> None:
        if exchange.call.received_ms:
            emulator.runtime.clock.freeze(exchange.call.received_ms)

    replay = Replay(recording, send, token=_STAND_IN)
    compared = replay.run(lead)
    notes = (*recording.remarks, *before.guessed, *(f"could not be put there: {line}" for line in before.left_out))
    return outcome(compared, accepted, ambiguous=replay.bindings.ambiguous, complete=recording.complete, notes=notes)


def with_server(recording: Recording, send: Send, accepted: Accepted | None = None) -> ReplayOutcome:
    """Replay on a server that others may use too; nothing is prepared there, `send` brings the credentials."""
    replay = Replay(recording, send, shared=True)
    compared = replay.run()
    return outcome(
        compared, accepted, ambiguous=replay.bindings.ambiguous, complete=recording.complete, notes=recording.remarks
    )
