"""Flow specs: the allowed sources and targets of flows, their schedule and transformations.

`catalogue/flow_specs/` has one file per flow spec. Parts shared by several specs are named and defined once
in `shared.yaml`. Files are read on first use.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockserver.contract import documents
from mockserver.contract.schema import SchemaCheck
from mockserver.contract.written import WrittenCheck

FOLDER = Path(__file__).parent.parent / "catalogue" / "flow_specs"

_SHARED = "shared.yaml"
_TRANSFORMATIONS = ("transformationSpecs", "transformationSpec")
"""Both spellings in Adobe's samples. The newest samples use the first, and so does the emulator."""

_ORDER = (
    *("id", "name", "providerId", "version", "sourceConnectionSpecIds", "targetConnectionSpecIds", "optionSpec"),
    *("transformationSpecs", "scheduleSpec", "runSpec", "attributes", "permissionsInfo"),
)
"""Member order of the newest samples."""


@dataclass(frozen=True, eq=False)
class FlowSpec:
    """A flow spec, of the catalogue or created by a client."""

    described: Mapping[str, Any]
    """The spec as shown by `GET /flowSpecs/{id}`. Do not modify it."""
    created_ms: int | None = None
    """When it was made, if samples show that of a spec of the catalogue."""
    inlet: bool = False
    """Whether each of its flows has an inlet of its own, for events that the source sends by webhook."""

    @property
    def id(self) -> str:
        """Its UUID."""
        return str(self.described["id"])

    @property
    def name(self) -> str:
        """Its name, such as `CRMToAEP`."""
        return str(self.described["name"])

    @property
    def version(self) -> str:
        """Its version, such as `1.0`."""
        return str(self.described.get("version", "1.0"))

    @property
    def source_connection_spec_ids(self) -> tuple[str, ...]:
        """Connection spec ids of the allowed source connections."""
        return tuple(self.described.get("sourceConnectionSpecIds") or ())

    @property
    def target_connection_spec_ids(self) -> tuple[str, ...]:
        """Connection spec ids of the allowed target connections."""
        return tuple(self.described.get("targetConnectionSpecIds") or ())

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Its attributes: `isSourceFlow`, `frequency` (batch or streaming) and so on."""
        return self.described.get("attributes") or {}

    @property
    def exports(self) -> bool:
        """Whether its flows lead to a destination."""
        return bool(self.attributes.get("isDestinationFlow"))

    @functools.cached_property
    def schedule(self) -> SchemaCheck | None:
        """The schema of `scheduleParams`; None if flows have no schedule. It requires numbers, not text."""
        return _check(self.described.get("scheduleSpec"))

    @functools.cached_property
    def transformations(self) -> Mapping[str, SchemaCheck]:
        """Name of a transformation -> the schema of its `params`."""
        specs = next((self.described[name] for name in _TRANSFORMATIONS if self.described.get(name)), ())
        return {spec["name"]: check for spec in specs if (check := _check(spec))}

    @functools.cached_property
    def run(self) -> SchemaCheck | None:
        """The schema of the `params` of a run on demand; None if undocumented."""
        return _check(self.described.get("runSpec"))


class FlowSpecs:
    """The flow specs of the catalogue, the same for every organisation."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @staticmethod
    @functools.cache
    def load() -> FlowSpecs:
        """The flow specs of the catalogue, read once per process."""
        return FlowSpecs()

    def get(self, spec_id: str) -> FlowSpec | None:
        """The flow spec with this id, or None."""
        return self._specs.get(spec_id)

    def all(self) -> Sequence[FlowSpec]:
        """All flow specs, sorted by file name."""
        return tuple(self._specs.values())

    @functools.cached_property
    def _specs(self) -> Mapping[str, FlowSpec]:
        shared = _read(self._folder / _SHARED)
        files = (path for path in sorted(self._folder.glob("*.yaml")) if path.name != _SHARED)
        read = (_read(path) for path in files)
        specs = (FlowSpec(_filled(raw, shared), raw.get("createdAt"), raw.get("inlet", False)) for raw in read)
        return {spec.id: spec for spec in specs}


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = documents.read(path)
    return content


def _filled(raw: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a file, with references to shared parts replaced by these parts."""
    spec = {name: raw[name] for name in _ORDER if name in raw}
    for name in ("permissionsInfo", "optionSpec", "scheduleSpec", "runSpec"):
        if name in spec:
            spec[name] = shared[spec[name]]
    spec["transformationSpecs"] = [shared[part] for part in raw["transformationSpecs"]]
    # shared parts are objects referenced by several specs: a round trip gives each spec a copy
    filled: dict[str, Any] = json.loads(json.dumps(spec))
    return filled


def _check(holder: Any) -> SchemaCheck | None:
    schema = holder.get("spec") if isinstance(holder, Mapping) else None
    return WrittenCheck(schema) if isinstance(schema, Mapping) else None
