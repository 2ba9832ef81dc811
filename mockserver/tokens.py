"""Access tokens as IMS issues them: kept with their expiry, so that strict mode can tell a live one."""

from __future__ import annotations

import threading
from collections import OrderedDict

from mockserver.runtime import Runtime

_MOST = 10_000
"""Issued tokens remembered; the oldest go first."""


class Tokens:
    """Tokens issued by this server."""

    def __init__(self, runtime: Runtime, seconds: int) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._lock = threading.Lock()
        self._expiry_ms: OrderedDict[str, int] = OrderedDict()

    def issue(self) -> tuple[str, int]:
        """A new token and its life in seconds."""
        token = self._runtime.token()
        with self._lock:
            self._expiry_ms[token] = self._runtime.clock.now_ms() + self._seconds * 1000
            while len(self._expiry_ms) > _MOST:
                self._expiry_ms.popitem(last=False)
        return token, self._seconds

    def live(self, token: str) -> bool:
        """Whether the token was issued here and has not expired."""
        with self._lock:
            expiry = self._expiry_ms.get(token)
        return expiry is not None and self._runtime.clock.now_ms() < expiry

    def expired(self, token: str) -> bool:
        """Whether the token was issued here and its time is over."""
        with self._lock:
            expiry = self._expiry_ms.get(token)
        return expiry is not None and self._runtime.clock.now_ms() >= expiry

    def clear(self) -> None:
        """Forget every token: all of them stop being valid under `--strict`."""
        with self._lock:
            self._expiry_ms.clear()
