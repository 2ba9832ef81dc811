"""A PostgreSQL connection with a deadline, whose large texts are bytes of UTF-8."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors
from psycopg.adapt import Buffer, Dumper, Loader

from mockserver.runtime import stop_watch_ms


class Connection(psycopg.Connection[Any]):
    """A psycopg connection that stops waiting at a deadline, whatever the network does."""

    deadline_ms = 0
    """In milliseconds of the runtime's monotonic clock."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        left = max(0, self.deadline_ms - stop_watch_ms()) / 1000
        try:
            return super().wait(gen, interval, left)
        except errors._WaitTimeout:
            self.close()  # a late response must not be taken for that of the next query
            raise errors.ConnectionTimeout("no answer in time") from None

    def leave_large_texts_encoded(self) -> None:
        """Return each VARCHAR as bytes, and send bytes as a text; `psycopg.Binary` is still sent as BYTEA."""
        self.adapters.register_loader("varchar", _EncodedLoader)
        self.adapters.register_dumper(bytes, _EncodedDumper)


class _EncodedLoader(Loader):
    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _EncodedDumper(Dumper):
    oid = psycopg.postgres.types["text"].oid

    def dump(self, obj: bytes) -> bytes:
        return obj
