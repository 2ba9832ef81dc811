"""Schemas without references: following one costs a validator more than what it refers to."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any


class Inlining:
    """Puts the schemas of a document in place of the references to them."""

    def __init__(self, document: Mapping[str, Any], uri: str) -> None:
        """`uri` is the document's name, for references that remain."""
        self._document, self._uri = document, uri
        self._done: dict[str, Any] = {}
        self._open: set[str] = set()

    def __call__(self, node: Any) -> Any:
        """The schema with what its references name; a reference to a schema around it remains, as an absolute one."""
        if isinstance(node, list):
            return [self(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        plain = {name: self(value) for name, value in node.items() if name != "$ref"}
        if not isinstance(node.get("$ref"), str):
            return plain if "$ref" not in node else {**plain, "$ref": self(node["$ref"])}
        target = self._target(node["$ref"])
        return {"allOf": [target, *plain.pop("allOf", ())], **plain} if plain else target

    def _target(self, reference: str) -> Any:
        if reference in self._open:
            return {"$ref": self._uri + reference}
        if reference not in self._done:
            self._open.add(reference)
            steps = (step.replace("~1", "/").replace("~0", "~") for step in reference[2:].split("/"))
            self._done[reference] = self(functools.reduce(lambda inside, step: inside[step], steps, self._document))
            self._open.discard(reference)
        return self._done[reference]
