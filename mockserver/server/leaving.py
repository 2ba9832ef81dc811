"""Detects that a client has disconnected before its whole body is read."""

from __future__ import annotations

import asyncio
import socket
import struct

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None  # type: ignore[assignment]

_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
"""None if the system does not report it: there such a body is read to its end."""

_CLOSE_WAIT = 8
"""State of TCP: the client sends no more."""


def has_left(transport: asyncio.Transport, missing: int) -> bool:
    """Whether a client has ended its side, and fewer bytes are unread than its body lacks.

    Always false for TLS, where bytes may be read but not decrypted yet.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or _TCP_INFO is None or transport.get_extra_info("sslcontext"):
        return False
    try:
        if sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] != _CLOSE_WAIT:
            return False
        return int(struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, b"\0" * 4))[0]) < missing
    except OSError:
        return False
