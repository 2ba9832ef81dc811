"""The systems behind connections, synthetic or live: they answer test, explore, configs and flow runs.

A built-in shop database answers for every connection; `--sources FILE` declares others (vocabulary:
`examples/sources.yaml`). Only the PostgreSQL databases listed by `--live HOST:PORT` are connected to.

For flow runs:

- `Sources.objects(access, name)` gives the tables or files behind a source connection's `tableName` or
  `path`. Each has `row_count`, `byte_count`, `columns` (`name`, and `describe()` as explore shows it) and
  `window(delta_column, start_ms, end_ms)`: rows and bytes of a half-open stretch of time, so that
  neighbouring windows add up; `foresee` announces many of them.
- `Sources.outcome(access, name, number)` says how run `number` is declared to end, if not well.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from mockserver.config import how_to_get
from mockserver.json_input import Json
from mockserver.secrecy.placeholders import is_placeholder
from mockserver.sources.asked import ExploreRequest
from mockserver.sources.refusals import SourceBusy, SourceError, refusal

if TYPE_CHECKING:
    from mockserver.sources.declared import Declared
    from mockserver.sources.files import File
    from mockserver.sources.listed import LiveAddress
    from mockserver.sources.live import Live, LiveSource
    from mockserver.sources.source import Opened, RunRule, Source
    from mockserver.sources.tables import Tabular
    from mockserver.specs.connectors import Access

log = logging.getLogger("mockserver")

__all__ = ["ExploreRequest", "SourceBusy", "SourceError", "Sources"]


class Sources:
    """All sources: the declared ones, in the order of the file, and the built-in shop."""

    def __init__(self, declared: Declared | None = None, live: Live | None = None) -> None:
        self._declared = declared
        self._live = live

    @classmethod
    def load(
        cls,
        file: str | None = None,
        live: Sequence[str] = (),
        authorities: str | None = None,
        *,
        md5: bool = False,
    ) -> Sources:
        """Load the built-in shop, the sources of a YAML file, and live databases given as `HOST:PORT`.

        Raises ValueError that names the file and place, or the host.
        """
        declared_sources = live_sources = None
        if file is not None:
            from mockserver.sources import declared

            declared_sources = declared.read(file)
        if live:
            try:
                from mockserver.sources.live import Live
            except ImportError as missing:
                hint = f"Install it with: {how_to_get('postgres')}"
                raise ValueError(f"--live needs another package. {hint}") from missing
            live_sources = Live.load(live, authorities, md5=md5)
        return cls(declared_sources, live_sources)

    @property
    def declared(self) -> Sequence[Source]:
        """The declared sources."""
        return self._declared.sources if self._declared else ()

    def answering(self, access: Access) -> str:
        """The source of a connection, and whether it misses a live one only by the spelling of its host or its port."""
        live = self._live_for(access)
        if live is not None:
            return f"live {live.listed}"
        source = self._declared_for(access)
        name = f"declared {source}" if source is not None else "built-in shop"
        missed = self._live.missed(access) if self._live else None
        if missed is None or (source is not None and missed[1] == "its port"):  # a source declared beside the live one
            return name
        listed, part = missed
        log.warning(
            "a connection misses the live source %s only by %s, and is not dialled: "
            "write host and port in the connection and in --live alike",
            *(listed, part),
        )
        return f"{name} (not live {listed}: {part} differs)"

    @property
    def listed(self) -> Sequence[LiveAddress]:
        """The live databases that may be contacted."""
        return self._live.listed if self._live else ()

    def check(self, access: Access) -> None:
        """Try the credentials. Raises SourceError (unreachable or refused) or SourceBusy."""
        _demand_credentials(access)
        source = self._live_for(access) or self._declared_for(access)
        if source is not None:
            source.admit(access)

    def explore(self, access: Access, asked: ExploreRequest) -> Json:
        """Answer explore. Raises SourceError."""
        from mockserver.sources import exploring

        with self._opened(access) as source:
            return exploring.explore(source, access, asked)

    def configs(self, access: Access) -> Json:
        """Answer configs: the configurable columns. Raises SourceError."""
        from mockserver.sources import exploring

        with self._opened(access) as source:
            return exploring.configs(source, access)

    def objects(self, access: Access, name: str | None) -> tuple[Tabular | File, ...]:
        """The table, the file, or all files below the folder with this name. Raises SourceError.

        A stream has none. A REST source has its first table, whatever the name.
        """
        from mockserver.sources import exploring

        with self._opened(access) as source:
            return exploring.objects(source, access, name)

    def outcome(self, access: Access, name: str, number: int) -> RunRule | None:
        """The declared failure of run `number` (from 1) over a table or path; None if it succeeds."""
        source = self._declared_for(access)
        return source.outcome(name, number) if source is not None else None

    def _declared_for(self, access: Access) -> Source | None:
        """The declared source of a connection; None for the shop."""
        if self._declared is None or is_placeholder(access.server) or is_placeholder(access.database):
            return None
        fitting = (source for source in self._declared.sources if source.fits(access))
        return next(fitting, self._declared.fallback)

    def _live_for(self, access: Access) -> LiveSource | None:
        return self._live.source(access) if self._live else None

    @contextmanager
    def _opened(self, access: Access) -> Iterator[Opened]:
        """Log in to the source. A live session ends with the block."""
        _demand_credentials(access)
        live = self._live_for(access)
        if live is None:
            yield self._synthetic(access)
            return
        with live.connected():
            yield live

    def _synthetic(self, access: Access) -> Source:
        """Log in to a synthetic source. If it declares no data of the family's kind, the shop's data answer."""
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


def _demand_credentials(access: Access) -> None:
    """Refuse masked credentials: no source accepts them, neither a live nor a synthetic one."""
    if access.masked:
        raise refusal("masked")
