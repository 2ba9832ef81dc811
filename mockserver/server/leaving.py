"""Detects that a client has disconnected before all it sent is read."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Any

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None  # type: ignore[assignment]

_GONE, _ENDED = 7, 8
"""States of TCP on Linux: the connection was reset; the client sends no more (CLOSE, CLOSE_WAIT)."""


def _state(transport: asyncio.Transport) -> int:
    """The state of a client's TCP connection; 0 where the system does not tell."""
    with suppress(AttributeError, OSError):  # not Linux; TLS has no socket once its connection is lost
        return int(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
    return 0


def has_left(transport: asyncio.Transport, missing: int) -> bool:
    """Whether a client has ended its side, and fewer bytes are unread than its body lacks.

    Always false for TLS, where bytes may be read but not decrypted yet.
    """
    if _state(transport) != _ENDED or transport.get_extra_info("sslcontext"):
        return False
    with suppress(OSError):
        unread = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("i", unread)[0]) < missing
    return False


def check_paused(connection: Any) -> None:
    """Notice if a client has left while nothing is read from its connection."""
    seen = _state(connection.raw) if connection.flow.read_paused else 0
    if seen == _GONE:
        connection.raw.abort()
    elif seen == _ENDED:
        connection.report_hang_up()
