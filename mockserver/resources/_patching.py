"""JSON Patch as Flow Service takes it: `add`, `replace` and `remove` in any case, all or nothing.

The members a client may change are given by the resource; everything else belongs to the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver import json_input
from mockserver.contract.schema import kind_of
from mockserver.errors import ApiError
from mockserver.json_input import Json

_OPERATIONS = ("add", "replace", "remove")
MOST_INSTRUCTIONS = 1000
MOST_BYTES = 1_048_576
"""Of the outcome. What no body may be, no series of patches may build either: it could not be read any more."""


def apply(doc: Mapping[str, Any], body: Json, changeable: frozenset[str]) -> dict[str, Any]:
    """The document after all instructions; the one given is left as it was.

    Raises ApiError: `body_missing`, `patch_operation`, `connection_spec_fixed`, `patch_failed`.
    """
    instructions = body if isinstance(body, list) else [body]
    if not instructions:
        raise ApiError("body_missing")
    if len(instructions) > MOST_INSTRUCTIONS:
        raise _failed(f"more than {MOST_INSTRUCTIONS} instructions", "")
    import jsonpatch  # here: the two take a hundredth of a start
    import jsonpointer

    checked = [_checked(item, f"/{index}", changeable) for index, item in enumerate(instructions)]
    changed: Any = _copy(dict(doc))
    for index, instruction in enumerate(checked):
        try:
            changed = jsonpatch.JsonPatch([instruction]).apply(changed, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
            what = "is missing from the entity or cannot take the value"
            raise _failed(f"{instruction['path'][:200]} {what}", f"/{index}/path") from None
    if json_input.too_deep(changed):
        raise _failed(f"more than {json_input.MAX_DEPTH} levels of nesting would be the outcome", "")
    if len(json_input.dumps(changed)) > MOST_BYTES:
        raise _failed(f"more than {MOST_BYTES} bytes would be the outcome", "")
    return dict(changed)


def _copy(value: Any) -> Any:
    """A JSON value copied: as `copy.deepcopy` does, in a fifth of its time."""
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _checked(item: Any, at: str, changeable: frozenset[str]) -> dict[str, Any]:
    """One instruction, normalised. A value sent with `remove` is ignored, as samples do (facts §7)."""
    if not isinstance(item, dict):
        raise _failed("an instruction is an object with op, path and value", at)
    operation = item.get("op")
    if not isinstance(operation, str) or operation.lower() not in _OPERATIONS:
        shown = operation[:40] if isinstance(operation, str) else kind_of(operation)
        raise ApiError("patch_operation", operation=shown, pointer=f"{at}/op", expected="add, replace or remove")
    path = item.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise _failed("path must be a JSON Pointer such as /name", f"{at}/path")
    member = path[1:].partition("/")[0]  # as written: no changeable member has a ~ or a / in its name
    if member == "connectionSpec":
        raise ApiError("connection_spec_fixed", pointer=f"{at}/path")
    if member not in changeable:
        raise _failed(
            f"{path[:200]} cannot be changed by a client", f"{at}/path", "one of " + ", ".join(sorted(changeable))
        )
    if operation.lower() == "remove":
        return {"op": "remove", "path": path}
    if "value" not in item:
        raise _failed("value is missing", f"{at}/value")
    # a copy, because a later instruction may change what an earlier one put in
    return {"op": operation.lower(), "path": path, "value": _copy(item["value"])}


def _failed(message: str, pointer: str, expected: str | None = None) -> ApiError:
    return ApiError("patch_failed", message=message, pointer=pointer, expected=expected)
