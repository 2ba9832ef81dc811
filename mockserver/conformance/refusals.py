"""The message of a refusal, for the finding about it."""

from __future__ import annotations

import re

from mockserver.conformance.traffic import Exchange
from mockserver.journal.entries import error_message

_MAX_LENGTH = 200
_KEPT = frozenset({
    *("detailed-message", "request-id", "pointer", "expected", "hint", "message", "type"),
    *("action", "allowed", "field", "header", "operation", "operator", "parameter", "params", "spec", "state"),
    *("subAction", "subOperation"),
})  # fmt: skip
"""Members of `report` whose values are the same for equal mistakes."""


def because(call: Exchange) -> str:
    """A colon and the message of a refusal; "" if it has none.

    An ellipsis replaces ids and values, which only this request contained, so that equal mistakes have equal messages.
    """
    answer = call.answer if isinstance(call.answer, dict) else {}
    found = answer.get("report")
    report = found if isinstance(found, dict) else {}
    message = str(report.get("message") or error_message(answer))
    for name, value in report.items():
        if isinstance(value, str) and len(value) > 3 and name not in _KEPT:
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", message)
    shown = message if len(message) <= _MAX_LENGTH else f"{message[: _MAX_LENGTH - 1]}…"
    return f": {shown}" if shown else ""
