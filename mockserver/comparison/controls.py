"""Repeats what a recording did to an emulator through `/_mock`, the emulator's own API, as far as that is possible.

The contract suite deletes the runs of its flows in this way, because the service has no request for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

from mockserver import secrecy
from mockserver.comparison.replay import Send
from mockserver.comparison.symbols import Bindings, Symbol
from mockserver.exchange import Call
from mockserver.recordings.recording import RecordedExchange, Recording

_RUNS = re.compile(r"/_mock/runs/([^/]+)")
"""The runs of a deleted flow."""
_OF_THE_TENANT = ("x-gw-ims-org-id", "x-sandbox-name")


class Controls:
    """The requests to `/_mock` in a recording, to be repeated on an emulator between the others."""

    def __init__(self, recording: Recording) -> None:
        self._left = list(reversed(recording.controls))
        self._lost: Counter[str] = Counter()

    def repeat_before(self, exchange: RecordedExchange, bindings: Bindings, send: Send) -> None:
        """Repeat those that precede an exchange."""
        while self._left and self._left[-1][0] <= exchange.number:
            _, call = self._left.pop()
            runs = _RUNS.fullmatch(call.path) if call.method == "DELETE" else None
            flow: Symbol | None = ("id", runs[1]) if runs else None
            here = bindings.ours(flow) if flow else None
            if here is not None:
                tenant = {name: call.headers[name] for name in _OF_THE_TENANT if name in call.headers}
                with suppress(OSError):
                    send("DELETE", f"/_mock/runs/{quote(here)}", tenant, b"")
            elif flow is None or flow in bindings.born:  # the suite also names a flow that never existed
                self._lost[_named(call)] += 1

    def notes(self) -> Iterator[str]:
        """What was not repeated, by kind of request."""
        lost = self._lost + Counter(_named(call) for _, call in self._left)
        yield from (f"not repeated, as only an emulator has it: {name} ({count})" for name, count in lost.items())


def _named(call: Call) -> str:
    """Method and kind of control, without what follows in the path."""
    return f"{call.method} {secrecy.name('/'.join(call.path.split('/')[:3]))}"
