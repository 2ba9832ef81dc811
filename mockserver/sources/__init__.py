"""What stands behind connections: synthetic sources for test, explore, configs and flow runs.

A built-in shop answers for every connection; `--sources FILE` declares others (vocabulary:
`examples/sources.yaml`). Nothing is dialled.

For flow runs:

- `Sources.objects(access, name)` gives the tables or files behind a source connection's `tableName` or
  `path`. Each has `row_count`, `byte_count`, `columns` (`name`, and `describe()` as explore shows it) and
  `window(delta_column, start_ms, end_ms)`: rows and bytes of a half-open stretch of time, so that
  neighbouring windows add up.
- `Sources.outcome(access, name, number)` says how run `number` is declared to end, if not well.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from mockserver.connection_string import is_placeholder
from mockserver.exchange import Json
from mockserver.sources.exploring import ExploreRequest, explore
from mockserver.sources.files import File, normal
from mockserver.sources.refusals import SourceError, absent, refusal
from mockserver.sources.source import RunRule, Source
from mockserver.sources.tables import Table, Window

if TYPE_CHECKING:
    from mockserver.connectors import Access
    from mockserver.sources.declared import Declared

__all__ = ["DataObject", "ExploreRequest", "File", "RunRule", "SourceError", "Sources", "Table", "Window"]

DataObject: TypeAlias = Table | File
"""What a run reads."""


class Sources:
    """The sources there are: those declared, in the file's order, and the built-in shop."""

    def __init__(self, declared: Declared | None = None) -> None:
        self._declared = declared

    @classmethod
    def load(cls, file: str | None = None) -> Sources:
        """The built-in shop, or also what a YAML file declares. Raises ValueError naming file and place."""
        if file is None:
            return cls()
        from mockserver.sources import declared

        return cls(declared.read(file))

    def check(self, access: Access) -> None:
        """Try the credentials. Raises SourceError: out of reach, or refused."""
        self._find(access).admit(access)

    def explore(self, access: Access, asked: ExploreRequest) -> Json:
        """Answer explore. Raises SourceError."""
        return explore(self._opened(access), access.family, access.connector, asked)

    def configs(self, access: Access) -> Json:
        """The columns of the source's first table or file, in the form of the document's example.

        Which columns the service lists is told nowhere: assumed.
        """
        source = self._opened(access)
        held: list[DataObject] = [*source.files.values()] if access.family == "storage" else [*source.tables.values()]
        if access.family == "streaming":
            raise refusal("operation", access.connector, "configs")
        columns = held[0].columns if held else ()
        return {"items": [{"columnName": column.name, "columnType": column.config_type} for column in columns]}

    def objects(self, access: Access, name: str) -> tuple[DataObject, ...]:
        """The table, the file, or all files below the folder with this name. Raises SourceError."""
        source = self._opened(access)
        if access.family == "streaming":
            return ()
        if access.family != "storage":
            if name not in source.tables:
                raise refusal("table", name)
            return (source.tables[name],)
        path = normal(name)
        if path in source.files:
            return (source.files[path],)
        inside = path.rstrip("/") + "/"
        found = tuple(file for file in source.files.values() if file.path.startswith(inside))
        if not found:
            raise absent("file or folder", name)
        return found

    def outcome(self, access: Access, name: str, number: int) -> RunRule | None:
        """How run `number` of a flow (from 1) over a table or path is declared to end; None: well."""
        return self._find(access).outcome(normal(name) if access.family == "storage" else name, number)

    def _opened(self, access: Access) -> Source:
        """The source, let in; where it declares no data of the family's kind, with the shop's."""
        source = self._find(access)
        source.admit(access)
        held = source.files if access.family == "storage" else source.tables
        return source if held else self._shop_for(access)

    def _find(self, access: Access) -> Source:
        if self._declared is None or is_placeholder(access.server) or is_placeholder(access.database):
            return self._shop_for(access)
        for source in self._declared.sources:
            if source.fits(access):
                return source
        return self._shop_for(access) if self._declared.shop else Source({}, reachable=False)

    def _shop_for(self, access: Access) -> Source:
        return next((source for source in self._shop.sources if source.fits(access)), Source({}))

    @cached_property
    def _shop(self) -> Declared:
        from mockserver.sources import declared

        return declared.shop()
