"""Intercepts calls to Adobe's hosts: a local CA, TLS, and a proxy that connects to the emulator only.

Start at `lead` in `interception.py`. This module does not need `cryptography`.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from mockserver.config import how_to_get

PUBLIC_FILE = "ca.pem"
"""File name of the CA's certificate."""


def available() -> bool:
    """Whether the extra `intercept` is installed."""
    return find_spec("cryptography") is not None and find_spec("h11") is not None


def missing() -> str:
    """The message if it is not installed."""
    return f"this needs the packages cryptography and h11. Install them with: {how_to_get('intercept')}"


def ca_folder(chosen: str | None = None) -> Path:
    """The folder of the CA: from the settings, or this user's state folder."""
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        state = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "mock-flow-service" / "ca"
