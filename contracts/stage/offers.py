"""Connectors that a server does not offer. The suite's samples use some that another platform may lack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from contracts.findings.error_codes import code_of
from contracts.wire import Answer

_NOT_OFFERED = ("1413-400", "1415-400")
"""Codes of refusals of a spec and of an auth spec."""


def lacks(answer: Answer, body: Mapping[str, Any], look: Callable[[str, str], Answer]) -> str:
    """Why a body was refused that needs a connector, by the server's own connection spec; empty if it has both.

    `look` sends a request.
    """
    spec = body.get("connectionSpec")
    if code_of(answer) not in _NOT_OFFERED or not isinstance(spec, Mapping):
        return ""
    described = look("GET", f"/connectionSpecs/{spec.get('id')}")
    if described.status == 404:
        return f"the server has no connection spec {spec.get('id')}"
    wanted = (body.get("auth") or {}).get("specName")
    items = described.json.get("items") if isinstance(described.json, dict) else None
    listed = items[0].get("authSpec") if isinstance(items, list) and items and isinstance(items[0], dict) else None
    names = [one.get("name") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else [wanted]
    return "" if wanted in (None, *names) else f"the server's connection spec {spec.get('id')} does not list {wanted}"
