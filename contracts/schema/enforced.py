"""The enforced contract: `openapi.yaml` with each `x-enforced` patch applied.

The document contains what client generators support. Where the contract is stricter, a JSON Merge Patch (RFC 7396)
stands beside it. The emulator does the same; the suite must run without the emulator and has its own implementation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def enforced(node: Any) -> Any:
    """A copy with every patch applied."""
    if isinstance(node, list):
        return [enforced(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    own = {name: value for name, value in node.items() if name != "x-enforced"}
    whole = _merged(own, node["x-enforced"]) if "x-enforced" in node else own
    return {name: enforced(value) for name, value in whole.items()}


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, Mapping):
        return patch
    outcome = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            outcome.pop(name, None)
        else:
            outcome[name] = _merged(outcome.get(name), value)
    return outcome
