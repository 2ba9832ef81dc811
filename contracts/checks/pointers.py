"""Checks of patches inside free content: JSON Pointers, null as a value, replaced objects."""

from __future__ import annotations

from typing import Any

from contracts.checks.exactness import free_content
from contracts.findings.verdicts import same
from contracts.registry import check
from contracts.stage import Stage
from contracts.stage.expectations import receipt
from contracts.stage.kinds import Kind

OWN: dict[str, Any] = {"a/b": 1, "c~d": [1, 2, 3], "keep": {"x": 1, "y": None}, "E": "e"}
STEPS: tuple[tuple[str, str, Any, dict[str, Any]], ...] = (
    ("replace", "/a~1b", 2, {"a/b": 2}),
    ("add", "/c~0d/1", 9, {"c~d": [1, 9, 2, 3]}),
    ("remove", "/c~0d/2", None, {"c~d": [1, 9, 3]}),
    ("add", "/c~0d/-", 4, {"c~d": [1, 9, 3, 4]}),
    ("replace", "/c~0d/1", [], {"c~d": [1, [], 3, 4]}),
    ("replace", "/keep/x", None, {"keep": {"x": None, "y": None}}),
    ("replace", "/keep", {"z": 0}, {"keep": {"z": 0}}),
    ("add", "/new", None, {"new": None}),
    ("add", "/e", "f", {"e": "f"}),
    ("add", "/E", {"e": {}}, {"E": {"e": {}}}),
)
"""Operation, pointer below the content, value, and the expected change."""


@check("patch.inside-content", each=lambda kind: kind.patched and kind.name != "connections")
def a_patch_reaches_into_content(stage: Stage, kind: Kind) -> None:
    """Escapes and list positions apply, null is a value, an object replaces the former one."""
    member, value = free_content(stage, kind, OWN)
    made = stage.make(kind, **{member: value})
    below = "/transformations/0/params/own" if member == "transformations" else "/params/own"
    expected, etag = dict(OWN), made.etag
    for word, path, content, change in STEPS:
        instruction = {"op": word, "path": below + path} | ({} if word == "remove" else {"value": content})
        etag = receipt(stage.patch(made, instruction, etag=etag))["etag"]
        expected |= change
        shown = stage.read(made)[member]
        own = (shown[0]["params"] if member == "transformations" else shown).get("own")
        same(own, expected, f"content of {member} after {word} of {path}")
