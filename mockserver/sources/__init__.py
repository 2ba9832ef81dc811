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
from typing import TYPE_CHECKING

from mockserver.connection_string import is_placeholder
from mockserver.exchange import Json
from mockserver.sources.asked import ExploreRequest
from mockserver.sources.refusals import SourceError

if TYPE_CHECKING:
    from mockserver.connectors import Access
    from mockserver.sources.declared import Declared
    from mockserver.sources.files import File
    from mockserver.sources.source import RunRule, Source
    from mockserver.sources.tables import Table

__all__ = ["ExploreRequest", "SourceError", "Sources"]


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
        source = self._declared_for(access)
        if source is not None:
            source.admit(access)

    def explore(self, access: Access, asked: ExploreRequest) -> Json:
        """Answer explore. Raises SourceError."""
        from mockserver.sources import exploring

        return exploring.explore(self._opened(access), access, asked)

    def configs(self, access: Access) -> Json:
        """The columns that can be configured. Raises SourceError."""
        from mockserver.sources import exploring

        return exploring.configs(self._opened(access), access)

    def objects(self, access: Access, name: str) -> tuple[Table | File, ...]:
        """The table, the file, or all files below the folder with this name. Raises SourceError.

        A stream has none.
        """
        from mockserver.sources import exploring

        return exploring.objects(self._opened(access), access, name)

    def outcome(self, access: Access, name: str, number: int) -> RunRule | None:
        """How run `number` of a flow (from 1) over a table or path is declared to end; None: well."""
        source = self._declared_for(access)
        return source.outcome(name, number) if source is not None else None

    def _declared_for(self, access: Access) -> Source | None:
        """The declared source a connection leads to; None: the shop."""
        if self._declared is None or is_placeholder(access.server) or is_placeholder(access.database):
            return None
        fitting = (source for source in self._declared.sources if source.fits(access))
        return next(fitting, self._declared.fallback)

    def _opened(self, access: Access) -> Source:
        """The source, let in; where it declares no data of the family's kind, the shop's."""
        source = self._declared_for(access)
        if source is not None:
            source.admit(access)
            if source.files if access.family == "storage" else source.tables:
                return source
        return next(part for part in self._shop if part.fits(access))

    @cached_property
    def _shop(self) -> tuple[Source, ...]:
        from mockserver.sources import declared

        return declared.shop().sources
