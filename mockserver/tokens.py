"""Access tokens: their form in a header, and those issued as by IMS, with their expiry."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict

from mockserver.runtime import Runtime
from mockserver.secrecy.placeholders import is_placeholder

_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]+=*|\{\w+\})")
_SCHEME = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr](?![A-Za-z0-9])")
_FAULTS = (
    (re.compile(r"(?i)\s*bearer\b"), "the word Bearer twice"),
    (re.compile(r"\s*:"), "a colon after Bearer"),
    (re.compile(r"\s*(?:\{\s*[\"']|\[)"), "a JSON document instead of a token"),
    (re.compile(r"\s*[\"'`]|.*[\"'`]$"), "quotes around the token"),
    (re.compile(r".*,"), "several values joined by a comma"),
    (re.compile(r" *+\S*+\s"), "a tab, or white space inside the token"),
    (re.compile(r" "), "a character that no token contains"),
    (re.compile(r"."), "no space after Bearer"),
)
"""Pattern of what follows the scheme -> the mistake. The first pattern that matches counts."""

MAX_TOKENS = 10_000
"""Maximum issued tokens, and revoked tokens, that are kept. The client with the most tokens loses its oldest first."""

MAX_CLIENTS = 64
"""Maximum clients counted separately; later ones are counted together."""


def bearer(authorization: str) -> str | None:
    """The token of an Authorization header, or a placeholder of Adobe's documents; None if the header is malformed."""
    found = _BEARER.fullmatch(authorization.strip())
    return found[1] if found and (found[1][0] != "{" or is_placeholder(found[1])) else None


def malformed(authorization: str) -> str:
    """Describe what is wrong with an Authorization header that has no `bearer` token. Quotes nothing of it."""
    scheme = _SCHEME.match(authorization.strip())
    if scheme is None:
        return "another scheme than Bearer, or none"
    rest = authorization.strip()[scheme.end() :]
    return next((fault for pattern, fault in _FAULTS if pattern.match(rest)), "no token after Bearer")


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
            known = client if client in self._of_client or len(self._of_client) < MAX_CLIENTS else ""
            self._of_client.setdefault(known[:256], OrderedDict())[token] = None
            self._expiry_ms[token] = self._runtime.clock.now_ms() + self._seconds * 1000
            while len(self._expiry_ms) > MAX_TOKENS:
                oldest, _ = max(self._of_client.values(), key=len).popitem(last=False)
                del self._expiry_ms[oldest]
        return token, self._seconds

    def revoke(self, token: str, org: str) -> None:
        """Treat the token as expired for this organisation from now on, whoever issued it."""
        with self._lock:
            self._revoked[_digest(token, org)] = None
            while len(self._revoked) > MAX_TOKENS:
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
