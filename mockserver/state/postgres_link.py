"""A connection to PostgreSQL on which nothing waits for ever."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors

from mockserver.runtime import stop_watch_ms


class Connection(psycopg.Connection[Any]):
    """A connection whose waiting has a deadline, whatever the network does."""

    _deadline_ms = 0

    def patient_until(self, deadline_ms: int) -> None:
        """Fail what is not answered by then, by the runtime's stop watch."""
        self._deadline_ms = deadline_ms

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See psycopg."""
        left = max(0, self._deadline_ms - stop_watch_ms()) / 1000
        try:
            return super().wait(gen, interval, left)
        except errors._WaitTimeout:
            self.close()  # what comes later belongs to nobody
            raise errors.ConnectionTimeout("no answer in time") from None
