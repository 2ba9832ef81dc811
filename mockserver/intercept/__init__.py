"""Stands in for Adobe's hosts by name: an authority of this installation, TLS, and a proxy that dials nothing else.

`lead` in `interception.py` is the way in; here is only what can be known without `cryptography`.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from mockserver.config import how_to_get

PUBLIC_FILE = "ca.pem"
"""The authority's certificate in its folder."""


def available() -> bool:
    """Whether certificates can be made: they need the extra `intercept`."""
    return find_spec("cryptography") is not None and find_spec("httpx") is not None


def missing() -> str:
    """What to say where they are not."""
    return f"this needs the packages cryptography and httpx. Install them with: {how_to_get('intercept')}"


def ca_folder(chosen: str | None = None) -> Path:
    """Where the authority lives: the folder of the settings, or this user's state folder."""
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        state = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    else:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "mock-flow-service" / "ca"
