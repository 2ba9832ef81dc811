"""Access tokens as issued by IMS, with their expiry, for strict mode."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from mockserver.runtime import Runtime

_MAX_TOKENS = 10_000
"""Maximum issued tokens, and revoked tokens, that are kept. The client with the most tokens loses its oldest first."""

_MAX_CLIENTS = 64
"""Maximum clients counted separately; later ones are counted together."""


class Tokens:
    """The tokens issued or revoked by this server."""

    def __init__(self, runtime: Runtime, seconds: int) -> None:
        self._runtime = runtime
        self._seconds = seconds
        self._lock = threading.Lock()
        self._expiry_ms: dict[str, int] = {}
        self._of_client: dict[str, OrderedDict[str, None]] = {}
        self._revoked: OrderedDict[bytes, None] = OrderedDict()

    def issue(self, client: str = "") -> tuple[str, int]:
        """Issue a token to a client id; returns the token and its lifetime in seconds."""
        token = self._runtime.token()
        with self._lock:
            known = client if client in self._of_client or len(self._of_client) < _MAX_CLIENTS else ""
            self._of_client.setdefault(known[:256], OrderedDict())[token] = None
            self._expiry_ms[token] = self._runtime.clock.now_ms() + self._seconds * 1000
            while len(self._expiry_ms) > _MAX_TOKENS:
                oldest, _ = max(self._of_client.values(), key=len).popitem(last=False)
                del self._expiry_ms[oldest]
        return token, self._seconds

    def revoke(self, token: str, org: str) -> None:
        """Treat the token as expired for this organisation from now on, whoever issued it."""
        with self._lock:
            self._revoked[_digest(token, org)] = None
            while len(self._revoked) > _MAX_TOKENS:
                self._revoked.popitem(last=False)

    def live(self, token: str, org: str) -> bool:
        """Whether the token was issued here and has neither expired nor been revoked for this organisation."""
        with self._lock:
            expiry = None if self._is_revoked(token, org) else self._expiry_ms.get(token)
        return expiry is not None and self._runtime.clock.now_ms() < expiry

    def expired(self, token: str, org: str) -> bool:
        """Whether the token was revoked for this organisation, or was issued here and has expired."""
        with self._lock:
            if self._is_revoked(token, org):
                return True
            expiry = self._expiry_ms.get(token)
        return expiry is not None and self._runtime.clock.now_ms() >= expiry

    def clear(self) -> None:
        """Forget all tokens: under `--strict` issued ones become invalid; revoked ones are no longer revoked."""
        with self._lock:
            self._expiry_ms.clear()
            self._of_client.clear()
            self._revoked.clear()

    def _is_revoked(self, token: str, org: str) -> bool:
        return bool(self._revoked) and _digest(token, org) in self._revoked


def _digest(token: str, org: str) -> bytes:
    """The stored form of a revoked token, which itself may be as long as a header."""
    return hashlib.blake2b(f"{org}\n{token}".encode(errors="surrogatepass"), digest_size=16).digest()
