"""Several servers, one truth: every server keeps all records in memory and follows a log that all of them write to.

Nobody decides a write by memory that may be old: the turn to write is the log's, one server has it at a
time, and it begins with what the others wrote. Reads are as fresh as the last `refresh`, which is one
short question to the log. So revisions are in the order of commits, and every server applies the same
changes in the same order: a listing may be continued on another server than the one that began it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple, Protocol

from mockserver.runtime import Runtime
from mockserver.state.records import Change, View
from mockserver.state.store import Log, PendingWrite, StorageUnavailable, Store


class Reached(NamedTuple):
    """How far a server has followed: `epoch` counts how often everything was exchanged for something else."""

    epoch: int
    revision: int


NOWHERE = Reached(-1, -1)
"""Nothing was followed yet: what there is comes as news."""


class News(NamedTuple):
    """What a log holds beyond what a server had reached."""

    reached: Reached
    changes: list[Change]
    whole: bool
    """The changes are all records there are, not what came to those known."""


class SharedLog(Log, Protocol):
    """A log that other servers write to as well. `append` and `rewrite` are called within a turn, once."""

    def turn(self, reached: Reached) -> AbstractContextManager[News]:
        """Let no other server write until the block ends. Raises StorageUnavailable."""

    def news(self, reached: Reached) -> News:
        """What was committed since. Called by one thread at a time, beside turns. Raises StorageUnavailable."""


class SharedStore(Store):
    """A store whose log others write to as well. `refresh` and every write bring memory up to date."""

    _log: SharedLog

    def __init__(self, runtime: Runtime, log: SharedLog, place: str) -> None:
        """Read what there is. Raises StorageUnavailable."""
        super().__init__(runtime, log, place)
        self._reached = NOWHERE
        self._turn_epoch = 0
        self._asking = threading.Lock()
        self._asked = self._answered = 0
        self._trouble = False
        self._failures = 0
        """How many writes the log could not serve."""
        self.refresh()

    def refresh(self) -> None:
        """See `Store`. Of those who come at the same time one asks for all."""
        asked, answered = self._asked, self._answered
        with self._asking:
            # a question that began after we came answers us; so does one that failed since
            if self._asked == asked and not (self._trouble and self._answered > answered):
                self._ask()
            elif self._trouble:
                raise StorageUnavailable

    def _ask(self) -> None:
        self._asked += 1
        self._trouble = True
        try:
            self._learn(self._log.news(self._reached))
            self._trouble = False
        finally:
            self._answered += 1

    def close(self) -> None:
        """See `Store`."""
        with super()._sole():
            self._log.close()

    @contextmanager
    def _sole(self) -> Iterator[None]:
        """See `Store`. What failed since one came answers one: in turns, many would wait for long."""
        failures = self._failures
        with super()._sole():
            if self._failures != failures:
                raise StorageUnavailable
            yield

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                news = stack.enter_context(self._log.turn(self._reached))
            except StorageUnavailable as trouble:
                self._tell_waiting(trouble)
                raise
            self._learn(news)
            self._turn_epoch, self._revision = news.reached
            yield

    def _settle(self, writes: Sequence[PendingWrite]) -> None:
        super()._settle(writes)
        if writes and isinstance(trouble := writes[0].error, StorageUnavailable) and not trouble.full:
            self._tell_waiting(trouble)

    def _tell_waiting(self, trouble: StorageUnavailable) -> None:
        """Nothing is changed for those who waited for this; who comes later tries anew."""
        self._failures += 1
        told = StorageUnavailable() if trouble.unknown else trouble
        while self._waiting:
            self._waiting.popleft().settle(told)

    def _swap(self, records: list[Change], revision: int) -> None:
        self._log.rewrite(records, revision)
        self._learn(News(Reached(self._turn_epoch + 1, revision), records, whole=True))

    def _show(self, changes: Iterable[Change]) -> None:
        if self._turn_epoch == self._reached.epoch:  # else all of it has been exchanged already, by another server
            super()._show(changes)
            self._reached = Reached(self._turn_epoch, self._view.revision)

    def _learn(self, news: News) -> None:
        """Take in news, unless they have been overtaken."""
        with self._showing:
            if news.reached <= self._reached:
                return
            if news.whole:
                self._view = View(news.changes, news.reached.revision)
            else:
                super()._show(news.changes)
            self._reached = news.reached
