"""The codes of errors, of the service and of the gateway."""

from __future__ import annotations

import re

from contracts.wire import Answer

CODE_PREFIX = "https://ns.adobe.com/aep/errors/FLOW-"
_REFUSAL = re.compile("[45][0-9]{2}")
IN_USE = ("1418-400", "1447-400")
"""Codes of refusals to delete what another entity uses."""


def code_of(answer: Answer) -> str | None:
    """The code of an error response of the service or the gateway."""
    body = answer.json
    if not isinstance(body, dict):
        return None
    kind = str(body.get("type", ""))
    if kind.startswith(CODE_PREFIX):
        return kind.removeprefix(CODE_PREFIX)
    return str(body["error_code"]) if "error_code" in body else None


def is_pretended(answer: Answer) -> bool:
    """Whether a success has the body of an error."""
    body = answer.json if answer.succeeded and isinstance(answer.json, dict) else {}
    return (
        bool(_REFUSAL.fullmatch(str(body.get("status"))))
        or not {"errorMessage", "error_code"}.isdisjoint(body)
        or list(body) == ["message"]  # the ad hoc activation's
    )
