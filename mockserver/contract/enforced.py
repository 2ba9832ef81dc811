"""The enforced contract: `openapi.yaml` with each `x-enforced` patch applied.

Client generators do not support everything that the server enforces: conditions, other spellings, a body that is
a list or an object. The document contains what they support; `x-enforced` beside it is a JSON Merge Patch (RFC 7396)
that makes it exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PATCH = "x-enforced"


def enforced(node: Any) -> Any:
    """A copy of a document with all patches applied. Unpatched parts are shared with the original."""
    if isinstance(node, list):
        items = [enforced(item) if isinstance(item, dict | list) else item for item in node]
        return items if any(new is not old for new, old in zip(items, node, strict=True)) else node
    if not isinstance(node, dict):
        return node
    if PATCH in node:
        return enforced(merged({name: value for name, value in node.items() if name != PATCH}, node[PATCH]))
    members = {name: enforced(value) if isinstance(value, dict | list) else value for name, value in node.items()}
    return members if any(members[name] is not node[name] for name in node) else node


def merged(target: Any, patch: Any) -> Any:
    """Apply a JSON Merge Patch: objects merge, null removes a member, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    outcome = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            outcome.pop(name, None)
        else:
            outcome[name] = merged(outcome.get(name), value)
    return outcome
