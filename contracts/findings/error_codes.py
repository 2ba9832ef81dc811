"""The codes of errors, of the service and of the gateway."""

from __future__ import annotations

from contracts.wire import Answer

CODE_PREFIX = "https://ns.adobe.com/aep/errors/FLOW-"


def code_of(answer: Answer) -> str | None:
    """The code of an error response of the service or the gateway."""
    body = answer.json
    if not isinstance(body, dict):
        return None
    kind = str(body.get("type", ""))
    if kind.startswith(CODE_PREFIX):
        return kind.removeprefix(CODE_PREFIX)
    return str(body["error_code"]) if "error_code" in body else None
