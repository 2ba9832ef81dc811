"""The published contract: `openapi.yaml` combined with the connector catalogue.

The catalogue defines the connectors and auth specs. The document that tools read should
contain them, so that generated bodies are plausible.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from mockserver.specs.connectors import Connectors


def composed(document: Mapping[str, Any], connectors: Connectors) -> dict[str, Any]:
    """A copy of the document with one schema per auth spec, selected by the connection spec id."""
    whole = copy.deepcopy(dict(document))
    schemas = whole["components"]["schemas"]
    branches = []
    for connector in connectors.all():
        described = connector.describe()
        if not described["authSpec"]:
            continue
        choices = []
        for auth in described["authSpec"]:
            name = _component(described["name"], auth["name"])
            params = {key: value for key, value in auth["spec"].items() if key != "$schema"}
            schemas[name] = {
                "type": "object",
                "required": ["specName", "params"],
                "properties": {"specName": {"const": auth["name"]}, "params": params},
            }
            choices.append({"$ref": f"#/components/schemas/{name}"})
        condition = {"properties": {"connectionSpec": {"properties": {"id": {"const": connector.id}}}}}
        branches.append({"if": condition, "then": {"properties": {"auth": {"oneOf": choices}}}})
    request = schemas["CreateConnectionRequest"]
    request["allOf"] = [*request.get("allOf", []), *branches]
    spec_ids = [connector.id for connector in connectors.all()]
    request["properties"]["connectionSpec"] = {
        "allOf": [request["properties"]["connectionSpec"], {"properties": {"id": {"enum": spec_ids}}}]
    }
    return whole


def _component(connector: str, auth: str) -> str:
    words = "".join(part for part in f"{connector} {auth}".replace("-", " ").title() if part.isalnum())
    return f"Auth{words}"
