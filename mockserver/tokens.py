"""Access tokens as IMS issues them: kept with their expiry, so that strict mode can tell a live one."""

from __future__ import annotations

import threading
from collections import OrderedDict

from mockserver.runtime import Runtime

_MAX_TOKENS = 10_000
"""Issued tokens remembered; the oldest go first."""


class Tokens:
    """Tokens issued by this server."""

    def __init__(self, runtime: Runtime, seconds: int) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._lock = threading.Lock()
        self._expiry_ms: OrderedDict[str, int] = OrderedDict()
        self._no_longer: OrderedDict[str, None] = OrderedDict()

    def issue(self) -> tuple[str, int]:
        """A new token and its life in seconds."""
        token = self._runtime.token()
        with self._lock:
            self._expiry_ms[token] = self._runtime.clock.now_ms() + self._seconds * 1000
            while len(self._expiry_ms) > _MAX_TOKENS:
                self._expiry_ms.popitem(last=False)
        return token, self._seconds

    def revoke(self, token: str) -> None:
        """From now on the token has expired, whoever issued it."""
        with self._lock:
            self._no_longer[token] = None
            while len(self._no_longer) > _MAX_TOKENS:
                self._no_longer.popitem(last=False)

    def live(self, token: str) -> bool:
        """Whether the token was issued here and has not expired."""
        with self._lock:
            expiry = self._expiry_ms.get(token) if token not in self._no_longer else None
        return expiry is not None and self._runtime.clock.now_ms() < expiry

    def expired(self, token: str) -> bool:
        """Whether the token was revoked, or issued here and its time is over."""
        with self._lock:
            if token in self._no_longer:
                return True
            expiry = self._expiry_ms.get(token)
        return expiry is not None and self._runtime.clock.now_ms() >= expiry

    def clear(self) -> None:
        """Forget every token: all issued ones stop being valid under `--strict`, revoked ones are like new."""
        with self._lock:
            self._expiry_ms.clear()
            self._no_longer.clear()
