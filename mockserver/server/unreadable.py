"""Explains why bytes are not an HTTP/1.1 request."""

from __future__ import annotations

_TLS_HELLO = b"\x16\x03"
_HTTP_2 = b"PRI * HTTP/2.0"
_NO_VERSION = "Expected HTTP/"
"""How the parser begins its error where it expects the version after the target."""


def reason(piece: bytes, error: Exception, *, secure: bool) -> str:
    """The sentence for the client. `error` is the parser's."""
    if piece.startswith(_TLS_HELLO) and not secure:
        return "The client speaks TLS. Call this server by http://, not https://."
    if piece.startswith(_HTTP_2):
        return "The request is in HTTP/2. This server speaks HTTP/1.1 and 1.0."
    if str(error).startswith(_NO_VERSION):
        return "The request line has a space in its target, which must be sent as %20, or lacks the version HTTP/1.1."
    return f"The request cannot be read: {error}."
